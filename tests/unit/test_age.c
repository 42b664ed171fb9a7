/*
 * test_age - dates in names and texts of definitions
 */
#include "engine/age.h"

#include "unit.h"

static void
names(void **state)
{
	static const struct {
		const char *name;
		int64_t made;
	} t[] = {
		{ "20150215.001", 1423958400 },
		{ "20150215", 1423958400 },
		{ "19700101.1", 0 }, /* not likely */
		{ "20151315", 0 },
		{ "20150200", 0 },
		{ "24010199", 0 }, /* avast */
		{ "27500", 0 },
		{ "201502150", 0 },
		{ "v20150215", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++)
		assert_int_equal(age_of_name(t[i].name), t[i].made);
}

static void
texts(void **state)
{
	(void)state;
	assert_int_equal(age_of_text("Thu Dec 26 09:38:26 2024"), 1735205906);
	assert_int_equal(age_of_text("Mon Feb  2 00:00:00 2026"), 1769990400);
	assert_int_equal(age_of_text("Thu Dec 26 09:38:26 2024 and more"), 0);
	assert_int_equal(age_of_text("yesterday"), 0);
	assert_int_equal(age_of_text(""), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
