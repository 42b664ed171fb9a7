/*
 * fake_server - a scanner that says what a test wants: a unix socket or a TCP port, a thread for
 * each connection
 *
 * A protocol is a function that reads one request and says what kind it was; the answer to an
 * object is the test's, sent as struct play says: whole, byte by byte, cut, before the request was
 * read, or never.
 */
#ifndef AVM_TESTS_FAKE_SERVER_H
#define AVM_TESTS_FAKE_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "unit.h"

struct fake;
struct fake_conn;

/* How the answer to an object goes out. */
struct play {
	const char *answer;
	size_t len;
	bool single_bytes;
	bool early;     /* before the object was read ... */
	unsigned rest_ms; /* ... so long after its beginning came, and so long before it is read then */
	bool bare;      /* without what the protocol puts in front */
	bool stall;     /* never */
	bool drop;      /* close after accept */
	size_t cut;     /* send so many bytes and close; 0 = all, SIZE_MAX = none */
	size_t garbage; /* send so many 'x' instead */
};

struct fake_protocol {
	/* Read one request. Returns 'o' for an object, 'p' for a probe that was answered, 0 at the
	 * end. */
	int (*request)(struct fake_conn *c);
	/* Put in front of the answer what only the protocol knows; may be NULL. */
	void (*begin)(struct fake_conn *c, GString *answer);
	/* The same behind it. */
	void (*end)(struct fake_conn *c, GString *answer);
	/* The connection stays open for another request. */
	bool (*stays)(struct fake_conn *c);
};

#define FAKE_CONNS_MAX 4096

struct fake {
	const struct fake_protocol *protocol;
	struct play play;
	struct play healed;	/* played instead once is_healed */
	atomic_bool is_healed;
	bool tcp;
	int listen_fd;
	int stop[2];
	char *dir;
	char address[160];
	const char *options; /* for the protocol: what a probe is answered */
	pthread_t thread;
	atomic_int connections;
	atomic_int objects;
	atomic_ulong got;                        /* bytes of the last object */
	struct fake_conn *conns[FAKE_CONNS_MAX]; /* of the accepting thread */
};

struct fake_conn {
	struct fake *f;
	int fd;
	pthread_t thread;
	/* for the protocol */
	unsigned commands;
	bool session;
	char way;
	char *name; /* of the object */
	char path[256]; /* of the object, as it was sent: %P in an answer */
};

static inline bool
fake_read(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Read up to and including a byte string; the bytes are in out. */
static inline bool
fake_until(int fd, const char *end, size_t end_len, GString *out)
{
	char c;

	while (fake_read(fd, &c, 1)) {
		g_string_append_c(out, c);
		if (out->len >= end_len && memcmp(out->str + out->len - end_len, end, end_len) == 0)
			return true;
	}
	return false;
}

static inline void
fake_say(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static inline const struct play *
fake_play(const struct fake_conn *c)
{
	return atomic_load(&c->f->is_healed) ? &c->f->healed : &c->f->play;
}

/* Until the client has gone or the test is over. */
static inline void
fake_linger(struct fake_conn *c)
{
	char some[4096];

	while (recv(c->fd, some, sizeof(some), 0) > 0)
		continue;
}

static inline void
fake_answer(struct fake_conn *c)
{
	g_autoptr(GString) answer = g_string_new(NULL);
	const struct play *p = fake_play(c);
	size_t n;

	if (c->f->protocol->begin && !p->bare)
		c->f->protocol->begin(c, answer);
	if (p->garbage > 0)
		while (answer->len < p->garbage)
			g_string_append_c(answer, 'x');
	else
		g_string_append_len(answer, p->answer, (gssize)p->len);
	if (c->f->protocol->end && !p->bare && p->garbage == 0)
		c->f->protocol->end(c, answer);
	if (c->path[0])
		g_string_replace(answer, "%P", c->path, 0);
	n = p->cut == SIZE_MAX ? 0 : p->cut > 0 && p->cut < answer->len ? p->cut : answer->len;
	for (size_t i = 0; p->single_bytes && i < n; i++) {
		fake_say(c->fd, answer->str + i, 1);
		g_usleep(50);
	}
	if (!p->single_bytes)
		fake_say(c->fd, answer->str, n);
}

static inline void
fake_serve(struct fake_conn *c)
{
	const struct play *p = fake_play(c);
	int kind;

	if (p->drop)
		return;
	do {
		kind = c->f->protocol->request(c);
		if (kind != 'o')
			continue;
		atomic_fetch_add(&c->f->objects, 1);
		if (p->early)
			g_usleep(p->rest_ms * 1000ul);
		if (!p->stall)
			fake_answer(c);
		if (p->early)
			g_usleep(p->rest_ms * 1000ul);
		if (p->stall || p->early)
			fake_linger(c);
	} while (kind != 0 && (kind != 'o' || p->cut == 0) && c->f->protocol->stays(c));
}

static inline void *
fake_run_conn(void *arg)
{
	struct fake_conn *c = arg;

	fake_serve(c);
	shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static inline void *
fake_run(void *arg)
{
	struct fake *f = arg;
	struct pollfd p[2] = {{.fd = f->stop[0], .events = POLLIN},
	                      {.fd = f->listen_fd, .events = POLLIN}};

	while (poll(p, 2, -1) > 0 && !p[0].revents) {
		struct fake_conn *c = g_new0(struct fake_conn, 1);
		int n = atomic_load(&f->connections);

		c->f = f;
		c->fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		g_assert(c->fd >= 0 && n < FAKE_CONNS_MAX);
		f->conns[n] = c;
		g_assert(pthread_create(&c->thread, NULL, fake_run_conn, c) == 0);
		atomic_store(&f->connections, n + 1);
	}
	for (int i = 0; i < atomic_load(&f->connections); i++) {
		shutdown(f->conns[i]->fd, SHUT_RDWR);
		pthread_join(f->conns[i]->thread, NULL);
		close(f->conns[i]->fd);
		g_free(f->conns[i]->name);
		g_free(f->conns[i]);
	}
	return NULL;
}

static inline void
fake_listen_unix(struct fake *f)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	g_snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", f->dir);
	g_snprintf(f->address, sizeof(f->address), "unix:%s", sun.sun_path);
	f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
}

static inline void
fake_listen_tcp(struct fake *f)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	f->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(f->listen_fd, (struct sockaddr *)&sin, &len), 0);
	g_snprintf(f->address, sizeof(f->address), "127.0.0.1:%u", ntohs(sin.sin_port));
}

static inline void
fake_start(struct fake *f)
{
	f->dir = unit_mkdir();
	if (f->tcp)
		fake_listen_tcp(f);
	else
		fake_listen_unix(f);
	assert_int_equal(listen(f->listen_fd, 50), 0);
	assert_int_equal(pipe(f->stop), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_run, f), 0);
}

static inline void
fake_stop(struct fake *f)
{
	assert_int_equal(write(f->stop[1], "x", 1), 1);
	pthread_join(f->thread, NULL);
	fd_close(&f->stop[0]);
	fd_close(&f->stop[1]);
	fd_close(&f->listen_fd);
	unit_rmdir(f->dir);
}

#endif
