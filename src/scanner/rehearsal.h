/*
 * rehearsal - load a database without keeping it, and without the memory that keeping it takes
 *
 * For a front that must give up its old engine before it can load the new one: what is broken has to be known
 * before. A child process loads every file, a piece at a time, and ends; so nothing of it stays in the heap that workers share.
 * Signed containers (.cvd, .cld) are verified as libclamav does it: their signature and the digests of what is in them. What is
 * signed needs no second look inside.
 */
#ifndef AVM_SCANNER_REHEARSAL_H
#define AVM_SCANNER_REHEARSAL_H

#include <glib.h>
#include <stdbool.h>

#include "worker/proto.h"

enum rehearsal { REHEARSAL_OK, REHEARSAL_BROKEN, REHEARSAL_ENDED };

/*
 * Try the database of s. folder is where temporary files may go; front is watched: when it closes, the child is killed.
 *
 * Returns: BROKEN with *err, which names file and remedy; ENDED when the front went away
 * Blocks:  as long as a load takes; the main thread of the zygote only
 */
enum rehearsal rehearse(const struct proto_settings *s, const char *folder, int front, GError **err);

#endif
