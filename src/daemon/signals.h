/*
 * signals - the main thread's life: wait for signals, act
 *
 * HUP and USR1 reload and open the log again; TERM finishes the mail in hand and stops; INT stops at once.
 */
#ifndef AVM_DAEMON_SIGNALS_H
#define AVM_DAEMON_SIGNALS_H

#include "daemon/server.h"

/* Block the signals that we wait for, ignore PIPE. Before the first thread, so that every thread inherits it. */
void	 signals_block(void);

/* Serve until a signal ends it. Returns the exit code. Stops the server. */
int	 signals_loop(struct server *s);

#endif
