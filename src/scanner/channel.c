#include "scanner/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define PARTS_MAX 4

static void
claim(struct packet *p, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (p->nfds < CHANNEL_FDS_MAX)
				p->fds[p->nfds++] = fd;
			else
				close(fd);
		}
	}
}

enum channel_got
channel_recv(int sock, struct packet *p)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov[2] = { { &p->head, sizeof p->head }, { p->body, sizeof p->body } };
	struct msghdr m = { .msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	ssize_t n;

	p->nfds = 0;
	do {
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return CHANNEL_CLOSED;
	if (n < 0)
		return CHANNEL_BROKEN;
	claim(p, &m);
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && (size_t)n >= sizeof p->head &&
	    p->head.magic == PROTO_MAGIC && p->head.version == PROTO_VERSION &&
	    p->head.len == (size_t)n - sizeof p->head)
		return CHANNEL_PACKET;
	packet_close(p);
	return CHANNEL_BROKEN;
}

const void *
packet_body(const struct packet *p, size_t len)
{
	return p->head.len == len ? p->body : NULL;
}

int
packet_take_fd(struct packet *p)
{
	for (unsigned i = 0; i < p->nfds; i++) {
		int fd = p->fds[i];
		p->fds[i] = -1;
		if (fd >= 0)
			return fd;
	}
	return -1;
}

void
packet_close(struct packet *p)
{
	for (unsigned i = 0; i < p->nfds; i++)
		fd_close(&p->fds[i]);
	p->nfds = 0;
}

static bool
send_packet(int sock, uint16_t op, uint32_t seq, const struct iovec *parts, unsigned nparts,
    const int *fds, unsigned nfds, int flags)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
	} control = { .space = { 0 } };
	struct proto_head head = {
		.magic = PROTO_MAGIC, .version = PROTO_VERSION, .op = op, .seq = seq
	};
	struct iovec iov[1 + PARTS_MAX] = { { &head, sizeof head } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 1 + nparts };
	ssize_t n;

	if (nparts > PARTS_MAX || nfds > CHANNEL_FDS_MAX)
		return false;
	for (unsigned i = 0; i < nparts; i++) {
		iov[1 + i] = parts[i];
		head.len += (uint32_t)parts[i].iov_len;
	}
	if (nfds > 0) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	do {
		n = sendmsg(sock, &m, MSG_NOSIGNAL | flags);
	} while (n < 0 && errno == EINTR);
	return n >= 0;
}

bool
channel_send(int sock, uint16_t op, uint32_t seq, const struct iovec *parts, unsigned nparts,
    const int *fds, unsigned nfds)
{
	return send_packet(sock, op, seq, parts, nparts, fds, nfds, 0);
}

/* Cut at PROTO_TEXT_MAX, the NUL included; nul points to that NUL. */
static unsigned
text_parts(struct iovec parts[2], const char *text, char *nul)
{
	*nul = '\0';
	parts[0] = (struct iovec){ (void *)(uintptr_t)text, strnlen(text, PROTO_TEXT_MAX - 1) };
	parts[1] = (struct iovec){ nul, 1 };
	return 2;
}

bool
channel_text(int sock, uint16_t op, uint32_t seq, const char *text)
{
	struct iovec parts[2];
	char nul;

	return send_packet(sock, op, seq, parts, text_parts(parts, text, &nul), NULL, 0, 0);
}

void
channel_log(int sock, const char *text)
{
	struct iovec parts[2];
	char nul;

	send_packet(
	    sock, PROTO_LOG, 0, parts, text_parts(parts, text, &nul), NULL, 0, MSG_DONTWAIT);
}
