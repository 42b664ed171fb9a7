/*
 * resolve - getaddrinfo() in a thread that nobody has to wait for
 */
#include "base/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/net.h"

/* One question, held by the asker and by the thread; the last one frees it. */
struct question {
	char *host, *port;
	int done_fd; /* eventfd, readable when rc and found are there */
	int rc;
	struct addrinfo *found;
	atomic_int refs;
};

static atomic_uint running;

static void
release(struct question *q)
{
	if (atomic_fetch_sub(&q->refs, 1) > 1)
		return;
	if (q->found)
		freeaddrinfo(q->found);
	close(q->done_fd);
	g_free(q->host);
	g_free(q->port);
	g_free(q);
}

static int
ask(const char *host, const char *port, int flags, struct addrinfo **found)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };

	return getaddrinfo(host, port, &hints, found);
}

static void *
answer(void *arg)
{
	struct question *q = arg;

	q->rc = ask(q->host, q->port, AI_ADDRCONFIG, &q->found);
	eventfd_write(q->done_fd, 1);
	release(q);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* Start the thread. NULL and *err. */
static struct question *
start(const char *host, const char *port, GError **err)
{
	struct question *q;
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (atomic_fetch_add(&running, 1) >= RESOLVE_MAX) {
		atomic_fetch_sub(&running, 1);
		g_set_error(err, NET_ERROR, NET_E_RESOLVE,
		    "resolve %s: the resolver does not answer, %d questions are open", host,
		    RESOLVE_MAX);
		return NULL;
	}
	q = g_new0(struct question, 1);
	q->host = g_strdup(host);
	q->port = g_strdup(port);
	q->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	atomic_init(&q->refs, 2);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = q->done_fd < 0 ? errno : pthread_create(&thread, &attr, answer, q);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		return q;
	atomic_fetch_sub(&running, 1);
	atomic_store(&q->refs, 1);
	release(q);
	g_set_error(err, NET_ERROR, NET_E_IO, "resolve %s: %s", host, g_strerror(rc));
	return NULL;
}

struct addrinfo *
resolve(const char *host, const char *port, int cancel_fd, struct wait *wait, GError **err)
{
	struct addrinfo *found = NULL;
	struct question *q;
	struct pollfd p[2] = { { .events = POLLIN }, { .fd = cancel_fd, .events = POLLIN } };

	if (ask(host, port, AI_NUMERICHOST | AI_NUMERICSERV, &found) == 0)
		return found;
	q = start(host, port, err);
	if (!q)
		return NULL;
	p[0].fd = q->done_fd;
	if (wait_poll(wait, p, G_N_ELEMENTS(p)) <= 0)
		g_set_error(err, NET_ERROR, NET_E_TIMEOUT, "resolve %s: no answer in time", host);
	else if (p[1].revents)
		g_set_error(err, NET_ERROR, NET_E_CANCELLED, "resolve %s: cancelled", host);
	else if (q->rc != 0)
		g_set_error(
		    err, NET_ERROR, NET_E_RESOLVE, "resolve %s: %s", host, gai_strerror(q->rc));
	else
		found = g_steal_pointer(&q->found);
	release(q);
	return found;
}
