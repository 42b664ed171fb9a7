#include "scanner/base64.h"

#include <stdint.h>

#include "scanner/lines.h"

enum { FOREIGN = -1, BLANK = -2, PAD = -3 };

#define F        FOREIGN
#define ROW16(x) x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x

static const int8_t value_of[256] = { F, F, F, F, F, F, F, F, F, BLANK, BLANK, BLANK, BLANK, BLANK,
	F, F, ROW16(F), BLANK, F, F, F, F, F, F, F, F, F, F, 62, F, F, F, 63, 52, 53, 54, 55, 56,
	57, 58, 59, 60, 61, F, F, F, PAD, F, F, F, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, F, F, F, F, F, F, 26, 27, 28, 29, 30, 31, 32,
	33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, F, F, F, F, F,
	ROW16(F), ROW16(F), ROW16(F), ROW16(F), ROW16(F), ROW16(F), ROW16(F), ROW16(F) };

struct quantum {
	uint32_t bits;
	unsigned n;
};

static void
push(struct quantum *q, unsigned v, struct sink *out)
{
	q->bits = q->bits << 6 | v;
	if (++q->n < 4)
		return;
	sink_put(out, q->bits >> 16 & 0xff);
	sink_put(out, q->bits >> 8 & 0xff);
	sink_put(out, q->bits & 0xff);
	*q = (struct quantum){ 0, 0 };
}

/* Two letters are a byte, three are two. */
static void
flush(struct quantum *q, struct sink *out)
{
	if (q->n == 2) {
		sink_put(out, q->bits >> 4 & 0xff);
	} else if (q->n == 3) {
		sink_put(out, q->bits >> 10 & 0xff);
		sink_put(out, q->bits >> 2 & 0xff);
	}
	*q = (struct quantum){ 0, 0 };
}

bool
base64_letter(unsigned char c)
{
	return value_of[c] >= 0;
}

size_t
base64_run(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = p;

	while (q < end && value_of[*q] >= 0)
		q++;
	for (int pads = 0; q < end && *q == '=' && pads < 2; pads++)
		q++;
	return (size_t)(q - p);
}

/* Nothing but line ends from here. */
static bool
only_line_ends(const unsigned char *p, const unsigned char *end)
{
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	return p == end;
}

static bool
is_regular(const unsigned char *p, const unsigned char *end)
{
	size_t want = 0;
	int crlf = -1;

	while (p < end) {
		const unsigned char *line = p;
		while (p < end && value_of[*p] >= 0)
			p++;
		size_t n = (size_t)(p - line), pads = 0;
		while (p < end && *p == '=' && pads < 2)
			p++, pads++;
		if (n == 0 || (n + pads) % 4 != 0)
			return false;
		if (want == 0)
			want = n;
		/* The last line is the one with padding, or the shorter one. */
		if (pads > 0 || n < want)
			return n + pads <= want + 2 && only_line_ends(p, end);
		if (n > want)
			return false;
		if (p == end)
			return true;
		if (crlf < 0)
			crlf = *p == '\r';
		if (crlf && *p++ != '\r')
			return false;
		if (p == end || *p++ != '\n')
			return false;
		if (p < end && (*p == '\r' || *p == '\n'))
			return only_line_ends(p, end);
	}
	return true;
}

/* What the whole walk keeps from line to line. */
struct walk {
	struct base64_look *l;
	bool padded;  /* padding was met */
	bool odd;     /* the line before was no multiple of four ... */
	bool shorter; /* ... or shorter than the first */
	size_t lines, first, symbols;
};

static void
look_at_line(struct walk *w, const struct line *line)
{
	struct base64_look *l = w->l;
	size_t letters = 0, pads = 0, foreign = l->foreign;
	bool gap = false, words = false, padded = w->padded, inside = false;
	const unsigned char *escape = line->p; /* where "=3D" ends, padding in quoted-printable */

	for (const unsigned char *p = line->p; p < line->end; p++) {
		int v = value_of[*p];
		if (v >= 0) {
			letters++;
			words |= gap;
			l->early_pad |= w->padded;
			inside |= w->padded && !padded && p >= escape;
		} else if (v == PAD) {
			pads++;
			w->padded = true;
			if (line->end - p > 2 && p[1] == '3' && (p[2] | 0x20) == 'd')
				escape = p + 3;
		} else if (v == BLANK) {
			gap = letters > 0;
		} else if (v == FOREIGN) {
			l->foreign++;
			l->nul |= *p == 0;
			l->url |= *p == '-' || *p == '_';
		}
	}
	l->words |= words;
	l->odd_pad |= inside || (padded && letters > 0 && !words && foreign == l->foreign);
	if (letters + pads == 0) {
		/* An empty line between others says that something may end here. */
		w->shorter |= w->lines > 0;
		return;
	}
	l->uneven |= w->odd;
	l->short_line |= w->shorter;
	w->odd = (letters + pads) % 4 != 0;
	if (w->lines == 0)
		w->first = letters + pads;
	else if (w->lines == 1)
		l->odd_first = letters + pads != w->first;
	w->shorter = letters + pads < w->first;
	w->lines++;
	l->letters += letters;
	w->symbols += letters + pads;
}

void
base64_look(const unsigned char *p, size_t len, struct base64_look *out)
{
	struct walk w = { .l = out };
	struct lines it;
	struct line line;

	*out = (struct base64_look){ .regular = is_regular(p, p + len) };
	if (out->regular) {
		out->letters = len;
		return;
	}
	lines_init(&it, p, len);
	while (lines_next(&it, &line))
		look_at_line(&w, &line);
	out->bad_length = w.symbols % 4 != 0;
}

bool
base64_differs(const struct base64_look *l, enum base64_view view)
{
	switch (view) {
	case BASE64_STOP:
		return true;
	case BASE64_RESTART:
	case BASE64_IGNORE:
	case BASE64_ZERO:
	case BASE64_ZEROES:
	case BASE64_QUADS:
		return l->early_pad;
	case BASE64_WHOLE_LINES:
	case BASE64_LINES:
		return l->uneven;
	case BASE64_CUT_LINES:
	case BASE64_PURE_LINES:
		return l->foreign > 0;
	case BASE64_FIRST_WORDS:
		return l->words;
	case BASE64_URL:
		return l->url;
	case BASE64_VIEWS:
		break;
	}
	return false;
}

/* All bytes in a row; what padding does depends on the view. */
static void
decode_stream(const unsigned char *p, const unsigned char *end, enum base64_view view,
    struct quantum *q, struct sink *out)
{
	for (; p < end && !out->full; p++) {
		int v = value_of[*p];
		if (v < 0 && view == BASE64_URL)
			v = *p == '-' ? 62 : *p == '_' ? 63 : v;
		if (v >= 0) {
			push(q, (unsigned)v, out);
		} else if (v == PAD) {
			if (view == BASE64_STOP)
				break;
			if (view == BASE64_ZERO || view == BASE64_ZEROES)
				push(q, 0, out);
			else if (view != BASE64_IGNORE)
				flush(q, out);
		}
	}
}

static void
decode_quads(const unsigned char *p, const unsigned char *end, struct sink *out)
{
	struct quantum q = { 0, 0 };
	unsigned seen = 0;
	bool padded = false;

	for (; p < end && !out->full; p++) {
		int v = value_of[*p];
		if (v == FOREIGN || v == BLANK)
			continue;
		if (v == PAD)
			padded = true;
		else if (!padded)
			push(&q, (unsigned)v, out);
		if (++seen == 4) {
			flush(&q, out);
			seen = 0;
			padded = false;
		}
	}
	flush(&q, out);
}

static bool
has_foreign(const struct line *l)
{
	for (const unsigned char *p = l->p; p < l->end; p++)
		if (value_of[*p] == FOREIGN)
			return true;
	return false;
}

/* Where the data of a line ends: at what is foreign, or at the first blank behind letters too. */
static const unsigned char *
cut(const struct line *line, enum base64_view view)
{
	const unsigned char *p = line->p;
	bool letters = false;

	for (; p < line->end && value_of[*p] != FOREIGN; p++) {
		if (view == BASE64_FIRST_WORDS && letters && value_of[*p] == BLANK)
			break;
		letters |= value_of[*p] >= 0;
	}
	return p;
}

static void
decode_lines(const unsigned char *p, size_t len, enum base64_view view, struct sink *out)
{
	struct quantum q = { 0, 0 };
	struct lines it;
	struct line line;

	lines_init(&it, p, len);
	while (!out->full && lines_next(&it, &line)) {
		const unsigned char *end = line.end;
		if (view == BASE64_PURE_LINES && has_foreign(&line))
			continue;
		if (view == BASE64_CUT_LINES || view == BASE64_FIRST_WORDS)
			end = cut(&line, view);
		decode_stream(line.p, end, BASE64_RESTART, &q, out);
		if (view == BASE64_PURE_LINES)
			continue;
		if (view == BASE64_WHOLE_LINES)
			q = (struct quantum){ 0, 0 };
		flush(&q, out);
	}
	flush(&q, out);
}

void
base64_decode(const unsigned char *p, size_t len, enum base64_view view, struct sink *out)
{
	const unsigned char *end = p + len;
	struct quantum q = { 0, 0 };

	switch (view) {
	case BASE64_QUADS:
		decode_quads(p, end, out);
		return;
	case BASE64_WHOLE_LINES:
	case BASE64_LINES:
	case BASE64_CUT_LINES:
	case BASE64_FIRST_WORDS:
	case BASE64_PURE_LINES:
		decode_lines(p, len, view, out);
		return;
	default:
		break;
	}
	if (view == BASE64_ZERO)
		while (end > p && (end[-1] == '=' || value_of[end[-1]] == BLANK))
			end--;
	decode_stream(p, end, view, &q, out);
	flush(&q, out);
}
