/*
 * snapshot - one state of the configuration with all that was built from it, shared by whoever works under it
 *
 * A reload makes a new snapshot and puts it in the place of the old one; messages that began under the old one end under
 * it, and the last of them frees it. A pool of workers outlives its snapshot when the next one needs the same.
 */
#ifndef AVM_MILTER_SNAPSHOT_H
#define AVM_MILTER_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "conf/conf.h"
#include "engine/engine.h"
#include "policy/rules.h"
#include "script/script.h"
#include "worker/worker.h"

/* Workers with a count of the snapshots that use them. */
struct pool {
	atomic_uint	 refs;
	struct workers	*workers;
	struct workers_conf cfg;	/* what they were made from; its strings are owned */
};

/* Start workers. Copies cfg. NULL and *err as workers_new(). */
struct pool *pool_new(const struct workers_conf *cfg, GError **err);
struct pool *pool_ref(struct pool *p);
/* The last one stops the workers. Accepts NULL. */
void	 pool_unref(struct pool **p);
/* Would cfg start the same workers? */
bool	 pool_fits(const struct pool *p, const struct workers_conf *cfg);

struct snapshot {
	atomic_uint	 refs;
	unsigned	 number;	/* 1, 2, ... in the order of the reloads */
	struct conf	*conf;
	struct pool	*pool;		/* NULL: nothing needs workers */
	struct engines	*engines;
	struct rules	*rules;
	struct script	*script;	/* NULL: none; owned, set by whoever builds it */
	unsigned	 active;	/* engines that every message is shown to */
};

/* Takes conf (one reference), pool (one reference, may be NULL), engines and rules. */
struct snapshot *snapshot_new(unsigned number, struct conf *conf, struct pool *pool, struct engines *engines, struct rules *rules);
struct snapshot *snapshot_ref(struct snapshot *s);
void	 snapshot_unref(struct snapshot **s);
struct workers *snapshot_workers(const struct snapshot *s);

/* The place of the current one. */
struct snapshot_slot {
	pthread_mutex_t	 mu;
	struct snapshot	*current;	/* under mu; NULL before the start and after the end */
};

/* A reference to the current snapshot, or NULL. Any thread. */
struct snapshot *snapshot_slot_get(struct snapshot_slot *slot);
/* Put s (taken, may be NULL) in place of the current one, whose reference the slot gives up. */
void	 snapshot_slot_set(struct snapshot_slot *slot, struct snapshot *s);

#endif
