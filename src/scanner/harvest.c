#include "scanner/harvest.h"

#include <string.h>

#include "base/digest.h"
#include "scanner/cputime.h"

#define PARTS_MAX                                                                                  \
	100000 /* where max_file_count = 0 says "no count": what a worker's memory holds */

/* Everything of one size. It is hashed when a second of that size turns up. */
struct twins {
	const unsigned char *first; /* not hashed yet, or NULL */
	GHashTable *digests;        /* of GBytes, or NULL */
};

/* An object that has names. */
struct alias {
	const unsigned char *data;
	char **names;
};

static void
alias_free(void *p)
{
	struct alias *a = p;

	g_strfreev(a->names);
	g_free(a);
}

static void
aliases_free(void *p)
{
	g_ptr_array_unref(p);
}

static void
twins_free(void *p)
{
	struct twins *t = p;

	g_clear_pointer(&t->digests, g_hash_table_unref);
	g_free(t);
}

void
harvest_init(struct harvest *h, const struct decompose *job, struct verdict *v)
{
	*h = (struct harvest){ .job = job,
		.v = v,
		.arena = { job->arena, job->arena_size, 0 },
		.parts_max = job->limits->max_file_count };
	if (h->parts_max == 0 || h->parts_max > PARTS_MAX)
		h->parts_max = PARTS_MAX;
	h->place.placing = PLACING_WHOLE;
	h->leaves = g_array_new(FALSE, FALSE, sizeof(struct leaf));
	h->by_raw = g_hash_table_new(NULL, NULL);
	h->sizes = g_hash_table_new_full(NULL, NULL, NULL, twins_free);
	h->named = g_hash_table_new_full(NULL, NULL, NULL, aliases_free);
}

void
harvest_clear(struct harvest *h)
{
	g_clear_pointer(&h->leaves, g_array_unref);
	g_clear_pointer(&h->by_raw, g_hash_table_unref);
	g_clear_pointer(&h->sizes, g_hash_table_unref);
	g_clear_pointer(&h->named, g_hash_table_unref);
}

bool
harvest_time_is_up(struct harvest *h)
{
	if (cpu_now_us() - h->job->cpu_start_us < h->job->limits->max_extract_time_ms * 1000)
		return false;
	verdict_partial(
	    h->v, REASON_LIMIT_TIME, "max_extract_time used up while taking the message apart");
	h->stop = true;
	return true;
}

bool
harvest_fits(struct harvest *h, uint64_t size, const char *path)
{
	const struct proto_settings *lim = h->job->limits;

	if (size > lim->max_extract_size) {
		verdict_partial(
		    h->v, REASON_LIMIT_SIZE, "part %s is larger than max_extract_size", path);
		return false;
	}
	if (h->total + size > lim->max_cumulative_extract_size) {
		verdict_partial(h->v, REASON_LIMIT_CUMULATIVE,
		    "max_cumulative_extract_size reached at part %s", path);
		return false;
	}
	if (h->next_id > h->parts_max) {
		verdict_partial(
		    h->v, REASON_LIMIT_FILES, "max_file_count reached at part %s", path);
		h->stop = true;
		return false;
	}
	return true;
}

/* Under which names these bytes went out. */
static void
note_names(struct harvest *h, const struct part *p)
{
	GPtrArray *all = g_hash_table_lookup(h->named, GSIZE_TO_POINTER(p->size));
	struct alias *a = g_new0(struct alias, 1);

	if (!all) {
		all = g_ptr_array_new_with_free_func(alias_free);
		g_hash_table_insert(h->named, GSIZE_TO_POINTER(p->size), all);
	}
	a->data = (p->store == STORE_ARENA ? h->job->arena : h->job->message) + p->offset;
	a->names = g_strdupv(p->names);
	g_ptr_array_add(all, a);
}

bool
harvest_has_name(const struct harvest *h, const unsigned char *data, size_t len, const char *name,
    size_t *compared)
{
	const GPtrArray *all = g_hash_table_lookup(h->named, GSIZE_TO_POINTER(len));

	for (guint i = 0; all && i < all->len; i++) {
		const struct alias *a = all->pdata[i];
		++*compared;
		if (!g_strv_contains((const char *const *)a->names, name))
			continue;
		*compared += a->data == data ? 0 : len;
		if (a->data == data || memcmp(a->data, data, len) == 0)
			return true;
	}
	return false;
}

struct source
harvest_source(const struct harvest *h, const struct leaf *l)
{
	bool arena = l->data >= h->job->arena && l->data < h->job->arena + h->job->arena_size;

	return (struct source){ .base = l->data,
		.len = l->len,
		.store = arena ? STORE_ARENA : STORE_SPOOL,
		.offset = (uint64_t)(l->data - (arena ? h->job->arena : h->job->message)) };
}

void
harvest_emit(struct harvest *h, const struct part *p)
{
	struct part numbered = *p;

	if (p->store == STORE_ARENA && p->size > h->arena.size - h->in_arena) {
		verdict_partial(h->v, REASON_LIMIT_CUMULATIVE,
		    "no room for part %s in the output arena", p->path);
		h->stop = true;
		return;
	}
	h->in_arena += p->store == STORE_ARENA ? p->size : 0;
	numbered.id = h->next_id++;
	numbered.place = &h->place;
	/* The front throws an arena without bytes away: nothing may stand there then. */
	if (p->size == 0) {
		numbered.store = STORE_SPOOL;
		numbered.offset = 0;
	}
	if (p->kind == OBJECT_PART)
		h->total += p->size;
	if (p->kind == OBJECT_PART && p->names[0])
		note_names(h, &numbered);
	if (!h->job->listener(h->job->arg, &numbered))
		h->stop = true;
}

void
harvest_remember(struct harvest *h, const struct leaf *leaf)
{
	g_array_append_val(h->leaves, *leaf);
	g_hash_table_insert(
	    h->by_raw, (void *)(uintptr_t)leaf->raw, GUINT_TO_POINTER(h->leaves->len));
	(void)harvest_is_new(h, leaf->data, leaf->len);
}

const struct leaf *
harvest_leaf(const struct harvest *h, const unsigned char *raw, const unsigned char *end)
{
	guint n = GPOINTER_TO_UINT(g_hash_table_lookup(h->by_raw, raw));
	const struct leaf *leaf = n > 0 ? &g_array_index(h->leaves, struct leaf, n - 1) : NULL;

	return leaf && leaf->raw_end == end ? leaf : NULL;
}

/* True if it was not in there. */
static bool
add_digest(struct twins *t, const unsigned char *data, size_t len)
{
	uint8_t digest[DIGEST_LEN];

	digest_of(data, len, digest);
	return g_hash_table_add(t->digests, g_bytes_new(digest, sizeof digest));
}

bool
harvest_is_new(struct harvest *h, const unsigned char *data, size_t len)
{
	struct twins *t = g_hash_table_lookup(h->sizes, GSIZE_TO_POINTER(len));

	if (!t) {
		t = g_new0(struct twins, 1);
		t->first = data;
		g_hash_table_insert(h->sizes, GSIZE_TO_POINTER(len), t);
		return true;
	}
	if (!t->digests) {
		t->digests = g_hash_table_new_full(
		    g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
		(void)add_digest(t, t->first, len);
		t->first = NULL;
	}
	return add_digest(t, data, len);
}
