/*
 * packet - sendmsg and recvmsg with everything that can be wrong with them
 */
#include "worker/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(PACKET_FDS_MAX * sizeof(int))];
};

bool
packet_send(int sock, enum proto_op op, uint32_t seq, const void *body, size_t len, const int *fds,
    unsigned nfds)
{
	struct proto_head head = { .magic = PROTO_MAGIC,
		.version = PROTO_VERSION,
		.op = (uint16_t)op,
		.seq = seq,
		.len = (uint32_t)len };
	/* sendmsg only reads the body; its iovec has no way to say so. */
	union {
		const void *in;
		void *out;
	} bytes = { .in = body };
	struct iovec iov[2] = { { &head, sizeof(head) }, { bytes.out, len } };
	union control control;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1 };
	ssize_t n;

	memset(&control, 0, sizeof(control));
	if (nfds > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)(sizeof(head) + len);
}

/* Take over every descriptor that the kernel has installed, whatever else is wrong with the packet.
 */
static void
collect(struct msghdr *msg, struct packet *p)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (p->nfds < PACKET_FDS_MAX)
				p->fds[p->nfds++] = fd;
			else
				close(fd);
		}
	}
}

/* What is wrong with a packet of n bytes, or NULL. */
static const char *
check(const struct msghdr *msg, const struct proto_head *head, size_t n)
{
	if (msg->msg_flags & MSG_TRUNC)
		return "larger than a packet may be";
	if (msg->msg_flags & MSG_CTRUNC)
		return "too many descriptors";
	if (n < sizeof(*head))
		return "shorter than a head";
	if (head->magic != PROTO_MAGIC)
		return "wrong magic number";
	if (head->version != PROTO_VERSION)
		return "another version of the protocol: restart avmilter after an upgrade";
	if (head->len != n - sizeof(*head))
		return "its length is not what it says";
	return NULL;
}

enum packet_result
packet_recv(int sock, void *buf, struct packet *out)
{
	struct proto_head head = { .magic = 0 };
	struct iovec iov = { buf, PROTO_MAX };
	union control control;
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	*out = (struct packet){ .op = 0 };
	do
		n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? PACKET_NONE : PACKET_CLOSED;
	collect(&msg, out);
	if (n == 0) {
		packet_drop(out);
		return PACKET_CLOSED;
	}
	memcpy(&head, buf, (size_t)n < sizeof(head) ? (size_t)n : sizeof(head));
	out->bad = check(&msg, &head, (size_t)n);
	if (out->bad) {
		out->short_of_fds = (msg.msg_flags & MSG_CTRUNC) != 0;
		packet_drop(out);
		return PACKET_BAD;
	}
	out->op = head.op;
	out->seq = head.seq;
	out->body = (const uint8_t *)buf + sizeof(head);
	out->len = head.len;
	return PACKET_OK;
}

int
packet_steal(struct packet *p, unsigned i)
{
	int fd = p->fds[i];

	p->fds[i] = -1;
	return fd;
}

void
packet_drop(struct packet *p)
{
	for (unsigned i = 0; i < p->nfds; i++)
		fd_close(&p->fds[i]);
	p->nfds = 0;
}

bool
packet_quiet(int sock)
{
	char byte;

	return recv(sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool
packet_fixed(const struct packet *p, void *out, size_t len, struct packet_text *rest)
{
	if (p->len < len)
		return false;
	memcpy(out, p->body, len);
	*rest = (struct packet_text){ .at = (const char *)p->body + len, .left = p->len - len };
	return true;
}

const char *
packet_string(struct packet_text *t)
{
	const char *s = t->at;
	const char *end = t->left > 0 ? memchr(s, '\0', t->left) : NULL;

	if (!end)
		return NULL;
	t->left -= (size_t)(end + 1 - s);
	t->at = end + 1;
	return s;
}
