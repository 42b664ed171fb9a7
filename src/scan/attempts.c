/*
 * attempts - how often an object has broken a scan
 */
#include "scan/attempts.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "base/deadline.h"
#include "base/lru.h"

#define OBJECTS_MAX 10000

/* Milliseconds are too coarse to tell what came first: every event has a number. */
struct worked {
	int64_t ms; /* monotonic */
	uint64_t event;
};

struct count {
	int64_t last_ms; /* monotonic */
	uint64_t last_event;
	unsigned n;
	guint by; /* g_str_hash() of the engine that it broke last */
};

struct attempts {
	pthread_mutex_t mu; /* guards map and worked */
	struct lru *map;    /* object -> struct count */
	GHashTable *worked; /* title of an engine -> struct worked * */
	uint64_t events;    /* so far */
	int64_t life_ms;
};

struct attempts *
attempts_new(int64_t life_ms)
{
	struct attempts *a = g_new0(struct attempts, 1);

	pthread_mutex_init(&a->mu, NULL);
	a->map = lru_new(OBJECTS_MAX, OBJECTS_MAX * (sizeof(struct count) + LRU_OVERHEAD));
	a->worked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	a->life_ms = life_ms;
	return a;
}

void
attempts_free(struct attempts **ap)
{
	struct attempts *a = *ap;

	if (a == NULL)
		return;
	lru_free(&a->map);
	g_hash_table_destroy(a->worked);
	pthread_mutex_destroy(&a->mu);
	g_free(a);
	*ap = NULL;
}

void
attempts_worked(struct attempts *a, const char *engine)
{
	struct worked *when;

	pthread_mutex_lock(&a->mu);
	when = g_hash_table_lookup(a->worked, engine);
	if (when == NULL) {
		when = g_new(struct worked, 1);
		g_hash_table_insert(a->worked, g_strdup(engine), when);
	}
	*when = (struct worked){ now_ms(), ++a->events };
	pthread_mutex_unlock(&a->mu);
}

bool
attempts_has_worked(struct attempts *a, const char *engine, int64_t since_ms)
{
	const struct worked *when;
	bool yes;

	pthread_mutex_lock(&a->mu);
	when = g_hash_table_lookup(a->worked, engine);
	yes = when != NULL && when->ms >= since_ms;
	pthread_mutex_unlock(&a->mu);
	return yes;
}

/* Locks: a->mu. The count of an object; all zero when there is none or it has grown old. */
static struct count
peek(struct attempts *a, const uint8_t object[DIGEST_LEN])
{
	struct count c = { 0 };
	size_t len;
	const void *at = lru_get(a->map, object, &len);

	if (at == NULL)
		return c;
	g_assert(len == sizeof c);
	memcpy(&c, at, sizeof c);
	return c.last_ms + a->life_ms > now_ms() ? c : (struct count){ 0 };
}

unsigned
attempts_get(struct attempts *a, const uint8_t object[DIGEST_LEN])
{
	unsigned n;

	pthread_mutex_lock(&a->mu);
	n = peek(a, object).n;
	pthread_mutex_unlock(&a->mu);
	return n;
}

/* Locks: a->mu. Is this failure the object's doing? The first one may be: it only begins the count.
 */
static bool
blame(struct attempts *a, const char *engine, const struct count *c, enum reason failed)
{
	const struct worked *worked;

	if (failed != REASON_WORKER_DIED && failed != REASON_TIMEOUT && failed != REASON_LOST)
		return false;
	worked = g_hash_table_lookup(a->worked, engine);
	return c->n == 0 || (worked != NULL && worked->event > c->last_event);
}

unsigned
attempts_add(
    struct attempts *a, const char *engine, const uint8_t object[DIGEST_LEN], enum reason failed)
{
	struct count c;
	bool blamed;

	pthread_mutex_lock(&a->mu);
	c = peek(a, object);
	blamed = blame(a, engine, &c, failed);
	if (blamed) {
		c.n += c.n < UINT_MAX;
		c.last_ms = now_ms();
		c.last_event = ++a->events;
		c.by = g_str_hash(engine);
		lru_put(a->map, object, &c, sizeof c);
	}
	pthread_mutex_unlock(&a->mu);
	return blamed ? c.n : 0;
}

void
attempts_condemn(struct verdict *v, unsigned n)
{
	g_autofree char *why = g_steal_pointer(&v->failed_why);
	g_autoptr(GPtrArray) by = g_steal_pointer(&v->failed_by);

	v->failed = REASON_NONE;
	v->states &= ~(1u << SCAN_FAILED);
	for (guint i = 0; i == 0 || (by != NULL && i < by->len); i++) {
		AUTO(verdict_clear) struct verdict poison = { 0 };

		verdict_partial(&poison, REASON_POISON, "broke %u scans, the last one: %s", n,
		    why != NULL ? why : "no reason known");
		if (by != NULL)
			verdict_blame(&poison, g_ptr_array_index(by, i));
		verdict_join(v, &poison);
	}
}

void
attempts_judge(struct attempts *a, const char *engine, const uint8_t object[DIGEST_LEN],
    unsigned max, struct verdict *v)
{
	unsigned n;

	if ((v->states & 1u << SCAN_FAILED) == 0)
		return;
	n = attempts_add(a, engine, object, v->failed);
	if (n > 0 && n >= max)
		attempts_condemn(v, n);
}

void
attempts_clear(struct attempts *a)
{
	pthread_mutex_lock(&a->mu);
	while (lru_drop_oldest(a->map))
		continue;
	pthread_mutex_unlock(&a->mu);
}

bool
attempts_poisoned(
    struct attempts *a, const uint8_t object[DIGEST_LEN], unsigned max, struct verdict *v)
{
	unsigned n = attempts_get(a, object);

	if (n < max)
		return false;
	verdict_partial(v, REASON_POISON, "broke %u scans before, not tried again", n);
	return true;
}

bool
attempts_poisoned_by(struct attempts *a, const char *engine, const uint8_t object[DIGEST_LEN],
    unsigned max, struct verdict *v)
{
	struct count c;

	pthread_mutex_lock(&a->mu);
	c = peek(a, object);
	pthread_mutex_unlock(&a->mu);
	if (c.n < max || c.by != g_str_hash(engine))
		return false;
	verdict_partial(v, REASON_POISON, "broke %u scans before, not tried again", c.n);
	return true;
}
