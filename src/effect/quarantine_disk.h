/*
 * quarantine_disk - the files of the quarantine store, and the order in which they come and go
 *
 * Nothing is remembered here: names, bytes, fsync, rename. See quarantine.h for the layout.
 *
 * Diagnostics: QUARANTINE_E_IO with path, step and reason
 * Threads:     any, as long as no two work on one ref, but for appends to a journal
 */
#ifndef AVM_EFFECT_QUARANTINE_DISK_H
#define AVM_EFFECT_QUARANTINE_DISK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "message/message.h"

struct qdisk {
	char	*path;
	int	 fd;	/* of the folder, locked against a second daemon */
};

/* Make and open the folder, take hold of it, remove what a crash has left half-made or half-removed. False and *err. */
bool	 qdisk_open(struct qdisk *d, const char *path, GError **err);
void	 qdisk_close(struct qdisk *d);

/*
 * Write an entry: message and description, on the disk for good when it returns true.
 *
 * Returns: false and *err; nothing of it is left then
 */
bool	 qdisk_write(const struct qdisk *d, const char *ref, const struct message *m, const char *about, GError **err);

/* Append one line (without its LF) to the journal, on the disk for good when it returns true. */
bool	 qdisk_append(const struct qdisk *d, const char *ref, const char *line, GError **err);

/* Take an entry away; it is gone when it returns true, durably so after qdisk_sync(). */
bool	 qdisk_remove(const struct qdisk *d, const char *ref, GError **err);
bool	 qdisk_sync(const struct qdisk *d, GError **err);

/* about.json or journal as text, NULL and *err; missing = "". The caller frees. */
char	*qdisk_text(const struct qdisk *d, const char *ref, const char *file, GError **err);
/* The message for reading, -1 and *err. */
int	 qdisk_message(const struct qdisk *d, const char *ref, GError **err);
/* Bytes of a file of an entry; -1 and *err. */
int64_t	 qdisk_size(const struct qdisk *d, const char *ref, const char *file, GError **err);

/* The refs that are there. NULL and *err. */
GPtrArray *qdisk_refs(const struct qdisk *d, GError **err);

/* Is this the name of an entry? Ten characters of base32, and a number behind it at most. */
bool	 qdisk_is_ref(const char *name);

#endif
