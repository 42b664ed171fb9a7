/*
 * balance: least outstanding, turns, rotation, limits, and nobody is forgotten
 */
#include "engine/balance.h"

#include "unit.h"

static void
least_busy_first(void **state)
{
	struct candidate c[] = {
	    {STANDING_IN, 3, 9, false}, {STANDING_IN, 1, 9, false}, {STANDING_IN, 2, 9, false}};

	(void)state;
	for (size_t turn = 0; turn < 3; turn++)
		assert_int_equal(balance_pick(c, 3, turn), 1);
}

static void
equals_take_turns(void **state)
{
	struct candidate c[] = {
	    {STANDING_IN, 1, 9, false}, {STANDING_IN, 1, 9, false}, {STANDING_IN, 1, 9, false}};

	(void)state;
	for (size_t turn = 0; turn < 3; turn++)
		assert_int_equal(balance_pick(c, 3, turn), (int)turn);
}

static void
rotation(void **state)
{
	struct candidate c[] = {{STANDING_OUT, 0, 9, false},
	                        {STANDING_SUSPECT, 0, 9, false},
	                        {STANDING_IN, 8, 9, false}};

	(void)state;
	assert_int_equal(balance_pick(c, 3, 0), 2);
	c[2].busy = 9; /* waiting for the good one is better than asking a dead one */
	assert_int_equal(balance_pick(c, 3, 0), BALANCE_FULL);
	c[2].tried = true;
	assert_int_equal(balance_pick(c, 3, 0), 1);
	c[1].tried = true;
	assert_int_equal(balance_pick(c, 3, 0), 0); /* all out: tried all the same */
	c[0].tried = true;
	assert_int_equal(balance_pick(c, 3, 0), BALANCE_NONE);
}

static void
all_out_and_full(void **state)
{
	struct candidate c[] = {{STANDING_OUT, 1, 1, false}, {STANDING_OUT, 0, 0, true}};

	(void)state;
	assert_int_equal(balance_pick(c, 2, 0), BALANCE_FULL);
}

/* Whatever the state, an untried server is either picked or waited for, and a full one is never
 * picked. */
static void
properties(void **state)
{
	struct rnd r = rnd_new(4);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct candidate c[6];
		size_t n = 1 + rnd_below(&r, 6);
		bool untried = false;
		int got;

		for (size_t i = 0; i < n; i++) {
			c[i] = (struct candidate){(enum standing)rnd_below(&r, 3), rnd_below(&r, 4),
			                          rnd_below(&r, 4), rnd_below(&r, 2) == 0};
			untried = untried || !c[i].tried;
		}
		got = balance_pick(c, n, rnd_below(&r, 100));
		assert_int_equal(got == BALANCE_NONE, !untried);
		if (got < 0)
			continue;
		assert_false(c[got].tried);
		assert_true(c[got].busy < c[got].limit);
		for (size_t i = 0; i < n; i++)
			assert_false(!c[i].tried && c[i].standing == STANDING_IN &&
			             c[got].standing != STANDING_IN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(least_busy_first), cmocka_unit_test(equals_take_turns),
	    cmocka_unit_test(rotation),         cmocka_unit_test(all_out_and_full),
	    cmocka_unit_test(properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
