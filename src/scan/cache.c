/*
 * cache - verdicts that are known already, of whole messages and of single objects
 *
 * An entry is a struct head and a packed verdict:
 *
 *	format (one byte), objects, left_out (four bytes each, high byte first), the verdict as
 *verdict/codec.h writes it, its objects' label taken off
 */
#include "scan/cache.h"

#include <pthread.h>
#include <string.h>

#include "base/deadline.h"
#include "base/lru.h"
#include "verdict/codec.h"

#define PACK_FORMAT 1
#define PACK_HEAD   9
/* A finding's object of this length may have been cut: its inner path would be another under
 * another label. */
#define OBJECT_CUT 400
/* Purged workers that are remembered, for verdicts that were on their way when the worker was
 * purged. */
#define CONDEMNED 64

struct head {
	struct cache_note note;
	int64_t until_ms; /* monotonic; INT64_MAX = as long as there is room */
};

struct cache {
	pthread_mutex_t mu; /* guards everything below */
	struct cache_limits lim;
	struct lru *findings, *clean;
	struct cache_stats stats;
	uint64_t evicted_before; /* by maps that cache_resize() took away */
	uint64_t condemned[CONDEMNED];
	unsigned condemned_count; /* so far; the array is a ring */
};

static void
maps_new(struct cache *c, const struct cache_limits *lim)
{
	c->lim = *lim;
	c->findings = lru_new(lim->findings, lim->bytes);
	c->clean = lru_new(lim->clean, lim->bytes);
}

struct cache *
cache_new(const struct cache_limits *lim)
{
	struct cache *c = g_new0(struct cache, 1);

	pthread_mutex_init(&c->mu, NULL);
	maps_new(c, lim);
	return c;
}

void
cache_free(struct cache **cp)
{
	struct cache *c = *cp;

	if (c == NULL)
		return;
	lru_free(&c->findings);
	lru_free(&c->clean);
	pthread_mutex_destroy(&c->mu);
	g_free(c);
	*cp = NULL;
}

void
cache_resize(struct cache *c, const struct cache_limits *lim)
{
	struct lru *findings = NULL, *clean = NULL;

	pthread_mutex_lock(&c->mu);
	if (memcmp(&c->lim, lim, sizeof *lim) != 0) {
		findings = c->findings;
		clean = c->clean;
		c->evicted_before += lru_evicted(findings) + lru_evicted(clean);
		maps_new(c, lim);
	}
	pthread_mutex_unlock(&c->mu);
	lru_free(&findings);
	lru_free(&clean);
}

void
cache_origin_add(struct cache_origin *o, uint64_t worker)
{
	for (unsigned i = 0; i < o->count; i++)
		if (o->worker[i] == worker)
			return;
	if (o->count < CACHE_WORKERS)
		o->worker[o->count++] = worker;
	else
		o->many = true;
}

void
cache_origin_join(struct cache_origin *into, const struct cache_origin *o)
{
	for (unsigned i = 0; i < o->count; i++)
		cache_origin_add(into, o->worker[i]);
	into->many |= o->many;
}

static void
digest_text(struct digest *d, const char *text)
{
	uint64_t len = strlen(text);

	digest_add(d, &len, sizeof len);
	digest_add(d, text, len);
}

void
cache_key(const uint8_t object[DIGEST_LEN], const char *engine, const uint8_t options[DIGEST_LEN],
    const char *definitions, uint8_t key[DIGEST_LEN])
{
	AUTO(digest_free) struct digest *d = digest_new();

	digest_text(d, "avmilter object " AVM_VERSION);
	digest_add(d, object, DIGEST_LEN);
	digest_text(d, engine);
	digest_add(d, options, DIGEST_LEN);
	digest_text(d, definitions);
	digest_end(d, key);
}

/* The label as it stands in findings, which verdict_find() made printable. */
static char *
shown_label(const char *label)
{
	char *s = g_strdup(label);

	for (char *p = s; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '_';
	return s;
}

bool
cache_relabel(const struct verdict *v, const char *from, const char *with, struct verdict *to)
{
	g_autofree char *shown = shown_label(from);
	size_t skip = strlen(shown);

	verdict_join(to, v);
	g_clear_pointer(&to->findings, g_ptr_array_unref);
	for (guint i = 0; v->findings != NULL && i < v->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(v->findings, i);
		g_autofree char *object = NULL;

		if (strncmp(f->object, shown, skip) != 0 || strlen(f->object) >= OBJECT_CUT)
			return false;
		object = g_strconcat(with, f->object + skip, NULL);
		verdict_adopt(to, f, object);
	}
	to->more = v->more;
	return true;
}

/* Every state that was met is COMPLETE: the only verdicts that another message may get. */
static bool
may_be_kept(const struct verdict *v)
{
	return v->states == 1u << SCAN_COMPLETE;
}

static void
put_u32(GByteArray *to, uint32_t n)
{
	guint8 b[4] = { (guint8)(n >> 24), (guint8)(n >> 16), (guint8)(n >> 8), (guint8)n };

	g_byte_array_append(to, b, sizeof b);
}

static uint32_t
get_u32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

bool
cache_pack(
    const char *label, const struct cache_note *note, const struct verdict *v, GByteArray *to)
{
	AUTO(verdict_clear) struct verdict bare = { 0 };
	guint before = to->len;
	guint8 format = PACK_FORMAT;

	if (!may_be_kept(v) || !cache_relabel(v, label, "", &bare))
		return false;
	g_byte_array_append(to, &format, 1);
	put_u32(to, note->objects);
	put_u32(to, note->left_out);
	verdict_encode(&bare, to);
	if (to->len - before <= CACHE_VALUE_MAX)
		return true;
	g_byte_array_set_size(to, before);
	return false;
}

bool
cache_unpack(
    const void *bytes, size_t len, const char *label, struct cache_note *note, struct verdict *v)
{
	AUTO(verdict_clear) struct verdict bare = { 0 };
	const uint8_t *b = bytes;

	if (len < PACK_HEAD || len > CACHE_VALUE_MAX || b[0] != PACK_FORMAT)
		return false;
	if (!verdict_decode(b + PACK_HEAD, len - PACK_HEAD, &bare) || !may_be_kept(&bare) ||
	    !cache_relabel(&bare, "", label, v)) {
		verdict_clear(v);
		return false;
	}
	note->objects = get_u32(b + 1);
	note->left_out = get_u32(b + 5);
	return true;
}

/* Locks: c->mu. Both maps together stay below the bound in bytes; clean results are the cheaper
 * ones to find again. */
static void
make_room(struct cache *c, size_t bytes)
{
	while (lru_bytes(c->findings) + lru_bytes(c->clean) + bytes > c->lim.bytes)
		if (!lru_drop_oldest(c->clean) && !lru_drop_oldest(c->findings))
			return;
		else
			c->stats.evicted++;
}

/* Locks: c->mu. */
static bool
condemned(const struct cache *c, const struct cache_origin *o)
{
	for (unsigned i = 0; i < MIN(c->condemned_count, CONDEMNED); i++)
		for (unsigned j = 0; j < o->count; j++)
			if (c->condemned[i] == o->worker[j])
				return true;
	return false;
}

/* Locks: c->mu. */
static bool
keep(struct cache *c, const uint8_t key[DIGEST_LEN], const struct head *h, const GByteArray *packed,
    bool clean)
{
	g_autoptr(GByteArray) entry = g_byte_array_new();

	g_byte_array_append(entry, (const guint8 *)h, sizeof *h);
	g_byte_array_append(entry, packed->data, packed->len);
	lru_remove(clean ? c->findings : c->clean, key);
	make_room(c, entry->len + LRU_OVERHEAD);
	return lru_put(clean ? c->clean : c->findings, key, entry->data, entry->len);
}

bool
cache_put(struct cache *c, const uint8_t key[DIGEST_LEN], const char *label,
    const struct cache_note *note, const struct verdict *v)
{
	g_autoptr(GByteArray) packed = g_byte_array_new();
	bool packs = cache_pack(label, note, v, packed), clean = verdict_is_clean(v), kept = false;
	struct head h;

	memset(&h, 0, sizeof h);
	h.note = *note;
	pthread_mutex_lock(&c->mu);
	h.until_ms = note->versioned ? INT64_MAX : now_ms() + c->lim.ttl_unversioned_ms;
	if (packs && (note->versioned || c->lim.ttl_unversioned_ms > 0) &&
	    (!clean || !condemned(c, &note->origin)))
		kept = keep(c, key, &h, packed, clean);
	c->stats.stored += kept;
	c->stats.refused += !kept;
	pthread_mutex_unlock(&c->mu);
	return kept;
}

/* Locks: c->mu. A copy of the entry, or NULL; one that is too old goes. */
static GByteArray *
fetch(struct cache *c, struct lru *map, const uint8_t key[DIGEST_LEN])
{
	size_t len;
	const void *at = lru_get(map, key, &len);
	struct head h;

	if (at == NULL)
		return NULL;
	memcpy(&h, at, sizeof h);
	if (h.until_ms <= now_ms()) {
		lru_remove(map, key);
		c->stats.expired++;
		return NULL;
	}
	return g_byte_array_append(g_byte_array_sized_new((guint)len), at, (guint)len);
}

bool
cache_find(struct cache *c, const uint8_t key[DIGEST_LEN], const char *label,
    struct cache_note *note, struct verdict *v)
{
	g_autoptr(GByteArray) entry = NULL;
	struct head h;

	pthread_mutex_lock(&c->mu);
	entry = fetch(c, c->findings, key);
	if (entry == NULL)
		entry = fetch(c, c->clean, key);
	pthread_mutex_unlock(&c->mu);
	if (entry == NULL)
		return false;
	memcpy(&h, entry->data, sizeof h);
	if (!cache_unpack(entry->data + sizeof h, entry->len - sizeof h, label, &h.note, v))
		return false;
	if (note != NULL)
		*note = h.note;
	return true;
}

bool
cache_get(struct cache *c, const uint8_t key[DIGEST_LEN], enum cache_level level, const char *label,
    struct cache_note *note, struct verdict *v)
{
	bool hit = cache_find(c, key, label, note, v);

	pthread_mutex_lock(&c->mu);
	c->stats.hits[level] += hit;
	c->stats.misses[level] += !hit;
	pthread_mutex_unlock(&c->mu);
	return hit;
}

static bool
from_worker(const uint8_t key[DIGEST_LEN], const void *value, size_t len, void *arg)
{
	const uint64_t *worker = arg;
	struct head h;

	(void)key;
	g_assert(len >= sizeof h);
	memcpy(&h, value, sizeof h);
	for (unsigned i = 0; i < h.note.origin.count; i++)
		if (h.note.origin.worker[i] == *worker)
			return true;
	return h.note.origin.many;
}

static bool
about_object(const uint8_t key[DIGEST_LEN], const void *value, size_t len, void *arg)
{
	struct head h;

	(void)key;
	g_assert(len >= sizeof h);
	memcpy(&h, value, sizeof h);
	return memcmp(h.note.object, arg, DIGEST_LEN) == 0;
}

static bool
any(const uint8_t key[DIGEST_LEN], const void *value, size_t len, void *arg)
{
	(void)key;
	(void)value;
	(void)len;
	(void)arg;
	return true;
}

/* A question about an entry whose yes is written down. */
struct noting {
	lru_match match;
	void *arg;
	GByteArray *keys; /* or NULL */
};

static bool
match_and_note(const uint8_t key[DIGEST_LEN], const void *value, size_t len, void *arg)
{
	const struct noting *n = arg;

	if (!n->match(key, value, len, n->arg))
		return false;
	if (n->keys != NULL)
		g_byte_array_append(n->keys, key, DIGEST_LEN);
	return true;
}

static size_t
purge(struct cache *c, bool findings_too, lru_match match, void *arg, GByteArray *keys)
{
	struct noting noting = { match, arg, keys };
	size_t n;

	pthread_mutex_lock(&c->mu);
	n = lru_purge(c->clean, match_and_note, &noting);
	if (findings_too)
		n += lru_purge(c->findings, match_and_note, &noting);
	c->stats.purged += n;
	pthread_mutex_unlock(&c->mu);
	return n;
}

size_t
cache_purge_worker(struct cache *c, uint64_t worker, GByteArray *keys)
{
	pthread_mutex_lock(&c->mu);
	c->condemned[c->condemned_count++ % CONDEMNED] = worker;
	pthread_mutex_unlock(&c->mu);
	return purge(c, false, from_worker, &worker, keys);
}

size_t
cache_purge_object(struct cache *c, const uint8_t object[DIGEST_LEN], GByteArray *keys)
{
	uint8_t copy[DIGEST_LEN];

	memcpy(copy, object, sizeof copy);
	return purge(c, true, about_object, copy, keys);
}

size_t
cache_purge_all(struct cache *c, GByteArray *keys)
{
	return purge(c, true, any, NULL, keys);
}

void
cache_stats(struct cache *c, struct cache_stats *out)
{
	pthread_mutex_lock(&c->mu);
	*out = c->stats;
	out->evicted += c->evicted_before + lru_evicted(c->findings) + lru_evicted(c->clean);
	out->findings = lru_count(c->findings);
	out->clean = lru_count(c->clean);
	out->bytes = lru_bytes(c->findings) + lru_bytes(c->clean);
	pthread_mutex_unlock(&c->mu);
}
