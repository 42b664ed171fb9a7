/* kick - see kick.h */
#include "milter/kick.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/endpoint.h"

/* Runs when a thread ends that kick_thread() has counted. */
static void
forget_thread(void *arg)
{
	struct kick *k = arg;

	atomic_fetch_sub(&k->threads, 1);
}

static bool
resolve_unix(struct kick *k, const char *path, GError **err)
{
	struct sockaddr_un *sun = (struct sockaddr_un *)&k->addr;
	size_t len = strlen(path);

	if (len >= sizeof(sun->sun_path)) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NAMETOOLONG,
		    "socket path %s is longer than %zu bytes, the most that Unix allows", path,
		    sizeof(sun->sun_path) - 1);
		return false;
	}
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, path, len + 1);
	k->addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return true;
}

static bool
resolve_inet(struct kick *k, const struct endpoint *e, GError **err)
{
	const bool six = e->family == ENDPOINT_INET6;
	const struct addrinfo hints = {
		.ai_family = six ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	struct addrinfo *ai = NULL;
	char port[16];
	int rc;

	g_snprintf(port, sizeof(port), "%u", e->port);
	/* Without AI_PASSIVE no host means the loopback address: the way to a socket that listens
	 * on every address. */
	rc = getaddrinfo(e->host[0] != '\0' ? e->host : NULL, port, &hints, &ai);
	if (rc != 0) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "socket: host %s: %s", e->host,
		    gai_strerror(rc));
		return false;
	}
	memcpy(&k->addr, ai->ai_addr, ai->ai_addrlen);
	k->addr_len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return true;
}

bool
kick_init(struct kick *k, const struct endpoint *e, GError **err)
{
	memset(k, 0, sizeof(*k));
	if (pthread_key_create(&k->key, forget_thread) != 0) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "no thread key left");
		return false;
	}
	if (e == NULL)
		return true;
	return e->family == ENDPOINT_UNIX ? resolve_unix(k, e->path, err) : resolve_inet(k, e, err);
}

void
kick_thread(struct kick *k)
{
	if (pthread_getspecific(k->key) != NULL)
		return;
	if (pthread_setspecific(k->key, k) == 0)
		atomic_fetch_add(&k->threads, 1);
}

void
kick_send(struct kick *k)
{
	int fd;

	if (k->addr_len == 0)
		return;
	fd = socket(k->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return; /* no descriptor left: the sessions wait, nothing is lost */
	/* EINPROGRESS on TCP is fine: the handshake ends without us. A full backlog is fine too:
	 * those will wake a worker. */
	if (connect(fd, (const struct sockaddr *)&k->addr, k->addr_len) == 0 ||
	    errno == EINPROGRESS)
		atomic_fetch_add(&k->sent, 1);
	close(fd);
}

void
kick_enter(struct kick *k)
{
	const unsigned busy = atomic_fetch_add(&k->busy, 1) + 1;

	if (busy >= atomic_load(&k->threads))
		kick_send(k);
}

void
kick_leave(struct kick *k)
{
	atomic_fetch_sub(&k->busy, 1);
}
