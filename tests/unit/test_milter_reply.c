/*
 * milter/reply: any text becomes one line that libmilter takes; a refusal stays a refusal
 */
#include "fakemta.h"

#include "milter/reply.h"

static struct fake fake;

static int
setup(void **state)
{
	(void)state;
	fake = (struct fake){ .said = g_string_new(NULL) };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	g_string_free(fake.said, TRUE);
	return 0;
}

static void
codes(void **state)
{
	(void)state;
	assert_int_equal(reply_speak(&fake_ops, ctx_of(&fake), 550, "no"), SMFIS_REJECT);
	assert_int_equal(reply_speak(&fake_ops, ctx_of(&fake), 451, "later"), SMFIS_TEMPFAIL);
	assert_int_equal(reply_speak(&fake_ops, ctx_of(&fake), 421, "bye"), SMFIS_TEMPFAIL);
	assert_int_equal(reply_speak(&fake_ops, ctx_of(&fake), 0, "odd"), SMFIS_TEMPFAIL);
	assert_int_equal(reply_speak(&fake_ops, ctx_of(&fake), 250, "odd"), SMFIS_TEMPFAIL);
	assert_string_equal(fake.said->str,
	    "reply 550 5.7.1 no\nreply 451 4.7.1 later\nreply 421 4.7.1 bye\nreply 451 4.7.1 odd\nreply 451 4.7.1 odd\n");
}

static void
hostile_text(void **state)
{
	(void)state;
	reply_speak(&fake_ops, ctx_of(&fake), 550, "50% of\r\n250 ok\t\xff\x01");
	assert_string_equal(fake.said->str, "reply 550 5.7.1 50%% of??250 ok???\n");
}

static void
long_text(void **state)
{
	g_autofree char *text = g_strnfill(5000, '%');

	(void)state;
	reply_speak(&fake_ops, ctx_of(&fake), 451, text);
	assert_in_range(fake.said->len, 400, 512);
}

static void
no_text(void **state)
{
	(void)state;
	assert_int_equal(reply_speak(&fake_ops, ctx_of(&fake), 550, NULL), SMFIS_REJECT);
	assert_int_equal(reply_speak(&fake_ops, ctx_of(&fake), 451, ""), SMFIS_TEMPFAIL);
	assert_string_equal(fake.said->str, "reply 550 5.7.1 Message rejected\nreply 451 4.7.1 Virus scan unavailable, try again later\n");
	fake.fail = FAIL_REPLY;
	assert_int_equal(reply_speak(&fake_ops, ctx_of(&fake), 550, "x"), SMFIS_REJECT);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = { T(codes), T(hostile_text), T(long_text), T(no_text) };

int
main(void)
{
	(void)fake_new;		/* the parts of the fake that this test does not need */
	(void)fake_free;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
