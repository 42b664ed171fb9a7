/*
 * lf - the message as engines get it with use_wire_rep = false: its lines end in LF instead of CRLF
 *
 * A lone CR or LF stays what it is; decoded parts are nobody's lines and stay as they are.
 */
#ifndef AVM_MESSAGE_LF_H
#define AVM_MESSAGE_LF_H

#include <glib.h>
#include <stddef.h>

#include "message/object.h"

/* Turn CRLF into LF, in place; returns the new length. *pending: a CR at the end of the piece before was held back, and whether one is
 * now; the first byte of room, before the piece, is for it. With last nothing is held back. */
size_t	 lf_convert(char *room, size_t len, bool *pending, bool last);

/*
 * A set with one object, that of the whole message o of set with other line ends; its bytes are in an unnamed file in dir. Borrows set's
 * spool.
 *
 * Returns: NULL and *err when the disk says no
 */
struct objects *lf_objects(const struct objects *set, const struct object *o, const char *dir, GError **err);

#endif
