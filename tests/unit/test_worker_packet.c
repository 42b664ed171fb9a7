/*
 * test_worker_packet - one packet out, one packet in, and what is refused on the way
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib.h>

#include "worker/packet.h"

static uint8_t buf[PROTO_MAX];

static void
pair(int s[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
}

static void
unpair(int s[2])
{
	close(s[0]);
	close(s[1]);
}

/* The lowest free descriptor: unchanged means that nothing was left open. */
static int
lowest(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void
test_round_trip(void **state)
{
	int s[2], fds[2] = { 1, 2 }, before;
	struct packet p;

	(void)state;
	pair(s);
	before = lowest();
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_NONE);
	assert_true(packet_quiet(s[1]));
	assert_true(packet_send(s[0], PROTO_SCAN, 7, "hello", 6, fds, 2));
	assert_false(packet_quiet(s[1]));
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_OK);
	assert_int_equal(p.op, PROTO_SCAN);
	assert_int_equal(p.seq, 7);
	assert_int_equal(p.len, 6);
	assert_string_equal((const char *)p.body, "hello");
	assert_int_equal(p.nfds, 2);
	assert_int_equal(fcntl(p.fds[0], F_GETFD), FD_CLOEXEC);
	close(packet_steal(&p, 0));
	packet_drop(&p);
	assert_int_equal(lowest(), before);
	unpair(s);
}

static void
test_edges(void **state)
{
	static uint8_t big[PROTO_MAX];
	size_t most = PROTO_MAX - sizeof(struct proto_head);
	int s[2];
	struct packet p;

	(void)state;
	pair(s);
	assert_true(packet_send(s[0], PROTO_RELEASE, 1, NULL, 0, NULL, 0));
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_OK);
	assert_int_equal(p.len, 0);
	assert_true(packet_send(s[0], PROTO_OBJECT, 1, big, most, NULL, 0));
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_OK);
	assert_int_equal(p.len, most);
	assert_true(packet_send(s[0], PROTO_OBJECT, 1, big, most + 1, NULL, 0));
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_BAD);
	assert_non_null(p.bad);
	close(s[0]);
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_CLOSED);
	assert_false(packet_quiet(s[1]));
	assert_false(packet_send(s[1], PROTO_SCAN, 1, NULL, 0, NULL, 0));
	close(s[1]);
}

/* A reader that does not read: the sender is told, and never waits. */
static void
test_full(void **state)
{
	static uint8_t body[16 * 1024];
	int s[2], n = 0;

	(void)state;
	pair(s);
	while (n < 10000 && packet_send(s[0], PROTO_SCAN, 1, body, sizeof(body), NULL, 0))
		n++;
	assert_int_equal(errno, EAGAIN);
	assert_in_range(n, 1, 1000);
	unpair(s);
}

static void
send_head(int sock, struct proto_head h, size_t len)
{
	assert_int_equal(send(sock, &h, len, 0), (ssize_t)len);
}

static void
test_bad_heads(void **state)
{
	const struct proto_head good = { PROTO_MAGIC, PROTO_VERSION, PROTO_DONE, 1, 0 };
	struct proto_head h;
	int s[2];
	struct packet p;

	(void)state;
	pair(s);
	h = good;
	h.magic++;
	send_head(s[0], h, sizeof(h));
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_BAD);
	h = good;
	h.version++;
	send_head(s[0], h, sizeof(h));
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_BAD);
	h = good;
	h.len = 1;
	send_head(s[0], h, sizeof(h));
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_BAD);
	h = good;
	h.len = UINT32_MAX;
	send_head(s[0], h, sizeof(h));
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_BAD);
	for (size_t len = 1; len < sizeof(h); len++) {
		send_head(s[0], good, len);
		assert_int_equal(packet_recv(s[1], buf, &p), PACKET_BAD);
	}
	assert_int_equal(send(s[0], "", 0, 0), 0);
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_CLOSED);
	send_head(s[0], good, sizeof(good));
	assert_int_equal(packet_recv(s[1], buf, &p), PACKET_OK);
	unpair(s);
}

/* More descriptors than a packet may have, and descriptors with a broken packet: all closed. */
static void
test_descriptors(void **state)
{
	struct proto_head h = { PROTO_MAGIC, PROTO_VERSION, PROTO_DONE, 1, 0 };
	union { struct cmsghdr align; char bytes[CMSG_SPACE(8 * sizeof(int))]; } control;

	(void)state;
	for (size_t n = 1; n <= 8; n++)
		for (int broken = 0; broken < 2; broken++) {
			struct iovec iov = { &h, sizeof(h) };
			struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
				.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
			struct cmsghdr *c;
			struct packet p;
			int s[2], before;

			pair(s);
			before = lowest();
			memset(&control, 0, sizeof(control));
			h.len = (uint32_t)broken;
			c = CMSG_FIRSTHDR(&msg);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(n * sizeof(int));
			for (size_t i = 0; i < n; i++)
				memcpy(CMSG_DATA(c) + i * sizeof(int), &s[0], sizeof(int));
			assert_true(sendmsg(s[0], &msg, 0) > 0);
			assert_int_equal(packet_recv(s[1], buf, &p), broken || n > PACKET_FDS_MAX ? PACKET_BAD : PACKET_OK);
			packet_drop(&p);
			assert_int_equal(lowest(), before);
			unpair(s);
		}
}

static void
test_strings(void **state)
{
	struct packet p = { .body = (const uint8_t *)"12345678one\0\0three", .len = 18 };
	struct packet_text t;
	char fixed[8];

	(void)state;
	assert_true(packet_fixed(&p, fixed, sizeof(fixed), &t));
	assert_memory_equal(fixed, "12345678", 8);
	assert_string_equal(packet_string(&t), "one");
	assert_string_equal(packet_string(&t), "");
	assert_null(packet_string(&t));		/* no NUL inside the packet */
	p.len = 7;
	assert_false(packet_fixed(&p, fixed, sizeof(fixed), &t));
	p.len = 8;
	assert_true(packet_fixed(&p, fixed, sizeof(fixed), &t));
	assert_null(packet_string(&t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_bad_heads),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests_name("worker: packets", tests, NULL, NULL);
}
