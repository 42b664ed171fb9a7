/*
 * cache - verdicts that are known already, of whole messages and of single objects
 *
 * A key covers everything that may change the verdict: what was scanned, by which engine with which options, with which
 * definitions. A verdict enters under the definitions that scanned and is asked for under the newest known (decision 14), so
 * old definitions never answer. Only verdicts whose every state is COMPLETE enter. What found something and what is clean
 * have bounds of their own, and one bound in bytes holds for both.
 *
 * An entry remembers which workers had a hand in it. When one of them turns out to have been taken over, the clean entries it
 * produced go (decision 4).
 *
 * Locks: one mutex, held for look-ups and copies only. The second tier (cache_redis.h) is asked outside it.
 */
#ifndef AVM_SCAN_CACHE_H
#define AVM_SCAN_CACHE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/digest.h"
#include "verdict/verdict.h"

struct cache;

struct cache_limits {
	uint64_t	 findings;		/* entries that found something */
	uint64_t	 clean;
	uint64_t	 bytes;			/* of all together */
	int64_t		 ttl_unversioned_ms;	/* of engines that tell no version; 0 = those are not kept */
};

/* The largest encoded verdict that is kept (and the largest value in the second tier). */
#define CACHE_VALUE_MAX (8 * 1024)

enum cache_level { CACHE_MESSAGE = 0, CACHE_OBJECT };
#define CACHE_LEVELS 2

/* The workers that had a hand in a verdict; beyond CACHE_WORKERS they are no longer told apart. */
#define CACHE_WORKERS 4
struct cache_origin {
	uint64_t	 worker[CACHE_WORKERS];
	unsigned	 count;
	bool		 many;
};
void	 cache_origin_add(struct cache_origin *o, uint64_t worker);
void	 cache_origin_join(struct cache_origin *into, const struct cache_origin *o);

/* What an answer is about, besides the verdict. */
struct cache_note {
	enum cache_level level;
	uint8_t		 object[DIGEST_LEN];	/* sha256 of the object; of a message its fingerprint */
	bool		 versioned;		/* every engine that took part tells its definitions */
	uint32_t	 objects, left_out;	/* of a message */
	struct cache_origin origin;
};

struct cache *cache_new(const struct cache_limits *lim);
void	 cache_free(struct cache **c);
/* Other limits from now on; what no longer fits goes. Any thread. */
void	 cache_resize(struct cache *c, const struct cache_limits *lim);

/*
 * The key of an object for one engine.
 *
 * engine: what it is (kind, title, version); options: digest of all that configures it; definitions: what it scans with, "" if
 * it does not tell. The parts cannot run into each other.
 */
void	 cache_key(const uint8_t object[DIGEST_LEN], const char *engine, const uint8_t options[DIGEST_LEN], const char *definitions,
	    uint8_t key[DIGEST_LEN]);

/*
 * Remember a verdict.
 *
 * label: how the findings call the object; it is taken off, and put on again by cache_get(). "" = keep the names as they are
 * Returns: false when it may not or cannot be kept: not COMPLETE, too large, unversioned without a ttl, a finding that does
 *          not begin with the label or may have been cut
 * Threads: any
 */
bool	 cache_put(struct cache *c, const uint8_t key[DIGEST_LEN], const char *label, const struct cache_note *note,
	    const struct verdict *v);

/*
 * Ask for a verdict. v, which must be empty, is filled on true, and *note (may be NULL) says what was kept with it.
 *
 * Threads: any. cache_get() counts a hit or a miss of the level, cache_find() does not.
 */
bool	 cache_find(struct cache *c, const uint8_t key[DIGEST_LEN], const char *label, struct cache_note *note,
	    struct verdict *v) MUST_USE;
bool	 cache_get(struct cache *c, const uint8_t key[DIGEST_LEN], enum cache_level level, const char *label,
	    struct cache_note *note, struct verdict *v) MUST_USE;

/* Copy v into an empty *to with `from` at the front of every finding's object replaced by `with`. False when one does not begin
 * with it or may have been cut: *to is then of no use. */
bool	 cache_relabel(const struct verdict *v, const char *from, const char *with, struct verdict *to) MUST_USE;

/* The same verdict as bytes for the second tier, at most CACHE_VALUE_MAX, and back. Total: any bytes give a verdict or false.
 * pack: appends; false as cache_put(). unpack: fills v and note's objects and left_out. */
bool	 cache_pack(const char *label, const struct cache_note *note, const struct verdict *v, GByteArray *to);
bool	 cache_unpack(const void *bytes, size_t len, const char *label, struct cache_note *note, struct verdict *v) MUST_USE;

/* Forget the clean entries that worker had a hand in; every entry about an object (or fingerprint); everything. Return how many,
 * and append their keys to *keys, if not NULL, for the second tier. */
size_t	 cache_purge_worker(struct cache *c, uint64_t worker, GByteArray *keys);
size_t	 cache_purge_object(struct cache *c, const uint8_t object[DIGEST_LEN], GByteArray *keys);
size_t	 cache_purge_all(struct cache *c, GByteArray *keys);

struct cache_stats {
	uint64_t	 hits[CACHE_LEVELS], misses[CACHE_LEVELS];
	uint64_t	 stored, refused, evicted, expired, purged;
	size_t		 findings, clean, bytes;	/* now */
};
void	 cache_stats(struct cache *c, struct cache_stats *out);

#endif
