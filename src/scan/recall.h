/*
 * recall - one message's way through the memory: what is known already, what others are finding out, what will be known
 *
 *	recall_begin()
 *	recall_message()	known, or another message with the same fingerprint is being scanned: wait for its verdict
 *	... a worker takes the message apart, the plan is made ...
 *	recall_slots()		parts that are known
 *	recall_scan()		each of the rest, once for all who ask at this moment
 *	recall_broke()		when the worker broke over it
 *	recall_judge()		poison?
 *	recall_end()		remember the whole, let those who wait have it
 *
 * With a configuration that keeps nothing only attempts are counted, and scans are not shared; without a memory every step does
 * nothing.
 *
 * Threads: one message, one thread; recall_scan() by several. No lock is held while it waits or asks.
 */
#ifndef AVM_SCAN_RECALL_H
#define AVM_SCAN_RECALL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "scan/identity.h"
#include "scan/memory.h"
#include "scan/plan.h"
#include "scan/scan.h"

struct recall {
	struct memory	*memory;	/* NULL: nothing at all is remembered */
	bool		 caching;	/* verdicts are */
	const struct conf *conf;
	struct engines	*engines;
	struct workers	*workers;
	struct wait	*wait;
	uint8_t		 options[DIGEST_LEN];
	GPtrArray	*tags;		/* of char *, one for each engine of the set: the newest known */
	GArray		*keeping;	/* of enum keeping, likewise */
	bool		 has_content;	/* a fingerprint */
	uint8_t		 content[DIGEST_LEN];
	uint8_t		 key[DIGEST_LEN];	/* of the message, under the newest definitions */
	struct flight	*flight;	/* we lead it */
	int64_t		 slice;		/* milliseconds that this mail may still wait for the shared cache */
	const struct lease *lease;	/* borrowed, once there is one */
	pthread_mutex_t	 mu;		/* guards what follows */
	struct cache_origin origin;
	unsigned	 asked, known;	/* slots that an engine was asked for, that were known */
	bool		 mended;	/* a backup stood in: not what the plan would have said */
	char		*broken_by;	/* title of the engine ("" = decomposition) whose scan broke the attempt, or NULL */
	enum reason	 broken_why;
	int64_t		 broken_since_ms;	/* when that scan began */
};

/* Everything is borrowed until recall_end(). memory may be NULL. */
void	 recall_begin(struct recall *r, struct memory *memory, const struct conf *conf, struct engines *engines,
	    struct workers *workers, struct wait *wait);

/*
 * Is the verdict of this message known, or will it be by another's scan?
 *
 * Returns: true when out has verdict, objects and left_out: nothing is left to do but recall_end()
 * Blocks:  while another message with the same fingerprint is being scanned, within the wait's deadline, ticking
 */
bool	 recall_message(struct recall *r, const struct message *m, struct scan_result *out);

/* The message lies in this worker. */
void	 recall_lease(struct recall *r, const struct lease *lease);
/* Fill and close the slots whose verdicts are known. */
void	 recall_slots(struct recall *r, struct plan *plan);
/* Fill one slot: by scan(), or by the same scan that is under way elsewhere. wait: of this thread. */
void	 recall_scan(struct recall *r, struct slot *slot, const char *label, struct wait *wait, void (*scan)(void *arg), void *arg);

/* The engine of that title ("" = decomposition) failed over this message, after so many milliseconds with it. */
void	 recall_broke(struct recall *r, const char *title, enum reason why, int64_t took_ms, int64_t timeout_ms);
/* Has this message broken too many scans? Then the failure becomes PARTIAL(poison): of the slots of plan, or of v without one. */
void	 recall_judge(struct recall *r, struct plan *plan, struct verdict *v);

/* Remember the outcome, land the flight, set out->cache. Always the last step. */
void	 recall_end(struct recall *r, struct scan_result *out);

#endif
