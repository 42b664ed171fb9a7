/*
 * object - slices of the spool or of an arena, hashed by us
 */
#include "message/object.h"

#include <inttypes.h>
#include <string.h>

#include "base/auto.h"
#include "base/fsx.h"

#define HASH_CHUNK (64 * 1024)

static void
object_free(void *p)
{
	struct object *o = p;

	g_free(o->path);
	g_free(o->type);
	g_strfreev(o->names);
	g_free(o);
}

struct objects *
objects_new(struct spool *sp, int arena, uint64_t arena_size)
{
	struct objects *set = g_new0(struct objects, 1);

	set->spool = sp;
	set->arena = arena;
	set->arena_size = arena_size;
	set->list = g_ptr_array_new_with_free_func(object_free);
	return set;
}

static uint64_t
store_size(const struct objects *set, enum object_store store)
{
	if (store == STORE_SPOOL)
		return spool_size(set->spool);
	return set->arena >= 0 ? set->arena_size : 0;
}

static bool
inside(const struct objects *set, enum object_store store, uint64_t offset, uint64_t size)
{
	uint64_t whole = store_size(set, store);

	return (store == STORE_SPOOL || store == STORE_ARENA) && offset <= whole &&
	    size <= whole - offset;
}

static bool
hash(const struct objects *set, struct object *o, GError **err)
{
	g_autofree char *chunk = NULL;
	AUTO(digest_free) struct digest *d = NULL;

	if (o->store == STORE_SPOOL && o->offset == 0 && o->size == spool_size(set->spool)) {
		const uint8_t *whole = spool_digest(set->spool, err);

		if (whole != NULL)
			memcpy(o->sha256, whole, DIGEST_LEN);
		return whole != NULL;
	}
	chunk = g_malloc(HASH_CHUNK);
	d = digest_new();
	for (uint64_t at = 0; at < o->size; at += HASH_CHUNK) {
		size_t n = (size_t)MIN(o->size - at, HASH_CHUNK);

		if (!objects_read(set, o, at, chunk, n, err))
			return false;
		digest_add(d, chunk, n);
	}
	digest_end(d, o->sha256);
	return true;
}

static char **
copy_names(char *const *names)
{
	GPtrArray *out = g_ptr_array_new();

	for (; names && *names; names++)
		g_ptr_array_add(out, g_strdup(*names));
	g_ptr_array_add(out, NULL);
	return (char **)g_ptr_array_free(out, FALSE);
}

struct object *
objects_add(struct objects *set, enum object_kind kind, enum object_store store, uint64_t offset,
    uint64_t size, const char *path, const char *type, char *const *names, GError **err)
{
	struct object *o;

	if (!inside(set, store, offset, size)) {
		g_set_error(err, SPOOL_ERROR, SPOOL_E_IO,
		    "object %u: %" PRIu64 " bytes at %" PRIu64 " lie outside the %s of %" PRIu64
		    " bytes",
		    set->list->len, size, offset, store == STORE_SPOOL ? "message" : "arena",
		    store_size(set, store));
		return NULL;
	}
	o = g_new0(struct object, 1);
	o->id = set->list->len;
	o->kind = kind;
	o->store = store;
	o->offset = offset;
	o->size = size;
	o->path = g_strdup(path ? path : "");
	o->type = g_strdup(type);
	o->names = copy_names(names);
	if (!hash(set, o, err)) {
		object_free(o);
		return NULL;
	}
	g_ptr_array_add(set->list, o);
	return o;
}

bool
objects_read(const struct objects *set, const struct object *o, uint64_t at, void *buf, size_t len,
    GError **err)
{
	if (at > o->size || len > o->size - at) {
		g_set_error(err, SPOOL_ERROR, SPOOL_E_IO, "object %u: read beyond its end", o->id);
		return false;
	}
	if (o->store == STORE_SPOOL)
		return spool_read(set->spool, o->offset + at, buf, len, err);
	return fsx_pread_all(set->arena, buf, len, (off_t)(o->offset + at), err);
}

void
objects_free(struct objects **set)
{
	if (!*set)
		return;
	g_ptr_array_unref((*set)->list);
	fd_close(&(*set)->arena);
	g_free(*set);
	*set = NULL;
}

char *
object_label(const struct object *o)
{
	if (o->names[0])
		return g_strdup(o->names[0]);
	return o->path[0] ? g_strdup_printf("part %s", o->path) : g_strdup("message");
}
