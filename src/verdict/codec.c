/*
 * codec - a verdict as bytes, for caches and for handing it to another thread
 *
 *	version, states, kinds, more, number of findings	one byte each
 *	partial: word, text; failed: word, text			strings
 *	partial: number of engines to blame; their titles	one byte, strings
 *	failed: the same
 *	each finding: kind, and bit LISTED (one byte); name, object, engine, sha256	strings
 *
 * A string is a length of two bytes, high byte first, and its bytes without a NUL.
 */
#include "verdict/codec.h"

#include <string.h>

#define WHY_MAX_LEN 1000
#define STATES_ALL  ((1u << (SCAN_COMPLETE + 1)) - 1)
#define LISTED      0x80u
#define KINDS_ALL   ((1u << (FINDING_INFECTED + 1)) - 2)

/* Kinds and states travel as numbers: a new one needs a new CODEC_VERSION. */
_Static_assert(
    CODEC_VERSION == 2 && SCAN_COMPLETE == 3 && FINDING_INFECTED == 6, "raise CODEC_VERSION");
_Static_assert(VERDICT_FINDINGS_MAX <= UINT8_MAX, "the number of findings is one byte");

/* What is left to read; a failed read sets bad and yields zeros from then on. */
struct reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static void
put_byte(GByteArray *to, unsigned b)
{
	guint8 byte = (guint8)b;

	g_byte_array_append(to, &byte, 1);
}

static void
put_string(GByteArray *to, const char *s, size_t max)
{
	size_t len = s != NULL ? strnlen(s, max) : 0;

	put_byte(to, (unsigned)(len >> 8));
	put_byte(to, len & 0xff);
	if (len > 0)
		g_byte_array_append(to, (const guint8 *)s, (guint)len);
}

static void
put_titles(GByteArray *to, const GPtrArray *set)
{
	guint n = set != NULL ? MIN(set->len, UINT8_MAX) : 0;

	put_byte(to, n);
	for (guint i = 0; i < n; i++)
		put_string(to, g_ptr_array_index(set, i), UINT16_MAX);
}

void
verdict_encode(const struct verdict *v, GByteArray *to)
{
	guint n = v->findings != NULL ? v->findings->len : 0;

	put_byte(to, CODEC_VERSION);
	put_byte(to, v->states);
	put_byte(to, v->kinds);
	put_byte(to, v->more);
	put_byte(to, n);
	put_string(to, reason_name(v->partial), WHY_MAX_LEN);
	put_string(to, v->partial_why, WHY_MAX_LEN);
	put_string(to, reason_name(v->failed), WHY_MAX_LEN);
	put_string(to, v->failed_why, WHY_MAX_LEN);
	put_titles(to, v->partial_by);
	put_titles(to, v->failed_by);
	for (guint i = 0; i < n; i++) {
		const struct finding *f = g_ptr_array_index(v->findings, i);

		put_byte(to, f->kind | (f->listed ? LISTED : 0));
		put_string(to, f->name, UINT16_MAX);
		put_string(to, f->object, UINT16_MAX);
		put_string(to, f->engine, UINT16_MAX);
		put_string(to, f->sha256, UINT16_MAX);
	}
}

static unsigned
get_byte(struct reader *r)
{
	if (r->bad || r->left == 0) {
		r->bad = true;
		return 0;
	}
	r->left--;
	return *r->at++;
}

/* A new string; NULL when it was empty or the bytes ended. */
static char *
get_string(struct reader *r)
{
	size_t len = (size_t)get_byte(r) << 8;
	char *s;

	len |= get_byte(r);
	if (r->bad || len > r->left || memchr(r->at, '\0', len) != NULL) {
		r->bad = true;
		return NULL;
	}
	if (len == 0)
		return NULL;
	s = g_strndup((const char *)r->at, len);
	r->at += len;
	r->left -= len;
	return s;
}

static enum reason
get_reason(struct reader *r)
{
	g_autofree char *word = get_string(r);

	for (unsigned i = 0; i < REASON_COUNT; i++)
		if (strcmp(reason_name((enum reason)i), word != NULL ? word : "") == 0)
			return (enum reason)i;
	r->bad = true;
	return REASON_NONE;
}

/* A sorted set of titles, NULL when it is empty. */
static GPtrArray *
get_titles(struct reader *r)
{
	unsigned n = get_byte(r);
	GPtrArray *set = n > 0 ? g_ptr_array_new_with_free_func(g_free) : NULL;

	for (unsigned i = 0; i < n && !r->bad; i++) {
		char *title = get_string(r);

		if (title == NULL)
			title = g_strdup("");
		if (i > 0 && strcmp(g_ptr_array_index(set, i - 1), title) >= 0)
			r->bad = true;
		g_ptr_array_add(set, title);
	}
	return set;
}

static void
get_finding(struct reader *r, struct verdict *v)
{
	const unsigned byte = get_byte(r), kind = byte & ~LISTED;
	g_autofree char *name = get_string(r);
	g_autofree char *object = get_string(r);
	g_autofree char *engine = get_string(r);
	g_autofree char *sha256 = get_string(r);

	if (kind <= FINDING_NONE || kind > FINDING_INFECTED)
		r->bad = true;
	if (!r->bad)
		verdict_adopt(v,
		    &(struct finding){ .kind = (enum finding_kind)kind,
			.name = name,
			.object = object,
			.engine = engine,
			.sha256 = sha256,
			.listed = (byte & LISTED) != 0 },
		    NULL);
}

/* Whatever was read must be what verdict_encode() writes: sorted, without doubles, sanitised, cut.
 */
static bool
same_bytes(const struct verdict *v, const void *bytes, size_t len)
{
	g_autoptr(GByteArray) again = g_byte_array_sized_new((guint)len);

	verdict_encode(v, again);
	return again->len == len && memcmp(again->data, bytes, len) == 0;
}

bool
verdict_decode(const void *bytes, size_t len, struct verdict *v)
{
	struct reader r = { .at = bytes, .left = len, .bad = len > CODEC_MAX };
	unsigned states, kinds, more, n;

	verdict_clear(v);
	r.bad |= get_byte(&r) != CODEC_VERSION;
	states = get_byte(&r);
	kinds = get_byte(&r);
	more = get_byte(&r);
	n = get_byte(&r);
	v->partial = get_reason(&r);
	v->partial_why = get_string(&r);
	v->failed = get_reason(&r);
	v->failed_why = get_string(&r);
	v->partial_by = get_titles(&r);
	v->failed_by = get_titles(&r);
	for (unsigned i = 0; i < n && !r.bad; i++)
		get_finding(&r, v);
	/* More kinds than the findings show can only be those of findings beyond the maximum. */
	if (more ? n != VERDICT_FINDINGS_MAX || (v->kinds & ~kinds) != 0 : kinds != v->kinds)
		r.bad = true;
	v->kinds = kinds;
	v->more = more != 0;
	v->states = states;
	if (r.bad || r.left > 0 || states == 0 || (states & ~STATES_ALL) != 0 ||
	    (kinds & ~KINDS_ALL) != 0 || !same_bytes(v, bytes, len)) {
		verdict_clear(v);
		return false;
	}
	return true;
}
