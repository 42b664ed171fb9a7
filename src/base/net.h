/*
 * net - one connected stream: unix socket or TCP, with TLS when asked for
 *
 * Names are resolved anew for every connection, in a thread that may be left behind when the resolver hangs. Sockets are
 * non-blocking; the calls here never wait but in net_connect(), whoever wants to wait polls net_poll() (base/wire.h does).
 * Writing never raises SIGPIPE.
 *
 * Diagnostics: none are logged; texts say step and reason, the caller puts engine and server in front.
 * Threads:     a stream belongs to one thread at a time.
 */
#ifndef AVM_BASE_NET_H
#define AVM_BASE_NET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/deadline.h"

enum net_error {
	NET_E_RESOLVE,	/* the name has no address now */
	NET_E_CONNECT,	/* nobody answers there */
	NET_E_TLS,	/* handshake or certificate */
	NET_E_TIMEOUT,	/* silence, or the deadline */
	NET_E_CLOSED,	/* the peer closed or reset the connection */
	NET_E_LONG,	/* the peer said more than we accept */
	NET_E_SYNTAX,	/* the peer said what we do not understand */
	NET_E_CANCELLED, /* we are asked to stop */
	NET_E_IO,	/* our own side: descriptors, memory, the file to be sent */
};
#define NET_ERROR net_error_quark()
GQuark	 net_error_quark(void);

/* Certificates and names for TLS to one pool; shared by all its connections. */
struct tls;
struct tls_conf {
	const char *ca, *cert, *key;	/* files; "" = the system's, none, none */
	const char *name;		/* that the certificate must carry; "" = the host of the address */
};
/* Read the files and make a context (TLS 1.2 or newer, the peer's certificate and name are always checked). NULL and *err. */
struct tls *tls_new(const struct tls_conf *c, GError **err);
void	 tls_free(struct tls **t);

struct net;

struct net_how {
	struct tls *tls;	/* NULL: clear text; borrowed, must outlive the stream */
	int64_t	 connect_ms;	/* name, connection and handshake together */
	int	 cancel_fd;	/* readable = give up; -1 = never */
};

/* Connect. Returns NULL and *err (NET_ERROR). Blocks no longer than how->connect_ms and the wait's deadline; ticks. */
struct net *net_connect(const struct address *a, const struct net_how *how, struct wait *wait, GError **err);
/* A stream over a connected socket; takes fd. */
struct net *net_adopt(int fd);
void	 net_close(struct net **n);

/* May descriptors be passed? (a unix socket without TLS) */
bool	 net_passes_fds(const struct net *n);

enum net_io {
	NET_DONE,	/* some bytes went through */
	NET_AGAIN,	/* none now: net_poll() */
	NET_EOF,	/* reading: the peer has closed its side in order */
	NET_BROKEN,	/* the connection is gone; errno */
};
/* Read or write what goes now. *n gets the number of bytes. */
enum net_io net_try_read(struct net *n, void *buf, size_t len, size_t *got);
enum net_io net_try_write(struct net *n, const void *buf, size_t len, size_t *put);
/* Of what was written, is there something that has not arrived: with a unix socket at the peer, with TCP in its system? */
bool	 net_is_underway(const struct net *n);
/* Write some bytes of buf (len > 0) and hand over a descriptor with the first of them. */
enum net_io net_try_send_fd(struct net *n, const void *buf, size_t len, int fd, size_t *put);

/*
 * Wait until reading (or writing, with want_write) may go on.
 *
 * Returns: true when it is worth a try; false and *err (NET_E_TIMEOUT without a text of its own, NET_E_CANCELLED)
 */
bool	 net_poll(struct net *n, bool want_write, struct wait *wait, GError **err);

#endif
