#include "scanner/qp.h"

#include <glib.h>

/* What follows an =. */
enum kind { ESCAPE, SOFT, BAD };

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_end(unsigned char c)
{
	return c == '\r' || c == '\n';
}

/* CR* LF, or one CR. */
static const unsigned char *
skip_line_end(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = p;

	while (q < end && *q == '\r')
		q++;
	if (q < end && *q == '\n')
		return q + 1;
	return q > p ? p + 1 : p;
}

static const unsigned char *
skip_line_ends(const unsigned char *p, const unsigned char *end)
{
	while (p < end && is_end(*p))
		p++;
	return p;
}

/* p stands behind the =; *next is where reading goes on after an escape or soft break. */
static enum kind
classify(const unsigned char *p, const unsigned char *end, const unsigned char **next)
{
	const unsigned char *q = p;

	if (end - p >= 2 && g_ascii_isxdigit(p[0]) && g_ascii_isxdigit(p[1])) {
		*next = p + 2;
		return ESCAPE;
	}
	/* Some readers take other white space for blanks too. */
	while (q < end && (is_blank(*q) || *q == '\v' || *q == '\f'))
		q++;
	if (q < end && !is_end(*q))
		return BAD;
	*next = skip_line_end(q, end);
	return SOFT;
}

/* Behind an = that is no escape: does a line end, soft or hard, stand in the midst of one? */
static bool
is_split(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *next;

	if (p < end && g_ascii_isxdigit(*p))
		p++;
	if (p < end && *p == '=')
		return classify(p + 1, end, &next) == SOFT;
	return p < end && is_end(*p);
}

void
qp_look(const unsigned char *p, size_t len, struct qp_look *out)
{
	const unsigned char *end = p + len, *next = NULL;
	struct qp_look l = { .regular = true };

	for (const unsigned char *q = p; q < end; q++) {
		if (is_end(*q)) {
			l.regular &= q == p || !is_blank(q[-1]);
			continue;
		}
		if (*q != '=')
			continue;
		l.equals++;
		switch (classify(q + 1, end, &next)) {
		case ESCAPE:
			l.escapes++;
			q = next - 1;
			break;
		case SOFT:
			l.soft++;
			l.odd_soft |= next < end && is_end(*next);
			l.regular &= !l.odd_soft && q + 1 < end && !is_blank(q[1]) &&
			    next[-1] == '\n' && next - q <= 3;
			q = next - 1;
			break;
		case BAD:
			l.bad++;
			l.regular = false;
			l.split |= is_split(q + 1, end);
			break;
		}
	}
	*out = l;
}

bool
qp_differs(const struct qp_look *l, enum qp_view view)
{
	switch (view) {
	case QP_LITERAL:
		return true;
	case QP_GREEDY:
		return l->odd_soft;
	case QP_DROP_1:
	case QP_DROP_2:
	case QP_DROP_3:
	case QP_ESCAPES:
		return l->bad > 0;
	case QP_JOINED:
	case QP_MENDED:
		return l->split;
	case QP_VIEWS:
		break;
	}
	return false;
}

/* Behind a bad escape. */
static const unsigned char *
put_bad(const unsigned char *p, const unsigned char *end, enum qp_view view, struct sink *out)
{
	size_t drop = view == QP_DROP_2 ? 1 : view == QP_DROP_3 ? 2 : 0;

	if (view == QP_LITERAL || view == QP_GREEDY || view == QP_JOINED || view == QP_MENDED)
		sink_put(out, '=');
	while (drop > 0 && p < end && !is_end(*p))
		p++, drop--;
	return p;
}

/* Blanks and what follows: nothing of them if it is a line end. */
static const unsigned char *
put_blanks(const unsigned char *p, const unsigned char *end, struct sink *out)
{
	const unsigned char *q = p;

	while (q < end && is_blank(*q))
		q++;
	if (q < end && !is_end(*q))
		sink_add(out, p, (size_t)(q - p));
	return q;
}

static void
decode(const unsigned char *p, const unsigned char *end, enum qp_view view, struct sink *out)
{
	const unsigned char *next = NULL;

	while (p < end && !out->full) {
		if (*p == '=') {
			switch (classify(p + 1, end, &next)) {
			case ESCAPE:
				sink_put(out,
				    (unsigned)(g_ascii_xdigit_value((char)p[1]) << 4 |
					g_ascii_xdigit_value((char)p[2])));
				p = next;
				break;
			case SOFT:
				p = view == QP_GREEDY ? skip_line_ends(next, end) : next;
				break;
			case BAD:
				p = put_bad(p + 1, end, view, out);
				break;
			}
		} else if (view == QP_ESCAPES) {
			p++;
		} else if (is_blank(*p)) {
			p = put_blanks(p, end, out);
		} else {
			sink_put(out, *p++);
		}
	}
}

void
qp_decode(const unsigned char *p, size_t len, enum qp_view view, struct sink *out)
{
	g_autofree unsigned char *joined = NULL;
	size_t n = 0;

	if (view != QP_JOINED && view != QP_MENDED) {
		decode(p, p + len, view, out);
		return;
	}
	joined = g_malloc(len + 1);
	for (const unsigned char *q = p, *end = p + len, *next = NULL; q < end;) {
		if (*q == '=' && classify(q + 1, end, &next) == SOFT) {
			q = next;
			continue;
		}
		if (view == QP_MENDED || !is_end(*q))
			joined[n++] = *q;
		q++;
	}
	decode(joined, joined + n, view, out);
}
