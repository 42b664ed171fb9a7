/*
 * upstream - the pool of servers behind one network engine
 *
 * Keeps for each server its standing (in or out of rotation and until when), the requests in hand, idle connections, and
 * what its last probe told. A thread of its own probes servers: at start, when what they told grows old, and before one
 * that failed gets mail again.
 *
 * Diagnostics: logs when a server leaves the rotation and when it comes back, and clear text to a foreign host once. What
 *              happens to an object is only returned.
 * Locks:       one mutex in struct upstream guards all servers; never held across I/O.
 */
#ifndef AVM_ENGINE_UPSTREAM_H
#define AVM_ENGINE_UPSTREAM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "engine/conn.h"
#include "verdict/verdict.h"

#define UPSTREAM_MAX 100	/* servers; options.def, net.servers */

struct engine;
struct upstream;

/* Where an object has been already; zero-initialise. */
struct tried {
	bool	 yes[UPSTREAM_MAX];
	unsigned count;
};

/* The pool of a section: parses its servers, reads its TLS files. Connects nowhere. NULL and *err names the section. */
struct upstream *upstream_new(struct engine *e, GError **err);
/* Stop probing, close everything. No connection may be out. */
void	 upstream_free(struct upstream **u);
/* Start probing; logs what deserves a word about the set-up. Once, from any thread; later calls do nothing. */
void	 upstream_start(struct upstream *u);

/*
 * A connection to the server whose turn it is, idle or new, not one of *tried, which gets it added.
 *
 * Returns: NULL and v FAILED (this server could not be reached, or time is over), or v untouched when every server was tried
 * Blocks:  until a server has room and is connected; ticks; no longer than the wait's deadline
 */
struct conn *upstream_borrow(struct upstream *u, struct tried *tried, struct wait *wait, struct verdict *v);

/*
 * Give it back: kept when the engine said so, else closed.
 *
 * failed: REASON_NONE = the server has served; else it leaves the rotation for as long as that reason asks for
 */
void	 upstream_return(struct conn **c, enum reason failed, const char *why);

/* When the oldest definitions of its servers were made, wall clock; 0 = none tells. */
int64_t	 upstream_made(struct upstream *u);
/* What is known about the definitions: the newest that a server of the pool told; NULL = nothing. The caller frees. */
char	*upstream_definitions(struct upstream *u);

/*
 * The tag of the definitions that every server of the pool told, for the result cache.
 *
 * Returns: true and *tag (NULL = no server tells one), freed by the caller; false when they differ or a server is not asked yet
 */
bool	 upstream_tag(struct upstream *u, char **tag);

struct server_stats {
	char	*server;	/* as written in the configuration */
	char	*version, *definitions;	/* or NULL */
	enum reason out_why;	/* REASON_NONE: in rotation */
	bool	 probed;		/* it has answered a probe */
	unsigned busy, idle;
	uint64_t served, failed, connects;
};
/* One struct server_stats * for each server; free with g_ptr_array_unref(). */
GPtrArray *upstream_stats(struct upstream *u);

#endif
