/*
 * lane - a gate: at most `slots` are inside at a time, first come, first served
 *
 * The lane of large messages (scan/memory.h) lets them wait for each other, so that small ones need not wait for all of them:
 * with fewer places than there are workers, one worker is always left. Threadpools and max_concurrency of engines
 * (engine/threadpool.h) are lanes as well.
 *
 * Threads: any. Locks: one mutex of its own.
 */
#ifndef AVM_BASE_LANE_H
#define AVM_BASE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/deadline.h"

/* From this size on a message is large. */
#define LANE_LARGE (256 * 1024)

struct lane;

struct lane *lane_new(unsigned slots);
/* Nobody may be in it. */
void	 lane_free(struct lane **l);
/* Another number of places from now on, at least 1. */
void	 lane_resize(struct lane *l, unsigned slots);

enum lane_answer {
	LANE_IN,	/* call lane_leave() */
	LANE_TIMEOUT,
	LANE_FULL,	/* more than waiting_max wait already */
};
/* Wait for a place. waiting_max: 0 = no bound. Blocks within the wait's deadline, ticking. */
enum lane_answer lane_enter(struct lane *l, unsigned waiting_max, struct wait *w) MUST_USE;
void	 lane_leave(struct lane *l);

/* Places for so many workers: all but one, at least one. */
unsigned lane_slots(unsigned workers);

struct lane_stats {
	unsigned slots, inside, waiting;
};
void	 lane_stats(struct lane *l, struct lane_stats *out);

#endif
