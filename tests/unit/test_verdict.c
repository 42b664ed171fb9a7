/*
 * verdict: the algebra as properties over random verdicts, and what zero memory means
 */
#include "verdict/verdict.h"

#include "unit.h"

#include "verdict/action.h"

#define ROUNDS 3000

static const char *const names[] = {"Eicar", "Win.Trojan", "PUA.X", "HEUR", "a", "b"};
static const char *const whys[] = {"", "x", "timed out", "limit"};

/* A verdict with at least one state, as any scan that was begun leaves it. */
static struct verdict
random_verdict(struct rnd *r)
{
	struct verdict v = {0};
	unsigned n = rnd_below(r, 10) == 0 ? 90 : rnd_below(r, 4);

	do {
		if (rnd_below(r, 2))
			verdict_complete(&v);
		if (rnd_below(r, 3) == 0)
			verdict_fail(&v, (enum reason)(1 + rnd_below(r, REASON_COUNT - 1)), "%s",
			             whys[rnd_below(r, 4)]);
		if (rnd_below(r, 3) == 0)
			verdict_partial(&v, (enum reason)rnd_below(r, REASON_COUNT), "%s",
			                whys[rnd_below(r, 4)]);
	} while (v.states == 0);
	verdict_blame(&v, rnd_below(r, 2) ? "clamav" : rnd_below(r, 2) ? "other" : "");
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *object = g_strdup_printf("o%u", rnd_below(r, 40));

		verdict_find(&v, (enum finding_kind)(1 + rnd_below(r, FINDING_INFECTED)),
		             names[rnd_below(r, 6)], object, rnd_below(r, 2) ? "clamav" : "other");
	}
	return v;
}

static struct verdict
joined(const struct verdict *a, const struct verdict *b)
{
	struct verdict v = {0};

	verdict_join(&v, a);
	verdict_join(&v, b);
	return v;
}

static void
assert_same_titles(const GPtrArray *a, const GPtrArray *b)
{
	assert_int_equal(a ? a->len : 0, b ? b->len : 0);
	for (guint i = 0; a && i < a->len; i++)
		assert_string_equal(g_ptr_array_index(a, i), g_ptr_array_index(b, i));
}

static void
assert_same(const struct verdict *a, const struct verdict *b)
{
	guint na = a->findings ? a->findings->len : 0, nb = b->findings ? b->findings->len : 0;

	assert_int_equal(a->states, b->states);
	assert_int_equal(a->kinds, b->kinds);
	assert_int_equal(a->more, b->more);
	assert_int_equal(a->partial, b->partial);
	assert_int_equal(a->failed, b->failed);
	assert_int_equal(g_strcmp0(a->partial_why, b->partial_why), 0);
	assert_int_equal(g_strcmp0(a->failed_why, b->failed_why), 0);
	assert_same_titles(a->partial_by, b->partial_by);
	assert_same_titles(a->failed_by, b->failed_by);
	assert_int_equal(na, nb);
	for (guint i = 0; i < na; i++) {
		const struct finding *x = g_ptr_array_index(a->findings, i),
				     *y = g_ptr_array_index(b->findings, i);

		assert_int_equal(x->kind, y->kind);
		assert_string_equal(x->name, y->name);
		assert_string_equal(x->object, y->object);
		assert_string_equal(x->engine, y->engine);
	}
}

static void
join_laws(void **state)
{
	struct rnd r = rnd_new(20261120);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		AUTO(verdict_clear)
		struct verdict a = random_verdict(&r),
			       b = random_verdict(&r), c = random_verdict(&r);
		AUTO(verdict_clear)
		struct verdict ab = joined(&a, &b),
			       ba = joined(&b, &a), bc = joined(&b, &c);
		AUTO(verdict_clear)
		struct verdict left = joined(&ab, &c),
			       right = joined(&a, &bc), aa = joined(&a, &a);

		assert_same(&ab, &ba);
		assert_same(&left, &right);
		assert_same(&aa, &a);
		verdict_join(&a, &a);
		assert_same(&aa, &a);
	}
}

/* The strictest action over the items, as policy forms it. */
static enum action
strictest(const struct verdict *v, const enum action table[CLASS_COUNT])
{
	unsigned items = verdict_items(v);
	enum action out = ACTION_PASS;

	assert_int_not_equal(items, 0);
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		if (items & 1u << c)
			out = action_stricter(out, table[c]);
	return out;
}

static void
never_weaker(void **state)
{
	struct rnd r = rnd_new(7);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		AUTO(verdict_clear)
		struct verdict v = random_verdict(&r),
			       other = random_verdict(&r);
		enum action table[CLASS_COUNT] = {ACTION_PASS}, before;

		/* What clean gets is "nothing": anything else may only be as strict or stricter. */
		for (unsigned c = CLASS_CLEAN + 1; c < CLASS_COUNT; c++)
			table[c] = (enum action)rnd_below(&r, ACTION_COUNT);
		before = strictest(&v, table);
		switch (rnd_below(&r, 4)) {
		case 0:
			verdict_fail(&v, REASON_TIMEOUT, "added");
			break;
		case 1:
			verdict_partial(&v, REASON_LIMIT_SIZE, "added");
			break;
		case 2:
			verdict_find(&v, (enum finding_kind)(1 + rnd_below(&r, FINDING_INFECTED)),
			             "added", "o", "e");
			break;
		default:
			verdict_join(&v, &other);
		}
		assert_true(strictest(&v, table) >= before);
		assert_false(verdict_is_clean(&v) && before != ACTION_PASS);
	}
}

/* One weak finding below hundreds of strong ones still has its say: its action may be the
 * strictest. */
static void
crowd_hides_nothing(void **state)
{
	AUTO(verdict_clear) struct verdict v = {0};
	enum action table[CLASS_COUNT] = {[CLASS_MACRO] = ACTION_REJECT};

	(void)state;
	verdict_complete(&v);
	verdict_find(&v, FINDING_MACRO, "M", "o", "e");
	for (int i = 0; i < 500; i++) {
		g_autofree char *name = g_strdup_printf("V%d", i);

		verdict_find(&v, FINDING_INFECTED, name, "o", "e");
	}
	assert_int_equal(v.findings->len, VERDICT_FINDINGS_MAX);
	assert_true(v.more);
	assert_int_equal(strictest(&v, table), ACTION_REJECT);
}

static void
zero_is_error(void **state)
{
	AUTO(verdict_clear) struct verdict v = {0};

	(void)state;
	assert_false(verdict_is_clean(&v));
	assert_int_equal(verdict_state(&v), SCAN_UNKNOWN);
	assert_int_equal(verdict_class(&v), CLASS_ERROR);
	assert_int_equal(verdict_items(&v), 1u << CLASS_ERROR);
	assert_string_equal(verdict_reason(&v, CLASS_ERROR), "unknown");
	assert_null(verdict_top(&v));
	verdict_clear(&v);
	assert_int_equal(verdict_class(&v), CLASS_ERROR);
}

static void
forgotten_slot_is_error(void **state)
{
	AUTO(verdict_clear) struct verdict sum = {0};
	struct verdict slots[3] = {{0}};

	(void)state;
	verdict_complete(&slots[0]);
	verdict_complete(&slots[2]);
	for (int i = 0; i < 3; i++)
		verdict_join(&sum, &slots[i]);
	assert_false(verdict_is_clean(&sum));
	assert_int_equal(verdict_class(&sum), CLASS_ERROR);
	assert_string_equal(verdict_reason(&sum, CLASS_ERROR), "unknown");
}

static void
only_complete_and_empty_is_clean(void **state)
{
	(void)state;
	for (unsigned states = 0; states < 16; states++)
		for (unsigned kinds = 0; kinds < 128; kinds++) {
			struct verdict v = {.states = states, .kinds = kinds};
			bool clean = states == 1u << SCAN_COMPLETE && kinds == 0;

			assert_int_equal(verdict_is_clean(&v), clean);
			assert_int_equal(verdict_class(&v) == CLASS_CLEAN, clean);
		}
}

/* What is not clean always has an item, or no action would speak for it. */
static void
no_item_is_error(void **state)
{
	struct verdict v = {.states = 1u << SCAN_COMPLETE, .more = true};

	(void)state;
	assert_false(verdict_is_clean(&v));
	assert_int_equal(verdict_items(&v), 1u << CLASS_ERROR);
	v = (struct verdict){.states = 1u << 7};
	assert_int_equal(verdict_items(&v), 1u << CLASS_ERROR);
}

static void
class_order(void **state)
{
	static const struct {
		enum finding_kind kind;
		bool fail, partial;
		enum verdict_class want;
	} rows[] = {
	    {FINDING_INFECTED, true, true, CLASS_INFECTED},
	    {FINDING_EVASION, true, true, CLASS_EVASION},
	    {FINDING_BLOCKED, true, true, CLASS_BLOCKED},
	    {FINDING_SUSPICIOUS, true, false, CLASS_ERROR},
	    {FINDING_ENCRYPTED, true, false, CLASS_ERROR},
	    {FINDING_ENCRYPTED, false, true, CLASS_UNSCANNABLE},
	    {FINDING_MACRO, false, true, CLASS_UNSCANNABLE},
	    {FINDING_SUSPICIOUS, false, false, CLASS_SUSPICIOUS},
	    {FINDING_NONE, false, false, CLASS_CLEAN},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};

		verdict_complete(&v);
		if (rows[i].kind != FINDING_NONE)
			verdict_find(&v, rows[i].kind, "n", "o", "e");
		if (rows[i].fail)
			verdict_fail(&v, REASON_BUSY, "f");
		if (rows[i].partial)
			verdict_partial(&v, REASON_CORRUPT, "p");
		assert_int_equal(verdict_class(&v), rows[i].want);
	}
}

static void
reasons_by_strength(void **state)
{
	AUTO(verdict_clear) struct verdict v = {0};

	(void)state;
	verdict_fail(&v, REASON_TIMEOUT, "first");
	verdict_fail(&v, REASON_WORKER_DIED, "second %d", 2);
	verdict_fail(&v, REASON_BUSY, "third");
	assert_string_equal(verdict_reason(&v, CLASS_ERROR), "worker-died");
	assert_string_equal(verdict_why(&v, CLASS_ERROR), "second 2");
	assert_string_equal(verdict_reason(&v, CLASS_UNSCANNABLE), "");
	assert_null(verdict_why(&v, CLASS_UNSCANNABLE));
	assert_string_equal(verdict_reason(&v, CLASS_INFECTED), "");
}

static void
findings_are_sanitised(void **state)
{
	AUTO(verdict_clear) struct verdict v = {0};
	g_autofree char *fat = g_strnfill(5000, 'n');
	const struct finding *f;

	(void)state;
	verdict_find(&v, FINDING_INFECTED, "A\r\nX: y\x01\xc3\xa4", "a\tb", NULL);
	f = verdict_top(&v);
	assert_string_equal(f->name, "A__X: y___");
	assert_string_equal(f->object, "a_b");
	assert_string_equal(f->engine, "");
	verdict_find(&v, FINDING_INFECTED, "A\r\nX: y\x01\xc3\xa4", "a\tb", NULL);
	assert_int_equal(v.findings->len, 1);
	verdict_clear(&v);
	verdict_find(&v, FINDING_INFECTED, fat, fat, "e");
	f = verdict_top(&v);
	assert_int_equal(strlen(f->name), 200);
	assert_int_equal(strlen(f->object), 400);
}

/* Whose failure it was survives joins, and an unnamed one does not hide behind a named one. */
static void
blame(void **state)
{
	AUTO(verdict_clear) struct verdict a = {0}, b = {0}, sum = {0}, direct = {0};

	(void)state;
	verdict_fail(&a, REASON_BUSY, "a");
	verdict_blame(&a, "one");
	verdict_blame(&a, "two");
	assert_int_equal(a.failed_by->len, 1);
	assert_null(a.partial_by);
	verdict_fail(&b, REASON_SPOOL, "b");
	verdict_join(&sum, &a);
	assert_int_equal(sum.failed_by->len, 1);
	assert_string_equal(g_ptr_array_index(sum.failed_by, 0), "one");
	verdict_join(&sum, &b);
	assert_int_equal(sum.failed_by->len, 2);
	assert_string_equal(g_ptr_array_index(sum.failed_by, 0), "");
	verdict_fail(&direct, REASON_SPOOL, "d");
	verdict_join(&direct, &a);
	assert_int_equal(direct.failed_by->len, 2);
	verdict_clear(&b);
	verdict_blame(&b, "silent");
	assert_string_equal(g_ptr_array_index(b.failed_by, 0), "silent");
}

static void
impossible_kind_is_failure(void **state)
{
	static const int kinds[] = {FINDING_NONE, -1, FINDING_INFECTED + 1, 1000};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		AUTO(verdict_clear) struct verdict v = {0};

		verdict_complete(&v);
		verdict_find(&v, (enum finding_kind)kinds[i], "n", "o", "e");
		assert_int_equal(verdict_class(&v), CLASS_ERROR);
		assert_string_equal(verdict_reason(&v, CLASS_ERROR), "protocol");
	}
}

static void
words(void **state)
{
	enum verdict_class c;
	enum action a;

	(void)state;
	for (unsigned i = 0; i < CLASS_COUNT; i++) {
		assert_true(verdict_class_parse(verdict_class_name((enum verdict_class)i), &c));
		assert_int_equal(c, i);
	}
	assert_false(verdict_class_parse("Clean", &c));
	for (unsigned i = 0; i < ACTION_COUNT; i++) {
		assert_true(action_parse(action_name((enum action)i), &a));
		assert_int_equal(a, i);
	}
	assert_false(action_parse("accept", &a));
	assert_string_equal(finding_kind_name(FINDING_EVASION), "evasion");
	assert_string_equal(scan_state_name(SCAN_PARTIAL), "partial");
	assert_string_equal(reason_name(REASON_LIMIT_TIME), "limit.time");
	assert_int_equal(finding_class((enum finding_kind)77), CLASS_ERROR);
	/* reject > quarantine > redirect > discard > tempfail > repair > pass */
	assert_int_equal(action_stricter(ACTION_TEMPFAIL, ACTION_DISCARD), ACTION_DISCARD);
	assert_int_equal(action_stricter(ACTION_REJECT, ACTION_QUARANTINE), ACTION_REJECT);
	assert_int_equal(action_stricter(ACTION_PASS, ACTION_REPAIR), ACTION_REPAIR);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(join_laws),
    cmocka_unit_test(never_weaker),
    cmocka_unit_test(crowd_hides_nothing),
    cmocka_unit_test(zero_is_error),
    cmocka_unit_test(forgotten_slot_is_error),
    cmocka_unit_test(only_complete_and_empty_is_clean),
    cmocka_unit_test(no_item_is_error),
    cmocka_unit_test(class_order),
    cmocka_unit_test(reasons_by_strength),
    cmocka_unit_test(findings_are_sanitised),
    cmocka_unit_test(blame),
    cmocka_unit_test(impossible_kind_is_failure),
    cmocka_unit_test(words),
};

UNIT_RUN(tests)
