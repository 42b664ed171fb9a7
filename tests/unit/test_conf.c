/*
 * test_conf - loading, defaults, inheritance, what a reload may change
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"

static struct conf *
good(const char *text)
{
	g_autoptr(GError) err = NULL;
	struct conf *c = conf_parse(text, "t.conf", &err);

	if (!c)
		fail_msg("refused: %s", err->message);
	return c;
}

static const struct conf_engine *
engine(const struct conf *c, unsigned i)
{
	assert_true(i < c->engines->len);
	return g_ptr_array_index(c->engines, i);
}

static void
empty_file_has_defaults(void **state)
{
	struct conf *c = good("");
	const struct conf_engine *e = engine(c, 0);

	(void)state;
	assert_string_equal(c->socket, "unix:/run/avmilter/avmilter.sock");
	assert_int_equal(c->socket_mode, 0660);
	assert_int_equal(c->drain_time, 30000);
	assert_int_equal(c->log.level, LEVEL_INFO);
	assert_int_equal(c->log.kinds, 1 << KIND_ERROR | 1 << KIND_WARNING | 1 << KIND_INFO);
	assert_int_equal(c->spool.memory_max, 1 << 20);
	assert_string_equal(c->header.report, "");
	assert_non_null(c->trust.clients);
	assert_null(c->trust.clients[0]);
	assert_int_equal(c->engines->len, 1);
	assert_string_equal(e->kind, "clamav");
	assert_string_equal(e->title, "clamav");
	assert_string_equal(e->clamav.database, "/var/lib/clamav");
	assert_true(e->clamav.workers > 0);
	assert_int_equal(e->timeout, 180000);
	assert_string_equal(e->symbol, "CLAMAV_VIRUS");
	assert_string_equal(e->context_variable, "clamav_status");
	assert_string_equal(e->pool, "CPU");
	assert_string_equal(c->antivirus.scratch_base, "/var/spool/avmilter");
	assert_int_equal(conf_threadpool_find(c, "IO")->size, 64);
	assert_null(conf_warnings(c)[0]);
	conf_unref(&c);
	assert_null(c);
}

static void
actions_have_the_defaults_of_the_contract(void **state)
{
	static const struct {
		const char *text;
		int infected, evasion, blocked, suspicious, encrypted, macro, unscannable, error;
	} t[] = {
		{ "", ACTION_REJECT, ACTION_REJECT, ACTION_REJECT, ACTION_REJECT, ACTION_PASS, ACTION_PASS, ACTION_REJECT,
		  ACTION_TEMPFAIL },
		{ "antivirus { action = discard }", ACTION_DISCARD, ACTION_DISCARD, ACTION_DISCARD, ACTION_DISCARD, ACTION_PASS,
		  ACTION_PASS, ACTION_PASS, ACTION_TEMPFAIL },
		{ "antivirus { action = pass on_unscannable = tempfail on_infected = reject }", ACTION_REJECT, ACTION_PASS,
		  ACTION_PASS, ACTION_PASS, ACTION_PASS, ACTION_PASS, ACTION_TEMPFAIL, ACTION_TEMPFAIL },
		{ "antivirus { action = pass clamav \"c\" { action = reject } }", ACTION_REJECT, ACTION_REJECT, ACTION_REJECT,
		  ACTION_REJECT, ACTION_PASS, ACTION_PASS, ACTION_REJECT, ACTION_TEMPFAIL },
		{ "antivirus { on_encrypted = action clamav \"c\" { action = tempfail } }", ACTION_TEMPFAIL, ACTION_TEMPFAIL,
		  ACTION_TEMPFAIL, ACTION_TEMPFAIL, ACTION_TEMPFAIL, ACTION_PASS, ACTION_PASS, ACTION_TEMPFAIL },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
		struct conf *c = good(t[i].text);
		const struct conf_engine *e = engine(c, 0);

		assert_int_equal(e->on_infected, t[i].infected);
		assert_int_equal(e->on_evasion, t[i].evasion);
		assert_int_equal(e->on_blocked, t[i].blocked);
		assert_int_equal(e->on_suspicious, t[i].suspicious);
		assert_int_equal(e->on_encrypted, t[i].encrypted);
		assert_int_equal(e->on_macro, t[i].macro);
		assert_int_equal(e->on_unscannable, t[i].unscannable);
		assert_int_equal(e->on_error, t[i].error);
		assert_true(c->antivirus.on_infected < ACTION_COUNT);
		conf_unref(&c);
	}
}

static void
engines_inherit_what_they_do_not_say(void **state)
{
	struct conf *c = good("antivirus {\n"
			      "  fake \"a\" { }\n"
			      "  clamav \"b\" { max_size = 2M timeout = 7s }\n"
			      "  fake \"c\" { enabled = no reject_message = 'no' }\n"
			      "  max_size = 1M timeout = 20s reject_message = \"x\" error_code = 450 definitions_max_age = 1d\n"
			      "}\n");

	(void)state;
	assert_int_equal(c->engines->len, 3);
	assert_string_equal(engine(c, 0)->title, "a");
	assert_string_equal(engine(c, 1)->title, "b");
	assert_string_equal(engine(c, 2)->title, "c");
	assert_int_equal(engine(c, 0)->max_size, 1 << 20);
	assert_int_equal(engine(c, 0)->timeout, 20000);
	assert_true(engine(c, 0)->test);
	assert_int_equal(engine(c, 1)->max_size, 2 << 20);
	assert_int_equal(engine(c, 1)->timeout, 7000);
	assert_false(engine(c, 1)->test);
	assert_int_equal(engine(c, 1)->line, 3);
	assert_string_equal(engine(c, 1)->file, "t.conf");
	assert_int_equal(engine(c, 2)->enabled, ENABLED_NO);
	assert_string_equal(engine(c, 2)->reject_message, "no");
	assert_string_equal(engine(c, 0)->reject_message, "x");
	assert_int_equal(engine(c, 2)->error_code, 450);
	assert_int_equal(engine(c, 1)->definitions_max_age, 86400000);
	conf_unref(&c);
}

static void
zeros_stand_for_something(void **state)
{
	struct conf *c = good("antivirus { max_extract_size = 0 max_cumulative_extract_size = 0 max_extract_time = 0\n"
			      "message_time_max = 100s timeout = 0 clamav \"c\" { workers = 3 } fake \"f\" { } }");

	(void)state;
	assert_int_equal(c->antivirus.max_extract_size, 100 << 20);
	assert_int_equal(c->antivirus.max_cumulative_extract_size, 200 << 20);
	assert_int_equal(c->antivirus.max_extract_time, 100000);
	assert_int_equal(engine(c, 0)->timeout, 100000);
	assert_int_equal(engine(c, 1)->timeout, 100000);
	assert_int_equal(engine(c, 0)->clamav.workers, 3);
	conf_unref(&c);
}

static void
heuristics_move_the_single_keys(void **state)
{
	static const struct {
		const char *text;
		bool phishing, broken, pua;
	} t[] = {
		{ "antivirus { heuristics = 0 }", false, false, false },
		{ "antivirus { heuristics = 1 }", false, false, false },
		{ "antivirus { heuristics = 2 }", true, false, false },
		{ "antivirus { heuristics = 3 }", true, true, true },
		{ "antivirus { heuristics = 3 clamav \"c\" { pua = off } }", true, true, false },
		{ "antivirus { heuristics = 0 clamav \"c\" { alert_phishing = on } }", true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
		struct conf *c = good(t[i].text);

		assert_int_equal(engine(c, 0)->clamav.alert_phishing, t[i].phishing);
		assert_int_equal(engine(c, 0)->clamav.alert_broken, t[i].broken);
		assert_int_equal(engine(c, 0)->clamav.pua, t[i].pua);
		conf_unref(&c);
	}
}

static void
references_are_counted(void **state)
{
	struct conf *c = good(""), *d = conf_ref(c);

	(void)state;
	assert_ptr_equal(c, d);
	conf_unref(&c);
	assert_null(c);
	assert_string_equal(d->user, "avmilter");
	conf_unref(&d);
	conf_unref(&d);
}

static void
a_reload_says_what_it_cannot_change(void **state)
{
	struct conf *a = good("socket = \"inet:1@127.0.0.1\" user = root"), *b = good("antivirus { timeout = 11s }");
	g_auto(GStrv) lines = conf_needs_restart(a, b), none = conf_needs_restart(a, a);

	(void)state;
	assert_int_equal(g_strv_length(lines), 2);
	assert_string_equal(lines[0], "socket: \"inet:1@127.0.0.1\" -> \"unix:/run/avmilter/avmilter.sock\"");
	assert_string_equal(lines[1], "user: \"root\" -> \"avmilter\"");
	assert_null(none[0]);
	conf_unref(&a);
	conf_unref(&b);
}

static void
equal_sections_are_seen(void **state)
{
	static const char *const base = "antivirus { clamav \"c\" { database = \"/d\" } fake \"f\" { } }";
	static const struct {
		const char *text;
		bool clamav, fake, scanner;
	} t[] = {
		{ "antivirus { clamav \"c\" { database = '/d' } fake \"f\" { } }", true, true, true },
		{ "log { level = debug } antivirus { clamav \"c\" { database = \"/d\" } fake \"f\" { } }", true, true, true },
		{ "antivirus { clamav \"c\" { database = \"/e\" } fake \"f\" { } }", false, true, false },
		{ "antivirus { clamav \"c\" { database = \"/d\" } fake \"f\" { max_size = 1 } }", true, false, true },
		{ "antivirus { trace = on clamav \"c\" { database = \"/d\" } fake \"f\" { } }", false, false, true },
		{ "antivirus { max_extract_depth = 3 clamav \"c\" { database = \"/d\" } fake \"f\" { } }", true, true, false },
		{ "antivirus { clamav \"c\" { database = \"/d\" enabled = no } fake \"f\" { } }", false, true, false },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
		struct conf *a = good(base), *b = good(t[i].text);

		assert_int_equal(conf_engine_equal(engine(a, 0), engine(b, 0)), t[i].clamav);
		assert_int_equal(conf_engine_equal(engine(a, 1), engine(b, 1)), t[i].fake);
		assert_int_equal(conf_scanner_equal(a, b), t[i].scanner);
		conf_unref(&a);
		conf_unref(&b);
	}
}

static void
what_is_written_can_be_read_again(void **state)
{
	struct conf *c = good("socket_mode = 0600 antivirus { reject_message = 'a \"b\" \\\\ c' clamav \"c\" { } }");
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	conf_write(c, out);
	assert_non_null(strstr(out->str, "socket_mode = 0600\n"));
	assert_non_null(strstr(out->str, "antivirus.reject_message = 'a \"b\" \\ c'\n"));
	assert_non_null(strstr(out->str, "antivirus.clamav \"c\".database = \"/var/lib/clamav\"\n"));
	assert_non_null(strstr(out->str, "log.kinds = {error, warning, info}\n"));
	conf_unref(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_file_has_defaults),
		cmocka_unit_test(actions_have_the_defaults_of_the_contract),
		cmocka_unit_test(engines_inherit_what_they_do_not_say),
		cmocka_unit_test(zeros_stand_for_something),
		cmocka_unit_test(heuristics_move_the_single_keys),
		cmocka_unit_test(references_are_counted),
		cmocka_unit_test(a_reload_says_what_it_cannot_change),
		cmocka_unit_test(equal_sections_are_seen),
		cmocka_unit_test(what_is_written_can_be_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
