/*
 * policy/match: each condition by itself, networks, globs, addresses, regexes with their bound, lists from files, days
 */
#include "world.h"

#include <unistd.h>

#include "base/cidr.h"
#include "base/regex.h"
#include "policy/facts.h"
#include "policy/globs.h"
#include "policy/rules.h"

#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
networks(void **state)
{
	static const struct {
		const char *list[4], *address;
		bool in;
	} rows[] = {
		{ { NULL }, "10.0.0.1", false },
		{ { "10.0.0.0/8" }, "10.255.255.255", true },
		{ { "10.0.0.0/8" }, "11.0.0.0", false },
		{ { "10.0.0.0/8", "!10.1.1.1" }, "10.1.1.1", false },
		{ { "10.0.0.0/8", "!10.1.1.1" }, "10.1.1.2", true },
		{ { "!10.0.0.0/8" }, "192.0.2.1", true },
		{ { "!10.0.0.0/8" }, "10.0.0.1", false },
		{ { "192.0.2.1" }, "192.0.2.1", true },
		{ { "192.0.2.1" }, "192.0.2.2", false },
		{ { "192.0.2.128/25" }, "192.0.2.127", false },
		{ { "192.0.2.128/25" }, "192.0.2.129", true },
		{ { "192.0.2.0/24" }, "::ffff:192.0.2.9", true },
		{ { "0.0.0.0/0" }, "203.0.113.7", true },
		{ { "0.0.0.0/0" }, "2001:db8::1", false },
		{ { "::/0" }, "2001:db8::1", true },
		{ { "2001:db8::/33" }, "2001:db8:7fff::1", true },
		{ { "2001:db8::/33" }, "2001:db8:8000::1", false },
		{ { "fe80::/10" }, "fe80::1%eth0", true },
		{ { "10.0.0.0/8" }, "", false },
		{ { "10.0.0.0/8" }, "unknown", false },
		{ { "10.0.0.0/8" }, NULL, false },
		{ { "!10.0.0.0/8" }, NULL, false },
	};
	g_autoptr(GError) err = NULL;
	char bad[] = "10.0.0.0/33", *const wrong[] = { bad, NULL };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(cidr_list_free)
		struct cidr_list *l = cidr_list_new((char *const *)(uintptr_t)rows[i].list, NULL);

		assert_non_null(l);
		if (cidr_list_has(l, rows[i].address) != rows[i].in)
			fail_msg("row %zu: %s in {%s ...}", i, rows[i].address, rows[i].list[0]);
	}
	assert_null(cidr_list_new(wrong, &err));
	assert_non_null(strstr(err->message, "10.0.0.0/33"));
}

static void
addresses(void **state)
{
	static const struct {
		const char *envelope, *plain;
	} rows[] = {
		{ "<a@b>", "a@b" },
		{ "a@b", "a@b" },
		{ "<>", "" },
		{ "", "" },
		{ "<", "<" },
		{ "<A.B@Example.COM>", "a.b@example.com" },
		{ "<\"boss\"@example.com>", "boss@example.com" },
		{ "<\"b\\oss\"@example.com>", "boss@example.com" },
		{ "<\"a b\"@x>", "a b@x" },
		{ "<\"a>", "a" },
		{ "<@relay,@other:user@dom>", "user@dom" },
		{ "<\xc3\xa4@X>", "\xc3\xa4@x" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *plain = facts_address(rows[i].envelope);

		assert_string_equal(plain, rows[i].plain);
	}
}

static void
patterns(void **state)
{
	static const struct {
		const char *pattern, *subject;
		bool match;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "anything", true },
		{ "a*", "abc", true },
		{ "*c", "abc", true },
		{ "a*c", "abbbc", true },
		{ "a*c", "ab", false },
		{ "*a*b*", "xxaxxbxx", true },
		{ "*a*b*", "xxbxxaxx", false },
		{ "?", "a", true },
		{ "?", "", false },
		{ "a?c", "abc", true },
		{ "*@x.test", "a@x.test", true },
		{ "*@x.test", "a@sub.x.test", false },
		{ "**", "", true },
		{ "*ab", "aab", true },
		{ "*aab", "aaaab", true },
	};
	g_autofree char *evil = g_strnfill(20000, 'a');

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (glob_match(rows[i].pattern, rows[i].subject) != rows[i].match)
			fail_msg("%s on %s", rows[i].pattern, rows[i].subject);
	assert_false(glob_match("*a*a*a*a*a*a*a*a*b", evil));
}

static void
address_lists(void **state)
{
	static const struct {
		const char *pattern, *subject;
		bool match;
	} rows[] = {
		{ "a@b.test", "A@B.test", true },
		{ "<A@b.test>", "a@b.test", true },
		{ "b.test", "anybody@b.test", true },
		{ "b.test", "anybody@sub.b.test", false },
		{ "root", "root", true },
		{ "root", "root@b.test", false },
		{ "<>", "", true },
		{ "*@b.test", "", false },
		{ "*@b.test", "x@b.test", true },
		{ "a+*@b.test", "a+tag@b.test", true },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *const texts[] = { (char *)(uintptr_t)rows[i].pattern, NULL };
		AUTO(globs_free) struct globs *g = globs_new(texts, GLOBS_ADDRESSES, NULL);

		if (globs_match(g, rows[i].subject) != rows[i].match)
			fail_msg("%s on %s", rows[i].pattern, rows[i].subject);
	}
}

static void
lists_from_files(void **state)
{
	g_autofree char *path = g_strdup_printf("%s/avm-list.%d", g_get_tmp_dir(), (int)getpid());
	g_autofree char *text = g_strconcat("file:", path, NULL);
	char *const texts[] = { text, NULL };
	g_autoptr(GError) err = NULL;
	struct globs *g;

	(void)state;
	assert_true(g_file_set_contents(path,
	    "# the board\n\nBoss@x.test  # the first\r\n*@board.test\nend@x.test", -1, NULL));
	g = globs_new(texts, GLOBS_ADDRESSES, &err);
	assert_non_null(g);
	assert_true(globs_match(g, "boss@x.test"));
	assert_true(globs_match(g, "any@board.test"));
	assert_true(globs_match(g, "end@x.test"));
	assert_false(globs_match(g, "# the board"));
	globs_free(&g);
	assert_true(g_file_set_contents(path, "\n#\n", -1, NULL));
	g = globs_new(texts, GLOBS_ADDRESSES, &err);
	assert_true(globs_empty(g));
	assert_false(globs_match(g, ""));
	globs_free(&g);
	unlink(path);
	assert_null(globs_new(texts, GLOBS_ADDRESSES, &err));
	assert_non_null(strstr(err->message, path));
}

static void
regex_bounds(void **state)
{
	AUTO(regex_free) struct regex *plain = regex_new("^Win\\.", NULL);
	AUTO(regex_free) struct regex *evil = regex_new("^(a+)+$", NULL);
	g_autofree char *subject = g_strdup_printf("%0*d", 1, 0);
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_int_equal(regex_match(plain, "Win.Trojan"), REGEX_YES);
	assert_int_equal(regex_match(plain, "xWin.Trojan"), REGEX_NO);
	g_free(subject);
	subject = g_strconcat("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "!", NULL);
	assert_int_equal(regex_match(evil, subject), REGEX_UNKNOWN);
	assert_null(regex_new("(", &err));
	assert_non_null(strstr(err->message, "is no regex"));
}

/* One rule with these options, and what it answers. */
static struct rules *
one_rule(const char *options)
{
	g_autofree char *text =
	    g_strdup_printf("policy \"p\" { %s }\nantivirus { null \"e1\" { } null \"e2\" { } }", options);
	struct conf *c = world_conf(text);
	g_autoptr(GError) err = NULL;
	struct rules *r = rules_new(c, NULL, &err);

	if (!r)
		fail_msg("%s", err->message);
	conf_unref(&c);
	return r;
}

static void
message_conditions(void **state)
{
	static const struct {
		const char *options, *client, *sender, *daemon;
		enum conf_traffic traffic;
		enum match want;
	} rows[] = {
		{ "", NULL, "", NULL, TRAFFIC_LOCAL, MATCH_YES },
		{ "clients = {\"10.0.0.0/8\"}", "10.1.1.1", "", NULL, TRAFFIC_MX, MATCH_YES },
		{ "clients = {\"10.0.0.0/8\"}", "11.1.1.1", "", NULL, TRAFFIC_MX, MATCH_NO },
		{ "clients = {\"0.0.0.0/0\"}", NULL, "", NULL, TRAFFIC_LOCAL, MATCH_NO },
		{ "senders = {\"*@a.test\"}", NULL, "x@a.test", NULL, TRAFFIC_MX, MATCH_YES },
		{ "senders = {\"*@a.test\"}", NULL, "x@b.test", NULL, TRAFFIC_MX, MATCH_NO },
		{ "senders = {\"<>\"}", NULL, "", NULL, TRAFFIC_MX, MATCH_YES },
		{ "authenticated = true", NULL, "", NULL, TRAFFIC_AUTHENTICATED, MATCH_YES },
		{ "authenticated = true", NULL, "", NULL, TRAFFIC_MX, MATCH_NO },
		{ "authenticated = false", NULL, "", NULL, TRAFFIC_MX, MATCH_YES },
		{ "authenticated = false", NULL, "", NULL, TRAFFIC_AUTHENTICATED, MATCH_NO },
		{ "traffic = {mx, local}", NULL, "", NULL, TRAFFIC_LOCAL, MATCH_YES },
		{ "traffic = {mx, local}", NULL, "", NULL, TRAFFIC_AUTHENTICATED, MATCH_NO },
		{ "daemons = {\"sub*\"}", NULL, "", "SUBMISSION", TRAFFIC_MX, MATCH_YES },
		{ "daemons = {\"sub*\"}", NULL, "", "smtpd", TRAFFIC_MX, MATCH_NO },
		{ "daemons = {\"sub*\"}", NULL, "", NULL, TRAFFIC_MX, MATCH_NO },
		{ "traffic = {mx} senders = {\"a@b\"}", NULL, "a@b", NULL, TRAFFIC_LOCAL, MATCH_NO },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(rules_free) struct rules *r = one_rule(rows[i].options);
		const struct facts f = { .client = rows[i].client,
			.sender = (char *)(uintptr_t)rows[i].sender,
			.daemon = rows[i].daemon,
			.traffic = rows[i].traffic };
		const char *why = NULL;
		enum match m = rule_match_message(g_ptr_array_index(r->list, 0), &f, 0, &why);

		if (m != rows[i].want)
			fail_msg("row %zu: %s: %d", i, rows[i].options, (int)m);
		assert_int_equal(why == NULL, m == MATCH_YES);
	}
}

static void
item_conditions(void **state)
{
	static const struct {
		const char *options;
		enum verdict_class cls;
		const char *name, *engine, *sha, *symbol;
		bool vague;
		enum match want;
	} rows[] = {
		{ "", CLASS_INFECTED, "V", "e1", "", "", false, MATCH_YES },
		{ "", CLASS_CLEAN, NULL, "", NULL, "", false, MATCH_NO },
		{ "classes = {clean}", CLASS_CLEAN, NULL, "", NULL, "", false, MATCH_YES },
		{ "classes = {clean}", CLASS_MACRO, "M", "e1", "", "", false, MATCH_NO },
		{ "classes = {infected, macro}", CLASS_MACRO, "M", "e1", "", "", false, MATCH_YES },
		{ "names = {'^PUA'}", CLASS_SUSPICIOUS, "PUA.X", "e1", "", "", false, MATCH_YES },
		{ "names = {'^PUA'}", CLASS_SUSPICIOUS, "Win.PUA", "e1", "", "", false, MATCH_NO },
		{ "names = {'x', '^PUA'}", CLASS_SUSPICIOUS, "PUA.X", "e1", "", "", false, MATCH_YES },
		{ "names = {'.*'}", CLASS_ERROR, NULL, "e1", NULL, "", false, MATCH_NO },
		{ "names = {'^PUA'}", CLASS_SUSPICIOUS, NULL, "e1", NULL, "", true, MATCH_MAYBE },
		{ "names = {'^(a+)+$'}", CLASS_INFECTED, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "e1", "", "",
		    false, MATCH_MAYBE },
		{ "engines = {e1}", CLASS_INFECTED, "V", "e1", "", "", false, MATCH_YES },
		{ "engines = {e1}", CLASS_INFECTED, "V", "e2", "", "", false, MATCH_NO },
		{ "engines = {e1}", CLASS_ERROR, NULL, "", NULL, "", false, MATCH_NO },
		{ "engines = {e1}", CLASS_INFECTED, NULL, "", NULL, "", true, MATCH_MAYBE },
		{ "objects = {\"" SHA "\"}", CLASS_INFECTED, "V", "e1", SHA, "", false, MATCH_YES },
		{ "objects = {\"" SHA "\"}", CLASS_INFECTED, "V", "e1", "", "", false, MATCH_NO },
		{ "objects = {\"" SHA "\"}", CLASS_ERROR, NULL, "e1", NULL, "", false, MATCH_NO },
		{ "objects = {\"" SHA "\"}", CLASS_INFECTED, NULL, "e1", NULL, "", true, MATCH_MAYBE },
		{ "symbols = {\"CLAM*\"}", CLASS_INFECTED, "V", "e1", "", "CLAM_VIRUS", false, MATCH_YES },
		{ "symbols = {\"CLAM*\"}", CLASS_INFECTED, "V", "e1", "", "X", false, MATCH_NO },
		{ "symbols = {\"CLAM*\"}", CLASS_INFECTED, NULL, "e1", NULL, "X", true, MATCH_MAYBE },
		{ "classes = {infected} engines = {e1} names = {'^V$'}", CLASS_INFECTED, "V", "e1", "", "", false,
		    MATCH_YES },
		{ "classes = {macro} engines = {e1} names = {'^V$'}", CLASS_INFECTED, "V", "e1", "", "", false, MATCH_NO },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(rules_free) struct rules *r = one_rule(rows[i].options);
		struct finding f = { .name = (char *)(uintptr_t)rows[i].name,
			.sha256 = (char *)(uintptr_t)rows[i].sha };
		struct item it = { .cls = rows[i].cls,
			.engine = rows[i].engine,
			.vague = rows[i].vague,
			.finding = rows[i].name ? &f : NULL,
			.symbols = g_ptr_array_new(),
			.maybe = g_ptr_array_new() };
		enum match m;

		g_ptr_array_add(it.symbols, (char *)(uintptr_t)rows[i].symbol);
		m = rule_match_item(g_ptr_array_index(r->list, 0), &it, NULL);
		if (m != rows[i].want)
			fail_msg("row %zu: %s: %d", i, rows[i].options, (int)m);
		g_ptr_array_unref(it.symbols);
		g_ptr_array_unref(it.maybe);
	}
}

static void
recipients(void **state)
{
	AUTO(rules_free) struct rules *r = one_rule("recipients = {\"*@x.test\"}");
	const struct rule *one = g_ptr_array_index(r->list, 0);

	(void)state;
	assert_true(r->by_recipient);
	assert_int_equal(rule_match_recipient(one, "a@x.test", NULL), MATCH_YES);
	assert_int_equal(rule_match_recipient(one, "a@y.test", NULL), MATCH_NO);
	assert_int_equal(rule_match_recipient(one, NULL, NULL), MATCH_MAYBE);
}

/* Valid through that day, UTC. */
static void
expiry(void **state)
{
	AUTO(rules_free) struct rules *r = one_rule("expires = \"2027-01-31\"");
	const struct rule *one = g_ptr_array_index(r->list, 0);
	const struct facts f = { .sender = (char *)(uintptr_t) "" };
	const int64_t midnight = 1801440000; /* 2027-02-01T00:00:00Z */
	const char *why = NULL;

	(void)state;
	assert_int_equal(rule_match_message(one, &f, midnight - 1, NULL), MATCH_YES);
	assert_int_equal(rule_match_message(one, &f, midnight, &why), MATCH_NO);
	assert_string_equal(why, "expires");
}

static void
where_mail_comes_from(void **state)
{
	static char auth[] = "me", addr[] = "127.0.0.1";
	const struct {
		struct message m;
		enum conf_traffic want;
	} rows[] = {
		{ { .client_addr = addr }, TRAFFIC_MX },
		{ { .client_addr = addr, .submitted = true }, TRAFFIC_LOCAL },
		{ { .client_addr = NULL }, TRAFFIC_LOCAL },
		{ { .client_addr = addr, .auth = auth }, TRAFFIC_AUTHENTICATED },
		{ { .client_addr = NULL, .auth = auth }, TRAFFIC_AUTHENTICATED },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct facts f;

		facts_of(&rows[i].m, &f);
		assert_int_equal(f.traffic, rows[i].want);
		facts_clear(&f);
	}
}

/* What cannot be compiled stops the start and names section, place and option. */
static void
unreadable_list(void **state)
{
	struct conf *c = world_conf("\npolicy \"vip\" { recipients = {\"file:/nonexistent/list\"} }");
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_null(rules_new(c, NULL, &err));
	assert_non_null(strstr(err->message, "test.conf:2: policy \"vip\": recipients: "));
	assert_non_null(strstr(err->message, "/nonexistent/list"));
	conf_unref(&c);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(networks),
	cmocka_unit_test(addresses),
	cmocka_unit_test(patterns),
	cmocka_unit_test(address_lists),
	cmocka_unit_test(lists_from_files),
	cmocka_unit_test(regex_bounds),
	cmocka_unit_test(message_conditions),
	cmocka_unit_test(item_conditions),
	cmocka_unit_test(recipients),
	cmocka_unit_test(expiry),
	cmocka_unit_test(where_mail_comes_from),
	cmocka_unit_test(unreadable_list),
};

UNIT_RUN(tests)
