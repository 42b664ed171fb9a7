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
#include <stdint.h>

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
	int		 reload;	/* enum reload of conf.h: how a reload treats the old engine, see workers_set_reload() */
	unsigned	 count;		/* workers that may be busy at once, at least 1 */
	unsigned	 queue_max;	/* waiting borrowers above 10 x this are refused with BUSY; 0 = no bound */
	/*
	 * A worker that may have been taken over has ended: it broke the protocol, failed its self-test, or died by itself. What
	 * it found clean is to be forgotten (decision 4); worker is what lease_worker() gave. NULL = nobody cares.
	 * Threads: the pool's own, no lock held; must not block
	 */
	void		(*suspect)(void *arg, uint64_t worker);
	void		*suspect_arg;
};

enum workers_error {
	WORKERS_E_NOT_READY,	/* no engine loaded yet inside the deadline; the text names folder and remedy */
	WORKERS_E_BUSY,		/* queue full */
	WORKERS_E_TIMEOUT,	/* no worker free inside the deadline */
	WORKERS_E_STOPPED,
};
#define WORKERS_ERROR workers_error_quark()
GQuark	 workers_error_quark(void);

/* Make the pool and start its thread; loading goes on in the background. Copies cfg. NULL and *err if the program cannot be
 * run. After privileges are dropped (decision 28); blocks as long as posix_spawn(3) does. */
struct workers *workers_new(const struct workers_conf *cfg, GError **err);
/* Kill everything, wait for it, free. No lease may be out; who waits for one gets WORKERS_E_STOPPED. */
void	 workers_free(struct workers **w);

/* Wait until a generation is ready. False and *err at the deadline (last error of the zygote inside). Any thread. */
bool	 workers_wait_ready(struct workers *w, struct wait *wait, GError **err);

/*
 * Load the database again as a new generation, if it is another one than what serves. Concurrent: the old one serves until the
 * new one is ready, and stays if it fails. Blocking: all files are loaded on trial first, a piece at a time; then the old one is given up,
 * mail waits, and the new one is loaded. A database that is broken, empty or older than what serves changes nothing either way.
 * Returns at once: a number for workers_reload_wait(). Any thread.
 */
uint64_t workers_reload(struct workers *w);
/* The choice between both: RELOAD_AUTO measures the memory each time. Any thread. */
void	 workers_set_reload(struct workers *w, int how);

enum reload_outcome {
	RELOADED_NEW,		/* other definitions serve now */
	RELOADED_SAME,		/* it was the same as what serves */
	RELOADED_FAILED,	/* what served before serves on, or nothing does: the text says why */
};
/* Wait until a reload is done. False and *err at the deadline or when the pool ends; *text is the caller's, or NULL. */
bool	 workers_reload_wait(struct workers *w, uint64_t number, struct wait *wait, enum reload_outcome *out, char **text,
	    GError **err);

/* What serves now: copied; false when nothing is ready. Any thread. */
bool	 workers_ready_info(struct workers *w, struct proto_ready *out);

struct workers_stats {
	unsigned ready;		/* idle and busy workers */
	unsigned busy, waiting;
	unsigned spare;		/* idle workers */
	uint64_t restarts;	/* serving zygotes that were lost */
	uint64_t killed;	/* workers that we ended: deadline, broken protocol, failed self-test */
	uint64_t crashed;	/* workers that ended by themselves */
	uint64_t generations;	/* that have come to serve */
	uint64_t failures;	/* generations that did not come to serve */
};
/* Any thread. */
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
 * Owns:    the caller frees the objects, after the last lease_scan() of one of them
 * Blocks:  no longer than the wait's deadline, ticking; hashing one large object ticks after it
 * Trap:    after a NULL the lease is dead; give it back and do not use it again
 */
struct objects *lease_decompose(struct lease *l, struct spool *sp, bool mime, struct wait *wait, struct verdict *v);

/*
 * Scan one object of the set that lease_decompose() gave. The verdict gets state and findings (named with label as
 * the object and engine as the engine). When the worker dies or the deadline passes: FAILED(worker-died | timeout), or
 * PARTIAL(limit.time) when the worker's own processor clock had reached nine tenths of max_extract_time (decision 8), and
 * later calls on this lease fail at once.
 */
void	 lease_scan(struct lease *l, const struct object *o, const char *engine, struct wait *wait, struct verdict *v);

/*
 * Has the last scan of the whole message, COMPLETE and without a finding, examined this part too, as a layer of its own? Then it
 * need not be scanned by itself. False whenever that is not known. Trap: says nothing about the same bytes in another mail
 */
bool	 lease_covers(const struct lease *l, const struct object *o);

/*
 * The same for a message that is to be repaired: lease_place() may be asked afterwards. Always with its MIME structure.
 */
struct objects *lease_decompose_placed(struct lease *l, struct spool *sp, struct wait *wait, struct verdict *v);

/*
 * Where one of the objects of lease_decompose_placed() stands in the message. Only offsets that were checked to be in order and
 * inside of it come out. False: the worker died, broke the protocol or is out of time; v knows why.
 */
bool	 lease_place(struct lease *l, const struct object *o, struct wait *wait, struct proto_place *out, struct verdict *v);

/* Which worker it is, for purging what it judged: unique in the life of the process. */
uint64_t lease_worker(const struct lease *l);
/* What it scans with: the generation id of proto_ready. Valid also when it has died. */
const uint8_t *lease_generation(const struct lease *l);

/* Give it back; a worker that died or was killed is replaced. Accepts NULL. */
void	 lease_return(struct lease **l);

#endif
