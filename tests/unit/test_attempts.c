/*
 * attempts: what breaks a scan three times is poison; an engine that is down makes no poison
 */
#include "scan/attempts.h"

#include "unit.h"

#define DAY_MS 86400000

static const uint8_t object[DIGEST_LEN] = {1}, other[DIGEST_LEN] = {2};

static struct verdict
failing(enum reason r)
{
	struct verdict v = {0};

	verdict_fail(&v, r, "because");
	return v;
}

static void
third_death_is_poison(void **state)
{
	struct attempts *a = attempts_new(DAY_MS);

	(void)state;
	for (unsigned i = 1; i <= 4; i++) {
		struct verdict v = failing(REASON_WORKER_DIED);

		verdict_find(&v, FINDING_ENCRYPTED, "Encrypted", "a.zip", "clamav");
		verdict_blame(&v, "clamav");
		attempts_worked(a, "clamav");
		attempts_judge(a, "clamav", object, 3, &v);
		assert_int_equal(attempts_get(a, object), i);
		assert_int_equal(verdict_state(&v), i < 3 ? SCAN_FAILED : SCAN_PARTIAL);
		assert_string_equal(verdict_reason(&v, i < 3 ? CLASS_ERROR : CLASS_UNSCANNABLE),
		                    i < 3 ? "worker-died" : "poison");
		assert_true(verdict_items(&v) & 1u << CLASS_ENCRYPTED);
		assert_false(verdict_is_clean(&v));
		assert_int_equal(i < 3 ? v.failed_by->len : v.partial_by->len, 1);
		assert_true(i < 3 ? v.partial_by == NULL : v.failed_by == NULL);
		if (i >= 3)
			assert_non_null(strstr(verdict_why(&v, CLASS_UNSCANNABLE), "because"));
		verdict_clear(&v);
	}
	assert_int_equal(attempts_get(a, other), 0);
	attempts_clear(a);
	assert_int_equal(attempts_get(a, object), 0);
	attempts_free(&a);
}

static void
poison_is_not_scanned_again(void **state)
{
	struct attempts *a = attempts_new(DAY_MS);
	struct verdict v = failing(REASON_WORKER_DIED);

	(void)state;
	assert_false(attempts_poisoned(a, object, 1, &v));
	attempts_judge(a, "", object, 2, &v);
	verdict_clear(&v);
	assert_false(attempts_poisoned(a, object, 2, &v));
	assert_int_equal(v.states, 0);
	assert_true(attempts_poisoned(a, object, 1, &v));
	assert_int_equal(verdict_state(&v), SCAN_PARTIAL);
	assert_int_equal(v.partial, REASON_POISON);
	verdict_clear(&v);
	attempts_free(&a);
}

/* A server that hangs for an hour: the sender tries again and again, but no other mail got through
 * either. */
static void
dead_engine_makes_no_poison(void **state)
{
	static const enum reason reasons[] = {REASON_TIMEOUT, REASON_LOST, REASON_WORKER_DIED};
	static const uint8_t third[DIGEST_LEN] = {3}, *const objects[] = {object, other, third};
	struct attempts *a = attempts_new(DAY_MS);

	(void)state;
	for (unsigned k = 0; k < 3; k++)
		for (unsigned i = 0; i < 10; i++) {
			struct verdict v = failing(reasons[k]);

			attempts_worked(a, "another engine");
			attempts_judge(a, "icap", objects[k], 3, &v);
			assert_int_equal(verdict_state(&v), SCAN_FAILED);
			verdict_clear(&v);
		}
	assert_int_equal(attempts_get(a, object), 1);
	attempts_free(&a);
}

static void
hanging_object_is_poison(void **state)
{
	struct attempts *a = attempts_new(DAY_MS);

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		struct verdict v = failing(REASON_TIMEOUT);

		attempts_judge(a, "icap", object, 3, &v);
		attempts_worked(a, "icap");
		assert_int_equal(verdict_state(&v), i < 3 ? SCAN_FAILED : SCAN_PARTIAL);
		verdict_clear(&v);
	}
	attempts_free(&a);
}

static void
other_failures_do_not_count(void **state)
{
	struct attempts *a = attempts_new(DAY_MS);

	(void)state;
	for (unsigned r = 1; r < REASON_COUNT; r++) {
		struct verdict v = failing((enum reason)r), p = {0};

		if (r == REASON_WORKER_DIED || r == REASON_TIMEOUT || r == REASON_LOST) {
			verdict_clear(&v);
			continue;
		}
		attempts_worked(a, "e");
		attempts_judge(a, "e", object, 1, &v);
		assert_int_equal(verdict_state(&v), SCAN_FAILED);
		verdict_partial(&p, (enum reason)r, "limit");
		attempts_judge(a, "e", object, 1, &p);
		assert_int_not_equal(p.partial, r == REASON_POISON ? REASON_NONE : REASON_POISON);
		verdict_clear(&v);
		verdict_clear(&p);
	}
	assert_int_equal(attempts_get(a, object), 0);
	attempts_free(&a);
}

static void
counts_grow_old_and_are_bounded(void **state)
{
	struct attempts *a = attempts_new(50);

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct verdict v = failing(REASON_WORKER_DIED);
		uint8_t key[DIGEST_LEN];

		digest_of(&i, sizeof i, key);
		attempts_judge(a, "", key, 3, &v);
		verdict_clear(&v);
		if (i == 19999) {
			assert_int_equal(attempts_get(a, key), 1);
			g_usleep(60 * 1000);
			assert_int_equal(attempts_get(a, key), 0);
		}
	}
	attempts_free(&a);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(third_death_is_poison),
    cmocka_unit_test(poison_is_not_scanned_again),
    cmocka_unit_test(dead_engine_makes_no_poison),
    cmocka_unit_test(hanging_object_is_poison),
    cmocka_unit_test(other_failures_do_not_count),
    cmocka_unit_test(counts_grow_old_and_are_bounded),
};

UNIT_RUN(tests)
