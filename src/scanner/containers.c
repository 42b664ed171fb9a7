#include "scanner/containers.h"

#include <string.h>

#include "scanner/cms.h"
#include "scanner/openpgp.h"
#include "scanner/partname.h"
#include "scanner/tnef.h"

#define HEADER_LOOK 4096 /* bytes in which a MIME entity shows a field of its own */

/* One part that is being opened. */
struct opening {
	const struct containers *c;
	const struct source *src;
	const char *path;
	unsigned depth;
	/* S/MIME: pieces of the content */
	const unsigned char *first;
	size_t pieces, total, start;
	bool full;
	/* TNEF */
	char *name;
	GArray *contents; /* of struct source: those of the attachment at hand */
	unsigned count;
};

static void
encrypted(const struct opening *o, const char *name)
{
	if (o->c->h->job->limits->flags & PROTO_ALERT_ENCRYPTED)
		verdict_find(o->c->h->v, FINDING_ENCRYPTED, name, o->path, NULL);
}

/* Hand out what was found, and let it be read on. */
static void
found(struct opening *o, const struct source *content, const char *path)
{
	struct harvest *h = o->c->h;
	char *names[] = { o->name, NULL };
	struct part p = { .kind = OBJECT_PART,
		.store = content->store,
		.offset = content->offset,
		.size = content->len,
		.path = path,
		.type = "",
		.names = names };

	if (h->stop)
		return;
	/* Known bytes under a name are one more object: whoever leaves out by name must see it. */
	bool fresh = harvest_is_new(h, content->base, content->len);
	if (!fresh && !o->name)
		return;
	if (o->depth + 1 > h->job->limits->max_extract_depth) {
		verdict_partial(h->v, REASON_LIMIT_DEPTH, "nested deeper than max_extract_depth");
		return;
	}
	if (!harvest_fits(h, content->len, path))
		return;
	harvest_emit(h, &p);
	if (h->stop || !fresh)
		return;
	containers_open(o->c, content, path, o->depth + 1);
	o->c->content(o->c->arg, content, path, o->depth + 1);
}

/* The first piece is enough if it is the only one; else all are joined in the arena. */
static void
on_piece(void *arg, const void *data, size_t len)
{
	struct opening *o = arg;
	struct arena *a = &o->c->h->arena;

	if (o->pieces++ == 0) {
		o->first = data;
		o->start = a->used;
	} else if (o->pieces == 2) {
		o->full = !arena_append(a, o->first, o->total);
	}
	o->total += len;
	if (o->pieces > 1 && !o->full)
		o->full = !arena_append(a, data, len);
}

static void
signed_content(struct opening *o)
{
	struct harvest *h = o->c->h;
	struct source content = *o->src;
	g_autofree char *path = g_strconcat(*o->path ? o->path : "0", ".0", NULL);

	if (o->full) {
		h->arena.used = o->start;
		verdict_partial(h->v, REASON_LIMIT_CUMULATIVE,
		    "no room for the content of part %s in the output arena", o->path);
		return;
	}
	if (o->pieces == 0)
		return;
	content.base = o->first;
	content.len = o->total;
	content.offset = o->src->offset + (uint64_t)(o->first - o->src->base);
	if (o->pieces > 1) {
		content.base = h->arena.base + o->start;
		content.store = STORE_ARENA;
		content.offset = o->start;
	}
	found(o, &content, path);
}

static void
open_cms(struct opening *o)
{
	struct verdict *v = o->c->h->v;

	switch (cms_open(o->src->base, o->src->len, on_piece, o)) {
	case CMS_NONE:
		return;
	case CMS_ENCRYPTED:
		encrypted(o, "Encrypted.SMIME");
		return;
	case CMS_OTHER:
		verdict_partial(v, REASON_UNSUPPORTED,
		    "part %s is S/MIME of a kind that cannot be opened", o->path);
		return;
	case CMS_BROKEN:
		verdict_partial(v, REASON_CORRUPT, "part %s is broken S/MIME", o->path);
		break;
	case CMS_PLAIN:
		break;
	}
	signed_content(o);
}

static char *
wide_name(const void *data, size_t len)
{
	return g_convert(data, (gssize)(len & ~(size_t)1), "UTF-8", "UTF-16LE", NULL, NULL, NULL);
}

/* A name as the front takes it: UTF-8, no control characters, not without end. */
static char *
clean_name(char *text)
{
	g_autofree char *raw = text;
	char *name = g_utf8_make_valid(raw, (gssize)strnlen(raw, PARTNAME_LEN_MAX));

	for (char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '_';
	if (*name == '\0')
		g_clear_pointer(&name, g_free);
	return name;
}

static void
found_next(struct opening *o, const struct source *content)
{
	g_autofree char *path = g_strdup_printf("%s.%u", *o->path ? o->path : "0", ++o->count);

	found(o, content, path);
}

/* The long name comes behind the content. */
static void
take_name(struct opening *o, char *text)
{
	g_autofree char *before = o->name;

	o->name = text ? clean_name(text) : NULL;
	if (!o->name || g_strcmp0(before, o->name) == 0)
		return;
	for (guint i = 0; i < o->contents->len && !o->c->h->stop; i++)
		found_next(o, &g_array_index(o->contents, struct source, i));
}

static bool
on_item(void *arg, enum tnef_item item, const void *data, size_t len)
{
	struct opening *o = arg;
	const struct source content = { .base = data,
		.len = len,
		.store = o->src->store,
		.offset = o->src->offset + (uint64_t)((const unsigned char *)data - o->src->base) };

	switch (item) {
	case TNEF_NEXT:
		g_array_set_size(o->contents, 0);
		g_clear_pointer(&o->name, g_free);
		break;
	case TNEF_NAME:
		take_name(o, g_strndup(data, len));
		break;
	case TNEF_NAME_WIDE:
		take_name(o, wide_name(data, len));
		break;
	case TNEF_CONTENT:
		g_array_append_val(o->contents, content);
		found_next(o, &content);
		break;
	}
	return !o->c->h->stop;
}

void
containers_open(
    const struct containers *c, const struct source *src, const char *path, unsigned depth)
{
	struct opening o = { .c = c, .src = src, .path = path, .depth = depth };

	if (tnef_is(src->base, src->len)) {
		o.contents = g_array_new(FALSE, FALSE, sizeof(struct source));
		if (!tnef_walk(src->base, src->len, on_item, &o) && !c->h->stop)
			verdict_partial(
			    c->h->v, REASON_CORRUPT, "part %s is a broken TNEF stream", path);
		g_array_unref(o.contents);
		g_free(o.name);
		return;
	}
	open_cms(&o);
	if (openpgp_encrypted(src->base, src->len) || openpgp_armoured(src->base, src->len))
		encrypted(&o, "Encrypted.OpenPGP");
}

bool
containers_is_entity(const struct source *src)
{
	static const char field[] = "content-";
	const char *p = (const char *)src->base, *end = p + MIN(src->len, HEADER_LOOK);

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		if ((size_t)(end - p) >= sizeof field &&
		    g_ascii_strncasecmp(p, field, sizeof field - 1) == 0)
			return true;
		if (!nl || nl == p || (nl == p + 1 && *p == '\r'))
			return false;
		p = nl + 1;
	}
	return false;
}
