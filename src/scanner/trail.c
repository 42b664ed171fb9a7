#include "scanner/trail.h"

#include <glib.h>
#include <string.h>

#include "scanner/canon.h"
#include "scanner/layers.h"

#define LAYERS_KEPT 16384 /* a message has fewer parts, or they are scanned by themselves */
#define TEXT_SLACK  2     /* libclamav ends a text with a line end of its own */

struct trail {
	size_t text_max;
	uint32_t levels[LAYERS_MAX]; /* of the layers that are open now */
	unsigned depth;
	bool doubtful;
	GHashTable *layers, *texts; /* of uint8_t[DIGEST_LEN]; NULL: none are kept */
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
trail_new(bool keeps, size_t text_max)
{
	struct trail *t = g_new0(struct trail, 1);

	t->text_max = text_max;
	if (keeps) {
		t->layers = g_hash_table_new_full(hash, equal, g_free, NULL);
		t->texts = g_hash_table_new_full(hash, equal, g_free, NULL);
	}
	return t;
}

void
trail_free(struct trail **tp)
{
	struct trail *t = *tp;

	if (!t)
		return;
	g_clear_pointer(&t->layers, g_hash_table_unref);
	g_clear_pointer(&t->texts, g_hash_table_unref);
	g_free(t);
	*tp = NULL;
}

static void
keep(GHashTable *set, const uint8_t digest[DIGEST_LEN])
{
	if (g_hash_table_size(set) < LAYERS_KEPT)
		g_hash_table_add(set, g_memdup2(digest, DIGEST_LEN));
}

/* How far below the newest layer that is. */
static unsigned
push(struct trail *t, uint32_t level)
{
	const bool inside = t->depth > 0;
	const uint32_t around = inside ? t->levels[t->depth - 1] : 0;

	const bool in_order = inside ? level > around : level == 0;

	t->doubtful |= !in_order || t->depth == LAYERS_MAX;
	/* What is out of order (a layer that a signature has scanned again as another type) ends too. */
	if (t->depth < LAYERS_MAX)
		t->levels[t->depth++] = level;
	return in_order ? level - around : 0;
}

static void
keep_layer(struct trail *t, const uint8_t *digest, const void *data, size_t size)
{
	uint8_t lines[DIGEST_LEN];

	if (!t->layers || !digest)
		return;
	keep(t->layers, digest);
	if (t->text_max == 0 || size > t->text_max + TEXT_SLACK)
		return;
	canon_digest(data, size, lines);
	keep(t->texts, lines);
}

unsigned
trail_enter(struct trail *t, uint32_t level, const uint8_t *digest, const void *data, size_t size)
{
	keep_layer(t, digest, data, size);
	return push(t, level);
}

int
trail_leave(struct trail *t, int result)
{
	if (result != 0 || t->depth == 0)
		t->doubtful = true;
	return t->depth > 0 ? (int)t->levels[--t->depth] : -1;
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

	if (!t->layers)
		return false;
	digest_of(data, size, digest);
	if (g_hash_table_contains(t->layers, digest))
		return true;
	if (!as_text || size > t->text_max || !canon_is_text(data, size))
		return false;
	canon_digest(data, size, digest);
	return g_hash_table_contains(t->texts, digest);
}
