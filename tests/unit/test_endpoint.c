/*
 * endpoint: every accepted spelling, what is refused and how, what libmilter and Postfix call it,
 * who is alive
 */
#include "base/endpoint.h"

#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"

/* 108 bytes of path: one more than the kernel takes. */
#define TEN	 "1234567890"
#define TOO_LONG "unix:/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "1234567"

static void
spellings(void **state)
{
	static const struct {
		const char *text, *libmilter, *postfix;
	} rows[] = {
	    {"/run/a.sock", "unix:/run/a.sock", "unix:/run/a.sock"},
	    {"unix:/run/a.sock", "unix:/run/a.sock", "unix:/run/a.sock"},
	    {"local:/run/a.sock", "unix:/run/a.sock", "unix:/run/a.sock"},
	    {"inet:8891", "inet:8891", "inet:127.0.0.1:8891"},
	    {"inet:8891@localhost", "inet:8891@localhost", "inet:localhost:8891"},
	    {"inet:8891@10.0.0.1", "inet:8891@10.0.0.1", "inet:10.0.0.1:8891"},
	    {"inet:mail.example:8891", "inet:8891@mail.example", "inet:mail.example:8891"},
	    {"inet6:8891", "inet6:8891", "inet:[::1]:8891"},
	    {"inet6:8891@::1", "inet6:8891@::1", "inet:[::1]:8891"},
	    {"inet6:8891@[2001:db8::1]", "inet6:8891@2001:db8::1", "inet:[2001:db8::1]:8891"},
	    {"inet:[::1]:8891", "inet6:8891@::1", "inet:[::1]:8891"},
	    {"inet:65535", "inet:65535", "inet:127.0.0.1:65535"},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(endpoint_free) struct endpoint *e = endpoint_parse(rows[i].text, NULL);
		g_autofree char *a = NULL, *b = NULL;

		assert_non_null(e);
		a = endpoint_libmilter(e);
		b = endpoint_postfix(e);
		assert_string_equal(a, rows[i].libmilter);
		assert_string_equal(b, rows[i].postfix);
	}
}

static void
refusals(void **state)
{
	static const char *const bad[] = {
	    "",
	    "foo",
	    "unix:",
	    "unix:relative",
	    "local:run/x",
	    "inet:",
	    "inet:0",
	    "inet:65536",
	    "inet:99999999999",
	    "inet:smtp",
	    "inet:-1",
	    "inet:8891 ",
	    "inet:x@y",
	    "inet:8891@a@b",
	    "inet:8891@a b",
	    "inet:[::1:8891",
	    "inet6:",
	    "http://x",
	    TOO_LONG,
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) err = NULL;

		assert_null(endpoint_parse(bad[i], &err));
		assert_non_null(strstr(err->message, "write unix:/PATH"));
	}
}

static void
alive_unix(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *text = g_strdup_printf("unix:%s/s", dir);
	AUTO(endpoint_free) struct endpoint *e = endpoint_parse(text, NULL);
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), c;
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_false(endpoint_alive(e));
	assert_int_equal(endpoint_connect(e, &err), -1);
	assert_non_null(strstr(err->message, ": connect: "));
	g_strlcpy(sun.sun_path, e->path, sizeof(sun.sun_path));
	assert_int_equal(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	/* A stale socket file: bound, nobody listens. */
	assert_false(endpoint_alive(e));
	assert_int_equal(listen(s, 1), 0);
	assert_true(endpoint_alive(e));
	c = endpoint_connect(e, NULL);
	assert_true(c >= 0);
	/* A queue that is full is still somebody's. */
	for (int i = 0; i < 4; i++)
		assert_true(endpoint_alive(e));
	close(c);
	close(s);
	assert_false(endpoint_alive(e));
	unit_rmdir(dir);
}

static void
alive_inet(void **state)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), c;
	g_autofree char *text = NULL;
	AUTO(endpoint_free) struct endpoint *e = NULL;

	(void)state;
	assert_int_equal(bind(s, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&sin, &len), 0);
	text = g_strdup_printf("inet:%u", ntohs(sin.sin_port));
	e = endpoint_parse(text, NULL);
	assert_false(endpoint_alive(e));
	assert_int_equal(listen(s, 5), 0);
	assert_true(endpoint_alive(e));
	c = endpoint_connect(e, NULL);
	assert_true(c >= 0);
	close(c);
	close(s);
	assert_false(endpoint_alive(e));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(spellings),
    cmocka_unit_test(refusals),
    cmocka_unit_test(alive_unix),
    cmocka_unit_test(alive_inet),
};

UNIT_RUN(tests)
