/*
 * alert - mail to the administrator about what he should know: alert { }, and notify of policy rules
 *
 * Alerts are made and sent by a thread of their own. Nobody who has something to tell waits for it: what he says is put into a
 * stream (alert_streams.h), the thread makes mails of streams that are due and keeps them in a queue until a relay has taken them.
 * The queue is bounded, in memory only, and counts what it loses. A relay that does not answer is asked again later and later; the
 * secondary one takes what the primary one does not. A mail that is an alert itself never raises one.
 *
 * Diagnostics: an alert that cannot be sent is logged at level err (kind alert_error) with what both relays said
 * Threads:     any
 * Locks:       alerts_heard() is called with the lock of events held; nothing here raises an event
 */
#ifndef AVM_EFFECT_ALERT_H
#define AVM_EFFECT_ALERT_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/events.h"
#include "conf/conf.h"
#include "effect/alert_note.h"

struct alerts;

/* What is true of the daemon at the moment that an alert is written. */
struct alert_scene {
	char	*definitions;	/* those in use; owned by who asks; NULL = none */
	unsigned waiting;	/* messages that wait for a scanner */
};
typedef void alert_scene_fn(void *arg, struct alert_scene *out);

/* Over the configuration of the start. ask is called by the thread, without a lock. */
struct alerts *alerts_new(const struct conf *conf, const char *host, alert_scene_fn *ask, void *arg);
/* Start the thread, and hear events from now on. As the daemon's user. False and *err. */
bool	 alerts_start(struct alerts *a, GError **err);
/* A new configuration holds from now on, for what waits as well. */
void	 alerts_apply(struct alerts *a, const struct conf *conf);

/* Errors that -n tells: the message file. One line each. */
bool	 alerts_check(const struct conf *conf, GError **err);

/* A mail was answered: tell whom it concerns. Never blocks. Accepts NULL for a. */
void	 alerts_message(struct alerts *a, const struct alert_mail_facts *f);

/*
 * Send an alert to see whether it arrives.
 *
 * Returns: the relay that took it (the caller frees), or NULL and *err with what each relay said
 * Blocks:  until a relay has answered, half a minute each at most; cut as in struct wait
 */
char	*alerts_test(struct alerts *a, const atomic_int_fast64_t *cut, GError **err);

/* The end is near: what waits for its interval is due now, and everything is tried once more. */
void	 alerts_flush(struct alerts *a);
/* After alerts_flush(): everything was tried. */
bool	 alerts_idle(struct alerts *a);
/* No more. What was not sent is counted and told in the log. The thread ends within a quarter of a second. Accepts NULL. */
void	 alerts_stop(struct alerts *a);
/* After alerts_stop(), when nobody can call alerts_message() any more. Accepts NULL. */
void	 alerts_free(struct alerts **a);

/* log.kinds = file_scan: a line for each object that was scanned. Accepts NULL for a. */
void	 alerts_log_files(struct alerts *a, const struct scan_result *r);

struct alerts_stats {
	uint64_t sent;		/* mails that a relay took */
	uint64_t failed;	/* mails given up: every relay refused them for good, or a day has passed */
	uint64_t dropped;	/* mails or notes that found no room */
	uint64_t deferred;	/* attempts that are to be repeated */
	uint64_t suppressed;	/* mails that were alerts themselves */
	uint64_t queued;	/* mails that wait */
};
/* Accepts NULL. */
void	 alerts_stats(struct alerts *a, struct alerts_stats *out);

#endif
