#include "scanner/trail.h"

#include <glib.h>
#include <string.h>

#include "scanner/canon.h"

#define LAYERS_KEPT 16384 /* a message has fewer parts, or they are scanned by themselves */
#define TEXT_SLACK  2     /* libclamav ends a text with a line end of its own */

struct trail {
	size_t text_max;
	unsigned depth;
	bool doubtful;
	GHashTable *layers, *texts; /* of uint8_t[DIGEST_LEN] */
};

static guint
hash(gconstpointer key)
{
	guint h;

	memcpy(&h, key, sizeof h);
	return h;
}

static gboolean
equal(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, DIGEST_LEN) == 0;
}

struct trail *
trail_new(size_t text_max)
{
	struct trail *t = g_new0(struct trail, 1);

	t->text_max = text_max;
	t->layers = g_hash_table_new_full(hash, equal, g_free, NULL);
	t->texts = g_hash_table_new_full(hash, equal, g_free, NULL);
	return t;
}

void
trail_free(struct trail **tp)
{
	struct trail *t = *tp;

	if (!t)
		return;
	g_hash_table_unref(t->layers);
	g_hash_table_unref(t->texts);
	g_free(t);
	*tp = NULL;
}

static void
keep(GHashTable *set, const uint8_t digest[DIGEST_LEN])
{
	if (g_hash_table_size(set) < LAYERS_KEPT)
		g_hash_table_add(set, g_memdup2(digest, DIGEST_LEN));
}

void
trail_enter(struct trail *t, uint32_t level, bool normalised, const void *data, size_t size)
{
	uint8_t digest[DIGEST_LEN];

	if (level != t->depth)
		t->doubtful = true;
	t->depth++;
	/* The object itself is no part of itself. */
	if (level == 0 || normalised || !data)
		return;
	digest_of(data, size, digest);
	keep(t->layers, digest);
	if (t->text_max == 0 || size > t->text_max + TEXT_SLACK)
		return;
	canon_digest(data, size, digest);
	keep(t->texts, digest);
}

void
trail_leave(struct trail *t, int result)
{
	if (result != 0 || t->depth == 0)
		t->doubtful = true;
	t->depth -= t->depth > 0;
}

void
trail_doubt(struct trail *t)
{
	t->doubtful = true;
}

bool
trail_sound(const struct trail *t)
{
	return !t->doubtful && t->depth == 0;
}

bool
trail_has(const struct trail *t, const void *data, size_t size, bool as_text)
{
	uint8_t digest[DIGEST_LEN];

	digest_of(data, size, digest);
	if (g_hash_table_contains(t->layers, digest))
		return true;
	if (!as_text || size > t->text_max || !canon_is_text(data, size))
		return false;
	canon_digest(data, size, digest);
	return g_hash_table_contains(t->texts, digest);
}
