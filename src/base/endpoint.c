/*
 * endpoint - parsing and spelling socket addresses, a connect to try them
 */
#include "base/endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/auto.h"
#include "base/deadline.h"
#include "base/fsx.h"

#define PORT_MAX 65535
#define ALIVE_MS 1000
#define ACCEPTED "write unix:/PATH, inet:PORT@HOST, inet6:PORT@HOST or inet:HOST:PORT"

static void *
refuse(GError **err, const char *text, const char *what)
{
	g_set_error(
	    err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "socket \"%s\": %s; " ACCEPTED, text, what);
	return NULL;
}

static struct endpoint *
parse_unix(const char *text, const char *path, GError **err)
{
	struct endpoint *e;

	if (path[0] != '/')
		return refuse(err, text, "the path must be absolute");
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return refuse(err, text, "the path is longer than the kernel allows (107 bytes)");
	e = g_new0(struct endpoint, 1);
	e->family = ENDPOINT_UNIX;
	e->path = g_strdup(path);
	return e;
}

static bool
parse_port(const char *s, unsigned *out)
{
	unsigned v = 0;

	if (!*s || strlen(s) > 5)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (unsigned)(*s - '0');
	}
	*out = v;
	return v >= 1 && v <= PORT_MAX;
}

/* PORT, PORT@HOST or HOST:PORT into two strings; brackets around an address go. */
static void
split_host_port(const char *rest, char **host, char **port)
{
	const char *at = strchr(rest, '@'), *colon = strrchr(rest, ':');
	size_t n;

	if (at) {
		*port = g_strndup(rest, (gsize)(at - rest));
		*host = g_strdup(at + 1);
	} else if (colon) {
		*host = g_strndup(rest, (gsize)(colon - rest));
		*port = g_strdup(colon + 1);
	} else {
		*host = g_strdup("");
		*port = g_strdup(rest);
	}
	n = strlen(*host);
	if (n >= 2 && (*host)[0] == '[' && (*host)[n - 1] == ']') {
		memmove(*host, *host + 1, n - 2);
		(*host)[n - 2] = '\0';
	}
}

static struct endpoint *
parse_inet(const char *text, const char *rest, enum endpoint_family family, GError **err)
{
	g_autofree char *host = NULL, *port = NULL;
	struct endpoint *e;
	unsigned n;

	split_host_port(rest, &host, &port);
	if (!parse_port(port, &n))
		return refuse(err, text, "the port must be a number from 1 to 65535");
	if (strchr(host, '@') || strchr(host, ' ') || strchr(host, '[') || strchr(host, ']') ||
	    strchr(host, '/'))
		return refuse(err, text, "that is no host name or address");
	e = g_new0(struct endpoint, 1);
	/* Postfix writes inet:[::1]:PORT for what libmilter calls inet6. */
	e->family = strchr(host, ':') ? ENDPOINT_INET6 : family;
	e->host = g_steal_pointer(&host);
	e->port = n;
	return e;
}

struct endpoint *
endpoint_parse(const char *text, GError **err)
{
	if (text[0] == '/')
		return parse_unix(text, text, err);
	if (g_str_has_prefix(text, "unix:"))
		return parse_unix(text, text + strlen("unix:"), err);
	if (g_str_has_prefix(text, "local:"))
		return parse_unix(text, text + strlen("local:"), err);
	if (g_str_has_prefix(text, "inet6:"))
		return parse_inet(text, text + strlen("inet6:"), ENDPOINT_INET6, err);
	if (g_str_has_prefix(text, "inet:"))
		return parse_inet(text, text + strlen("inet:"), ENDPOINT_INET, err);
	return refuse(err, text, "no known kind of address");
}

void
endpoint_free(struct endpoint **e)
{
	if (!*e)
		return;
	g_free((*e)->path);
	g_free((*e)->host);
	g_free(*e);
	*e = NULL;
}

char *
endpoint_libmilter(const struct endpoint *e)
{
	const char *kind = e->family == ENDPOINT_INET6 ? "inet6" : "inet";

	if (e->family == ENDPOINT_UNIX)
		return g_strdup_printf("unix:%s", e->path);
	return e->host[0] ? g_strdup_printf("%s:%u@%s", kind, e->port, e->host)
			  : g_strdup_printf("%s:%u", kind, e->port);
}

/* Where a program of this machine finds us; "every address" includes loopback. */
static const char *
reachable_host(const struct endpoint *e)
{
	if (e->host[0])
		return e->host;
	return e->family == ENDPOINT_INET6 ? "::1" : "127.0.0.1";
}

char *
endpoint_postfix(const struct endpoint *e)
{
	const char *host;

	if (e->family == ENDPOINT_UNIX)
		return g_strdup_printf("unix:%s", e->path);
	host = reachable_host(e);
	return g_strdup_printf(strchr(host, ':') ? "inet:[%s]:%u" : "inet:%s:%u", host, e->port);
}

/* A socket that is connected or, with SOCK_NONBLOCK in flags, on its way. -1 with errno. */
static int
connect_to(int family, int flags, const struct sockaddr *sa, socklen_t len)
{
	AUTO(fd_close) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	int out, rc;

	if (fd < 0)
		return -1;
	do
		rc = connect(fd, sa, len);
	while (rc < 0 && errno == EINTR && !(flags & SOCK_NONBLOCK));
	if (rc < 0 && errno != EINPROGRESS && errno != EISCONN)
		return -1;
	out = fd;
	fd = -1;
	return out;
}

static int
start_connect(const struct endpoint *e, int flags, GError **err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	g_autofree char *name = endpoint_libmilter(e);
	char port[8];
	int fd = -1, rc;

	if (e->family == ENDPOINT_UNIX) {
		struct sockaddr_un sun = { .sun_family = AF_UNIX };

		g_strlcpy(sun.sun_path, e->path, sizeof(sun.sun_path));
		fd = connect_to(AF_UNIX, flags, (struct sockaddr *)&sun, sizeof(sun));
		if (fd < 0)
			fsx_fail(err, name, "connect");
		return fd;
	}
	hints.ai_family = e->family == ENDPOINT_INET6 ? AF_INET6 : AF_INET;
	g_snprintf(port, sizeof(port), "%u", e->port);
	rc = getaddrinfo(reachable_host(e), port, &hints, &found);
	if (rc != 0) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: resolve: %s", name,
		    gai_strerror(rc));
		errno = EHOSTUNREACH;
		return -1;
	}
	for (struct addrinfo *ai = found; ai && fd < 0; ai = ai->ai_next)
		fd = connect_to(ai->ai_family, flags, ai->ai_addr, ai->ai_addrlen);
	if (fd < 0)
		fsx_fail(err, name, "connect");
	freeaddrinfo(found);
	return fd;
}

bool
endpoint_alive(const struct endpoint *e)
{
	AUTO(fd_close) int fd = start_connect(e, SOCK_NONBLOCK, NULL);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	struct wait w;
	int why = 0;
	socklen_t len = sizeof(why);

	if (fd < 0) /* EAGAIN: a unix socket whose queue is full has somebody behind it */
		return errno == EAGAIN;
	wait_init(&w, deadline_in(ALIVE_MS), 0, NULL, NULL);
	return wait_poll(&w, &p, 1) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len) == 0 &&
	    why == 0;
}

int
endpoint_connect(const struct endpoint *e, GError **err)
{
	return start_connect(e, 0, err);
}
