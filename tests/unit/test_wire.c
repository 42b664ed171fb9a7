/*
 * wire: reading in any pieces and cut anywhere, limits, NUL, chunked bodies; writing that hears an
 * early answer; silence and deadlines
 */
#include "base/wire.h"

#include "unit.h"

#include "base/auto.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENCE_MS 60

/* One end is ours, the other the test's. */
struct pair {
	struct wire *wire;
	struct wait wait;
	int peer;
};

static void
open_pair(struct pair *p, int64_t deadline_ms)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	p->wire = wire_new(net_adopt(fd[0]), SILENCE_MS);
	p->peer = fd[1];
	wait_init(&p->wait, deadline_in(deadline_ms), 0, NULL, NULL);
	wire_begin(p->wire, &p->wait);
}

static void
close_pair(struct pair *p)
{
	wire_free(&p->wire);
	fd_close(&p->peer);
}

static void
say(struct pair *p, const char *text, size_t len)
{
	assert_int_equal(send(p->peer, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void
hang_up(struct pair *p)
{
	fd_close(&p->peer);
}

struct script {
	int fd;
	const char *text;
	size_t len;
};

static void *
speak_slowly(void *arg)
{
	const struct script *s = arg;

	for (size_t i = 0; i < s->len; i++) {
		assert_int_equal(send(s->fd, s->text + i, 1, MSG_NOSIGNAL), 1);
		g_usleep(200);
	}
	return NULL;
}

static void
lines_in_single_bytes(void **state)
{
	static const char text[] = "one\r\ntwo\n\r\n\tthree\r\n";
	static const char *const want[] = {"one", "two", "", "\tthree"};
	struct pair p;
	struct script s;
	pthread_t t;

	(void)state;
	open_pair(&p, 5000);
	s = (struct script){p.peer, text, sizeof(text) - 1};
	assert_int_equal(pthread_create(&t, NULL, speak_slowly, &s), 0);
	for (size_t i = 0; i < G_N_ELEMENTS(want); i++) {
		g_autoptr(GString) line = g_string_new(NULL);

		assert_true(wire_line(p.wire, 100, line, NULL));
		assert_string_equal(line->str, want[i]);
	}
	pthread_join(t, NULL);
	assert_false(wire_unread(p.wire));
	close_pair(&p);
}

static void
cut_at_every_byte(void **state)
{
	static const char text[] = "stream: OK";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		g_autoptr(GString) got = g_string_new(NULL);
		g_autoptr(GError) err = NULL;
		struct pair p;

		open_pair(&p, 5000);
		if (n > 0)
			say(&p, text, n);
		hang_up(&p);
		assert_false(wire_until(p.wire, '\0', 100, got, &err) && n < sizeof(text));
		if (n < sizeof(text)) {
			assert_true(g_error_matches(err, NET_ERROR, NET_E_CLOSED));
			assert_int_equal(got->len, n);
			assert_int_equal(wire_answered(p.wire), n > 0);
		}
		close_pair(&p);
	}
}

static void
limits(void **state)
{
	g_autoptr(GString) got = g_string_new(NULL);
	g_autoptr(GError) err = NULL;
	struct pair p;

	(void)state;
	open_pair(&p, 5000);
	say(&p, "1234567890\n1234567890\n", 22);
	assert_true(wire_line(p.wire, 10, got, NULL)); /* at the limit it still fits */
	assert_false(wire_line(p.wire, 9, got, &err));
	assert_true(g_error_matches(err, NET_ERROR, NET_E_LONG));
	close_pair(&p);
}

static void
nul_in_a_line(void **state)
{
	g_autoptr(GString) got = g_string_new(NULL);
	g_autoptr(GError) err = NULL;
	struct pair p;

	(void)state;
	open_pair(&p, 5000);
	say(&p, "ICAP/1.0 204\0 x\n", 16);
	assert_false(wire_line(p.wire, 100, got, &err));
	assert_true(g_error_matches(err, NET_ERROR, NET_E_SYNTAX));
	close_pair(&p);
}

static void
silence_and_deadline(void **state)
{
	char byte;
	GError *err = NULL;
	struct pair p;

	(void)state;
	open_pair(&p, 5000);
	assert_false(wire_exact(p.wire, &byte, 1, &err));
	assert_true(g_error_matches(err, NET_ERROR, NET_E_TIMEOUT));
	assert_string_equal(err->message, "timed out after 60 ms");
	g_clear_error(&err);
	close_pair(&p);

	open_pair(&p, 20); /* the deadline comes before the silence is long enough */
	assert_false(wire_exact(p.wire, &byte, 1, &err));
	assert_true(g_error_matches(err, NET_ERROR, NET_E_TIMEOUT));
	g_clear_error(&err);
	close_pair(&p);
}

static void
early_answer_stops_the_writer(void **state)
{
	g_autofree char *much = g_malloc0(1 << 20);
	g_autoptr(GString) got = g_string_new(NULL);
	struct pair p;

	(void)state;
	open_pair(&p, 5000);
	say(&p, "no", 3);
	assert_true(wire_write(p.wire, much, 1 << 20, NULL));
	assert_true(wire_halted(p.wire));
	assert_false(wire_sent_all(p.wire));
	assert_true(wire_until(p.wire, '\0', 10, got, NULL));
	assert_string_equal(got->str, "no");
	close_pair(&p);
}

/* All is sent, but the peer says something before it has read it; then it reads, and says more. */
static void
answer_without_reading(void **state)
{
	g_autoptr(GString) got = g_string_new(NULL);
	char much[50000] = "", byte;
	struct pair p;

	(void)state;
	open_pair(&p, 5000);
	assert_true(wire_write(p.wire, much, sizeof(much), NULL));
	say(&p, "early\n", 6);
	assert_true(wire_line(p.wire, 10, got, NULL));
	assert_true(wire_sent_all(p.wire));
	assert_false(wire_reached(p.wire));
	for (size_t n = sizeof(much); n > 1;)
		n -= (size_t)recv(p.peer, much, n - 1, 0);
	say(&p, "early\n", 6);
	assert_true(wire_line(p.wire, 10, got, NULL));
	assert_false(wire_reached(p.wire));
	assert_int_equal(recv(p.peer, &byte, 1, 0), 1);
	say(&p, "right\n", 6);
	assert_true(wire_line(p.wire, 10, got, NULL));
	assert_true(wire_reached(p.wire));
	close_pair(&p);
}

/* Says a word as soon as the first byte is there, and goes on reading; counts. */
static void *
talk_while_reading(void *arg)
{
	struct pair *p = arg;
	char some[4096];
	size_t sum = 0;
	ssize_t n;

	while (sum < 1 << 20 && (n = recv(p->peer, some, sizeof(some), 0)) > 0) {
		if (sum == 0)
			say(p, "go on\n", 6);
		sum += (size_t)n;
	}
	return GSIZE_TO_POINTER(sum);
}

static void
upload_goes_on_behind_a_word(void **state)
{
	g_autofree char *much = g_malloc0(1 << 20);
	g_autoptr(GString) got = g_string_new(NULL);
	size_t put, rest;
	struct pair p;
	void *sum;
	pthread_t t;

	(void)state;
	open_pair(&p, 5000);
	assert_int_equal(pthread_create(&t, NULL, talk_while_reading, &p), 0);
	assert_true(wire_write_some(p.wire, much, 1 << 20, &put, NULL));
	assert_in_range(put, 1, (1 << 20) - 1);
	assert_true(wire_line(p.wire, 10, got, NULL));
	assert_string_equal(got->str, "go on");
	assert_true(wire_write_some(p.wire, much + put, (1 << 20) - put, &rest, NULL));
	assert_int_equal(put + rest, 1 << 20);
	assert_true(wire_sent_all(p.wire));
	pthread_join(t, &sum);
	assert_int_equal(GPOINTER_TO_SIZE(sum), 1 << 20);
	close_pair(&p);
}

/* Reads a little, answers, and closes with most of the upload unread: the writer gets EPIPE or
 * ECONNRESET. */
static void *
refuse_upload(void *arg)
{
	int fd = *(int *)arg;
	char some[1000];

	assert_true(recv(fd, some, sizeof(some), 0) > 0);
	assert_int_equal(send(fd, "too large", 10, MSG_NOSIGNAL), 10);
	close(fd);
	return NULL;
}

static void
write_error_hides_no_answer(void **state)
{
	g_autofree char *much = g_malloc0(1 << 22);
	g_autoptr(GString) got = g_string_new(NULL);
	struct pair p;
	pthread_t t;

	(void)state;
	open_pair(&p, 5000);
	assert_int_equal(pthread_create(&t, NULL, refuse_upload, &p.peer), 0);
	assert_true(wire_write(p.wire, much, 1 << 22, NULL));
	pthread_join(t, NULL);
	p.peer = -1;
	assert_false(wire_sent_all(p.wire));
	assert_true(wire_until(p.wire, '\0', 100, got, NULL));
	assert_string_equal(got->str, "too large");
	close_pair(&p);
}

static void
nobody_reads(void **state)
{
	g_autofree char *much = g_malloc0(1 << 22);
	g_autoptr(GError) err = NULL;
	struct pair p;

	(void)state;
	open_pair(&p, 5000);
	assert_false(wire_write(p.wire, much, 1 << 22, &err));
	assert_true(g_error_matches(err, NET_ERROR, NET_E_TIMEOUT));
	close_pair(&p);
}

/* The body of a chunked text, in reads of `piece`; NULL when it is refused. */
static char *
dechunk(const char *text, size_t len, size_t piece, struct chunked *c)
{
	GString *body = g_string_new(NULL);
	char buf[64];
	struct pair p;
	ssize_t n;

	open_pair(&p, 5000);
	say(&p, text, len);
	hang_up(&p);
	while ((n = wire_chunked(p.wire, c, buf, piece, NULL)) > 0)
		g_string_append_len(body, buf, n);
	close_pair(&p);
	return g_string_free(body, n < 0);
}

static void
chunked_bodies(void **state)
{
	static const char good[] = "5;x=y\r\nhello\r\n6 \r\n world\r\n0\r\nTrailer: 1\r\n\r\n";
	static const char *const bad[] = {
	    "g\r\nhello\r\n0\r\n\r\n",  "5\r\nhello!\r\n0\r\n\r\n",  "5\r\nhel",
	    "5\r\nhello\r\n0\r\n",      "-5\r\nhello\r\n0\r\n\r\n",  "\r\n",
	    "1000000000000000000\r\nx", "5 6\r\nhello\r\n0\r\n\r\n",
	};

	(void)state;
	for (size_t piece = 1; piece <= 64; piece++) {
		struct chunked c = {0};
		g_autofree char *body = dechunk(good, sizeof(good) - 1, piece, &c);

		assert_string_equal(body, "hello world");
		assert_true(c.done);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct chunked c = {0};

		assert_null(dechunk(bad[i], strlen(bad[i]), 64, &c));
		assert_false(c.done && c.left > 0);
	}
	for (size_t n = 0; n < sizeof(good) - 1; n++) { /* cut anywhere: never complete */
		struct chunked c = {0};

		assert_null(dechunk(good, n, 64, &c));
	}
}

static void
rest_until_close(void **state)
{
	g_autoptr(GString) got = g_string_new(NULL);
	struct pair p;

	(void)state;
	open_pair(&p, 5000);
	say(&p, "a\0b", 3);
	hang_up(&p);
	assert_true(wire_rest(p.wire, 100, got, NULL));
	assert_int_equal(got->len, 3);
	assert_memory_equal(got->str, "a\0b", 3);
	close_pair(&p);
}

/* Receive a descriptor and the bytes that came with it. */
static int
take_fd(int from, char *bytes, size_t len)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = bytes, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov,
	                   .msg_iovlen = 1,
	                   .msg_control = &control,
	                   .msg_controllen = sizeof(control)};
	int fd;

	assert_int_equal(recvmsg(from, &m, MSG_CMSG_CLOEXEC), (ssize_t)len);
	assert_non_null(CMSG_FIRSTHDR(&m));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void
descriptor_travels(void **state)
{
	char bytes[9], byte = 0;
	int pipes[2], got;
	struct pair p;

	(void)state;
	open_pair(&p, 5000);
	assert_int_equal(pipe(pipes), 0);
	assert_true(wire_passes_fds(p.wire));
	assert_true(wire_write_fd(p.wire, "zFILDES\0", 9, pipes[1], NULL));
	got = take_fd(p.peer, bytes, sizeof(bytes));
	assert_memory_equal(bytes, "zFILDES\0", 9);
	assert_int_equal(write(got, "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(got);
	close(pipes[0]);
	close(pipes[1]);
	close_pair(&p);
}

static void
idle_connections(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, 5000);
	assert_true(wire_is_quiet(p.wire));
	say(&p, "x", 1);
	assert_false(wire_is_quiet(p.wire));
	close_pair(&p);
	open_pair(&p, 5000);
	hang_up(&p);
	assert_false(wire_is_quiet(p.wire));
	close_pair(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_in_single_bytes),
	    cmocka_unit_test(cut_at_every_byte),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(nul_in_a_line),
	    cmocka_unit_test(silence_and_deadline),
	    cmocka_unit_test(early_answer_stops_the_writer),
	    cmocka_unit_test(answer_without_reading),
	    cmocka_unit_test(upload_goes_on_behind_a_word),
    cmocka_unit_test(write_error_hides_no_answer),
	    cmocka_unit_test(nobody_reads),
	    cmocka_unit_test(chunked_bodies),
	    cmocka_unit_test(rest_until_close),
	    cmocka_unit_test(descriptor_travels),
	    cmocka_unit_test(idle_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
