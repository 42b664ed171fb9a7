/*
 * history - the last 24 hours: how many messages of each class in each ten minutes, and the latest that were not clean
 *
 * Kept in memory of a fixed size, for the eyes of people; counters are stats.h's. Texts are copies, cut to fit, and come from
 * mail: whoever shows them escapes them.
 *
 * Threads: any. Locks: one mutex of its own, held for copies only.
 */
#ifndef AVM_MILTER_HISTORY_H
#define AVM_MILTER_HISTORY_H

#include <pthread.h>
#include <stdint.h>

#include "verdict/action.h"
#include "verdict/verdict.h"

#define HISTORY_SLOTS	144
#define HISTORY_SLOT_MS (10 * 60 * 1000)
/* What a slot tells apart: the classes, and what was skipped. */
#define HISTORY_SKIPPED CLASS_COUNT
#define HISTORY_KINDS	(CLASS_COUNT + 1)

#define HISTORY_FINDINGS 20

/* A message that was not clean. */
struct history_finding {
	int64_t		 when;		/* wall clock, seconds */
	enum verdict_class cls;
	enum action	 action;
	char		 id[32];	/* queue id */
	char		 name[96];	/* of the strongest finding, else the reason word */
	char		 engine[48];	/* whose finding it is, or "" */
};

struct history {
	pthread_mutex_t	 mu;
	int64_t		 slot[HISTORY_SLOTS];	/* under mu, as all that follows: which ten minutes, monotonic; 0 = never used */
	uint32_t	 count[HISTORY_SLOTS][HISTORY_KINDS];
	struct history_finding finding[HISTORY_FINDINGS];
	uint64_t	 findings;	/* that there ever were */
};

struct history_view {
	uint32_t	 count[HISTORY_SLOTS][HISTORY_KINDS];	/* oldest first; the last one is not over yet */
	struct history_finding finding[HISTORY_FINDINGS];	/* youngest first */
	unsigned	 findings;
};

/* h is zero-initialised. */
void	 history_init(struct history *h);
void	 history_clear(struct history *h);
/* Count one message at now (now_ms()); kind is a class, or HISTORY_SKIPPED. */
void	 history_add(struct history *h, unsigned kind, int64_t now);
void	 history_note(struct history *h, const struct history_finding *f);
void	 history_read(struct history *h, int64_t now, struct history_view *out);

#endif
