/*
 * worker - the front's side of the scanning processes: one zygote a generation, a pool of workers, their deaths
 *
 * A pool supervises everything in one thread of its own: it starts the zygote with posix_spawn, keeps `count` workers
 * and one spare, replaces the dead, retires a worker after 1000 messages or 10 minutes, self-tests idle ones each 60 s,
 * and loads a new generation beside the old one. Session threads borrow a worker for one message.
 *
 * Diagnostics: logs start, readiness, deaths and their causes, generations. What happens to a message is only returned.
 * Locks:       one mutex in struct workers; never held across I/O.
 */
#ifndef AVM_WORKER_WORKER_H
#define AVM_WORKER_WORKER_H

#include <glib.h>
#include <stdbool.h>

#include "base/deadline.h"
#include "message/object.h"
#include "verdict/verdict.h"
#include "worker/proto.h"

struct workers;
struct lease;

struct workers_conf {
	struct proto_settings settings;
	const char	*scanner_path;	/* program; borrowed for the life of the pool */
	const char	*scanner_log;	/* "" = the daemon's log */
	unsigned	 count;		/* workers that may be busy at once, at least 1 */
	unsigned	 queue_max;	/* waiting borrowers above 10 x this are refused with BUSY; 0 = no bound */
};

enum workers_error {
	WORKERS_E_NOT_READY,	/* no engine loaded yet inside the deadline; the text names folder and remedy */
	WORKERS_E_BUSY,		/* queue full */
	WORKERS_E_TIMEOUT,	/* no worker free inside the deadline */
	WORKERS_E_STOPPED,
};
#define WORKERS_ERROR workers_error_quark()
GQuark	 workers_error_quark(void);

/* Make the pool and start its thread; loading goes on in the background. Copies cfg. NULL and *err if the program cannot be run. */
struct workers *workers_new(const struct workers_conf *cfg, GError **err);
/* Kill everything, wait for it, free. No lease may be out. */
void	 workers_free(struct workers **w);

/* Wait until a generation is ready. False and *err at the deadline (last error of the zygote inside). Any thread. */
bool	 workers_wait_ready(struct workers *w, struct wait *wait, GError **err);

/* Load the database again as a new generation beside the old one; the old one serves until the new one is ready, and stays if
 * it fails. Returns at once. Any thread. */
void	 workers_reload(struct workers *w);

/* What serves now: copied; false when nothing is ready. Any thread. */
bool	 workers_ready_info(struct workers *w, struct proto_ready *out);

struct workers_stats {
	unsigned ready, busy, waiting, spare;
	uint64_t restarts, killed, crashed, generations;
	uint64_t failures;	/* generations that did not come to serve */
};
void	 workers_stats(struct workers *w, struct workers_stats *out);

/*
 * Borrow a worker for one message, first come first served.
 *
 * Returns: NULL and *err (WORKERS_ERROR)
 * Threads: any; Blocks until a worker is free, ticking, no longer than the wait's deadline
 */
struct lease *workers_borrow(struct workers *w, struct wait *wait, GError **err);

/*
 * Decompose a sealed message.
 *
 * Returns: the objects, the whole message always first; NULL when nothing can be scanned: v says why.
 *          v gets COMPLETE, PARTIAL (a limit: what is listed is not everything) or FAILED, and findings of the structure
 * Trap:    after a NULL the lease is dead; give it back and do not use it again
 */
struct objects *lease_decompose(struct lease *l, struct spool *sp, bool mime, struct wait *wait, struct verdict *v);

/*
 * Scan one object of the set that lease_decompose() gave. The verdict gets state and findings (named with label as
 * the object and engine as the engine). When the worker dies or the deadline passes: FAILED(worker-died | timeout), or
 * PARTIAL(limit.time) when the worker's own processor clock had reached max_extract_time (decision 8), and later calls on
 * this lease fail at once.
 */
void	 lease_scan(struct lease *l, const struct object *o, const char *engine, struct wait *wait, struct verdict *v);

/* Number and generation of the worker, for the log and for purging what it judged. */
unsigned lease_worker(const struct lease *l);

/* Give it back; a worker that died or was killed is replaced. Accepts NULL. */
void	 lease_return(struct lease **l);

#endif
