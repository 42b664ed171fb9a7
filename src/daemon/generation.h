/*
 * generation - build a snapshot from a configuration: workers, engines, rules
 */
#ifndef AVM_DAEMON_GENERATION_H
#define AVM_DAEMON_GENERATION_H

#include "milter/snapshot.h"

struct memory;

/* What the scanning processes are to be started with. False and *err when the configuration asks for what one pool cannot do. */
bool	 generation_workers_conf(const struct conf *conf, struct workers_conf *out, GError **err);

/* Does anything in this configuration need scanning processes? */
bool	 generation_needs_workers(const struct conf *conf);

/* The section of the embedded engine, or NULL. Borrowed. */
const struct conf_engine *generation_embedded(const struct conf *conf);

/* What a new snapshot may take over. Everything is borrowed; all NULL at the start. */
struct heritage {
	unsigned		 number;	/* of the latest snapshot */
	const struct snapshot	*current;	/* in use */
	const struct snapshot	*coming;	/* of a reload whose workers still load */
	struct memory		*memory;	/* of the daemon: outlives all snapshots; NULL: nothing is remembered */
};

/*
 * Build a snapshot. Takes conf, also when it fails. Workers that fit are kept; *fresh tells that its workers are others than those in use
 * and still have to load.
 *
 * Returns: NULL and *err naming section, file and line
 */
struct snapshot *generation_build(struct conf *conf, const struct heritage *from, bool test_engines, bool *fresh, GError **err);

/* The policy script, loaded in a process of its own. NULL and *err, which names file and line. */
struct script *generation_script(const struct conf *conf, GError **err);

/* Wait until the workers have loaded, or have failed to for the first time. False and *err. For -n and -t, where nobody will mend
 * anything meanwhile. */
bool	 generation_wait_loaded(struct workers *w, int64_t max_ms, GError **err);

/* The scanner program: as configured, or for a build tree beside our own program when the installed one is not there. The
 * caller frees. */
char	*generation_scanner_path(const struct conf *conf);

#endif
