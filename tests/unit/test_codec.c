/*
 * codec: every verdict survives; no byte string gives a half-read one
 */
#include "verdict/codec.h"

#include "unit.h"

#define ROUNDS 2000

static struct verdict
random_verdict(struct rnd *r)
{
	struct verdict v = {0};
	unsigned n = rnd_below(r, 10) == 0 ? 90 : rnd_below(r, 4);

	do {
		if (rnd_below(r, 2))
			verdict_complete(&v);
		if (rnd_below(r, 3) == 0)
			verdict_fail(&v, (enum reason)(1 + rnd_below(r, REASON_COUNT - 1)),
			             "step %u", rnd_below(r, 9));
		if (rnd_below(r, 3) == 0)
			verdict_partial(&v, (enum reason)(1 + rnd_below(r, REASON_COUNT - 1)), "%s",
			                "");
		if (rnd_below(r, 9) == 0)
			v.states |= 1u << SCAN_UNKNOWN;
		for (unsigned i = rnd_below(r, 4); i > 0; i--) {
			AUTO(verdict_clear) struct verdict other = {0};

			rnd_below(r, 2) ? verdict_fail(&other, REASON_BUSY, "b")
					: verdict_partial(&other, REASON_CORRUPT, "c");
			verdict_blame(&other, rnd_below(r, 2) ? "clamav" : "icap");
			verdict_join(&v, &other);
		}
	} while (v.states == 0);
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *object = g_strdup_printf("o%u/in\nner", rnd_below(r, 40));

		verdict_find(&v, (enum finding_kind)(1 + rnd_below(r, FINDING_INFECTED)),
		             rnd_below(r, 5) ? "Eicar" : NULL, object,
		             rnd_below(r, 2) ? "clamav" : "");
	}
	return v;
}

static void
assert_same_titles(const GPtrArray *a, const GPtrArray *b)
{
	assert_int_equal(a ? a->len : 0, b ? b->len : 0);
	for (guint i = 0; a && i < a->len; i++)
		assert_string_equal(g_ptr_array_index(a, i), g_ptr_array_index(b, i));
}

/* Equal in every field. */
static void
assert_same(const struct verdict *a, const struct verdict *b)
{
	assert_int_equal(a->states, b->states);
	assert_int_equal(a->kinds, b->kinds);
	assert_int_equal(a->more, b->more);
	assert_int_equal(a->partial, b->partial);
	assert_int_equal(a->failed, b->failed);
	assert_string_equal(a->partial_why ? a->partial_why : "",
	                    b->partial_why ? b->partial_why : "");
	assert_string_equal(a->failed_why ? a->failed_why : "", b->failed_why ? b->failed_why : "");
	assert_same_titles(a->partial_by, b->partial_by);
	assert_same_titles(a->failed_by, b->failed_by);
	assert_int_equal(a->findings ? a->findings->len : 0, b->findings ? b->findings->len : 0);
	for (guint i = 0; a->findings && i < a->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(a->findings, i),
				     *g = g_ptr_array_index(b->findings, i);

		assert_int_equal(f->kind, g->kind);
		assert_string_equal(f->name, g->name);
		assert_string_equal(f->object, g->object);
		assert_string_equal(f->engine, g->engine);
	}
}

static void
every_verdict_survives(void **state)
{
	struct rnd r = rnd_new(7);

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		g_autoptr(GByteArray) bytes = g_byte_array_new();
		struct verdict v = random_verdict(&r), back = {0};

		verdict_encode(&v, bytes);
		assert_true(bytes->len <= CODEC_MAX);
		assert_true(verdict_decode(bytes->data, bytes->len, &back));
		assert_same(&v, &back);
		verdict_clear(&v);
		verdict_clear(&back);
	}
}

static void
largest_verdict_fits(void **state)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autofree char *lots = g_strnfill(5000, 'x');
	struct verdict v = {0}, back = {0};

	(void)state;
	verdict_complete(&v);
	verdict_fail(&v, REASON_UNKNOWN, "%s", lots);
	verdict_partial(&v, REASON_CORRUPT, "%s", lots);
	for (unsigned i = 0; i < 100; i++) {
		g_autofree char *object = g_strdup_printf("%u%s", i, lots);

		verdict_find(&v, FINDING_INFECTED, lots, object, lots);
	}
	verdict_encode(&v, bytes);
	assert_true(verdict_decode(bytes->data, bytes->len, &back));
	assert_same(&v, &back);
	assert_true(back.more);
	verdict_clear(&v);
	verdict_clear(&back);
}

/* The two encodings that hurt most if bytes were misread: clean, and infected. */
static void
cut_or_longer_is_refused(void **state)
{
	struct rnd r = rnd_new(8);

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		g_autoptr(GByteArray) bytes = g_byte_array_new();
		struct verdict v = random_verdict(&r), back = {0};

		verdict_encode(&v, bytes);
		for (guint len = 0; len < bytes->len; len++) {
			assert_false(verdict_decode(bytes->data, len, &back));
			assert_int_equal(back.states, 0);
			assert_false(verdict_is_clean(&back));
		}
		g_byte_array_append(bytes, (const guint8 *)"", 1);
		assert_false(verdict_decode(bytes->data, bytes->len, &back));
		verdict_clear(&v);
	}
}

/* Any change gives another whole verdict or none; what is accepted is what would have been written.
 */
static void
any_bytes_give_all_or_nothing(void **state)
{
	struct rnd r = rnd_new(9);

	(void)state;
	for (unsigned i = 0; i < 20 * ROUNDS; i++) {
		g_autoptr(GByteArray) bytes = g_byte_array_new(), again = g_byte_array_new();
		struct verdict v = random_verdict(&r), back = {0};

		verdict_encode(&v, bytes);
		for (unsigned n = 1 + rnd_below(&r, 3); n > 0; n--)
			bytes->data[rnd_below(&r, rnd_below(&r, 2) ? MIN(bytes->len, 15)
			                                           : bytes->len)] =
			    (guint8)rnd_below(&r, 256);
		if (verdict_decode(bytes->data, bytes->len, &back)) {
			verdict_encode(&back, again);
			assert_int_equal(again->len, bytes->len);
			assert_memory_equal(again->data, bytes->data, bytes->len);
			assert_int_not_equal(back.states, 0);
		} else {
			assert_int_equal(back.states, 0);
			assert_null(back.findings);
		}
		verdict_clear(&v);
		verdict_clear(&back);
	}
}

static void
a_finding_cannot_be_hidden(void **state)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	struct verdict v = {0}, back = {0};

	(void)state;
	verdict_complete(&v);
	verdict_find(&v, FINDING_INFECTED, "Eicar", "a.com", "clamav");
	verdict_encode(&v, bytes);
	bytes->data[2] = 0; /* kinds */
	assert_false(verdict_decode(bytes->data, bytes->len, &back));
	bytes->data[2] = (guint8)v.kinds;
	bytes->data[4] = 0; /* number of findings */
	assert_false(verdict_decode(bytes->data, bytes->len, &back));
	g_byte_array_set_size(bytes, 15);
	assert_false(verdict_decode(bytes->data, bytes->len, &back));
	verdict_clear(&v);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_verdict_survives),     cmocka_unit_test(largest_verdict_fits),
    cmocka_unit_test(cut_or_longer_is_refused),   cmocka_unit_test(any_bytes_give_all_or_nothing),
    cmocka_unit_test(a_finding_cannot_be_hidden),
};

UNIT_RUN(tests)
