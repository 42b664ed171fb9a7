/*
 * store - the quarantine store as the daemon opens it
 */
#ifndef AVM_DAEMON_STORE_H
#define AVM_DAEMON_STORE_H

#include <glib.h>
#include <stdbool.h>

#include "daemon/server.h"

/*
 * Open the store if this configuration keeps mail there, or if there is one already: what was kept is shown, released and expired
 * whatever the configuration says today. Does nothing when it is open. As the daemon's user.
 *
 * Returns: false and *err when it is needed and cannot be opened
 */
bool	 store_open(struct server *s, const struct conf *conf, GError **err);

/* For -n: is there room for what it may hold? One line for each thing that may surprise. Makes nothing. */
void	 store_check(const struct conf *conf, GPtrArray *warnings);

#endif
