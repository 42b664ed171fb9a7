/*
 * milter: every order of callbacks, every early end, edits, replies, failures; with the engine that obeys markers
 */
#include "fakemta.h"

#include <sys/stat.h>

#include "base/deadline.h"
#include "base/log.h"
#include "engine/engine.h"
#include "message/spool.h"

#define NO_DECOMPOSITION "antivirus { file_base = \"/tmp\" mime_decompose = false fake \"f\" { } "

static struct milter world;

static void
use_conf(const char *text)
{
	g_autoptr(GError) err = NULL;
	struct conf *conf = conf_parse(text, "test.conf", &err);
	struct engines *engines;
	struct rules *rules;

	if (conf == NULL)
		fail_msg("%s", err->message);
	engines = engines_new(conf, NULL, true, &err);
	if (engines == NULL)
		fail_msg("%s", err->message);
	rules = rules_new(conf, NULL, &err);
	if (rules == NULL)
		fail_msg("%s", err->message);
	snapshot_slot_set(&world.slot, snapshot_new(1, conf, NULL, engines, rules));
}

static int
setup(void **state)
{
	(void)state;
	log_set_level(LOGLV_ERR);
	assert_true(milter_init(&world, &fake_ops, NULL, NULL));
	milter_use(&world);
	use_conf(NO_DECOMPOSITION "}");
	return 0;
}

/* Whatever a test did: nothing is held any more. */
static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(atomic_load(&world.sessions), 0);
	assert_int_equal(atomic_load(&world.pending), 0);
	assert_int_equal(atomic_load(&world.in_eom), 0);
	assert_int_equal(atomic_load(&world.kick.busy), 0);
	assert_int_equal(spool_budget_used(world.budget), 0);
	milter_clear(&world);
	return 0;
}

static void
negotiates_only_what_it_needs(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	assert_int_equal(f->actions, SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_SETSYMLIST);
	assert_int_equal(f->steps, SESSION_NO_REPLY | SMFIP_HDR_LEADSPC);
	assert_int_equal(f->steps & SMFIP_SKIP, 0);
	assert_non_null(strstr(f->symbols->str, "{auth_authen}"));
	fake_free(f);

	use_conf(NO_DECOMPOSITION "on_infected = quarantine } quarantine { mta_hold = true } header { scanned = \"\" status = \"\" }");
	f = fake_new(FAKE_ACTIONS & ~(unsigned long)SMFIF_SETSYMLIST, FAKE_STEPS);
	assert_int_equal(f->actions, SMFIF_QUARANTINE);
	assert_string_equal(f->symbols->str, "");
	fake_free(f);
}

static void
clean_is_stamped_and_delivered(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	fake_connect(f, "host.test", "192.0.2.1");
	assert_int_equal(fake_message(f, "Q1", "hello\r\n"), SMFIS_CONTINUE);
	assert_non_null(strstr(f->said->str, "insert 0 X-Virus-Status: Clean\n"));
	assert_non_null(strstr(f->said->str, "insert 0 X-Virus-Scanned: avmilter"));
	assert_null(strstr(f->said->str, "reply"));
	fake_free(f);
}

static void
without_leading_space_the_mta_puts_it(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS & ~(unsigned long)SMFIP_HDR_LEADSPC);

	(void)state;
	assert_int_equal(fake_message(f, "Q1", "hello\r\n"), SMFIS_CONTINUE);
	assert_non_null(strstr(f->said->str, "insert 0 X-Virus-Status:Clean\n"));
	fake_free(f);
}

static void
infected_is_rejected_without_edits(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	assert_int_equal(fake_message(f, "Q1", "FAKE:infected=Evil.A\r\n"), SMFIS_REJECT);
	assert_true(g_str_has_prefix(f->said->str, "reply 550 5.7.1 Message rejected: infected content found (ref "));
	assert_null(strstr(f->said->str, "insert"));
	fake_free(f);
}

static void
failure_is_tempfailed(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	assert_int_equal(fake_message(f, "Q1", "FAKE:fail\r\n"), SMFIS_TEMPFAIL);
	assert_true(g_str_has_prefix(f->said->str, "reply 451 4.7.1 Virus scan unavailable"));
	assert_int_equal(fake_message(f, "Q2", "FAKE:unknown\r\n"), SMFIS_TEMPFAIL);
	fake_free(f);
}

static void
forgeries_go_from_the_last_to_the_first(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	const char *third, *second, *first, *insert;

	(void)state;
	fake_envelope(f, "<a@src.test>", "<b@local.test>");
	fake_header(f, "X-Virus-Status", " Clean");
	fake_header(f, "Subject", " x");
	fake_header(f, "x-VIRUS-status", " Clean\n\tfolded");
	fake_header(f, "X-Virus-Status", " Infected (Y)");
	fake_body(f, "hello\r\n");
	assert_int_equal(fake_eom(f), SMFIS_CONTINUE);
	third = strstr(f->said->str, " 3 (delete)");
	second = strstr(f->said->str, " 2 (delete)");
	first = strstr(f->said->str, " 1 (delete)");
	insert = strstr(f->said->str, "insert");
	assert_true(third != NULL && second != NULL && first != NULL && insert != NULL);
	assert_true(third < second && second < first && first < insert);
	fake_free(f);
}

static void
a_failing_edit_is_451(void **state)
{
	static const unsigned faults[] = { FAIL_INSERT, FAIL_CHANGE };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
		struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

		f->fail = faults[i];
		fake_envelope(f, "<a@src.test>", "<b@local.test>");
		fake_header(f, "X-Virus-Status", " Clean");
		fake_body(f, "hello\r\n");
		assert_int_equal(fake_eom(f), SMFIS_TEMPFAIL);
		assert_non_null(strstr(f->said->str, "reply 451 4.7.1 "));
		fake_free(f);
	}
	assert_int_equal(atomic_load(&world.stats.effects_failed), 2);
}

static void
hold_or_451(void **state)
{
	struct fake *f;
	const char *insert, *hold;

	(void)state;
	use_conf(NO_DECOMPOSITION "on_infected = quarantine } quarantine { mta_hold = true }");
	f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	assert_int_equal(fake_message(f, "Q1", "FAKE:infected=Evil.A\r\n"), SMFIS_CONTINUE);
	insert = strstr(f->said->str, "insert 0 X-Virus-Status: Infected (Evil.A)");
	hold = strstr(f->said->str, "hold avmilter: infected Evil.A (ref ");
	assert_true(insert != NULL && hold != NULL && insert < hold);
	f->fail = FAIL_HOLD;
	assert_int_equal(fake_message(f, "Q2", "FAKE:infected=Evil.A\r\n"), SMFIS_TEMPFAIL);
	fake_free(f);
}

/* The new address first, then those who do not get it, in the exact bytes of the envelope; what the MTA refuses is 451. */
static void
redirected_or_451(void **state)
{
	static const unsigned faults[] = { FAIL_ADD, FAIL_DEL };
	const char *insert, *add, *del;
	struct fake *f;

	(void)state;
	use_conf(NO_DECOMPOSITION "on_infected = redirect redirect = \"r@x.test\" }");
	f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	assert_int_equal(f->actions & (SMFIF_ADDRCPT | SMFIF_DELRCPT), SMFIF_ADDRCPT | SMFIF_DELRCPT);
	assert_int_equal(fake_message(f, "Q1", "FAKE:infected=Evil.A\r\n"), SMFIS_CONTINUE);
	insert = strstr(f->said->str, "insert 0 X-Virus-Status: Infected (Evil.A)");
	add = strstr(f->said->str, "addrcpt <r@x.test>\n");
	del = strstr(f->said->str, "delrcpt <b@local.test>\n");
	assert_true(insert != NULL && add != NULL && del != NULL && insert < add && add < del);
	assert_int_equal(fake_message(f, "Q2", "hello\r\n"), SMFIS_CONTINUE);
	assert_null(strstr(f->said->str, "rcpt"));
	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
		f->fail = faults[i];
		assert_int_equal(fake_message(f, "Q3", "FAKE:infected=Evil.A\r\n"), SMFIS_TEMPFAIL);
		assert_non_null(strstr(f->said->str, "reply 451 4.7.1 "));
	}
	fake_free(f);
}

/* Who is written to already, in whichever form, is neither added nor taken off: the MTA would take off both, and lose the mail. */
static void
redirected_to_a_recipient(void **state)
{
	struct fake *f;

	(void)state;
	use_conf(NO_DECOMPOSITION "on_infected = redirect redirect = \"r@x.test\" }");
	f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	fake_envelope(f, "<a@src.test>", "<b@local.test>");
	fake_recipient(f, "<R@X.test>");
	fake_recipient(f, "<\"r\"@x.test>");
	fake_body(f, "FAKE:infected=Evil.A\r\n");
	assert_int_equal(fake_eom(f), SMFIS_CONTINUE);
	assert_null(strstr(f->said->str, "addrcpt"));
	assert_non_null(strstr(f->said->str, "delrcpt <b@local.test>\n"));
	assert_null(strstr(f->said->str, "delrcpt <R"));
	assert_null(strstr(f->said->str, "delrcpt <\""));
	fake_free(f);
}

/* There is no store here: whoever was to be withheld is not forgotten, the mail waits. */
static void
split_without_a_store_is_451(void **state)
{
	struct fake *f;

	(void)state;
	use_conf(NO_DECOMPOSITION "} split = quarantine policy \"p\" { recipients = {\"b@local.test\"} action = pass }");
	f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	assert_int_equal(f->actions & (SMFIF_ADDRCPT | SMFIF_DELRCPT), SMFIF_DELRCPT);
	assert_int_equal(fake_message(f, "Q1", "FAKE:infected=Evil.A\r\n"), SMFIS_CONTINUE);
	f->queue_id = "Q2";
	g_string_truncate(f->said, 0);
	fake_envelope(f, "<a@src.test>", "<b@local.test>");
	message_add_recipient(((struct session *)f->priv)->message, "<c@local.test>");
	fake_header(f, "Subject", " x");
	fake_body(f, "FAKE:infected=Evil.A\r\n");
	assert_int_equal(fake_eom(f), SMFIS_TEMPFAIL);
	assert_null(strstr(f->said->str, "delrcpt"));
	assert_non_null(strstr(f->said->str, "reply 451 4.7.1 "));
	fake_free(f);
}

/* Postfix's way to show mail of the sendmail command. */
static void
local_mail_is_known(void **state)
{
	struct fake *f;

	(void)state;
	use_conf(NO_DECOMPOSITION "} policy \"p\" { traffic = {local} classes = {infected} action = discard }");
	f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	fake_connect(f, "localhost", "127.0.0.1");
	assert_int_equal(fake_message(f, "Q1", "FAKE:infected=Evil.A\r\n"), SMFIS_DISCARD);
	fake_connect(f, "client.test", "192.0.2.1");
	assert_int_equal(fake_message(f, "Q2", "FAKE:infected=Evil.A\r\n"), SMFIS_REJECT);
	fake_free(f);
}

static void
a_refusal_survives_a_refused_text(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	f->fail = FAIL_REPLY;
	assert_int_equal(fake_message(f, "Q1", "FAKE:infected=Evil.A\r\n"), SMFIS_REJECT);
	assert_int_equal(fake_message(f, "Q2", "FAKE:fail\r\n"), SMFIS_TEMPFAIL);
	fake_free(f);
}

static void
an_mta_that_cannot_do_what_we_need_gets_451(void **state)
{
	static const unsigned long offers[] = { 0, SMFIF_ADDHDRS, SMFIF_CHGHDRS, SMFIF_QUARANTINE };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(offers); i++) {
		struct fake *f = fake_new(offers[i], FAKE_STEPS);

		assert_int_equal(f->actions, 0);
		assert_int_equal(fake_message(f, "Q1", "hello\r\n"), SMFIS_TEMPFAIL);
		assert_null(strstr(f->said->str, "insert"));
		fake_free(f);
	}
}

static void
an_old_mta_is_answered_step_by_step(void **state)
{
	static const unsigned long offers[] = { 0, SMFIP_NR_HDR, SMFIP_NR_BODY | SMFIP_NR_CONN, 0x7f };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(offers); i++) {
		struct fake *f = fake_new(FAKE_ACTIONS, offers[i]);

		assert_int_equal(f->steps & ~offers[i], 0);
		fake_connect(f, "old.test", "192.0.2.1");
		assert_int_equal(fake_message(f, "Q1", "hello\r\n"), SMFIS_CONTINUE);
		assert_int_equal(fake_message(f, "Q2", "FAKE:infected=Evil.A\r\n"), SMFIS_REJECT);
		fake_free(f);
	}
}

/* Play the first n steps of a message. */
static void
steps(struct fake *f, unsigned n)
{
	char *a[] = { (char[]){ "<a@src.test>" }, NULL };
	unsigned char body[] = "body\r\n";

	if (n > 0)
		fake_connect(f, "host.test", "192.0.2.1");
	if (n > 1)
		expect_step(f, milter_callbacks()->xxfi_envfrom(ctx_of(f), a), SMFIP_NR_MAIL);
	if (n > 2)
		expect_step(f, milter_callbacks()->xxfi_envrcpt(ctx_of(f), a), SMFIP_NR_RCPT);
	if (n > 3)
		expect_step(f, milter_callbacks()->xxfi_data(ctx_of(f)), SMFIP_NR_DATA);
	if (n > 4)
		fake_header(f, "Subject", " x");
	if (n > 5)
		expect_step(f, milter_callbacks()->xxfi_eoh(ctx_of(f)), SMFIP_NR_EOH);
	if (n > 6)
		expect_step(f, milter_callbacks()->xxfi_body(ctx_of(f), body, sizeof(body) - 1), SMFIP_NR_BODY);
}

static void
abort_and_close_in_every_state(void **state)
{
	(void)state;
	for (unsigned n = 0; n <= 7; n++) {
		struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

		steps(f, n);
		milter_callbacks()->xxfi_abort(ctx_of(f));
		milter_callbacks()->xxfi_abort(ctx_of(f));
		assert_int_equal(fake_message(f, "Q1", "FAKE:infected=Evil.A\r\n"), SMFIS_REJECT);
		steps(f, n);
		milter_callbacks()->xxfi_close(ctx_of(f));
		fake_free(f);		/* closes again, which finds nothing */
	}
	assert_int_equal(atomic_load(&world.stats.aborted), 6);
}

static void
anything_in_any_order(void **state)
{
	struct rnd r = rnd_new(7);
	char *a[] = { (char[]){ "<a@src.test>" }, NULL };
	unsigned char body[] = "FAKE:infected=Evil.A\r\n";

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
		bool open = false, infected = false;

		for (unsigned i = 0; i < 20; i++) {
			switch (rnd_below(&r, 9)) {
			case 0:
				fake_connect(f, "h.test", "192.0.2.1");
				open = false;
				break;
			case 1:
				milter_callbacks()->xxfi_envfrom(ctx_of(f), a);
				open = true;
				infected = false;
				break;
			case 2:
				milter_callbacks()->xxfi_envrcpt(ctx_of(f), a);
				break;
			case 3:
				fake_header(f, "X", " y");
				break;
			case 4:
				milter_callbacks()->xxfi_eoh(ctx_of(f));
				break;
			case 5:
				milter_callbacks()->xxfi_body(ctx_of(f), body, sizeof(body) - 1);
				infected = infected || open;
				break;
			case 6:
				milter_callbacks()->xxfi_abort(ctx_of(f));
				open = false;
				break;
			case 7:
				milter_callbacks()->xxfi_data(ctx_of(f));
				break;
			default:
				assert_int_equal(fake_eom(f), !open ? SMFIS_TEMPFAIL : infected ? SMFIS_REJECT : SMFIS_CONTINUE);
				open = false;
				break;
			}
		}
		fake_free(f);
	}
}

static void
fifty_messages_do_not_bleed(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	fake_connect(f, "host.test", "192.0.2.1");
	for (unsigned i = 0; i < 50; i++) {
		g_autofree char *id = g_strdup_printf("Q%u", i), *body = g_strdup_printf("FAKE:infected=Evil.N%u\r\n", i);

		if (i % 3 == 0) {
			assert_int_equal(fake_message(f, id, body), SMFIS_REJECT);
		} else if (i % 3 == 1) {
			assert_int_equal(fake_message(f, id, "hello\r\n"), SMFIS_CONTINUE);
			assert_null(strstr(f->said->str, "Evil"));
			assert_null(strstr(f->said->str, "reply"));
		} else {
			assert_int_equal(fake_message(f, id, "FAKE:fail\r\n"), SMFIS_TEMPFAIL);
		}
	}
	assert_int_equal(atomic_load(&world.stats.messages), 50);
	assert_int_equal(atomic_load(&world.stats.viruses), 17);
	fake_free(f);
}

static void
quit_nc_keeps_what_was_negotiated(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	fake_connect(f, "one.test", "192.0.2.1");
	assert_int_equal(fake_message(f, "Q1", "hello\r\n"), SMFIS_CONTINUE);
	milter_callbacks()->xxfi_close(ctx_of(f));
	assert_null(f->priv);
	fake_connect(f, "two.test", "192.0.2.2");
	assert_int_equal(fake_message(f, "Q2", "hello\r\n"), SMFIS_CONTINUE);
	assert_non_null(strstr(f->said->str, "X-Virus-Status: Clean\n"));
	assert_int_equal(fake_message(f, "Q3", "FAKE:infected=Evil.A\r\n"), SMFIS_REJECT);
	fake_free(f);
}

static void
a_kick_is_nobody(void **state)
{
	struct fake f = { .queue_id = NULL };

	(void)state;
	assert_int_equal(milter_callbacks()->xxfi_close(ctx_of(&f)), SMFIS_CONTINUE);
	assert_int_equal(atomic_load(&world.stats.sessions), 0);
	assert_int_equal(atomic_load(&world.sessions), 0);
}

static void
body_inside_the_end_of_message(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	unsigned char body[] = "FAKE:infected=Evil.A\r\n";

	(void)state;
	fake_envelope(f, "<a@src.test>", "<b@local.test>");
	f->at_eom = true;
	assert_int_equal(milter_callbacks()->xxfi_body(ctx_of(f), body, sizeof(body) - 1), SMFIS_CONTINUE);
	assert_int_equal(fake_eom(f), SMFIS_REJECT);
	fake_free(f);
}

static void
a_message_keeps_its_snapshot(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	fake_envelope(f, "<a@src.test>", "<b@local.test>");
	use_conf(NO_DECOMPOSITION "on_infected = tempfail }");
	fake_body(f, "FAKE:infected=Evil.A\r\n");
	assert_int_equal(fake_eom(f), SMFIS_REJECT);
	assert_int_equal(fake_message(f, "Q2", "FAKE:infected=Evil.A\r\n"), SMFIS_TEMPFAIL);
	fake_free(f);
}

static void
new_needs_after_a_reload_are_451(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	use_conf(NO_DECOMPOSITION "on_infected = quarantine } quarantine { mta_hold = true }");
	assert_int_equal(fake_message(f, "Q1", "hello\r\n"), SMFIS_TEMPFAIL);
	fake_negotiate(f);
	assert_int_equal(fake_message(f, "Q2", "hello\r\n"), SMFIS_CONTINUE);
	fake_free(f);
}

static void
draining_answers_451_to_what_begins(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS), *g = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	fake_envelope(f, "<a@src.test>", "<b@local.test>");
	milter_drain(&world);
	assert_false(milter_drained(&world));
	assert_int_equal(fake_message(g, "Q1", "hello\r\n"), SMFIS_TEMPFAIL);
	fake_body(f, "FAKE:infected=Evil.A\r\n");
	assert_int_equal(fake_eom(f), SMFIS_REJECT);
	fake_free(f);
	fake_free(g);
	g_usleep(150 * 1000);
	assert_true(milter_drained(&world));
}

static void *
cut_soon(void *arg)
{
	g_usleep(300 * 1000);
	milter_cut(arg);
	return NULL;
}

static void
a_cut_ends_a_scan(void **state)
{
	struct fake *f;
	const int64_t begin = now_ms();
	pthread_t t;

	(void)state;
	use_conf(NO_DECOMPOSITION "on_error = pass }");
	f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	assert_int_equal(pthread_create(&t, NULL, cut_soon, &world), 0);
	assert_int_equal(fake_message(f, "Q1", "FAKE:sleep=8000\r\n"), SMFIS_TEMPFAIL);
	assert_true(now_ms() - begin < 3000);
	pthread_join(t, NULL);
	fake_free(f);
}

static void
disabled_is_skipped_and_says_so(void **state)
{
	struct fake *f;

	(void)state;
	use_conf("antivirus { file_base = \"/tmp\" enabled = false mime_decompose = false fake \"f\" { enabled = true } }");
	f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	assert_int_equal(fake_message(f, "Q1", "FAKE:infected=Evil.A\r\n"), SMFIS_CONTINUE);
	assert_non_null(strstr(f->said->str, "X-Virus-Status: Skipped (disabled)"));
	assert_int_equal(atomic_load(&world.stats.skipped), 1);
	fake_free(f);
}

static void
no_snapshot_is_451(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	snapshot_slot_set(&world.slot, NULL);
	assert_int_equal(fake_message(f, "Q1", "hello\r\n"), SMFIS_TEMPFAIL);
	fake_free(f);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = {
	T(negotiates_only_what_it_needs),
	T(clean_is_stamped_and_delivered),
	T(without_leading_space_the_mta_puts_it),
	T(infected_is_rejected_without_edits),
	T(failure_is_tempfailed),
	T(forgeries_go_from_the_last_to_the_first),
	T(a_failing_edit_is_451),
	T(hold_or_451),
	T(redirected_or_451),
	T(redirected_to_a_recipient),
	T(split_without_a_store_is_451),
	T(local_mail_is_known),
	T(a_refusal_survives_a_refused_text),
	T(an_mta_that_cannot_do_what_we_need_gets_451),
	T(an_old_mta_is_answered_step_by_step),
	T(abort_and_close_in_every_state),
	T(anything_in_any_order),
	T(fifty_messages_do_not_bleed),
	T(quit_nc_keeps_what_was_negotiated),
	T(a_kick_is_nobody),
	T(body_inside_the_end_of_message),
	T(a_message_keeps_its_snapshot),
	T(new_needs_after_a_reload_are_451),
	T(draining_answers_451_to_what_begins),
	T(a_cut_ends_a_scan),
	T(disabled_is_skipped_and_says_so),
	T(no_snapshot_is_451),
};

UNIT_RUN(tests)
