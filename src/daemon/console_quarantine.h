/*
 * console_quarantine - the command quarantine of the console
 */
#ifndef AVM_DAEMON_CONSOLE_QUARANTINE_H
#define AVM_DAEMON_CONSOLE_QUARANTINE_H

#include <glib.h>
#include <jansson.h>

#include "control/server.h"
#include "daemon/server.h"

/*
 * quarantine list [NUMBER] | show REF | release REF... [--to ADDRESS]... | delete REF... | expire
 *
 * Returns: an object, with "code" 1 when one of several things could not be done; NULL and *err when the words are none of these
 *          or nothing could be done
 */
json_t	*console_quarantine(struct server *s, const struct control_request *rq, GError **err);

#endif
