/*
 * address: every spelling of a server, and what is refused
 */
#include "base/address.h"

#include "unit.h"

struct good {
	const char *text, *path, *host, *port, *rest, *authority;
	bool tls, local;
};

static const struct good goods[] = {
    {"unix:/run/clamd.ctl", "/run/clamd.ctl", NULL, NULL, "", "localhost", false, true},
    {"/run/clamd.ctl", "/run/clamd.ctl", NULL, NULL, "", "localhost", false, true},
    {"tcp:10.0.0.1:3310", NULL, "10.0.0.1", "3310", "", "10.0.0.1:3310", false, false},
    {"10.0.0.1:4444", NULL, "10.0.0.1", "4444", "", "10.0.0.1:4444", false, false},
    {"av.example", NULL, "av.example", "1344", "", "av.example:1344", false, false},
    {"[2001:db8::1]:5", NULL, "2001:db8::1", "5", "", "[2001:db8::1]:5", false, false},
    {"2001:db8::1", NULL, "2001:db8::1", "1344", "", "[2001:db8::1]:1344", false, false},
    {"tcp:[::1]", NULL, "::1", "1344", "", "[::1]:1344", false, true},
    {"tls:av.example:9", NULL, "av.example", "9", "", "av.example:9", true, false},
    {"icap://127.0.0.1", NULL, "127.0.0.1", "1344", "", "127.0.0.1:1344", false, true},
    {"icap://h:99/avscan?x=1", NULL, "h", "99", "avscan?x=1", "h:99", false, false},
    {"icaps://h", NULL, "h", "11344", "", "h:11344", true, false},
    {"HTTPS://localhost:8/a", NULL, "localhost", "8", "a", "localhost:8", true, true},
};

static const char *const bads[] = {
    "",       "unix:relative", "tcp:",      "h:0",   "h:65536", "h:1x",  "h:",  "[::1",
    "[::1]x", "ftp://h",       "icap:///x", "a b:1", "h\n:1",   "h@x:1", "h\"", "unix:",
};

static void
good_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(goods); i++) {
		const struct good *g = &goods[i];
		g_autoptr(GError) err = NULL;
		struct address *a = address_parse(g->text, "1344", "11344", &err);
		g_autofree char *authority = NULL;

		assert_non_null(a);
		authority = address_authority(a);
		assert_string_equal(a->text, g->text);
		assert_int_equal(g_strcmp0(a->path, g->path), 0);
		assert_int_equal(g_strcmp0(a->host, g->host), 0);
		assert_int_equal(g_strcmp0(a->port, g->port), 0);
		assert_string_equal(a->rest, g->rest);
		assert_string_equal(authority, g->authority);
		assert_int_equal(a->tls, g->tls);
		assert_int_equal(address_is_local(a), g->local);
		address_free(&a);
		assert_null(a);
	}
}

static void
bad_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(bads); i++) {
		g_autoptr(GError) err = NULL;

		assert_null(address_parse(bads[i], "1344", NULL, &err));
		assert_non_null(strstr(err->message, "write unix:/PATH"));
	}
}

static void
port_needed(void **state)
{
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_null(address_parse("h", NULL, NULL, &err));
	assert_non_null(strstr(err->message, "the port is missing"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_ones),
	    cmocka_unit_test(bad_ones),
	    cmocka_unit_test(port_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
