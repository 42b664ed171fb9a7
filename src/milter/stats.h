/*
 * stats - what the daemon has done since its start: counters that every session thread adds to
 */
#ifndef AVM_MILTER_STATS_H
#define AVM_MILTER_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/histogram.h"
#include "milter/history.h"
#include "policy/policy.h"
#include "scan/scan.h"
#include "verdict/action.h"
#include "verdict/verdict.h"

/* Why messages were not scanned, the last for words that are not known here. */
#define STATS_SKIPS 10

/* Results of a message as the metrics know them: the classes, and "skipped". */
#define STATS_RESULTS (CLASS_COUNT + 1)

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
	atomic_uint_fast64_t	 answers[STATS_RESULTS][ACTION_COUNT];	/* messages by result and action */
	atomic_uint_fast64_t	 skips[STATS_SKIPS];	/* by stats_skip_word() */
	struct histogram	 eom;			/* each end of message */
	atomic_int_fast64_t	 since_ms;		/* monotonic: the start, or the last reset */
	struct history		 history;		/* of the last 24 hours; a reset leaves it alone */
};

/* "clean" ... "infected", "skipped". */
const char *stats_result_word(unsigned result);
/* "disabled", "policy", ... */
const char *stats_skip_word(unsigned i);

/* s is zero-initialised. */
void	 stats_init(struct stats *s);
void	 stats_clear(struct stats *s);

/* Begin anew to count, the engines' scores as well. Any thread. */
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
