/*
 * pidfile - the file with our process id, locked for as long as we live
 */
#ifndef AVM_DAEMON_PIDFILE_H
#define AVM_DAEMON_PIDFILE_H

#include <glib.h>
#include <stdbool.h>

struct pidfile;

/* Write our id into path, which another living process must not hold. NULL and *err. After the last fork, before privileges_drop(). */
struct pidfile *pidfile_take(const char *path, GError **err);
/* Remove it; where the folder does not let us, empty it. Accepts NULL. */
void	 pidfile_drop(struct pidfile **p);

#endif
