/*
 * cache: only COMPLETE enters, labels travel, bounds hold, definitions and purges are kept apart
 */
#include "scan/cache.h"

#include <pthread.h>

#include "unit.h"

static const uint8_t options[DIGEST_LEN] = {9};

static struct cache *
small(void)
{
	return cache_new(&(struct cache_limits){
	    .findings = 10, .clean = 100, .bytes = 1 << 20, .ttl_unversioned_ms = 60000});
}

static void
key_of(unsigned n, const char *definitions, uint8_t key[DIGEST_LEN])
{
	uint8_t object[DIGEST_LEN];

	digest_of(&n, sizeof n, object);
	cache_key(object, "clamav/clamav", options, definitions, key);
}

static struct cache_note
note_of(unsigned n, uint64_t worker)
{
	struct cache_note note = {.level = CACHE_OBJECT, .versioned = true};

	digest_of(&n, sizeof n, note.object);
	cache_origin_add(&note.origin, worker);
	return note;
}

static struct verdict
clean(void)
{
	struct verdict v = {0};

	verdict_complete(&v);
	return v;
}

static struct verdict
infected(const char *object)
{
	struct verdict v = clean();

	verdict_find(&v, FINDING_INFECTED, "Eicar", object, "clamav");
	return v;
}

static bool
knows(struct cache *c, const uint8_t key[DIGEST_LEN])
{
	struct verdict v = {0};
	bool hit = cache_get(c, key, CACHE_OBJECT, "", NULL, &v);

	assert_int_equal(hit, v.states != 0);
	verdict_clear(&v);
	return hit;
}

/* All 2^4 sets of states but {COMPLETE}: none may ever be stored. */
static void
only_complete_enters(void **state)
{
	struct cache *c = small();
	struct cache_note note = note_of(1, 1);
	uint8_t key[DIGEST_LEN];

	(void)state;
	key_of(1, "1", key);
	for (unsigned states = 0; states < 16; states++) {
		struct verdict v = {.states = states};
		bool may = states == 1u << SCAN_COMPLETE;

		assert_int_equal(cache_put(c, key, "", &note, &v), may);
		assert_int_equal(knows(c, key), may);
		cache_purge_all(c, NULL);
	}
	cache_free(&c);
	assert_null(c);
}

static void
label_is_put_in_at_look_up(void **state)
{
	struct cache *c = small();
	struct cache_note note = note_of(1, 1), got;
	struct verdict v = infected("first\nname.zip/in/eicar.com"), back = {0};
	uint8_t key[DIGEST_LEN];

	(void)state;
	key_of(1, "1", key);
	note.objects = 7;
	note.left_out = 2;
	assert_true(cache_put(c, key, "first\nname.zip", &note, &v));
	assert_true(cache_get(c, key, CACHE_OBJECT, "other.zip", &got, &back));
	assert_string_equal(verdict_top(&back)->object, "other.zip/in/eicar.com");
	assert_string_equal(verdict_top(&back)->name, "Eicar");
	assert_string_equal(verdict_top(&back)->engine, "clamav");
	assert_int_equal(got.objects, 7);
	assert_int_equal(got.left_out, 2);
	assert_int_equal(got.origin.worker[0], 1);
	verdict_clear(&back);
	verdict_clear(&v);
	/* A finding about something else, or one whose name may have been cut, cannot be
	 * relabelled: not kept. */
	v = infected("another");
	assert_false(cache_put(c, key, "first", &note, &v));
	verdict_clear(&v);
	{
		g_autofree char *longer = g_strdup_printf("first/%0500d", 1);

		v = infected(longer);
		assert_false(cache_put(c, key, "first", &note, &v));
		verdict_clear(&v);
	}
	cache_free(&c);
}

/* Two parts of one key can never be read as another split of the same bytes, and each part matters.
 */
static void
keys_cover_everything(void **state)
{
	static const uint8_t a[DIGEST_LEN] = {1}, b[DIGEST_LEN] = {2};
	static const struct {
		const uint8_t *object;
		const char *engine;
		const uint8_t *options;
		const char *definitions;
	} rows[] = {
	    {a, "ab", a, "c"},  {b, "ab", a, "c"}, {a, "abc", a, ""}, {a, "ab", b, "c"},
	    {a, "ab", a, "cd"}, {a, "a", a, "bc"}, {a, "", a, "abc"}, {a, "ab", a, ""},
	};
	uint8_t keys[G_N_ELEMENTS(rows)][DIGEST_LEN];

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		cache_key(rows[i].object, rows[i].engine, rows[i].options, rows[i].definitions,
		          keys[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j], DIGEST_LEN);
	}
}

static void
old_definitions_never_answer(void **state)
{
	struct cache *c = small();
	struct cache_note note = note_of(1, 1);
	struct verdict v = clean();
	uint8_t old[DIGEST_LEN], new[DIGEST_LEN];

	(void)state;
	key_of(1, "generation 1", old);
	key_of(1, "generation 2", new);
	assert_true(cache_put(c, old, "", &note, &v));
	assert_false(knows(c, new));
	assert_true(knows(c, old));
	verdict_clear(&v);
	cache_free(&c);
}

static void
bounds_hold(void **state)
{
	struct cache *c =
	    cache_new(&(struct cache_limits){.findings = 5, .clean = 50, .bytes = 8000});
	struct cache_stats s;
	uint8_t key[DIGEST_LEN];

	(void)state;
	for (unsigned n = 0; n < 200; n++) {
		struct verdict v = n % 2 ? clean() : infected("x");
		struct cache_note note = note_of(n, 1);

		key_of(n, "", key);
		assert_true(cache_put(c, key, "x", &note, &v));
		assert_true(knows(c, key));
		cache_stats(c, &s);
		assert_true(s.findings <= 5 && s.clean <= 50 && s.bytes <= 8000);
		verdict_clear(&v);
	}
	assert_int_equal(s.findings, 5);
	assert_true(s.evicted > 100);
	assert_int_equal(s.stored, 200);
	/* A smaller size takes effect at once; equal limits keep everything. */
	cache_resize(c, &(struct cache_limits){.findings = 5, .clean = 50, .bytes = 8000});
	assert_true(knows(c, key));
	cache_resize(c, &(struct cache_limits){.findings = 0, .clean = 0, .bytes = 8000});
	assert_false(knows(c, key));
	cache_free(&c);
}

static void
unversioned_lives_a_while(void **state)
{
	struct cache *c = cache_new(&(struct cache_limits){
	    .findings = 5, .clean = 50, .bytes = 1 << 20, .ttl_unversioned_ms = 40});
	struct cache *never =
	    cache_new(&(struct cache_limits){.findings = 5, .clean = 50, .bytes = 1 << 20});
	struct cache_note note = note_of(1, 1);
	struct verdict v = clean();
	struct cache_stats s;
	uint8_t key[DIGEST_LEN];

	(void)state;
	key_of(1, "", key);
	note.versioned = false;
	assert_false(cache_put(never, key, "", &note, &v));
	assert_true(cache_put(c, key, "", &note, &v));
	assert_true(knows(c, key));
	g_usleep(60 * 1000);
	assert_false(knows(c, key));
	cache_stats(c, &s);
	assert_int_equal(s.expired, 1);
	assert_int_equal(s.hits[CACHE_OBJECT], 1);
	assert_int_equal(s.misses[CACHE_OBJECT], 1);
	verdict_clear(&v);
	cache_free(&c);
	cache_free(&never);
}

static void
hostile_worker_is_forgotten(void **state)
{
	struct cache *c = small();
	struct verdict v = clean(), bad = infected("x");
	g_autoptr(GByteArray) keys = g_byte_array_new();
	uint8_t key[DIGEST_LEN];

	(void)state;
	for (unsigned n = 0; n < 30; n++) {
		struct cache_note note = note_of(n, 1 + n % 3);

		key_of(n, "1", key);
		if (n == 29)
			for (uint64_t w = 100; w < 110; w++)
				cache_origin_add(&note.origin, w);
		assert_true(cache_put(c, key, n < 3 ? "x" : "", &note, n < 3 ? &bad : &v));
	}
	/* Findings stay: a taken-over worker has no reason to invent them. 29 came through too many
	 * hands to tell. */
	assert_int_equal(cache_purge_worker(c, 2, keys), 10);
	assert_int_equal(keys->len, 10 * DIGEST_LEN);
	for (unsigned n = 0; n < 30; n++) {
		key_of(n, "1", key);
		assert_int_equal(knows(c, key), n < 3 || (n % 3 != 1 && n != 29));
	}
	/* What was on its way when the worker was found out does not enter either. */
	{
		struct cache_note note = note_of(50, 7);

		cache_origin_add(&note.origin, 2);
		key_of(50, "1", key);
		assert_false(cache_put(c, key, "", &note, &v));
		assert_true(cache_put(c, key, "x", &note, &bad));
	}
	verdict_clear(&v);
	verdict_clear(&bad);
	cache_free(&c);
}

static void
origins_join(void **state)
{
	struct cache_origin a = {.count = 0}, b = {.count = 0};

	(void)state;
	for (uint64_t w = 1; w <= 3; w++)
		cache_origin_add(&a, w);
	for (uint64_t w = 2; w <= 4; w++)
		cache_origin_add(&b, w);
	cache_origin_join(&a, &b);
	assert_int_equal(a.count, 4);
	assert_false(a.many);
	cache_origin_add(&a, 5);
	assert_true(a.many);
	cache_origin_join(&b, &a);
	assert_true(b.many);
}

static void
one_object_can_be_forgotten(void **state)
{
	struct cache *c = small();
	struct verdict v = clean(), bad = infected("x");
	struct cache_note one = note_of(1, 1), two = note_of(2, 1);
	uint8_t key[DIGEST_LEN];

	(void)state;
	key_of(1, "1", key);
	cache_put(c, key, "", &one, &v);
	key_of(1, "2", key);
	cache_put(c, key, "x", &one, &bad);
	key_of(2, "1", key);
	cache_put(c, key, "", &two, &v);
	assert_int_equal(cache_purge_object(c, one.object, NULL), 2);
	assert_true(knows(c, key));
	assert_int_equal(cache_purge_all(c, NULL), 1);
	verdict_clear(&v);
	verdict_clear(&bad);
	cache_free(&c);
}

static void
any_bytes_unpack_to_all_or_nothing(void **state)
{
	struct rnd r = rnd_new(3);
	struct cache_note note = note_of(1, 1);

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		g_autoptr(GByteArray) b = g_byte_array_new();
		struct verdict v = rnd_below(&r, 2) ? clean() : infected("x/y"), back = {0};

		assert_true(cache_pack("x", &note, &v, b));
		for (unsigned n = rnd_below(&r, 3); n > 0; n--)
			b->data[rnd_below(&r, b->len)] = (guint8)rnd_below(&r, 256);
		if (rnd_below(&r, 4) == 0)
			g_byte_array_set_size(b, rnd_below(&r, b->len));
		if (cache_unpack(b->data, b->len, "x", &note, &back))
			assert_int_equal(back.states, 1u << SCAN_COMPLETE);
		else
			assert_int_equal(back.states, 0);
		verdict_clear(&v);
		verdict_clear(&back);
	}
}

static void *
hammer(void *arg)
{
	struct cache *c = arg;
	struct rnd r = rnd_new((uint64_t)pthread_self());

	for (unsigned i = 0; i < 3000; i++) {
		unsigned n = rnd_below(&r, 40);
		struct cache_note note = note_of(n, n % 5);
		struct verdict v = n % 4 ? clean() : infected("x"), back = {0};
		uint8_t key[DIGEST_LEN];

		key_of(n, "1", key);
		if (cache_get(c, key, CACHE_OBJECT, "x", NULL, &back))
			assert_int_equal(verdict_is_clean(&back), n % 4 != 0);
		cache_put(c, key, "x", &note, &v);
		if (rnd_below(&r, 500) == 0)
			cache_purge_object(c, note.object, NULL);
		if (rnd_below(&r, 1000) == 0)
			cache_resize(c, &(struct cache_limits){.findings = 1 + rnd_below(&r, 9),
			                                       .clean = 9,
			                                       .bytes = 9999});
		verdict_clear(&v);
		verdict_clear(&back);
	}
	return NULL;
}

static void
threads(void **state)
{
	struct cache *c = small();
	pthread_t t[8];

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&t[i], NULL, hammer, c), 0);
	for (unsigned i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	cache_free(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_complete_enters),
    cmocka_unit_test(label_is_put_in_at_look_up),
    cmocka_unit_test(keys_cover_everything),
    cmocka_unit_test(old_definitions_never_answer),
    cmocka_unit_test(bounds_hold),
    cmocka_unit_test(unversioned_lives_a_while),
    cmocka_unit_test(hostile_worker_is_forgotten),
    cmocka_unit_test(origins_join),
    cmocka_unit_test(one_object_can_be_forgotten),
    cmocka_unit_test(any_bytes_unpack_to_all_or_nothing),
    cmocka_unit_test(threads),
};

UNIT_RUN(tests)
