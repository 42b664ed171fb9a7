/*
 * upstream_in - the inside of a pool, for upstream.c, upstream_lend.c and upstream_probe.c
 */
#ifndef AVM_ENGINE_UPSTREAM_IN_H
#define AVM_ENGINE_UPSTREAM_IN_H

#include <pthread.h>

#include "engine/engine.h"
#include "engine/upstream.h"

struct server {
	struct address	*address;	/* this and upstream: never changed */
	struct upstream	*upstream;
	/* Guarded by upstream->mu. */
	unsigned	 busy;		/* connections lent */
	GQueue		 idle;		/* of struct conn *, youngest first */
	int64_t		 out_until_ms;	/* out of rotation until then; 0 = it is in */
	enum reason	 out_why;
	struct probe	*probe;
	int64_t		 probe_due_ms, probed_ms;
	uint64_t	 served, failed, connects;
};

struct upstream {
	struct engine	*engine;
	struct tls	*tls;		/* NULL: clear text unless an address asks for TLS */
	int		 stop_fd;	/* eventfd: readable = end what you do */
	GPtrArray	*servers;	/* of struct server *; the array never changes */

	pthread_mutex_t	 mu;		/* guards what follows, and the servers */
	pthread_cond_t	 changed;	/* a connection came back, a server's standing changed */
	pthread_cond_t	 wake;		/* for the prober: a probe is due earlier, or it is to end */
	size_t		 turn;
	char		*definitions;	/* newest that was told */
	bool		 started;
	bool		 stopping;
	bool		 has_thread;
	pthread_t	 thread;
};

/* Must what goes to this server be encrypted? */
bool	 server_speaks_tls(const struct server *s);

/* Connect and greet. NULL and v FAILED. No lock held. */
struct conn *server_connect(struct server *s, int cancel_fd, struct wait *wait, struct verdict *v);
/* Close it with a goodbye if it is in order. */
void	 conn_close(struct conn **c);

/*
 * Probe over a connection and keep what it told.
 *
 * Returns: false and v FAILED
 * Locks:   upstream->mu is taken for the result only
 */
bool	 server_probe(struct server *s, struct conn *c, struct wait *wait, struct verdict *v);

/* Note that a server has served, or answered a probe, or why not; logs a change of standing. A probe brings no server back
 * before its time out of rotation is over. Locks: takes upstream->mu. */
void	 server_account(struct server *s, enum reason failed, const char *why, bool by_probe);

/* The probing thread: start it if the engine has a probe, stop it. */
void	 prober_start(struct upstream *u);
void	 prober_stop(struct upstream *u);

#endif
