/*
 * net - connecting, reading and writing without ever blocking in a system call
 */
#include "base/net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/auto.h"
#include "base/resolve.h"
#include "base/tlsx.h"

#define BACKLOG_RETRY_MS 10 /* a unix listener whose queue is full says EAGAIN at once */

struct net {
	int fd;
	int cancel_fd;
	SSL *ssl; /* NULL: clear text */
	bool is_unix;
	short read_wants; /* poll events for which the last try waits */
	short write_wants;
};

/* Not G_DEFINE_QUARK: its unlocked static is a data race in the eyes of ThreadSanitizer. */
static GQuark quark;
static pthread_once_t quark_once = PTHREAD_ONCE_INIT;

static void
make_quark(void)
{
	quark = g_quark_from_static_string("avm-net-error");
	/* GLib makes a lock with its first error; here, so that two threads do not race for it. */
	g_error_free(g_error_new_literal(quark, NET_E_IO, ""));
}

GQuark
net_error_quark(void)
{
	pthread_once(&quark_once, make_quark);
	return quark;
}

static struct net *
wrap(int fd, bool is_unix)
{
	struct net *n = g_new0(struct net, 1);

	n->fd = fd;
	n->cancel_fd = -1;
	n->is_unix = is_unix;
	n->read_wants = POLLIN;
	n->write_wants = POLLOUT;
	return n;
}

struct net *
net_adopt(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	return wrap(
	    fd, getsockname(fd, (struct sockaddr *)&sa, &len) == 0 && sa.ss_family == AF_UNIX);
}

void
net_close(struct net **n)
{
	if (!*n)
		return;
	if ((*n)->ssl) {
		SSL_shutdown((*n)->ssl); /* one try to say goodbye; the answer does not matter */
		SSL_free((*n)->ssl);
		ERR_clear_error();
	}
	fd_close(&(*n)->fd);
	g_free(*n);
	*n = NULL;
}

bool
net_passes_fds(const struct net *n)
{
	return n->is_unix && !n->ssl;
}

bool
net_poll(struct net *n, bool want_write, struct wait *wait, GError **err)
{
	/* A writer listens as well: an early answer must wake it. */
	short events = want_write ? (short)(n->write_wants | POLLIN) : n->read_wants;
	struct pollfd p[2] = { { .fd = n->fd, .events = events },
		{ .fd = n->cancel_fd, .events = POLLIN } };
	int rc = wait_poll(wait, p, G_N_ELEMENTS(p));

	if (rc > 0 && !p[1].revents)
		return true;
	if (rc > 0)
		g_set_error_literal(err, NET_ERROR, NET_E_CANCELLED, "cancelled");
	else if (rc == 0)
		g_set_error_literal(err, NET_ERROR, NET_E_TIMEOUT, "timed out");
	else
		g_set_error(err, NET_ERROR, NET_E_IO, "poll: %s", g_strerror(errno));
	return false;
}

/* Did the non-blocking connect arrive? 0 or an errno. */
static int
connect_result(int fd)
{
	socklen_t len = sizeof(int);
	int why = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len) < 0 ? errno : why;
}

/* connect(2) to one address, waiting for it. Returns the stream, or NULL and *err. */
static struct net *
connect_one(
    const struct sockaddr *sa, socklen_t len, int cancel_fd, struct wait *wait, GError **err)
{
	AUTO(net_close) struct net *n = NULL;
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), why;

	if (fd < 0) {
		g_set_error(err, NET_ERROR, NET_E_IO, "socket: %s", g_strerror(errno));
		return NULL;
	}
	n = wrap(fd, sa->sa_family == AF_UNIX);
	n->cancel_fd = cancel_fd;
	while ((why = connect(fd, sa, len) < 0 ? errno : 0) == EAGAIN) {
		struct wait nap = wait_until(wait, deadline_in(BACKLOG_RETRY_MS));
		struct pollfd p = { .fd = cancel_fd, .events = POLLIN };

		if (wait_poll(&nap, &p, 1) != 0 || deadline_passed(wait->dl))
			break;
	}
	if (why == EINPROGRESS || why == EINTR) {
		if (!net_poll(n, true, wait, err)) {
			g_prefix_error(err, "connect: ");
			return NULL;
		}
		why = connect_result(fd);
	}
	if (why != 0) {
		g_set_error(err, NET_ERROR, why == EAGAIN ? NET_E_TIMEOUT : NET_E_CONNECT,
		    "connect: %s", why == EAGAIN ? "its queue stayed full" : g_strerror(why));
		return NULL;
	}
	return g_steal_pointer(&n);
}

static struct net *
connect_unix(const char *path, int cancel_fd, struct wait *wait, GError **err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	g_strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	return connect_one((struct sockaddr *)&sun, sizeof(sun), cancel_fd, wait, err);
}

/* Try every address of a name; each gets an equal share of the time that is left. */
static struct net *
connect_inet(const struct address *a, int cancel_fd, struct wait *wait, GError **err)
{
	struct addrinfo *found = resolve(a->host, a->port, cancel_fd, wait, err);
	struct net *n = NULL;
	int left = 0, on = 1;

	for (struct addrinfo *ai = found; ai; ai = ai->ai_next)
		left++;
	for (struct addrinfo *ai = found; ai && !n; ai = ai->ai_next, left--) {
		struct wait share = wait_until(wait, deadline_in(deadline_left(wait->dl) / left));

		g_clear_error(err);
		n = connect_one(ai->ai_addr, ai->ai_addrlen, cancel_fd, &share, err);
	}
	if (found)
		freeaddrinfo(found);
	if (n) {
		setsockopt(n->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(n->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	return n;
}

/* What a TLS call that did not succeed waits for; NET_BROKEN and errno or NET_EOF when it is over.
 */
static enum net_io
tls_wants(struct net *n, int rc, short *wants)
{
	int saved = errno;

	switch (SSL_get_error(n->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		*wants = POLLIN;
		return NET_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		*wants = POLLOUT;
		return NET_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return NET_EOF;
	case SSL_ERROR_SYSCALL:
		errno = saved ? saved : ECONNRESET;
		return NET_BROKEN;
	default: /* also a close without close_notify: a cut answer must not look complete */
		errno = EPROTO;
		return NET_BROKEN;
	}
}

static bool
tls_handshake(
    struct net *n, const struct address *a, struct tls *tls, struct wait *wait, GError **err)
{
	enum net_io io;
	int rc;

	n->ssl = tls_session(tls, n->fd, a->host ? a->host : "", err);
	if (!n->ssl)
		return false;
	for (;;) {
		ERR_clear_error();
		errno = 0;
		rc = SSL_connect(n->ssl);
		if (rc == 1)
			return true;
		io = tls_wants(n, rc, &n->read_wants);
		if (io != NET_AGAIN) {
			tls_explain(n->ssl, io == NET_BROKEN ? errno : 0, err);
			return false;
		}
		if (!net_poll(n, false, wait, err)) {
			g_prefix_error(err, "tls: ");
			return false;
		}
	}
}

struct net *
net_connect(const struct address *a, const struct net_how *how, struct wait *wait, GError **err)
{
	struct wait cut = wait_until(wait, deadline_in(how->connect_ms));
	AUTO(net_close) struct net *n = NULL;

	n = a->path ? connect_unix(a->path, how->cancel_fd, &cut, err)
		    : connect_inet(a, how->cancel_fd, &cut, err);
	if (!n)
		return NULL;
	n->cancel_fd = how->cancel_fd;
	if (how->tls && !tls_handshake(n, a, how->tls, &cut, err))
		return NULL;
	n->read_wants = POLLIN;
	return g_steal_pointer(&n);
}

/* The result of a system call on a clear-text socket. */
static enum net_io
plain_result(ssize_t rc, size_t *done)
{
	if (rc >= 0) {
		*done = (size_t)rc;
		return NET_DONE;
	}
	return errno == EAGAIN || errno == EINTR ? NET_AGAIN : NET_BROKEN;
}

enum net_io
net_try_read(struct net *n, void *buf, size_t len, size_t *got)
{
	enum net_io io;
	int rc;

	*got = 0;
	if (!n->ssl) {
		io = plain_result(recv(n->fd, buf, len, 0), got);
		return io == NET_DONE && *got == 0 ? NET_EOF : io;
	}
	ERR_clear_error();
	errno = 0;
	rc = SSL_read_ex(n->ssl, buf, len, got);
	n->read_wants = POLLIN;
	return rc == 1 ? NET_DONE : tls_wants(n, rc, &n->read_wants);
}

enum net_io
net_try_write(struct net *n, const void *buf, size_t len, size_t *put)
{
	int rc;

	*put = 0;
	if (!n->ssl)
		return plain_result(send(n->fd, buf, len, MSG_NOSIGNAL), put);
	ERR_clear_error();
	errno = 0;
	rc = SSL_write_ex(n->ssl, buf, len, put);
	n->write_wants = POLLOUT;
	return rc == 1 ? NET_DONE : tls_wants(n, rc, &n->write_wants);
}

bool
net_is_underway(const struct net *n)
{
	int left = 0;

	return ioctl(n->fd, SIOCOUTQ, &left) == 0 && left > 0;
}

enum net_io
net_try_send_fd(struct net *n, const void *buf, size_t len, int fd, size_t *put)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	*put = 0;
	if (!net_passes_fds(n)) {
		errno = EOPNOTSUPP;
		return NET_BROKEN;
	}
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return plain_result(sendmsg(n->fd, &m, MSG_NOSIGNAL), put);
}
