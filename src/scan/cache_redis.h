/*
 * cache_redis - the second tier of the cache: a Redis or Valkey server that many machines share
 *
 * Any doubt is a miss. A look-up takes a connection that is open already, asks, and gives up at the end of its slice; when none is
 * free, or the server has failed lately, it is a miss at once. Connecting, logging in, storing and deleting happen in one thread
 * of its own, so that no mail ever waits for them. After REDIS_FAILURES failures in a row the server is left alone for a
 * while (circuit breaker).
 *
 * A value is believed only with its MAC (cache_mac.h). Counters of attempts are not sealed: they can only make a verdict
 * stricter (decision 18).
 *
 * Diagnostics: logs when the server begins to fail and when it is back, at most once a minute.
 * Locks:       one mutex, never held across I/O; never call with a lock held.
 */
#ifndef AVM_SCAN_CACHE_REDIS_H
#define AVM_SCAN_CACHE_REDIS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/digest.h"
#include "scan/cache_mac.h"

struct cache_redis;

/* Everything is copied. */
struct cache_redis_conf {
	const char	*server;	/* unix:PATH, HOST:PORT */
	const char	*prefix;
	const char	*user, *password;
	unsigned	 database;
	bool		 tls;
	const char	*tls_ca;	/* "" = the system's */
	int64_t		 timeout_ms;	/* slice of one mail */
	struct mac_key	 key;
};

#define REDIS_FAILURES	3
#define REDIS_CONNS	4	/* for look-ups */
#define REDIS_BATCH	64	/* keys of one question */

/* Make it and start its thread. NULL and *err when server or TLS files are unusable. */
struct cache_redis *cache_redis_new(const struct cache_redis_conf *conf, GError **err);
/* Stop the thread and close everything. Nobody may be inside another call. */
void	 cache_redis_free(struct cache_redis **r);

/* A fresh slice: how long one mail may wait in all its look-ups together. */
int64_t	 cache_redis_slice(const struct cache_redis *r);

/*
 * Ask for the packed verdicts of n keys (at most REDIS_BATCH) at once.
 *
 * keys:   n times DIGEST_LEN bytes
 * values: n places; filled with new byte arrays, NULL = a miss. Freed by the caller with g_byte_array_unref()
 * slice:  milliseconds that are left for this mail; what was used is taken off
 */
void	 cache_redis_get(struct cache_redis *r, unsigned n, const uint8_t *keys, GByteArray **values, int64_t *slice,
	    struct wait *wait);

/* Store a packed verdict, forget a key: some time later, if the server lets us. Copies. Return at once. */
void	 cache_redis_put(struct cache_redis *r, const uint8_t key[DIGEST_LEN], const void *packed, size_t len);
void	 cache_redis_forget(struct cache_redis *r, const uint8_t key[DIGEST_LEN]);

/* One more failed attempt at an object; how many all machines counted within a day, 0 = not known. Waits at most a slice. */
unsigned cache_redis_count(struct cache_redis *r, const uint8_t object[DIGEST_LEN], struct wait *wait);

struct cache_redis_stats {
	uint64_t hits, misses;			/* keys that were answered */
	uint64_t forged;			/* of the misses: values not ours: wrong MAC, format, type or size */
	uint64_t failed, skipped;		/* questions: broken or late; not even asked */
	uint64_t stored, store_failed, dropped;	/* values; dropped = no room in the queue */
	uint64_t connects, connect_failed;
	bool	 up;				/* the breaker is closed and a connection exists */
};
void	 cache_redis_stats(struct cache_redis *r, struct cache_redis_stats *out);

#endif
