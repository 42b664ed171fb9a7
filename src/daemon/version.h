/*
 * version - what this build is: avmilter -V, avmilterctl version
 */
#ifndef AVM_DAEMON_VERSION_H
#define AVM_DAEMON_VERSION_H

#include "conf/conf.h"

/* Print version, features, libraries, engines and what the scanner program says of itself. Returns the exit code. */
int	 version_run(const struct conf *conf);

#endif
