/*
 * daemonise - into the background, with the exit code of the start for whoever started us
 */
#ifndef AVM_DAEMON_DAEMONISE_H
#define AVM_DAEMON_DAEMONISE_H

#include <glib.h>
#include <stdbool.h>

/*
 * Split off a child in a session of its own; it returns with *report, the parent waits for daemonise_done() and exits
 * with its code. stderr stays open in the child till then. Before the first thread. False and *err.
 */
bool	 daemonise(int *report, GError **err);

/* Tell the waiting parent how the start went; with code 0 stdin, stdout and stderr become /dev/null. report -1 does nothing. */
void	 daemonise_done(int *report, int code);

#endif
