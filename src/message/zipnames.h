/*
 * zipnames - the names in the directory of a zip archive
 */
#ifndef AVM_MESSAGE_ZIPNAMES_H
#define AVM_MESSAGE_ZIPNAMES_H

#include <glib.h>

#include "message/object.h"

enum zipnames {
	ZIPNAMES_NONE,		/* no directory at its end */
	ZIPNAMES_ALL,		/* every name was added */
	ZIPNAMES_UNKNOWN,	/* there is one, and not all of it can be read */
};

/* Add the names (char *, as they stand, without NUL bytes) of the members of o. Bounded: a directory of more than 1 MiB is UNKNOWN.
 * What cannot be read from our own spool is UNKNOWN too. */
enum zipnames zipnames_add(const struct objects *set, const struct object *o, GPtrArray *names);

#endif
