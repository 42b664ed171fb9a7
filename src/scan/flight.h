/*
 * flight - the same scan is done once, however many messages ask for it at the same moment
 *
 * The first to ask for a key leads: it scans and lands the verdict. Whoever asks meanwhile follows: it waits under its own
 * deadline and gets the verdict that landed. When the leader fails (nothing known, or FAILED), exactly one follower takes
 * over; after the last permitted attempt its failure is everybody's, so that an object that breaks scans is not tried once a
 * follower. A leader that is silent for long (its worker hangs, its queue is longer) is not waited for by all: one follower
 * scans beside it, and whoever lands first has the answer.
 *
 * Locks: one mutex; verdicts are encoded and decoded outside it, and nobody scans while holding it.
 */
#ifndef AVM_SCAN_FLIGHT_H
#define AVM_SCAN_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/deadline.h"
#include "base/digest.h"
#include "verdict/verdict.h"

struct flight;
struct flights;

enum flight_role {
	FLIGHT_LEADER,		/* scan, then flight_land() */
	FLIGHT_ANSWER,		/* the verdict of another's scan was filled in */
	FLIGHT_TIMEOUT,		/* the own deadline came first */
};

/* attempts: how many leaders one flight may have, at least 1; patience_ms: how long one is waited for alone. */
struct flights *flights_new(unsigned attempts, int64_t patience_ms);
/* Nobody may be inside flight_join() or between it and flight_land(). */
void	 flights_free(struct flights **fs);

/* What travels with a verdict: how many objects were examined and left out. */
struct flight_counts {
	uint32_t	 objects, left_out;
};

/*
 * Ask for the key.
 *
 * Owns:    a leader holds *f until flight_land(); otherwise *f is NULL
 * Returns: the role; with FLIGHT_ANSWER v, which must be empty, and counts are filled
 * Threads: any
 * Blocks:  a follower, until there is an answer, it becomes the leader, or the wait's deadline passes; ticks meanwhile
 */
enum flight_role flight_join(struct flights *fs, const uint8_t key[DIGEST_LEN], struct wait *w, struct flight **f,
	    struct verdict *v, struct flight_counts *counts) MUST_USE;

/* Tell what the scan gave, whatever it is; NULL = nothing. Accepts *f == NULL. */
void	 flight_land(struct flights *fs, struct flight **f, const struct verdict *v, struct flight_counts counts);

struct flights_stats {
	unsigned	 flying, waiting;		/* now */
	uint64_t	 led, followed, promoted, timeouts;	/* so far */
};
void	 flights_stats(struct flights *fs, struct flights_stats *out);

#endif
