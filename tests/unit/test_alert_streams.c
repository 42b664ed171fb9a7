/* alert_streams: the clock of aggregation */
#include "effect/alert_streams.h"

#include "unit.h"

#define T0    1000
#define EVERY 300

static void
take(struct alert_streams *s, int64_t now, unsigned items, uint64_t more)
{
	struct alert_batch *b = alert_streams_take(s, now, EVERY, false);

	assert_non_null(b);
	assert_int_equal(b->items->len, items);
	assert_int_equal(b->more, more);
	alert_batch_free(b);
}

static void
test_first_at_once(void **state)
{
	struct alert_streams *s = alert_streams_new();

	(void)state;
	assert_true(alert_streams_next(s) == INT64_MAX);
	assert_null(alert_streams_take(s, T0, EVERY, false));
	assert_true(alert_streams_add(s, ALERT_CRASH, NULL, "a"));
	assert_true(alert_streams_next(s) <= T0);
	take(s, T0, 1, 0);
	assert_null(alert_streams_take(s, T0, EVERY, false));
	alert_streams_free(&s);
}

static void
test_rest_together(void **state)
{
	struct alert_streams *s = alert_streams_new();

	(void)state;
	alert_streams_add(s, ALERT_CRASH, NULL, "a");
	take(s, T0, 1, 0);
	for (int i = 0; i < ALERT_ITEMS_MAX + 7; i++)
		alert_streams_add(s, ALERT_CRASH, NULL, "b");
	assert_int_equal(alert_streams_next(s), T0 + EVERY);
	assert_null(alert_streams_take(s, T0 + EVERY - 1, EVERY, false));
	take(s, T0 + EVERY, ALERT_ITEMS_MAX, 7);
	alert_streams_add(s, ALERT_CRASH, NULL, "c");
	assert_null(alert_streams_take(s, T0 + 2 * EVERY - 1, EVERY, false));
	take(s, T0 + 2 * EVERY, 1, 0);
	/* After a quiet interval the next one is due at once again. */
	assert_null(alert_streams_take(s, T0 + 3 * EVERY, EVERY, false));
	alert_streams_add(s, ALERT_CRASH, NULL, "d");
	take(s, T0 + 3 * EVERY, 1, 0);
	alert_streams_free(&s);
}

static void
test_apart(void **state)
{
	struct alert_streams *s = alert_streams_new();
	struct alert_batch *b;

	(void)state;
	alert_streams_add(s, ALERT_NOTICE, "a@b", "x");
	alert_streams_add(s, ALERT_NOTICE, "c@d", "y");
	alert_streams_add(s, ALERT_NOTICE, NULL, "z");
	alert_streams_add(s, ALERT_INFECTION, NULL, "z");
	for (int i = 0; i < 4; i++) {
		b = alert_streams_take(s, T0, EVERY, false);
		assert_non_null(b);
		assert_int_equal(b->items->len, 1);
		if (b->to != NULL)
			assert_string_equal(g_ptr_array_index(b->items, 0),
			    strcmp(b->to, "a@b") == 0 ? "x" : "y");
		alert_batch_free(b);
	}
	assert_null(alert_streams_take(s, T0, EVERY, false));
	alert_streams_free(&s);
}

static void
test_all_and_shorter(void **state)
{
	struct alert_streams *s = alert_streams_new();
	struct alert_batch *b;

	(void)state;
	alert_streams_add(s, ALERT_UPDATE, NULL, "a");
	take(s, T0, 1, 0);
	alert_streams_add(s, ALERT_UPDATE, NULL, "b");
	b = alert_streams_take(s, T0, EVERY, true);
	assert_non_null(b);
	alert_batch_free(b);
	alert_streams_add(s, ALERT_UPDATE, NULL, "c");
	assert_null(alert_streams_take(s, T0, 10, false));
	assert_int_equal(alert_streams_next(s), T0 + 10);
	alert_streams_free(&s);
}

static void
test_bounded(void **state)
{
	struct alert_streams *s = alert_streams_new();
	unsigned refused = 0;

	(void)state;
	for (int i = 0; i < ALERT_STREAMS_MAX + 5; i++) {
		g_autofree char *to = g_strdup_printf("u%d@b", i);

		refused += !alert_streams_add(s, ALERT_NOTICE, to, "x");
	}
	assert_int_equal(refused, 5);
	assert_true(alert_streams_add(s, ALERT_NOTICE, "u0@b", "x"));
	for (int i = 0; i < ALERT_STREAMS_MAX; i++)
		alert_batch_free(alert_streams_take(s, T0, EVERY, false));
	/* Quiet ones make room. */
	assert_null(alert_streams_take(s, T0 + EVERY, EVERY, false));
	assert_true(alert_streams_add(s, ALERT_NOTICE, "new@b", "x"));
	alert_streams_free(&s);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_first_at_once),
	cmocka_unit_test(test_rest_together),
	cmocka_unit_test(test_apart),
	cmocka_unit_test(test_all_and_shorter),
	cmocka_unit_test(test_bounded),
};

UNIT_RUN(tests)
