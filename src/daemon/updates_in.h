/*
 * updates_in - what the files of updates share: its thread's state, and one run
 */
#ifndef AVM_DAEMON_UPDATES_IN_H
#define AVM_DAEMON_UPDATES_IN_H

#include <pthread.h>

#include "daemon/fetch.h"
#include "daemon/updates.h"
#include "daemon/watch.h"

/* The waiting times that are not options. */
struct updates_clock {
	int64_t	 settle_ms;	/* without a change before a change counts: several files are written, one after the other */
	int64_t	 gap_ms;	/* between two loads */
	int64_t	 look_ms;	/* between two looks at the folder */
	int64_t	 retry_ms;	/* after a load that failed, although the files are the same */
	int64_t	 fetch_ms;	/* for update_command */
	int64_t	 kill_ms;	/* after SIGTERM to it */
	int64_t	 age_ms;	/* between two looks at the age of the definitions */
	int64_t	 tell_ms;	/* between two complaints about the same old definitions */
};

enum run_stage { RUN_NONE = 0, RUN_FETCHING, RUN_LOADING };

struct updates {
	struct snapshot_slot *slot;
	struct updates_clock clock;
	pthread_t	 thread;
	bool		 started_thread;
	int		 wake;		/* eventfd */

	/* the thread's: settings of snapshot number */
	unsigned	 number;
	char		*path, *command;	/* path NULL: there is no embedded engine */
	int64_t		 interval_ms;
	/* the folder */
	struct watch	*watch;		/* of path */
	uint8_t		 seen[DIGEST_LEN];	/* at the last look */
	uint8_t		 acted[DIGEST_LEN];	/* when it was last loaded */
	int64_t		 settled_at, look_at, retry_at, free_at, interval_at, age_at;
	GHashTable	*told;		/* title of an engine -> int64_t *: when its age may be complained about again */
	/* the run */
	enum run_stage	 stage;
	bool		 numbered;	/* somebody may wait for this one: it is run number `started` */
	struct snapshot	*snap;		/* LOADING: its workers load */
	uint64_t	 ticket;
	struct fetch	*fetch;
	int64_t		 fetch_began, fetch_until;
	bool		 fetch_late;
	char		*error;		/* what failed in it so far */

	pthread_mutex_t	 mu;
	/* mu: */
	pthread_cond_t	 changed;
	bool		 stopping, look_wanted;
	bool		 fetching;	/* run number `started` has its command running: others may join */
	uint64_t	 wanted, started, done;
	const char	*outcome;	/* of the last one done; NULL: failed */
	GPtrArray	*listeners;	/* of struct listener *, one for each updates_run() */
	struct updates_stats counts;
};

struct listener {
	GQueue	 lines;		/* of char *; under mu */
};

/* updates_age.c, for the thread: complain about definitions that are too old. */
void	 age_tick(struct updates *u, int64_t now, int64_t *next);

/* updates_run.c, for the thread: begin a run (fetch: with the command), go on with it, give it up. */
void	 run_begin(struct updates *u, bool fetch, bool numbered, int64_t now);
void	 run_tick(struct updates *u, int64_t now, int64_t *next);
void	 run_abandon(struct updates *u);
/* Look at the folder: true when it is not as it was. */
bool	 run_look(struct updates *u, struct watch_look *out);

#endif
