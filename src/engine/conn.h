/*
 * conn - one connection to a server of a pool, as an engine sees it
 *
 * An engine gets it connected (and greeted), speaks over c->wire, and says conn_keep() when the exchange ended in order
 * and the connection may serve another object; without that word it is closed.
 */
#ifndef AVM_ENGINE_CONN_H
#define AVM_ENGINE_CONN_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/auto.h"
#include "base/wire.h"
#include "engine/probe.h"
#include "verdict/verdict.h"

struct engine;
struct server;

struct conn {
	struct engine	*engine;
	struct server	*server;	/* the pool's */
	const struct address *address;	/* of the server; borrowed */
	struct wire	*wire;
	struct probe	*probe;		/* what the server told last, or NULL; a reference */
	unsigned	 exchanges;	/* begun on this connection, the present one included */
	bool		 reused;	/* it has served before */
	bool		 keep;
	int		 cancel_fd;	/* readable = give up; -1 = never */
	int64_t		 idle_since_ms;
};

/* The exchange ended in order: the connection may be used again. */
void	 conn_keep(struct conn *c);

/* Replace the stream by a new one to the same server, inside the wait of the present exchange, which begins anew on it.
 * False and v FAILED. */
bool	 conn_reopen(struct conn *c, struct verdict *v);

/* The server has changed since it was probed (other definitions): it is asked again soon. */
void	 conn_is_outdated(struct conn *c);

/* FAILED for a step that went wrong, by the kind of why, which is freed: "engine TITLE: SERVER: STEP: why". */
void	 conn_fail(struct conn *c, struct verdict *v, const char *step, GError *why);
/* FAILED(r) in the same form. */
void	 conn_refuse(struct conn *c, struct verdict *v, enum reason r, const char *fmt, ...) PRINTF(4, 5);

/* The reason for an error of base/net.h; REASON_SPOOL for errors of our own files. */
enum reason conn_reason(const GError *why);

/* The wire dialogue at level debug, when the section says trace = true: dir is 'C' or 'S'; binary bytes are escaped. */
void	 conn_trace(const struct conn *c, char dir, const char *bytes, size_t len);

#endif
