#include "scanner/views.h"

#include "scanner/binhex.h"
#include "scanner/gunzip.h"
#include "scanner/headerblock.h"
#include "scanner/lines.h"
#include "scanner/oddity.h"
#include "scanner/qp.h"
#include "scanner/uu.h"
#include "scanner/yenc.h"

#define SAMPLE        1024 /* bytes that show what a body looks like */
#define QP_SAMPLE     (64 * 1024)
#define BASE64_LEAST  24 /* letters: less is a word */
#define PADS_OF       3  /* and at least so many letters for what may be an escape */
#define WORD_MIN      20 /* bytes: text whose words are shorter on average is prose */
#define LETTERS_OF_20 17 /* in base64 at least so many bytes of 20 are letters ... */
#define LETTERS_TIGHT 15 /* ... or so many, where there are no blanks */
#define MIXED_OF_10   1  /* of 10 letters so many are no small ones: 6 on average, in prose none */

static void
view_base64(struct offer *o, const unsigned char *p, size_t len, enum base64_view view)
{
	if (!offer_work(o, len))
		return;
	struct sink s = offer_sink(o);
	base64_decode(p, len, view, &s);
	offer_decoded(o, &s, 0, s.used);
}

/* Without its first line, and without its first two: a line of another kind in front of the data. */
static void
skip_first(struct offer *o, const unsigned char *p, const unsigned char *end)
{
	struct lines it;
	struct line line;

	lines_init(&it, p, (size_t)(end - p));
	for (int i = 0; i < 2 && lines_next(&it, &line) && line.next < end; i++)
		view_base64(o, line.next, (size_t)(end - line.next), BASE64_RESTART);
}

void
views_base64(struct offer *o, const unsigned char *p, const unsigned char *end,
    const struct base64_look *look)
{
	size_t len = (size_t)(end - p);

	if (look->letters < 2)
		return;
	if (look->regular) {
		view_base64(o, p, len, BASE64_STOP);
		return;
	}
	for (int view = BASE64_STOP; view < BASE64_VIEWS; view++)
		if (base64_differs(look, view))
			view_base64(o, p, len, view);
	if (look->odd_first || look->foreign > 0)
		skip_first(o, p, end);
}

static void
views_qp(
    struct offer *o, const unsigned char *p, const unsigned char *end, const struct qp_look *look)
{
	size_t len = (size_t)(end - p);

	for (int view = QP_LITERAL; view < QP_VIEWS; view++) {
		if (!qp_differs(look, view) || !offer_work(o, len))
			continue;
		struct sink s = offer_sink(o);
		qp_decode(p, len, view, &s);
		offer_decoded(o, &s, 0, s.used);
	}
}

bool
views_looks_base64(const unsigned char *p, const unsigned char *end)
{
	size_t n = MIN((size_t)(end - p), SAMPLE), letters = 0, pads = 0, escapes = 0, text = 0,
	       blanks = 0, mixed = 0;

	for (size_t i = 0; i < n; i++) {
		letters += base64_letter(p[i]);
		mixed += base64_letter(p[i]) && !g_ascii_islower(p[i]);
		pads += p[i] == '=';
		escapes += p[i] == '=' && i + 2 < n && g_ascii_isxdigit(p[i + 1]) &&
		    g_ascii_isxdigit(p[i + 2]);
		blanks += p[i] == ' ' || p[i] == '\t';
		text += p[i] != '\r' && p[i] != '\n';
		/* Markup with a long address in it. */
		if (p[i] == '<' || p[i] == '>')
			return false;
	}
	/* Quoted-printable may have an escape for each two letters. */
	size_t of_20 = blanks * 50 > text ? LETTERS_OF_20 : LETTERS_TIGHT;
	/* Prose has a blank for each word. */
	if (blanks * WORD_MIN > text)
		return false;
	return letters >= BASE64_LEAST && (letters + pads) * 20 >= text * of_20 &&
	    escapes * PADS_OF <= letters && mixed * 10 >= letters * MIXED_OF_10;
}

static bool
looks_qp(struct offer *o, const unsigned char *p, const unsigned char *end)
{
	struct qp_look l;

	if (!memchr(p, '=', MIN((size_t)(end - p), SAMPLE)))
		return false;
	if (!offer_work(o, MIN((size_t)(end - p), QP_SAMPLE)))
		return false;
	qp_look(p, MIN((size_t)(end - p), QP_SAMPLE), &l);
	return l.escapes + l.soft >= 2 && l.bad * 3 <= l.escapes + l.soft;
}

static void
view_uu(struct offer *o, const unsigned char *p, const unsigned char *end)
{
	struct lines it;
	struct line line;

	/* The line "begin", if there is one, has its own way (embedded.c). */
	lines_init(&it, p, (size_t)(end - p));
	while (lines_next(&it, &line) &&
	    (line_is_empty(&line) || uu_begin(line.p, line.end, NULL) != UU_NONE))
		p = line.next;
	if (!offer_work(o, (size_t)(end - p)))
		return;
	struct sink s = offer_sink(o);
	uu_decode(p, (size_t)(end - p), false, &s);
	offer_decoded(o, &s, 0, s.used);
}

static void
view_yenc(struct offer *o, const unsigned char *p, const unsigned char *end)
{
	if (!offer_work(o, (size_t)(end - p)))
		return;
	struct sink s = offer_sink(o);
	yenc_decode(p, (size_t)(end - p), &s);
	offer_decoded(o, &s, 0, s.used);
}

static void
view_gzip(struct offer *o, const unsigned char *p, const unsigned char *end)
{
	g_autofree unsigned char *packed = NULL;
	struct sink in = { .size = (size_t)(end - p) };

	if (!offer_work(o, 2 * in.size))
		return;
	in.base = packed = g_malloc(in.size + 1);
	base64_decode(p, in.size, BASE64_RESTART, &in);
	if (!gunzip_looks(packed, in.used))
		return;
	struct sink s = offer_sink(o);
	gunzip(packed, in.used, &s);
	offer_decoded(o, &s, 0, s.used);
}

static void
view_binhex(struct offer *o, const unsigned char *p, const unsigned char *end)
{
	struct binhex f;

	if (!offer_work(o, (size_t)(end - p)))
		return;
	struct sink s = offer_sink(o);
	if (binhex_decode(p, (size_t)(end - p), &s, &f) == 0)
		return;
	offer_decoded(o, &s, f.data, f.data_len);
	/* It stands behind the data fork: what that took of the arena counts for both. */
	if (f.resource_len > 0)
		offer_decoded(o, &s, f.resource, f.resource_len);
}

static bool
is_nothing(const unsigned char *p, const unsigned char *end)
{
	while (p < end && *p <= ' ')
		p++;
	return p == end;
}

void
views_body(struct offer *o, const struct source *src, const unsigned char *p,
    const unsigned char *end, unsigned encodings, bool plain)
{
	const struct leaf *leaf = harvest_leaf(o->h, p, end);
	bool base64 = (encodings & ENCODING_BASE64) || views_looks_base64(p, end);

	if (is_nothing(p, end))
		return;
	if (leaf)
		offer_leaf(o, leaf);
	if (base64 && offer_work(o, (size_t)(end - p))) {
		struct base64_look look;
		base64_look(p, (size_t)(end - p), &look);
		if (o->placed && (encodings & ENCODING_BASE64))
			o->odd |= oddity_of_base64(&look);
		if (!look.regular || !leaf || !leaf->base64)
			views_base64(o, p, end, &look);
		plain |= !look.regular && !views_looks_base64(p, end);
	}
	if (((encodings & ENCODING_QP) || (!base64 && looks_qp(o, p, end))) &&
	    offer_work(o, (size_t)(end - p))) {
		struct qp_look look;
		qp_look(p, (size_t)(end - p), &look);
		if (o->placed && (encodings & ENCODING_QP))
			o->odd |= oddity_of_qp(&look);
		if (!look.regular || !leaf || !leaf->qp)
			views_qp(o, p, end, &look);
	}
	if (encodings & ENCODING_UU)
		view_uu(o, p, end);
	if (encodings & ENCODING_YENC)
		view_yenc(o, p, end);
	if (encodings & ENCODING_GZIP)
		view_gzip(o, p, end);
	if (encodings & ENCODING_BINHEX)
		view_binhex(o, p, end);
	if (plain && !(leaf && !leaf->decoded))
		offer_slice(o, src, p, (size_t)(end - p));
}
