/*
 * object - one thing to scan: the whole message, or a part that decomposition laid open
 *
 * An object is a slice of either the message's spool or the output arena that a worker filled. The set owns the arena
 * and the objects; objects are immutable once the set is handed out. Every hash is computed by the front from the sealed
 * bytes, never taken from a worker (decision 4).
 */
#ifndef AVM_MESSAGE_OBJECT_H
#define AVM_MESSAGE_OBJECT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "message/spool.h"

enum object_kind {
	OBJECT_MESSAGE = 0,	/* the whole mail behind the synthetic field */
	OBJECT_PART,		/* a MIME leaf, decoded */
};

enum object_store { STORE_SPOOL = 0, STORE_ARENA };

struct object {
	uint32_t	 id;		/* index in its set; what the worker knows it by */
	enum object_kind kind;
	enum object_store store;
	uint64_t	 offset, size;
	uint8_t		 sha256[DIGEST_LEN];
	char		*path;		/* "" for the message, "1", "2.1" ... as IMAP numbers parts (RFC 9051 6.4.5) */
	char		*type;		/* declared media type, lower case, or NULL */
	char		**names;	/* every candidate file name, may be empty, NULL-terminated */
};

struct objects {
	struct spool	*spool;		/* borrowed: the message's, sealed */
	int		 arena;		/* sealed memfd, or -1; owned */
	uint64_t	 arena_size;
	GPtrArray	*list;		/* of struct object * */
};

/* A set over a sealed spool; takes arena (may be -1). The set starts empty. */
struct objects *objects_new(struct spool *sp, int arena, uint64_t arena_size);
/*
 * Add a slice and hash it. Copies the strings.
 *
 * Returns: the new object (owned by the set), or NULL and *err when the slice lies outside its store or cannot be read
 */
struct object *objects_add(struct objects *set, enum object_kind kind, enum object_store store, uint64_t offset, uint64_t size,
	    const char *path, const char *type, char *const *names, GError **err);
/* Read exactly len bytes of an object. Any thread. */
bool	 objects_read(const struct objects *set, const struct object *o, uint64_t at, void *buf, size_t len, GError **err);
void	 objects_free(struct objects **set);

/* What an administrator calls it: its first name, else "part PATH", else "message". The caller frees. */
char	*object_label(const struct object *o);

#endif
