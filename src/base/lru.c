/*
 * lru - a map from SHA-256 keys to small values that forgets what was not asked for longest
 */
#include "base/lru.h"

#include <sys/random.h>

#include <glib.h>

struct entry {
	uint8_t key[DIGEST_LEN];
	guint hash;
	struct entry *younger, *older;
	size_t len;
	uint8_t value[];
};

struct lru {
	GHashTable *table; /* of struct entry *, which are key and value at once */
	struct entry *youngest, *oldest;
	size_t count_max, bytes_max, bytes;
	uint64_t evicted;
	uint64_t seed, factor;
};

static guint
entry_hash(gconstpointer p)
{
	return ((const struct entry *)p)->hash;
}

static gboolean
entry_equal(gconstpointer a, gconstpointer b)
{
	return memcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key, DIGEST_LEN) ==
	    0;
}

/* Multiply-shift with a secret odd factor: keys ground for equal leading bits do not meet in one
 * slot. */
static guint
key_hash(const struct lru *l, const uint8_t key[DIGEST_LEN])
{
	uint64_t head;

	memcpy(&head, key, sizeof head);
	return (guint)(((head ^ l->seed) * l->factor) >> 32);
}

static size_t
entry_cost(size_t len)
{
	return len + LRU_OVERHEAD;
}

struct lru *
lru_new(size_t count_max, size_t bytes_max)
{
	struct lru *l = g_new0(struct lru, 1);
	uint64_t r[2];

	/* Cannot fail for so few bytes once the kernel's pool is up; a fixed seed would be slower
	 * under attack, not wrong. */
	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		memset(r, 0x5a, sizeof r);
	l->seed = r[0];
	l->factor = r[1] | 1;
	l->table = g_hash_table_new(entry_hash, entry_equal);
	l->count_max = count_max;
	l->bytes_max = bytes_max;
	return l;
}

static struct entry *
find(const struct lru *l, const uint8_t key[DIGEST_LEN])
{
	struct entry probe = { .hash = key_hash(l, key) };

	memcpy(probe.key, key, DIGEST_LEN);
	return g_hash_table_lookup(l->table, &probe);
}

static void
list_unlink(struct lru *l, struct entry *e)
{
	if (e->younger != NULL)
		e->younger->older = e->older;
	else
		l->youngest = e->older;
	if (e->older != NULL)
		e->older->younger = e->younger;
	else
		l->oldest = e->younger;
	e->younger = e->older = NULL;
}

static void
list_push(struct lru *l, struct entry *e)
{
	e->older = l->youngest;
	if (l->youngest != NULL)
		l->youngest->younger = e;
	l->youngest = e;
	if (l->oldest == NULL)
		l->oldest = e;
}

static void
drop(struct lru *l, struct entry *e)
{
	g_hash_table_remove(l->table, e);
	list_unlink(l, e);
	l->bytes -= entry_cost(e->len);
	g_free(e);
}

bool
lru_put(struct lru *l, const uint8_t key[DIGEST_LEN], const void *value, size_t len)
{
	struct entry *e;

	lru_remove(l, key);
	if (l->count_max == 0 || len > l->bytes_max || entry_cost(len) > l->bytes_max)
		return false;
	while (lru_count(l) >= l->count_max || l->bytes + entry_cost(len) > l->bytes_max) {
		lru_drop_oldest(l);
		l->evicted++;
	}
	e = g_malloc(sizeof *e + len);
	memset(e, 0, sizeof *e);
	memcpy(e->key, key, DIGEST_LEN);
	e->hash = key_hash(l, key);
	e->len = len;
	if (len > 0)
		memcpy(e->value, value, len);
	g_hash_table_add(l->table, e);
	list_push(l, e);
	l->bytes += entry_cost(len);
	return true;
}

const void *
lru_get(struct lru *l, const uint8_t key[DIGEST_LEN], size_t *len)
{
	struct entry *e = find(l, key);

	if (e == NULL)
		return NULL;
	list_unlink(l, e);
	list_push(l, e);
	*len = e->len;
	return e->value;
}

bool
lru_remove(struct lru *l, const uint8_t key[DIGEST_LEN])
{
	struct entry *e = find(l, key);

	if (e == NULL)
		return false;
	drop(l, e);
	return true;
}

bool
lru_drop_oldest(struct lru *l)
{
	if (l->oldest == NULL)
		return false;
	drop(l, l->oldest);
	return true;
}

size_t
lru_purge(struct lru *l, lru_match match, void *arg)
{
	struct entry *e, *older;
	size_t n = 0;

	for (e = l->youngest; e != NULL; e = older) {
		older = e->older;
		if (!match(e->key, e->value, e->len, arg))
			continue;
		drop(l, e);
		n++;
	}
	return n;
}

size_t
lru_count(const struct lru *l)
{
	return g_hash_table_size(l->table);
}

size_t
lru_bytes(const struct lru *l)
{
	return l->bytes;
}

uint64_t
lru_evicted(const struct lru *l)
{
	return l->evicted;
}

void
lru_free(struct lru **lp)
{
	struct lru *l = *lp;

	if (l == NULL)
		return;
	while (lru_drop_oldest(l))
		continue;
	g_hash_table_destroy(l->table);
	g_free(l);
	*lp = NULL;
}
