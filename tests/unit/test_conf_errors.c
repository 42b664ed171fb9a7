/*
 * test_conf_errors - every way to write it wrong has its line: the traps of libconfuse (decision 10), and what rules.c demands
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"

struct wrong {
	const char *text, *error;	/* the whole message */
};

static void
refused(const char *text, const char *error)
{
	g_autoptr(GError) err = NULL;
	struct conf *c = conf_parse(text, "t", &err);

	if (c)
		fail_msg("accepted: %s", text);
	assert_true(g_error_matches(err, CONF_ERROR, CONF_E_INVALID));
	assert_string_equal(err->message, error);
}

static struct conf *
good(const char *text)
{
	g_autoptr(GError) err = NULL;
	struct conf *c = conf_parse(text, "t", &err);

	if (!c)
		fail_msg("refused: %s", err->message);
	return c;
}

static void
traps_of_libconfuse(void **state)
{
	static const struct wrong t[] = {
		/* Lines are right behind comments of every kind. */
		{ "# a\n# b\n// c\n/* d\n e */\nbad = 1\n", "t:6: there is no 'bad' outside of sections: take it away; avmilter.conf(5) lists what there is" },
		{ "log { # a\n # b\n level = x # c\n}", "t:3: log.level 'x': write one of err, warning, notice, info, debug" },
		/* Braces. */
		{ "log {\n level = info\n", "t:1: { is never closed: write } where this section or list ends" },
		{ "log { }\n}\n", "t:2: } without {: take it away, or write the { that it should close" },
		/* Twice. */
		{ "user = a\nuser = b", "t:2: user is written twice, first in t:1: keep one of them" },
		{ "log { }\nlog { }", "t:2: log is written twice, first in t:1: keep one of them" },
		{ "antivirus { patterns { A = 'x'\nA = 'y' } }", "t:2: A is written twice, first in t:1: keep one of them" },
		{ "antivirus { patterns { }\npatterns { } }", "t:2: patterns is written twice, first in t:1: keep one of them" },
		{ "policy \"x\" { }\npolicy \"x\" { }", "t:2: policy \"x\" is written twice, first in t:1: keep one of them" },
		/* Titles are unique over all kinds (P26). */
		{ "antivirus { clamav \"x\" { }\nfake \"x\" { } }", "t:2: engine \"x\" is written twice, first in t:1: keep one of them" },
		{ "antivirus { clamav { } }", "t:1: clamav needs a title: write clamav \"NAME\" { ... }" },
		{ "antivirus { clamav \"a b\" { } }", "t:1: the title 'a b' of clamav: write 1 to 40 letters, digits, _ or -" },
		{ "antivirus { clamav \"12345678901234567890123456789012345678901\" { } }",
		  "t:1: the title '12345678901234567890123456789012345678901' of clamav: write 1 to 40 letters, digits, _ or -" },
		{ "log \"x\" { }", "t:1: log has no title: write log { ... }" },
		/* Paths, globs, signs that libconfuse would swallow. */
		{ "antivirus|timeout = 3s", "t:1: unquoted |: choose one word; a key of a section is written inside the section's braces\n"
		  "t:1: there is no 'antivirus|timeout' outside of sections: take it away; avmilter.conf(5) lists what there is" },
		{ "log { target = \"syslog\" | \"stderr\" }", "t:1: unquoted |: choose one word; a key of a section is written inside the section's braces\n"
		  "t:1: 'syslog' is followed by '|': write a number and its unit without a blank, and a text with blanks in quotes\n"
		  "t:1: 'stderr' stands where a name is expected: write names without quotes" },
		{ "policy \"p\" { recipients = {*} }", "t:1: unquoted *: write the text in quotes" },
		{ "policy \"p\" { recipients = { *@lab.example } }", "t:1: unquoted *: write the text in quotes" },
		{ "policy \"p\" { recipients = { lab+x@y } }", "t:1: unquoted +: write the text in quotes" },
		/* Lists. */
		{ "trust { clients = {10.0.0.1 10.0.0.2} }", "t:1: a comma is missing before '10.0.0.2'" },
		{ "trust { clients = {{10.0.0.1}} }", "t:1: a list is written {\"a\", \"b\"}, here is {" },
		{ "user = {a}", "t:1: user takes one value, not a list: write user = value" },
		{ "user += a", "t:1: user takes one value: write user = value" },
		{ "trust { clients { } }", "t:1: write clients = {\"a\", \"b\"}" },
		/* Rspamd's habits. */
		{ "user = x;\n", "t:1: no semicolons here: an option ends with its value; take the ; away" },
		{ "user = \"x\";\ndrain_time = 5s;", "t:1: no semicolons here: an option ends with its value; take the ; away\n"
		  "t:2: no semicolons here: an option ends with its value; take the ; away" },
		{ "antivirus { patterns = { A = 'x' } }", "t:1: write patterns { NAME = 'text' }, without an equal sign" },
		{ "drain_time = 30 s\n", "t:1: '30' is followed by 's': write a number and its unit without a blank, and a text with blanks in quotes" },
		{ "user \"x\"", "t:1: the equal sign is missing: write user = value" },
		{ "user =\n", "t:1: user has no value: write user = value" },
		{ "log = { level = info }", "t:1: log is a section: write log { ... }" },
		{ "antivirus { clamav = \"x\" }", "t:1: clamav is a section: write clamav \"NAME\" { ... }" },
		/* Quotes, escapes, environment. */
		{ "user = \"x\nlog { }", "t:1: the quote \" is not closed on this line: write \" at the end of the text" },
		{ "user = 'x", "t:1: the quote ' is not closed on this line: write ' at the end of the text" },
		{ "user = \"a\"b", "t:1: two texts without a blank or comma between them: write one in quotes\n"
		  "t:1: 'a' is followed by 'b': write a number and its unit without a blank, and a text with blanks in quotes" },
		{ "user = \"a\\0b\"", "t:1: escape sequence for no character: write \\\\ for a backslash" },
		{ "user = \"a\\777b\"", "t:1: escape sequence for no character: write \\\\ for a backslash" },
		{ "user = \"a\\nb\"", "t:1: user 'a\\x0ab' holds a control character: take it away" },
		{ "user = \"${AVM_TEST_UNSET}\"", "t:1: environment variable AVM_TEST_UNSET is not set: set it, write ${AVM_TEST_UNSET:-value}, or quote it in single quotes\n"
		  "t:1: user is empty: write a text from 1 to 64 bytes" },
		{ "user = x${AVM_TEST_SET}", "t:1: ${ inside a word: write the whole text in double quotes" },
		{ "user = \"${AVM_TEST\"\n", "t:1: ${ without }: write ${NAME}, or quote it in single quotes" },
		{ "antivirus { reject_message = \"found ${VIRUS}\" }",
		  "t:1: ${VIRUS} in double quotes means the environment: write the text in single quotes, or %{virus}" },
		{ "antivirus { reject_message = \"by ${SCANNER}\" }",
		  "t:1: ${SCANNER} in double quotes means the environment: write the text in single quotes, or %{engine}" },
		{ "/* never closed", "t:1: this comment is never closed: write */ at its end" },
		{ "\xef\xbb\xbfuser = x", "t:1: the file begins with a byte order mark: save it as UTF-8 without one" },
		{ "user = \"\xff\"", "t:1: this text is not UTF-8: save the file as UTF-8" },
		{ "\"user\" = x", "t:1: 'user' stands where a name is expected: write names without quotes" },
		{ ", user = x", "t:1: , stands where a name is expected" },
		{ "include = \"x\"\n", "t:1: write include(\"PATH\")" },
		{ "include(\"x\"\n", "t:1: write include(\"PATH\")" },
		/* Numbers. */
		{ "antivirus { error_code = \"\" }", "t:1: antivirus.error_code '': write a number from 400 to 599" },
		{ "antivirus { max_size = -1 }", "t:1: antivirus.max_size '-1': write a size from 0 to 4G (K M G)" },
		{ "antivirus { queue_max = 0x10 }", "t:1: antivirus.queue_max '0x10': write a number from 0 to 100000" },
		{ "antivirus { timeout = \"5 s\" }", "t:1: antivirus.timeout '5 s': write a time from 0 to 1h (ms s m h d)" },
		{ "observe = 1", "t:1: observe '1': write true or false" },
		{ "socket_mode = 0888", "t:1: socket_mode '0888': write an octal mode from 0 to 0777" },
	};

	(void)state;
	g_setenv("AVM_TEST_SET", "value", TRUE);
	g_unsetenv("AVM_TEST_UNSET");
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++)
		refused(t[i].text, t[i].error);
}

static void
unknown_names_get_a_hint(void **state)
{
	static const struct wrong t[] = {
		{ "sockt = x", "t:1: there is no 'sockt' outside of sections: write socket, if you meant that" },
		{ "timeout = 3s", "t:1: there is no 'timeout' outside of sections: it belongs into cache or antivirus" },
		{ "clamav \"x\" { }", "t:1: there is no 'clamav' outside of sections: it belongs into antivirus" },
		{ "antivirus { log { } }", "t:1: there is no 'log' in antivirus: it stands outside of sections" },
		{ "antivirus { clamav \"c\" { servers = \"x\" } }", "t:1: there is no 'servers' in clamav: it belongs into the section of a network engine" },
		{ "antivirus { clamav \"c\" { max_extract_depth = 3 } }", "t:1: there is no 'max_extract_depth' in clamav: it belongs into antivirus" },
		{ "antivirus { sophie \"x\" { } }", "t:1: there is no 'sophie' in antivirus: take it away; avmilter.conf(5) lists what there is" },
		{ "lgo { level = x\n socket = y }", "t:1: there is no 'lgo' outside of sections: write log, if you meant that" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++)
		refused(t[i].text, t[i].error);
}

static void
options_must_fit_each_other(void **state)
{
	static const struct wrong t[] = {
		{ "control { socket = \"inet:1@127.0.0.1\" }\nsocket = \"inet:1@127.0.0.1\"", "t:1: control.socket is the same as socket: give it a name of its own" },
		{ "log { target = \"relative/file\" }", "t:1: log.target 'relative/file': write syslog, stderr or an absolute path" },
		{ "log { facility = post }", "t:1: log.facility 'post': write mail, daemon, user, auth or local0 to local7" },
		{ "spool { memory_max = 20M total_max = 10M }", "t:1: spool.memory_max is larger than total_max: a message in memory counts into it" },
		{ "cache { redis = \"h:1\" }", "t:1: cache.redis needs cache.secret_file: entries without a key can be forged" },
		{ "alert { to = \"a@b\" }", "t:1: alert.to needs alert.smtp_primary: write smtp_primary = \"HOST:PORT\"" },
		{ "control { http = \"0.0.0.0:9090\" }", "t:1: control.http is not a loopback address: say who may read it in http_allow = {...}" },
		{ "antivirus { repair_fallback = repair }", "t:1: antivirus.repair_fallback cannot be repair: write reject or another action" },
		{ "antivirus { pool = \"X\" }", "t:1: there is no threadpool \"X\": write threadpool \"X\" { }" },
		{ "antivirus {\n clamd \"x\" { } }", "t:2: antivirus.clamd \"x\" needs servers: write servers = {\"ADDRESS\"}" },
		{ "antivirus {\n savapi \"x\" { servers = h } }", "t:2: antivirus.savapi \"x\" needs product_id: write product_id = \"10776\"" },
		{ "antivirus { clamd \"x\" { servers = {} } }", "t:1: antivirus.clamd \"x\".servers has 0 elements: write a list from 1 to 100 texts" },
		{ "antivirus { clamd \"x\" { servers = h tls_cert = \"/c\" } }", "t:1: tls_cert and tls_key belong together: write both" },
		{ "antivirus { fault \"x\" { engine = y } }", "t:1: there is no other engine section \"y\" to wrap" },
		{ "antivirus { fault \"x\" { engine = x } }", "t:1: there is no other engine section \"x\" to wrap" },
		{ "antivirus { action = redirect }", "t:1: antivirus.action needs an address for redirect: write redirect = \"ADDRESS\" in antivirus" },
		{ "policy \"p\" { engines = {x} }", "t:1: policy \"p\": there is no engine section \"x\"" },
		{ "policy \"p\" { action = redirect }", "t:1: policy \"p\": action redirect needs an address: write redirect = \"ADDRESS\"" },
		{ "policy \"p\" { skip = true action = pass }", "t:1: policy \"p\": skip means that nothing is looked at: take action away" },
		{ "policy \"p\" { skip = true names = {'x'} }", "t:1: policy \"p\": skip comes before the scan: take away classes, names, engines, symbols and objects" },
		{ "policy \"p\" { action = auto }", "t:1: policy \"p\": action auto is for on_unscannable only: write an action, or action = \"action\"" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++)
		refused(t[i].text, t[i].error);
}

static void
all_errors_are_told_in_the_order_of_the_file(void **state)
{
	(void)state;
	refused("bad = 1\nsocket_mode = 9\nlog {\n level = x\n nope = 2\n}\ndrain_time = 3x\n",
	    "t:1: there is no 'bad' outside of sections: take it away; avmilter.conf(5) lists what there is\n"
	    "t:2: socket_mode '9': write an octal mode from 0 to 0777\n"
	    "t:4: log.level 'x': write one of err, warning, notice, info, debug\n"
	    "t:5: there is no 'nope' in log: take it away; avmilter.conf(5) lists what there is\n"
	    "t:7: drain_time '3x': write a time from 0 to 1h (ms s m h d)");
}

static void
garbage_gives_a_bounded_message(void **state)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) err = NULL;

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		g_string_append_printf(text, "bad%u = 1\n", i);
	assert_null(conf_parse(text->str, "t", &err));
	assert_true(strlen(err->message) < 20000);
}

static void
warnings_are_not_errors(void **state)
{
	static const struct wrong t[] = {
		{ "user = root", "t:1: user root: a broken scanner is root then; make a user of its own" },
		{ "antivirus { enabled = false }", "t:1: no engine is enabled: mail is delivered unscanned, marked Skipped (disabled)" },
		{ "antivirus {\n error_code = 550 }", "t:2: error_code 550 is permanent: mail is refused for good when a scan breaks" },
		{ "antivirus {\n on_error = pass }", "t:2: on_error = \"pass\": mail is delivered unscanned when a scan breaks" },
		{ "antivirus {\n clamav \"c\" {\n on_error = discard } }", "t:3: on_error = \"discard\": mail is lost when a scan breaks" },
		{ "antivirus { message_time_max = 300s }", "t:1: antivirus.message_time_max: the MTA gives up after 300 s (milter_content_timeout, T=E:) unless told otherwise" },
		{ "antivirus { max_extract_time = 250s }", "t:1: antivirus.max_extract_time is never reached: message_time_max is shorter" },
		{ "antivirus { max_extract_size = 300M }", "t:1: antivirus.max_extract_size is never reached: max_cumulative_extract_size is smaller" },
		{ "spool { message_max = 900M }", "t:1: spool.message_max: messages above half of total_max are unscannable all the same" },
		{ "trust { skip_header = \"X-Skip\" }", "t:1: trust.skip_header is believed from nobody: name the networks in clients" },
		{ "antivirus { patterns { A = \"^a\\.b$\" } }", "t:1: backslashes in double quotes vanish, the regex is now ^a.b$: write it in single quotes" },
		{ "policy \"p\" { names = {\"^PUA\\.\"} }", "t:1: backslashes in double quotes vanish, the regex is now ^PUA.: write it in single quotes" },
		{ "policy \"p\" { senders = {\"*@x\"} action = pass }", "t:1: policy \"p\" loosens for senders only: the envelope sender is forged easily; add clients or authenticated" },
		{ "policy \"p\" { senders = {\"*@x\"} skip = true }", "t:1: policy \"p\" loosens for senders only: the envelope sender is forged easily; add clients or authenticated" },
		{ "policy \"p\" { action = reject }\npolicy \"q\" { clients = {\"10.0.0.0/8\"} skip = true }", "t:2: policy \"q\" skips only what policy \"p\" above it cannot hold for: write it first" },
		{ "policy \"p\" { objects = {\"file:/x\"} action = pass }", "t:1: policy \"p\": objects: a finding in the whole message belongs to no part, so the rule frees nothing from engines with scan_whole = true; use names" },
		{ "policy \"p\" { expires = \"2020-01-01\" action = reject }", "t:1: policy \"p\" has expired: it never holds; take it away" },
		{ "antivirus { icap \"i\" { servers = h repair = scanrepair method = reqmod } }", "t:1: repair has no effect with method reqmod or a -URL or -DDR service" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
		struct conf *c = good(t[i].text);

		assert_non_null(conf_warnings(c)[0]);
		assert_string_equal(conf_warnings(c)[0], t[i].error);
		assert_null(conf_warnings(c)[1]);
		conf_unref(&c);
	}
}

static void
right_values_arrive_whole(void **state)
{
	struct conf *c;
	const struct conf_engine *e;
	const struct conf_pair *p;

	(void)state;
	g_setenv("AVM_TEST_SET", "val ue", TRUE);
	c = good("user = \"${AVM_TEST_SET}\" pid_file = ${AVM_TEST_UNSET:-/run/x}\nobserve = YES\n"
		 "trust { clients = {10.0.0.0/8, 2001:db8::/32, '!10.1.1.1',} }\n"
		 "antivirus { error_code = 0451 max_attempts = 010 timeout = 5.0 max_size = \"1.5m\" paranoid_codes += {-CTE_LEGACY}\n"
		 " patterns { A = '^a\\.b$' B = \"c\\\\.d\" }\n"
		 " reject_message = 'by ${SCANNER}: ${VIRUS}'\n"
		 " icap \"i\" { servers = icap://h:1344/x path_map = {\"/a=d:\\\\b\"} request_header { From = \"%{sender}\" }\n"
		 "  ScanOnly = false FailRetryTime = 7 PassFileByName = true scan_mime_parts = false message = \"no\" }\n"
		 "}\nlog { log_clean = no }\n");
	e = g_ptr_array_index(c->engines, 0);
	assert_string_equal(c->user, "val ue");
	assert_string_equal(c->pid_file, "/run/x");
	assert_true(c->observe);
	assert_false(c->log.clean);
	assert_int_equal(g_strv_length(c->trust.clients), 3);
	assert_string_equal(c->trust.clients[1], "2001:db8::/32");
	assert_int_equal(c->antivirus.error_code, 451);
	assert_int_equal(c->antivirus.max_attempts, 10);
	assert_int_equal(c->antivirus.timeout, 5000);
	assert_int_equal(c->antivirus.max_size, 3 << 19);
	assert_int_equal(g_strv_length(c->antivirus.paranoid_codes), 2);
	assert_string_equal(c->antivirus.paranoid_codes[0], "P1");
	assert_string_equal(c->antivirus.reject_message, "by ${SCANNER}: ${VIRUS}");
	assert_string_equal(e->net.servers[0], "icap://h:1344/x");
	assert_string_equal(e->path_map[0], "/a=d:\\b");
	assert_int_equal(e->net.fail_retry_time, 7000);
	assert_int_equal(e->icap.method, METHOD_FILEMOD);
	assert_int_equal(e->icap.repair, REPAIR_SCAN);
	assert_false(e->mime_decompose);
	assert_true(c->antivirus.mime_decompose);
	assert_string_equal(e->reject_message, "no");
	assert_int_equal(e->patterns->len, 2);
	p = g_ptr_array_index(e->patterns, 0);
	assert_string_equal(p->value, "^a\\.b$");
	p = g_ptr_array_index(e->patterns, 1);
	assert_string_equal(p->value, "c\\.d");
	p = g_ptr_array_index(e->icap.request_header, 0);
	assert_string_equal(p->name, "From");
	assert_string_equal(p->value, "%{sender}");
	conf_unref(&c);
}

static void
aliases_are_a_closed_list(void **state)
{
	static const struct wrong t[] = {
		{ "antivirus { mime_decompose = no\nscan_mime_parts = no }", "t:2: scan_mime_parts is written twice, first in t:1: keep one of them" },
		{ "antivirus { icap \"i\" { servers = h ScanOnly = on\nRepairOnly = on } }", "t:2: RepairOnly is written twice, first in t:1: keep one of them" },
		{ "antivirus { icap \"i\" { servers = h ScanOnly = 1 } }", "t:1: ScanOnly takes true or false; our own name is repair = \"scan\"" },
		{ "antivirus { log_clean = true }", "t:1: there is no 'log_clean' in antivirus: take it away; avmilter.conf(5) lists what there is" },
		{ "antivirus { attachments_only = true }", "t:1: there is no 'attachments_only' in antivirus: take it away; avmilter.conf(5) lists what there is" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++)
		refused(t[i].text, t[i].error);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traps_of_libconfuse),
		cmocka_unit_test(unknown_names_get_a_hint),
		cmocka_unit_test(options_must_fit_each_other),
		cmocka_unit_test(all_errors_are_told_in_the_order_of_the_file),
		cmocka_unit_test(garbage_gives_a_bounded_message),
		cmocka_unit_test(warnings_are_not_errors),
		cmocka_unit_test(right_values_arrive_whole),
		cmocka_unit_test(aliases_are_a_closed_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
