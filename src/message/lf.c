/* lf - see lf.h */
#include "message/lf.h"

#include <string.h>

#include "base/auto.h"
#include "base/fsx.h"

#define CHUNK (64 * 1024)

size_t
lf_convert(char *room, size_t len, bool *pending, bool last)
{
	const char *from = *pending ? room : room + 1, *end = room + 1 + len;
	char *to = room;

	if (*pending)
		room[0] = '\r';
	*pending = !last && from < end && end[-1] == '\r';
	end -= *pending;
	for (; from < end; from++)
		if (from[0] != '\r' || from + 1 >= end || from[1] != '\n')
			*to++ = *from;
	return (size_t)(to - room);
}

/* Copy o to fd; *size gets what came out. */
static bool
copy(const struct objects *set, const struct object *o, int fd, uint64_t *size, GError **err)
{
	g_autofree char *room = g_malloc(1 + CHUNK);
	bool pending = false;

	*size = 0;
	for (uint64_t at = 0; at < o->size; at += CHUNK) {
		const size_t n = (size_t)MIN(o->size - at, CHUNK);
		size_t len;

		if (!objects_read(set, o, at, room + 1, n, err))
			return false;
		len = lf_convert(room, n, &pending, at + n == o->size);
		if (!fsx_pwrite_all(fd, room, len, (off_t)*size, err))
			return false;
		*size += len;
	}
	return true;
}

struct objects *
lf_objects(const struct objects *set, const struct object *o, const char *dir, GError **err)
{
	AUTO(fd_close) int fd = fsx_unnamed(dir, err);
	struct objects *out;
	uint64_t size;

	if (fd < 0 || !copy(set, o, fd, &size, err))
		return NULL;
	out = objects_new(set->spool, fd, size);
	fd = -1; /* the set's */
	if (!objects_add(out, o->kind, STORE_ARENA, 0, size, o->path, o->type, o->names, err))
		objects_free(&out);
	return out;
}
