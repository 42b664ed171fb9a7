/*
 * control: words on the wire, the server's dialogue, who may do what, floods and silence
 */
#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/protocol.h"
#include "control/server.h"

static char *dir;
static struct control *control;
static char path[100];

static json_t *
say_ok(void *arg, const struct control_request *rq, GError **err)
{
	(void)err;
	return json_pack("{s:s, s:s, s:b}", "arg", (const char *)arg, "word", rq->words[1] != NULL ? rq->words[1] : "", "may_act", rq->may_act);
}

static json_t *
say_no(void *arg, const struct control_request *rq, GError **err)
{
	(void)arg;
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "no \"%s\"", rq->words[0]);
	return NULL;
}

static json_t *
read_passed(void *arg, const struct control_request *rq, GError **err)
{
	char text[16] = "";

	(void)arg;
	(void)err;
	if (rq->fd >= 0 && pread(rq->fd, text, sizeof(text) - 1, 0) < 0)
		text[0] = '\0';
	return json_pack("{s:s, s:b}", "text", text, "passed", rq->fd >= 0);
}

static const struct control_commands commands = {
	.status = say_ok, .stats = say_ok, .version = say_no, .engines = say_ok, .scan = read_passed, .reload = say_ok,
	.update = say_ok, .log = say_ok,
};

static char arg[] = "the argument";

static int
setup(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	dir = unit_mkdir();
	g_snprintf(path, sizeof(path), "%s/c", dir);
	g_strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 64), 0);
	control = control_new(fd, path);
	assert_true(control_start(control, &commands, arg, NULL));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	control_free(&control);
	assert_int_equal(access(path, F_OK), -1);
	unit_rmdir(dir);
	return 0;
}

static int
dial(struct control_line *l)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_autofree char *greeting = NULL;

	g_strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	control_line_init(l, fd, CONTROL_REPLY_MAX);
	greeting = control_line_read(l, 5000, NULL);
	assert_true(g_str_has_prefix(greeting, CONTROL_GREETING " avmilter"));
	return fd;
}

static void
hang_up(struct control_line *l)
{
	close(l->fd);
	control_line_clear(l);
}

static void
expect(struct control_line *l, const char *request, const char *want)
{
	g_autofree char *got = NULL;

	assert_true(control_line_write(l->fd, request, -1, NULL));
	got = control_line_read(l, 5000, NULL);
	assert_non_null(got);
	if (strstr(got, want) == NULL)
		fail_msg("%s: %s lacks %s", request, got, want);
}

static void
words(void **state)
{
	static const char *const rows[] = { "scan", "a b/ü%.eml", "x\ny", "-1_2.3" };
	const char *const list[] = { rows[0], rows[1], rows[2], rows[3], NULL };
	static const char *const bad[] = { "", "a  b", " a", "a ", "a%", "a%2", "a%zz", "a%00", "a/b", "a\"b", "a\tb" };
	g_autofree char *line = control_join(list);
	g_auto(GStrv) back = control_split(line, NULL);

	(void)state;
	assert_null(strchr(line, '\n'));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		assert_string_equal(back[i], rows[i]);
	assert_null(back[4]);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		GError *err = NULL;

		assert_null(control_split(bad[i], &err));
		assert_non_null(err);
		g_error_free(err);
	}
}

static void
dialogue(void **state)
{
	struct control_line l;

	(void)state;
	dial(&l);
	expect(&l, "status", "ok {\"arg\":\"the argument\",\"word\":\"\",\"may_act\":true}");
	expect(&l, "log a%20%22b", "\"word\":\"a \\\"b\"");
	expect(&l, "version", "error {\"error\":\"no \\\"version\\\"\"}");
	expect(&l, "frobnicate list", "error {\"error\":\"frobnicate: unknown command\"}");
	expect(&l, "a  b", "error {\"error\":\"malformed");
	expect(&l, "", "error {\"error\":\"malformed");
	expect(&l, "reload", "ok {");
	hang_up(&l);
}

static void
a_descriptor_goes_along(void **state)
{
	struct control_line l;
	int fd = fsx_unnamed("/tmp", NULL);
	g_autofree char *got = NULL;

	(void)state;
	assert_true(fsx_pwrite_all(fd, "content", 7, 0, NULL));
	dial(&l);
	assert_true(control_line_write(l.fd, "scan x", fd, NULL));
	got = control_line_read(&l, 5000, NULL);
	assert_string_equal(got, "ok {\"text\":\"content\",\"passed\":true}");
	expect(&l, "scan x", "\"passed\":false");	/* it went with that one request only */
	close(fd);
	hang_up(&l);
}

static void
too_long_a_line_ends_it(void **state)
{
	struct control_line l;
	g_autofree char *text = g_strnfill(3 * CONTROL_REQUEST_MAX, 'a');
	g_autofree char *got = NULL;

	(void)state;
	dial(&l);
	control_line_write(l.fd, text, -1, NULL);
	got = control_line_read(&l, 5000, NULL);
	/* Refused as unknown if it came in one read, or closed: never more than one answer. */
	assert_true(got == NULL || g_str_has_prefix(got, "error "));
	hang_up(&l);
	dial(&l);
	expect(&l, "status", "ok {");
	hang_up(&l);
}

static void
more_than_sixteen_wait_their_turn(void **state)
{
	struct control_line l[16], late;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	g_autofree char *greeting = NULL;
	int fd;

	(void)state;
	for (int i = 0; i < 16; i++)
		dial(&l[i]);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	control_line_init(&late, fd, CONTROL_REPLY_MAX);
	greeting = control_line_read(&late, 5000, NULL);
	assert_non_null(strstr(greeting, "busy"));
	hang_up(&late);
	expect(&l[15], "status", "ok {");
	for (int i = 0; i < 16; i++)
		hang_up(&l[i]);
	for (unsigned i = 0; i < 100; i++) {	/* slots come back when the threads have seen the end */
		int again = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		g_autofree char *hello = NULL;

		assert_int_equal(connect(again, (struct sockaddr *)&sun, sizeof(sun)), 0);
		control_line_init(&late, again, CONTROL_REPLY_MAX);
		hello = control_line_read(&late, 5000, NULL);
		hang_up(&late);
		if (strstr(hello, "busy") == NULL)
			return;
		g_usleep(20 * 1000);
	}
	fail_msg("no slot came back");
}

static void
the_end_does_not_wait_for_idle_ones(void **state)
{
	struct control_line l;
	g_autofree char *got = NULL;

	(void)state;
	dial(&l);
	control_free(&control);
	got = control_line_read(&l, 5000, NULL);
	assert_null(got);
	hang_up(&l);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(words), T(dialogue), T(a_descriptor_goes_along), T(too_long_a_line_ends_it),
	T(more_than_sixteen_wait_their_turn), T(the_end_does_not_wait_for_idle_ones),
};

UNIT_RUN(tests)
