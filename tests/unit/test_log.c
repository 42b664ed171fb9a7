/*
 * log: targets, levels, context, one line each, escaping, rate limit, and nothing that waits for a
 * reader
 */
#include "base/log.h"

#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"

/* Not inlined: gcc 12 then believes that its result points to its own variable. */
static G_GNUC_NO_INLINE char *
slurp(const char *path)
{
	char *text = NULL;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static void
file_lines(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *path = g_strconcat(dir, "/log", NULL), *text = NULL;
	g_auto(GStrv) lines = NULL;

	(void)state;
	assert_true(log_open(path, "mail", "avmilter", LOGLV_INFO, NULL));
	log_info("one\nforged: line\r\ttab\x7f");
	log_debug("below the level");
	log_context("4XYZ");
	log_err("two %d", 2);
	log_context(NULL);
	log_set_level(LOGLV_DEBUG);
	assert_int_equal(log_get_level(), LOGLV_DEBUG);
	log_debug("three");
	text = slurp(path);
	lines = g_strsplit(text, "\n", -1);
	assert_int_equal(g_strv_length(lines), 4);
	assert_non_null(strstr(lines[0], "] info: one forged: line  tab "));
	assert_non_null(strstr(lines[1], "] err: 4XYZ: two 2"));
	assert_non_null(strstr(lines[2], "] debug: three"));
	assert_true(log_open("stderr", "mail", "avmilter", LOGLV_INFO, NULL));
	unit_rmdir(dir);
}

static void
context_is_cut_and_per_thread(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *path = g_strconcat(dir, "/log", NULL), *text = NULL, *want = NULL;
	char id[200];

	(void)state;
	memset(id, 'Q', sizeof(id));
	id[sizeof(id) - 1] = '\0';
	assert_true(log_open(path, "mail", "avmilter", LOGLV_INFO, NULL));
	log_context(id);
	log_info("x");
	log_context("");
	text = slurp(path);
	want = g_strnfill(63, 'Q');
	assert_non_null(strstr(text, want));
	assert_int_equal(strspn(strchr(text, 'Q'), "Q"), 63);
	assert_true(log_open("stderr", "mail", "avmilter", LOGLV_INFO, NULL));
	unit_rmdir(dir);
}

static void
long_line_is_one_line(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *path = g_strconcat(dir, "/log", NULL), *text = NULL,
			*fat = g_strnfill(100000, 'x');

	(void)state;
	assert_true(log_open(path, "mail", "avmilter", LOGLV_INFO, NULL));
	log_info("%s", fat);
	log_info("next");
	text = slurp(path);
	assert_int_equal(strchr(text, '\n') - text, 4095);
	assert_non_null(strstr(text, "info: next\n"));
	assert_true(log_open("stderr", "mail", "avmilter", LOGLV_INFO, NULL));
	unit_rmdir(dir);
}

static void
reopen_follows_logrotate(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *path = g_strconcat(dir, "/log", NULL),
			*moved = g_strconcat(dir, "/log.1", NULL);
	g_autofree char *old = NULL, *fresh = NULL;

	(void)state;
	assert_true(log_open(path, "mail", "avmilter", LOGLV_INFO, NULL));
	log_info("first");
	assert_int_equal(rename(path, moved), 0);
	log_info("second");
	log_reopen();
	log_info("third");
	old = slurp(moved);
	fresh = slurp(path);
	assert_non_null(strstr(old, "second"));
	assert_null(strstr(old, "third"));
	assert_non_null(strstr(fresh, "third"));
	/* A folder that went away: the old descriptor keeps serving. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(moved), 0);
	assert_int_equal(rmdir(dir), 0);
	log_reopen();
	log_info("fourth");
	assert_true(log_open("stderr", "mail", "avmilter", LOGLV_INFO, NULL));
	g_free(dir);
}

static void
refusals(void **state)
{
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_false(log_open("stderr", "nosuch", "x", LOGLV_INFO, &err));
	assert_non_null(strstr(err->message, "unknown syslog facility \"nosuch\"; write mail"));
	g_clear_error(&err);
	assert_false(log_open("relative", "mail", "x", LOGLV_INFO, &err));
	assert_non_null(strstr(err->message, "absolute path"));
	g_clear_error(&err);
	assert_false(log_open("/nonexistent/x/log", "mail", "x", LOGLV_INFO, &err));
	assert_non_null(strstr(err->message, "/nonexistent/x/log: open the log: No such file"));
}

/* Run body with stderr being the pipe p[1]. */
static void
with_stderr(int fd, void (*body)(void))
{
	int saved = dup(STDERR_FILENO);

	fflush(stderr);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	body();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
}

static void
say_plain(void)
{
	assert_true(log_open("stderr", "mail", "avm", LOGLV_INFO, NULL));
	log_warn("w");
}

static void
say_journal(void)
{
	g_setenv("JOURNAL_STREAM", "8:1", TRUE);
	assert_true(log_open("stderr", "mail", "avm", LOGLV_INFO, NULL));
	g_unsetenv("JOURNAL_STREAM");
	log_warn("w");
	assert_true(log_open("stderr", "mail", "avm", LOGLV_INFO, NULL));
}

static void
stderr_prefix(void **state)
{
	char buf[200] = "";
	int p[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(p), 0);
	with_stderr(p[1], say_plain);
	n = read(p[0], buf, sizeof(buf) - 1);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_string_equal(buf, "avm: warning: w\n");
	with_stderr(p[1], say_journal);
	n = read(p[0], buf, sizeof(buf) - 1);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_string_equal(buf, "<4>w\n");
	close(p[0]);
	close(p[1]);
}

static void
say_much(void)
{
	g_autofree char *fat = g_strnfill(3000, 'x');

	for (int i = 0; i < 200; i++)
		log_warn("%s", fat);
}

static void
say_one(void)
{
	log_warn("awake");
}

/* Nobody reads the pipe: the lines are lost, the caller is not held up, and the loss is told later.
 */
static void
full_pipe_does_not_block(void **state)
{
	static char buf[1 << 17];
	int p[2];
	int64_t begun = now_ms();
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(p), 0);
	with_stderr(p[1], say_much);
	assert_true(now_ms() - begun < 3000);
	assert_true(read(p[0], buf, sizeof(buf)) > 0);
	with_stderr(p[1], say_one);
	n = read(p[0], buf, sizeof(buf) - 1);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_non_null(strstr(buf, "log lines were lost"));
	assert_non_null(strstr(buf, "warning: awake\n"));
	close(p[0]);
	close(p[1]);
}

/* Whether or not a logger runs here: no line may wait for it. */
static void
syslog_does_not_block(void **state)
{
	int64_t begun = now_ms();

	(void)state;
	assert_true(log_open("syslog", "local7", "avmilter-test", LOGLV_INFO, NULL));
	for (int i = 0; i < 50; i++)
		log_info("unit test line %d", i);
	assert_true(now_ms() - begun < 3000);
	log_set_level(LOGLV_ERR);
	assert_true(log_open("stderr", "mail", "avmilter", LOGLV_INFO, NULL));
}

#define CHECK(n, condition)	  \
	do {			  \
		if (!(condition)) \
			return n; \
	} while (0)

static int
open_dev_log(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	unlink(sun.sun_path);
	return bind(s, (struct sockaddr *)&sun, sizeof(sun)) == 0 ? s : -1;
}

/* Lines that wait in the socket; the last one is left in buf. */
static unsigned
drain(int s, char *buf, size_t size)
{
	unsigned lines = 0;
	ssize_t n;

	while ((n = recv(s, buf, size - 1, 0)) >= 0) {
		buf[n] = '\0';
		lines++;
	}
	return lines;
}

static atomic_bool reading;
static atomic_uint lines_read;

/* A logger that needs a millisecond for each line. */
static void *
slow_logger(void *arg)
{
	char buf[5000];

	while (atomic_load(&reading)) {
		if (recv(*(int *)arg, buf, sizeof(buf), 0) >= 0)
			atomic_fetch_add(&lines_read, 1);
		usleep(1000);
	}
	return NULL;
}

/* In a child with a /dev of its own. 0, or the number of what was wrong. */
static int
with_own_dev_log(void)
{
	static char buf[5000];
	pthread_t t;
	int64_t begun;
	int s;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/dev", "tmpfs", 0, NULL) < 0)
		return 77;
	CHECK(1, (s = open_dev_log()) >= 0);
	CHECK(2, log_open("syslog", "mail", "avm", LOGLV_INFO, NULL));
	log_context("4XYZ");
	log_err("hello");
	log_context(NULL);
	CHECK(3, drain(s, buf, sizeof(buf)) >= 1);
	CHECK(4, g_str_has_prefix(buf, "<19>") && strstr(buf, " avm[") &&
	             g_str_has_suffix(buf, "]: 4XYZ: hello"));
	/* A slow reader loses nothing. */
	atomic_store(&reading, true);
	CHECK(5, pthread_create(&t, NULL, slow_logger, &s) == 0);
	for (int i = 0; i < 1500; i++)
		log_info("line %d", i);
	atomic_store(&reading, false);
	pthread_join(t, NULL);
	CHECK(6, atomic_load(&lines_read) + drain(s, buf, sizeof(buf)) == 1500);
	/* One that sleeps is given up. */
	begun = now_ms();
	for (int i = 0; i < 5000; i++)
		log_info("line %d", i);
	CHECK(7, now_ms() - begun < 3000);
	CHECK(8, drain(s, buf, sizeof(buf)) < 5000);
	log_info("awake");
	CHECK(9, recv(s, buf, sizeof(buf), 0) > 0 && strstr(buf, "log lines were lost"));
	CHECK(10, drain(s, buf, sizeof(buf)) == 1 && g_str_has_suffix(buf, ": awake"));
	/* A logger that was restarted. */
	close(s);
	log_info("into the void");
	CHECK(11, (s = open_dev_log()) >= 0);
	log_info("again");
	CHECK(12, drain(s, buf, sizeof(buf)) == 2 && g_str_has_suffix(buf, ": again"));
	return 0;
}

static void
own_dev_log(void **state)
{
	int status = 0;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(unshare(CLONE_NEWNS) == 0 ? with_own_dev_log() : 77);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("# SKIP own_dev_log: no right to mount a tmpfs here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
levels(void **state)
{
	enum log_level l;

	(void)state;
	for (int i = LOGLV_ERR; i <= LOGLV_DEBUG; i++) {
		assert_true(log_level_parse(log_level_name((enum log_level)i), &l));
		assert_int_equal(l, i);
	}
	assert_false(log_level_parse("ERR", &l));
	assert_false(log_level_parse("", &l));
}

static void
escaping(void **state)
{
	static const struct {
		const char *in;
		size_t len, max;
		const char *out;
	} rows[] = {
	    {"plain text", 10, 100, "plain text"},
	    {"a\"b\\c", 5, 100, "a\\\"b\\\\c"},
	    {"a\r\nb\tc\0d\x7f", 9, 100, "a\\x0d\\x0ab\\x09c\\x00d\\x7f"},
	    {"\xc3\xa4\xe2\x82\xac", 5, 100, "\xc3\xa4\xe2\x82\xac"},
	    {"\xc3", 1, 100, "\\xc3"}, /* cut character */
	    {"\xff\xfe", 2, 100, "\\xff\\xfe"},
	    {"\xc2\x85", 2, 100, "\\xc2\\x85"},          /* NEL ends lines in some readers */
	    {"\xe2\x80\xa8", 3, 100, "\\xe2\\x80\\xa8"}, /* line separator */
	    {"\xe2\x80\xae", 3, 100, "\\xe2\\x80\\xae"}, /* right-to-left override */
	    {"\xc0\x8a", 2, 100, "\\xc0\\x8a"},          /* overlong line feed */
	    {"abcdef", 6, 3, "abc..."},
	    {"abc", 3, 3, "abc"},
	    {"", 0, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) s = g_string_new("");

		log_esc(s, rows[i].in, rows[i].len, rows[i].max);
		assert_string_equal(s->str, rows[i].out);
	}
}

static void
rate_limit(void **state)
{
	struct log_limit l = {0};
	unsigned n = 99, passed = 0;

	(void)state;
	assert_true(log_limit_pass(&l, 60000, &n));
	assert_int_equal(n, 0);
	for (int i = 0; i < 10; i++)
		passed += log_limit_pass(&l, 60000, &n);
	assert_int_equal(passed, 0);
	__atomic_store_n(&l.next_ms, 0, __ATOMIC_RELAXED);
	assert_true(log_limit_pass(&l, 60000, &n));
	assert_int_equal(n, 10);
}

static void *
chatter(void *arg)
{
	log_context(arg);
	for (int i = 0; i < 200; i++)
		log_info("line of %s", (const char *)arg);
	return NULL;
}

/* Threads write while the main thread reopens: every line is whole and carries its own context. */
static void
threads(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *path = g_strconcat(dir, "/log", NULL), *text = NULL;
	g_auto(GStrv) lines = NULL;
	pthread_t t[3];
	char names[3][4] = {"aaa", "bbb", "ccc"};

	(void)state;
	assert_true(log_open(path, "mail", "avmilter", LOGLV_INFO, NULL));
	log_info("start"); /* with it goes the note about lines that other tests lost */
	assert_int_equal(truncate(path, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, chatter, names[i]), 0);
	for (int i = 0; i < 50; i++)
		log_reopen();
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	text = slurp(path);
	lines = g_strsplit(text, "\n", -1);
	assert_int_equal(g_strv_length(lines), 601);
	for (int i = 0; i < 600; i++) {
		const char *of = strstr(lines[i], ": line of ");

		assert_non_null(of);
		assert_memory_equal(of - 3, of + strlen(": line of "), 3);
	}
	assert_true(log_open("stderr", "mail", "avmilter", LOGLV_INFO, NULL));
	unit_rmdir(dir);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(own_dev_log), /* first: later tests exhaust the logger's patience */
    cmocka_unit_test(file_lines),
    cmocka_unit_test(context_is_cut_and_per_thread),
    cmocka_unit_test(long_line_is_one_line),
    cmocka_unit_test(reopen_follows_logrotate),
    cmocka_unit_test(refusals),
    cmocka_unit_test(stderr_prefix),
    cmocka_unit_test(full_pipe_does_not_block),
    cmocka_unit_test(syslog_does_not_block),
    cmocka_unit_test(levels),
    cmocka_unit_test(escaping),
    cmocka_unit_test(rate_limit),
    cmocka_unit_test(threads),
};

UNIT_RUN(tests)
