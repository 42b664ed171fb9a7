#include "scanner/sweep.h"

#include <string.h>

#include "base/auto.h"
#include "scanner/base64.h"
#include "scanner/charset.h"
#include "scanner/containers.h"
#include "scanner/embedded.h"
#include "scanner/headerblock.h"
#include "scanner/lines.h"
#include "scanner/oddity.h"
#include "scanner/offer.h"
#include "scanner/partname.h"
#include "scanner/views.h"

#define BLOCKS_TIMES   4   /* header blocks: so many times max_file_count */
#define SAMPLE         512 /* bytes that show whether something is text */
#define BINARY_OF_20   3   /* of 20 bytes of text fewer are control characters */
#define GOES_ON_MIN    4   /* letters of a line of base64 behind a delimiter */
#define PARAGRAPH_MAX  80  /* bytes of a first paragraph that may be junk ... */
#define PARAGRAPHS_MAX 2   /* ... and how many of them */

static int
by_place(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->p < y->p ? -1 : x->p > y->p;
}

static bool
is_regular(const struct leaf *l)
{
	struct base64_look look;

	if (!l->base64)
		return false;
	base64_look(l->raw, (size_t)(l->raw_end - l->raw), &look);
	return look.regular;
}

/* Note where leaves stood before they were decoded: all of them, and those whose text has one meaning only. */
static void
note_ranges(struct offer *o)
{
	for (guint i = 0; i < o->h->leaves->len; i++) {
		const struct leaf *l = &g_array_index(o->h->leaves, struct leaf, i);
		struct range r = { l->raw, l->raw_end };
		if (!l->decoded || l->raw == l->raw_end)
			continue;
		g_array_append_val(o->decoded, r);
		if (is_regular(l))
			g_array_append_val(o->regular, r);
	}
	g_array_sort(o->decoded, by_place);
	g_array_sort(o->regular, by_place);
}

/* Those of them that lie in a source. */
static struct ranges
ranges_in(const GArray *all, const struct source *src)
{
	const struct range *list = (const struct range *)(void *)all->data;
	size_t low = 0, high = all->len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (list[mid].p < src->base)
			low = mid + 1;
		else
			high = mid;
	}
	for (high = low; high < all->len && list[high].end <= src->base + src->len;)
		high++;
	return (struct ranges){ list ? list + low : NULL, high - low };
}

/* Behind a first paragraph so short that it may be there to mislead; NULL if there is none. */
static const unsigned char *
second_start(const unsigned char *p, const unsigned char *end)
{
	struct lines it;
	struct line line;

	lines_init(&it, p, (size_t)(end - p));
	while (lines_next(&it, &line) && line.end - p <= PARAGRAPH_MAX) {
		if (!line_is_empty(&line) && !line_is_blank(&line))
			continue;
		if (line.p > p && line.next < end)
			return line.next;
	}
	return NULL;
}

/* Does the line behind a delimiter go on with base64? */
static bool
goes_on(const unsigned char *delimiter, const unsigned char *all)
{
	struct lines it;
	struct line line;

	lines_init(&it, delimiter, (size_t)(all - delimiter));
	return lines_next(&it, &line) && lines_next(&it, &line) &&
	    line.end - line.p >= GOES_ON_MIN &&
	    base64_run(line.p, line.end) == (size_t)(line.end - line.p);
}

static void
bodies(struct offer *o, const struct source *src, const struct block *b, const unsigned char *p,
    bool plain)
{
	const unsigned char *ends[] = { b->end_known, b->end_any, b->end_header };
	const unsigned char *all = src->base + src->len;

	for (size_t i = 0; i < G_N_ELEMENTS(ends) && !o->stop; i++) {
		const unsigned char *e = ends[i];
		bool again = false;
		if (e <= p || (i == 2 && !goes_on(b->end_any, all)))
			continue;
		if (e < all)
			e = headerblock_body_end(p, e);
		for (size_t k = 0; k < i; k++)
			again |= ends[k] == ends[i];
		/* Text goes on behind a line of dashes; encoded data may end or go on there. */
		if (!again && (i == 0 || b->encodings != 0)) {
			o->placed =
			    b->placed && p == b->starts[START_EMPTY] && ends[i] == b->end_any;
			views_body(o, src, p, e, b->encodings, plain && i == 0);
		}
	}
}

/* A message as the body of another: it is swept where it stands, and its parts are the objects. */
static bool
holds_message(const struct block *b, const unsigned char *all)
{
	const unsigned char *p = b->starts[START_EMPTY];

	if (!b->message || !p)
		return false;
	while (p<all && * p> ' ' && *p < 0x7f && *p != ':')
		p++;
	return p > b->starts[START_EMPTY] && p < all && *p == ':';
}

static void
sweep_block(struct offer *o, const struct source *src, const struct block *b)
{
	const unsigned char *const *s = b->starts, *p = NULL;
	bool sure = b->encodings == ENCODING_BASE64 || b->encodings == ENCODING_QP ||
	    holds_message(b, src->base + src->len);

	for (int i = 0; i < STARTS && !o->stop; i++)
		if (s[i])
			bodies(o, src, b, p = s[i], !sure || i > 0);
	/* No empty line: data may look like a field, and one line of junk may be the separator. */
	if (s[START_JUNK] && b->encodings && !o->stop)
		bodies(o, src, b, b->after_junk, false);
	if (b->encodings && b->behind && b->behind != s[START_JUNK] && b->behind < b->tail &&
	    !o->stop && views_looks_base64(b->behind, b->tail))
		bodies(o, src, b, b->behind, false);
	p = s[START_EMPTY];
	for (int i = 0; i < PARAGRAPHS_MAX && p && b->encodings && !o->stop; i++) {
		p = second_start(p, b->end_any > p ? b->end_any : p);
		if (p)
			bodies(o, src, b, p, false);
	}
}

/* What is found behind a block has the names that its fields give. */
static void
sweep_named(
    struct offer *o, const struct source *src, const struct blocks *all, const struct block *b)
{
	const struct field *fields = (const struct field *)(void *)all->fields->data;
	bool more = false;

	if (!offer_work(o, (size_t)(b->tail - b->head)))
		return;
	g_auto(GStrv) names = partname_of_fields(fields + b->first_field, b->fields, &more);
	offer_names(o, names, more);
	sweep_block(o, src, b);
	offer_names(o, NULL, false);
}

static bool
is_text(const struct source *src)
{
	size_t n = MIN(src->len, SAMPLE), odd = 0;

	for (size_t i = 0; i < n; i++)
		odd += (src->base[i] < ' ' && (src->base[i] < '\t' || src->base[i] > '\r')) ||
		    src->base[i] == 0x7f;
	return n > 0 && odd * 20 < n * BINARY_OF_20;
}

/* Control characters at the beginning make no mail unreadable: whoever names a field of MIME is swept. */
static bool
names_field(const struct source *src)
{
	static const char field[] = "content-";
	const unsigned char *p = src->base, *end = p + src->len;

	while ((p = memchr(p, '-', (size_t)(end - p))) != NULL) {
		p++;
		if ((size_t)(p - src->base) >= sizeof field - 1 &&
		    g_ascii_strncasecmp(
			(const char *)p - (sizeof field - 1), field, sizeof field - 1) == 0)
			return true;
	}
	return false;
}

static void
narrow(struct offer *o, const struct source *src, enum charset from)
{
	if (!offer_work(o, src->len))
		return;
	struct sink s = offer_sink(o);
	charset_narrow(src->base, src->len, from, &s);
	offer_decoded(o, &s, 0, s.used);
}

static void
sweep_text(struct offer *o, const struct source *src)
{
	AUTO(blocks_clear) struct blocks blocks = { 0 };
	const struct ranges decoded = ranges_in(o->decoded, src);
	const struct blocks_job job = { .data = src->base,
		.len = src->len,
		.skip = ranges_in(o->regular, src),
		.max = BLOCKS_TIMES * o->h->parts_max };

	/* Objects that are no mail have lines like anything. */
	o->judge = (o->h->job->limits->flags & PROTO_PARANOID) &&
	    (o->depth == 0 || containers_is_entity(src));

	if (!offer_work(o, 2 * src->len))
		return;
	blocks_find(&job, &blocks);
	if (blocks.over) {
		verdict_partial(o->h->v, REASON_LIMIT_FILES,
		    "more header blocks than %d times max_file_count", BLOCKS_TIMES);
		o->stop = true;
	}
	if (o->judge)
		o->odd |= blocks.odd;
	for (guint i = 0; i < blocks.list->len && !o->stop && !o->h->stop; i++) {
		const struct block *b = &g_array_index(blocks.list, struct block, i);
		if (o->judge)
			o->odd |= oddity_of_block(src, &blocks, b);
		sweep_named(o, src, &blocks, b);
	}
	embedded_find(o, src, &decoded, &job.skip);
	o->utf7 |= blocks.utf7;
	if (o->utf7 && charset_is_utf7(src->base, src->len))
		narrow(o, src, CHARSET_UTF7);
}

static void
sweep_source(struct offer *o, const struct source *src)
{
	enum charset wide = charset_look(src->base, src->len);

	if (wide != CHARSET_NARROW)
		narrow(o, src, wide);
	/* A message is text whatever stands at its beginning; what else names a field is swept too: a byte
	 * order mark in front of a mail makes it no other mail. */
	if (o->depth == 0 || is_text(src) || names_field(src))
		sweep_text(o, src);
}

/* Leaves that GMime decoded are swept like what the sweep itself decodes; the others as part of the
 * message, but for their characters. */
static void
add_leaves(struct offer *o)
{
	const struct harvest *h = o->h;

	for (guint i = 0; i < h->leaves->len; i++) {
		const struct leaf *l = &g_array_index(h->leaves, struct leaf, i);
		struct source src = harvest_source(h, l);
		if (l->decoded || charset_look(l->data, l->len) != CHARSET_NARROW)
			offer_task(o, &src, 1);
	}
}

uint64_t
sweep(struct harvest *h, const struct source *message)
{
	AUTO(offer_clear) struct offer o = { 0 };

	offer_init(&o, h);
	note_ranges(&o);
	offer_task(&o, message, 0);
	add_leaves(&o);
	for (guint i = 0; i < o.tasks->len && !o.stop && !h->stop; i++) {
		struct task t = g_array_index(o.tasks, struct task, i);
		o.depth = t.depth;
		sweep_source(&o, &t.src);
	}
	return o.odd;
}
