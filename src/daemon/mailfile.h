/*
 * mailfile - a message in a file, handed to a struct message the way an MTA would do it
 */
#ifndef AVM_DAEMON_MAILFILE_H
#define AVM_DAEMON_MAILFILE_H

#include <glib.h>
#include <stdbool.h>

#include "message/message.h"

/*
 * Read fd to its end: header fields up to the first line that is none, then the body. Bare LF becomes CRLF, as every MTA does it;
 * an mbox "From " line at the top is left out. Does not seal.
 *
 * Returns: false and *err when reading fails; what the message could not keep is in m->error as ever
 */
bool	 mailfile_read(int fd, struct message *m, GError **err);

#endif
