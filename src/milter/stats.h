/*
 * stats - what the daemon has done since its start: counters that every session thread adds to
 */
#ifndef AVM_MILTER_STATS_H
#define AVM_MILTER_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "policy/policy.h"
#include "scan/scan.h"
#include "verdict/action.h"
#include "verdict/verdict.h"

struct stats {
	atomic_uint_fast64_t	 sessions;		/* connections of an MTA */
	atomic_uint_fast64_t	 messages;		/* ends of message that were answered */
	atomic_uint_fast64_t	 aborted;		/* messages that ended before */
	atomic_uint_fast64_t	 bytes;
	atomic_uint_fast64_t	 objects;
	atomic_uint_fast64_t	 viruses;		/* messages of class infected */
	atomic_uint_fast64_t	 skipped;
	atomic_uint_fast64_t	 unscanned_delivered;	/* see stats_unscanned(); must stay 0 */
	atomic_uint_fast64_t	 effects_failed;
	atomic_uint_fast64_t	 eom_us;		/* all ends of message together */
	atomic_uint_fast64_t	 classes[CLASS_COUNT];
	atomic_uint_fast64_t	 actions[ACTION_COUNT];
	atomic_int_fast64_t	 since_ms;		/* monotonic: the start, or the last reset */
};

/* Begin to count, or begin anew. Any thread. */
void	 stats_reset(struct stats *s);

/* Count one answered message. Any thread. */
void	 stats_message(struct stats *s, const struct message *m, const struct scan_result *r, const struct decision *d,
	    const char *skipped, const char *effect_why, int64_t eom_us);

/*
 * Count a message that was delivered in class error or unscannable although no option says pass for that class. There is no
 * way to get here but a fault of ours.
 */
void	 stats_unscanned(struct stats *s, const struct conf *conf, const struct decision *d, const char *skipped);

#endif
