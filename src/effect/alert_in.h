/*
 * alert_in - what alert.c (the thread) and alert_tell.c (those who have something to tell) share
 *
 * Locks: mu guards everything of struct alerts that is not set once before the thread starts. It is held for moments only: mails are
 * written, and sent, without it.
 */
#ifndef AVM_EFFECT_ALERT_IN_H
#define AVM_EFFECT_ALERT_IN_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "effect/alert.h"
#include "effect/alert_queue.h"
#include "effect/alert_streams.h"
#include "effect/alert_write.h"

/* Message-IDs of ours that are remembered, so that an alert that comes by is known. */
#define ALERT_IDS_MAX	       512

struct alerts {
	char *host;
	alert_scene_fn *ask;
	void *arg;
	int64_t started_ms;
	struct log_limit complaints;
	atomic_int_fast64_t cut; /* sends end here */
	pthread_t thread;
	bool started;
	pthread_mutex_t mu;
	pthread_cond_t changed;
	bool ending, busy;
	unsigned flush; /* number of the last alerts_flush(), 0 = none */
	struct alert_settings *now;
	struct alert_streams *streams;
	GQueue letters; /* of struct alert_letter * */
	char *ids[ALERT_IDS_MAX];
	unsigned next_id;
	struct alerts_stats stats;
};

/* The settings of now; to be unref'ed. */
struct alert_settings *alerts_settings(struct alerts *a);
/* Something for a stream. Locks: mu */
void	 alerts_add(struct alerts *a, unsigned kind, const char *to, const char *item);
/* A batch as a mail with a Message-ID (both owned by the caller), and whom it is for. */
GString	*alerts_write(struct alerts *a, const struct alert_settings *s, const struct alert_batch *b, char **id, GPtrArray **to);
/* A Message-ID is ours. Takes it. Locks: mu */
void	 alerts_remember(struct alerts *a, char *id);
/* A batch becomes a letter in the queue. Takes the batch. */
void	 alerts_post(struct alerts *a, const struct alert_settings *s, struct alert_batch *b);
/* The listener of events. */
void	 alerts_heard(void *arg, enum event_kind kind, const char *text);

#endif
