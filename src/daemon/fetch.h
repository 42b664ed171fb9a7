/*
 * fetch - one run of update_command
 *
 * The command is split into words as a shell would, but no shell runs it. It gets a process group of its own, no terminal, no
 * descriptor but null and one pipe for what it prints, an environment of a few harmless names and the proxies. What it prints
 * becomes lines: escaped, not more than so many a second.
 *
 * Threads: one
 */
#ifndef AVM_DAEMON_FETCH_H
#define AVM_DAEMON_FETCH_H

#include <glib.h>
#include <stdbool.h>

struct fetch;

/* Gets a line of the command. */
typedef void fetch_say(void *arg, const char *line);

/* Start it. say is borrowed until fetch_free(). NULL and *err, which names the program. */
struct fetch *fetch_start(const char *command, fetch_say *say, void *arg, GError **err);
/* Become readable when it prints (-1: it will not any more), and when it has ended. */
int	 fetch_output(const struct fetch *f);
int	 fetch_pidfd(const struct fetch *f);
/* Take what it has printed. */
void	 fetch_read(struct fetch *f);
/* Has it ended? Then all that was left of its process group is killed, its last lines are said, and *why is NULL for exit status 0, else
 * "exit status 3", "SIGSEGV". The caller frees. */
bool	 fetch_ended(struct fetch *f, char **why);
/* Ask the group to end, or kill it. */
void	 fetch_signal(struct fetch *f, int sig);
/* Forget it; one that still runs is killed. */
void	 fetch_free(struct fetch **f);

#endif
