/*
 * lru - a map from SHA-256 keys to small values that forgets what was not asked for longest
 *
 * Bounded by count and by bytes, each entry counted with what it costs to keep. Keys are digests, but whoever sends us mail can
 * choose them, so the place in the table depends on a random number of this process.
 *
 * Threads: no lock of its own; its user guards it.
 */
#ifndef AVM_BASE_LRU_H
#define AVM_BASE_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

/* What an entry costs besides its value: about the malloc block, the entry's head and its place in the table. */
#define LRU_OVERHEAD 128

struct lru;

/* A map of at most count_max entries and bytes_max bytes; 0 keeps nothing. */
struct lru *lru_new(size_t count_max, size_t bytes_max);
void	 lru_free(struct lru **l);

/*
 * Keep a copy of the value, in place of an older one, and drop the oldest entries until the bounds hold again.
 *
 * Returns: false when it cannot be kept at all (larger than bytes_max, or count_max is 0); an older value is gone then too
 */
bool	 lru_put(struct lru *l, const uint8_t key[DIGEST_LEN], const void *value, size_t len);

/* The value, now the youngest; NULL if there is none. Borrowed until the next call that changes the map. */
const void *lru_get(struct lru *l, const uint8_t key[DIGEST_LEN], size_t *len);

bool	 lru_remove(struct lru *l, const uint8_t key[DIGEST_LEN]);
/* Drop the oldest entry. False when there is none. */
bool	 lru_drop_oldest(struct lru *l);

/* Drop every entry for which match() says so. Returns how many. match() must not touch the map. */
typedef bool (*lru_match)(const uint8_t key[DIGEST_LEN], const void *value, size_t len, void *arg);
size_t	 lru_purge(struct lru *l, lru_match match, void *arg);

size_t	 lru_count(const struct lru *l);
size_t	 lru_bytes(const struct lru *l);
/* Entries dropped so far to hold the bounds. */
uint64_t lru_evicted(const struct lru *l);

#endif
