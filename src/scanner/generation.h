/*
 * generation - which virus definitions these are
 *
 * The id is a SHA-256 over libclamav's version and, in the order of their names, name, size and
 * content of every file that libclamav would read (decision 14): a changed .ign2 or a private .ndb
 * makes another generation.
 */
#ifndef AVM_SCANNER_GENERATION_H
#define AVM_SCANNER_GENERATION_H

#include <glib.h>
#include <stdbool.h>

#include "worker/proto.h"

struct generation {
	uint8_t	 id[32];
	uint64_t definitions;	/* highest version of main and daily, 0 = none */
	int64_t	 time;		/* newest build time, else file time */
	unsigned files;
};

/*
 * Read a database folder, or a single file.
 *
 * Returns: false and *err, which names the folder and the command that fetches signatures: when it
 * is missing, unreadable or holds none
 */
bool	 generation_read(const char *database, struct generation *g, GError **err);

/* The files of a database, full paths in the order of their names. NULL and *err as generation_read(). */
GPtrArray *generation_files(const char *database, GError **err);

/* Finish an error text about a database: what to do. The caller frees. */
char	*generation_remedy(const char *database);

#endif
