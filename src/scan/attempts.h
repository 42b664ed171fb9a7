/*
 * attempts - how often an object has broken a scan
 *
 * An object that kills a worker, loses a connection or runs into the deadline max_attempts times is poison: FAILED (451, try
 * again) becomes PARTIAL(poison), class unscannable, so that a sender's queue does not feed it to us for five days and the mail
 * is not lost with a delay (P32). Counted for a day after the last failure, for the objects seen last, and from the second
 * failure on only if the engine finished another scan since the one before: an engine that hangs, a server that is gone or a
 * machine on which every worker dies must not turn all mail into poison, which would be refused for good.
 *
 * Threads: any. Locks: one mutex of its own.
 */
#ifndef AVM_SCAN_ATTEMPTS_H
#define AVM_SCAN_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "verdict/verdict.h"

struct attempts;

/* life_ms: how long a count is kept after the last failure. */
struct attempts *attempts_new(int64_t life_ms);
void	 attempts_free(struct attempts **a);

/* The engine of that title finished a scan just now. */
void	 attempts_worked(struct attempts *a, const char *engine);

/* Has it finished one since then (now_ms())? Any thread. */
bool	 attempts_has_worked(struct attempts *a, const char *engine, int64_t since_ms);

/* How often this object broke a scan. */
unsigned attempts_get(struct attempts *a, const uint8_t object[DIGEST_LEN]);

/*
 * An object failed for that reason in that engine ("" = the worker while it decomposed): count it if it was the object's doing.
 *
 * Returns: how often it was by now; 0 when this failure does not count
 */
unsigned attempts_add(struct attempts *a, const char *engine, const uint8_t object[DIGEST_LEN], enum reason failed);

/* Make PARTIAL(poison) of what FAILED in v, after n broken scans. Whoever was to blame stays it, and so does what else v holds. */
void	 attempts_condemn(struct verdict *v, unsigned n);

/* Both: count v if it failed, and condemn it once the count has reached max. */
void	 attempts_judge(struct attempts *a, const char *engine, const uint8_t object[DIGEST_LEN], unsigned max, struct verdict *v);

/* Forget every count: what was poison is tried again. */
void	 attempts_clear(struct attempts *a);

/* True when the object is poison already, and v then says so: no need to lose another worker to it. */
bool	 attempts_poisoned(struct attempts *a, const uint8_t object[DIGEST_LEN], unsigned max, struct verdict *v);
/* The same, if it was the engine of that title ("" = decomposition) that it broke last: others may still find something in it. */
bool	 attempts_poisoned_by(struct attempts *a, const char *engine, const uint8_t object[DIGEST_LEN], unsigned max,
	    struct verdict *v);

#endif
