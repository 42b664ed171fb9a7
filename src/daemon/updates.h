/*
 * updates - new definitions for the embedded engine: noticed, fetched, taken into use
 *
 * One thread watches the folder of the definitions (inotify and a slow look), lets a change settle, and has the workers load them,
 * not more often than once a minute. Each update_interval, and when the console asks, it runs update_command first and reads
 * the folder again in any case. Whether and how what lies there is loaded, the workers decide (worker/reload.c).
 *
 * Settings are those of the snapshot in use; a reload of the configuration is noticed by updates_wake().
 *
 * Diagnostics: the command's lines and outcome; event update_error for what failed and for definitions that are too old.
 */
#ifndef AVM_DAEMON_UPDATES_H
#define AVM_DAEMON_UPDATES_H

#include <glib.h>
#include <stdbool.h>

#include "milter/snapshot.h"

struct updates;

/* hurry: all waiting times but those of the configuration are divided by it; 1 but in tests. slot is borrowed. */
struct updates *updates_new(struct snapshot_slot *slot, unsigned hurry);
/* Start the thread, when there is a snapshot. False and *err. */
bool	 updates_start(struct updates *u, GError **err);
/* End the thread and the command; whoever waits in updates_run() is sent away. Before the snapshots go. */
void	 updates_stop(struct updates *u);
/* After updates_stop(), and when nobody can be in updates_run() any more. */
void	 updates_free(struct updates **u);

/* Look at configuration and folder now. Any thread. */
void	 updates_wake(struct updates *u);

/* Gets a line of progress. */
typedef void updates_say(void *arg, const char *line);

/*
 * Update now, or join the update whose command runs: update_command, if there is one, then the folder.
 *
 * Returns: "loaded" or "unchanged"; NULL and *err when something failed, after all of it was tried
 * Threads: any; say is called in the caller's thread, with no lock held
 * Blocks:  until it is done
 */
const char *updates_run(struct updates *u, updates_say *say, void *arg, GError **err);

struct updates_stats {
	uint64_t commands;	/* runs of update_command */
	uint64_t failures;	/* of the command or of a load */
	char	*last_error;	/* since the last success, or NULL; the caller frees */
	bool	 stale;		/* the definitions are older than definitions_max_age */
};
void	 updates_stats(struct updates *u, struct updates_stats *out);

#endif
