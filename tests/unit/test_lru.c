/*
 * lru: against a plain model over random operations; bounds, order, purge
 */
#include "base/lru.h"

#include "unit.h"

#define KEYS   40
#define ROUNDS 20000

static void
key_of(unsigned n, uint8_t key[DIGEST_LEN])
{
	digest_of(&n, sizeof n, key);
}

/* What the map must hold: age[k] = 0 is absent, else the moment of the last use. */
struct model {
	uint64_t age[KEYS];
	size_t len[KEYS];
	uint64_t clock;
	size_t count, bytes;
};

static void
model_remove(struct model *m, unsigned k)
{
	if (m->age[k] == 0)
		return;
	m->age[k] = 0;
	m->count--;
	m->bytes -= m->len[k] + LRU_OVERHEAD;
}

static void
model_drop_oldest(struct model *m)
{
	unsigned oldest = KEYS;

	for (unsigned k = 0; k < KEYS; k++)
		if (m->age[k] != 0 && (oldest == KEYS || m->age[k] < m->age[oldest]))
			oldest = k;
	if (oldest < KEYS)
		model_remove(m, oldest);
}

static void
model_put(struct model *m, unsigned k, size_t len, size_t count_max, size_t bytes_max)
{
	model_remove(m, k);
	if (len + LRU_OVERHEAD > bytes_max)
		return;
	while (m->count >= count_max || m->bytes + len + LRU_OVERHEAD > bytes_max)
		model_drop_oldest(m);
	m->age[k] = ++m->clock;
	m->len[k] = len;
	m->count++;
	m->bytes += len + LRU_OVERHEAD;
}

static void
equals_a_model(void **state)
{
	enum { COUNT_MAX = 20, BYTES_MAX = 20 * LRU_OVERHEAD };
	struct lru *l = lru_new(COUNT_MAX, BYTES_MAX);
	struct rnd r = rnd_new(1);
	struct model m = {.clock = 0};
	uint8_t value[3000], key[DIGEST_LEN];

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned k = rnd_below(&r, KEYS);
		size_t len =
		    rnd_below(&r, 50) == 0 ? rnd_below(&r, sizeof value) : rnd_below(&r, 100);

		key_of(k, key);
		switch (rnd_below(&r, 4)) {
		case 0:
			model_remove(&m, k);
			lru_remove(l, key);
			break;
		case 1:
			memset(value, (int)(k + len), len);
			model_put(&m, k, len, COUNT_MAX, BYTES_MAX);
			assert_int_equal(lru_put(l, key, value, len), m.age[k] != 0);
			break;
		default: {
			size_t got;
			const uint8_t *v = lru_get(l, key, &got);

			assert_int_equal(v != NULL, m.age[k] != 0);
			if (v == NULL)
				break;
			assert_int_equal(got, m.len[k]);
			for (size_t b = 0; b < got; b++)
				assert_int_equal(v[b], (uint8_t)(k + got));
			m.age[k] = ++m.clock;
		}
		}
		assert_int_equal(lru_count(l), m.count);
		assert_int_equal(lru_bytes(l), m.bytes);
		assert_true(m.bytes <= BYTES_MAX && m.count <= COUNT_MAX);
	}
	assert_true(lru_evicted(l) > 0);
	lru_free(&l);
	assert_null(l);
}

static bool
is_odd(const uint8_t key[DIGEST_LEN], const void *value, size_t len, void *arg)
{
	unsigned n;

	(void)key;
	(void)arg;
	assert_int_equal(len, sizeof n);
	memcpy(&n, value, sizeof n);
	return n % 2 == 1;
}

static void
purges_what_matches(void **state)
{
	struct lru *l = lru_new(100, 1 << 20);
	uint8_t key[DIGEST_LEN];
	size_t len;

	(void)state;
	for (unsigned n = 0; n < 50; n++) {
		key_of(n, key);
		assert_true(lru_put(l, key, &n, sizeof n));
	}
	assert_int_equal(lru_purge(l, is_odd, NULL), 25);
	for (unsigned n = 0; n < 50; n++) {
		key_of(n, key);
		assert_int_equal(lru_get(l, key, &len) != NULL, n % 2 == 0);
	}
	while (lru_drop_oldest(l))
		continue;
	assert_int_equal(lru_bytes(l), 0);
	lru_free(&l);
}

static void
zero_keeps_nothing(void **state)
{
	struct lru *none = lru_new(0, 1 << 20), *tiny = lru_new(10, 10);
	uint8_t key[DIGEST_LEN] = {0};

	(void)state;
	assert_false(lru_put(none, key, "x", 1));
	assert_false(lru_put(tiny, key, "x", 1));
	assert_false(lru_put(tiny, key, "x", SIZE_MAX - 8));
	assert_int_equal(lru_count(none) + lru_count(tiny), 0);
	lru_free(&none);
	lru_free(&tiny);
}

/* A hundred thousand keys whose first eight bytes an attacker ground to differ only in the low bits
 * must not meet in one slot. */
static void
ground_keys_stay_fast(void **state)
{
	struct lru *l = lru_new(200000, SIZE_MAX);
	uint8_t key[DIGEST_LEN] = {0};
	size_t len;

	(void)state;
	for (uint64_t n = 0; n < 100000; n++) {
		uint64_t head = n << 32;

		memcpy(key, &head, sizeof head);
		assert_true(lru_put(l, key, &n, sizeof n));
	}
	assert_int_equal(lru_count(l), 100000);
	assert_non_null(lru_get(l, key, &len));
	lru_free(&l);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(equals_a_model),
    cmocka_unit_test(purges_what_matches),
    cmocka_unit_test(zero_keeps_nothing),
    cmocka_unit_test(ground_keys_stay_fast),
};

UNIT_RUN(tests)
