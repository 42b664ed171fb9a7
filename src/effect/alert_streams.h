/*
 * alert_streams - at most one alert of a kind to a place in an interval; what happens meanwhile waits for the next one
 *
 * A stream is one kind to one place: the administrator, or the address that a rule names. The first thing that happens is due at
 * once; what follows within the interval is due together when it is over. Times are monotonic milliseconds that the caller gives.
 *
 * Threads: one at a time.
 */
#ifndef AVM_EFFECT_ALERT_STREAMS_H
#define AVM_EFFECT_ALERT_STREAMS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

/* Kinds beside those of alert.on (ALERT_INFECTION ...): what a rule wants told, and the alert that somebody asks for. */
enum { ALERT_NOTICE = CONF_alert_on_COUNT, ALERT_TEST, ALERT_KINDS };

#define ALERT_ITEMS_MAX	  50	/* texts of one mail; the rest is counted */
#define ALERT_STREAMS_MAX 1000

struct alert_batch {
	unsigned	 kind;
	char		*to;		/* an address, or NULL: the administrator */
	GPtrArray	*items;		/* of char * */
	uint64_t	 more;		/* that were not kept */
};
void	 alert_batch_free(struct alert_batch *b);

struct alert_streams;

struct alert_streams *alert_streams_new(void);
void	 alert_streams_free(struct alert_streams **s);

/* Something happened. Copies its arguments. False: there are too many streams, it is forgotten. */
bool	 alert_streams_add(struct alert_streams *s, unsigned kind, const char *to, const char *item);

/* What is due now, or all = whatever waits; one stream a call, NULL when there is nothing (more). Its next one comes no earlier than
 * now + interval. The caller frees. */
struct alert_batch *alert_streams_take(struct alert_streams *s, int64_t now, int64_t interval, bool all);

/* When something is due: INT64_MAX = nothing waits. */
int64_t	 alert_streams_next(const struct alert_streams *s);

#endif
