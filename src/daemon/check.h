/*
 * check - would it start, and what deserves a word: avmilter -n
 */
#ifndef AVM_DAEMON_CHECK_H
#define AVM_DAEMON_CHECK_H

#include "conf/conf.h"
#include "daemon/options.h"

/* Everything that would stop a start goes to errors, the rest to warnings and notes: arrays of owned lines. Makes nothing
 * and connects to nothing but our own sockets. */
void	 check_all(const struct options *o, struct conf *conf, GPtrArray *errors, GPtrArray *warnings, GPtrArray *notes);

/* Load the configuration, check, print. Returns the exit code: EX_OK iff it would start, else EX_CONFIG. */
int	 check_run(const struct options *o);

#endif
