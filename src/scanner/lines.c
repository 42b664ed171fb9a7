#include "scanner/lines.h"

#include <glib.h>
#include <string.h>

#define STEP   512 /* bytes looked at together */
#define CR_MAX 16  /* in a row: more are as many line ends */

void
lines_init(struct lines *it, const void *data, size_t len)
{
	const unsigned char *p = data;

	*it = (struct lines){ .at = p, .stop = p + len };
}

void
lines_skip(struct lines *it, const unsigned char *p)
{
	if (p > it->at)
		it->at = p;
}

/* A CR: with those behind it and an LF it is one line end; alone it is one too. */
static void
end_at_cr(const struct lines *it, const unsigned char *cr, struct line *out)
{
	const unsigned char *q = cr, *stop = MIN(it->stop, cr + CR_MAX);

	while (q < stop && *q == '\r')
		q++;
	out->end = cr;
	out->next = q < it->stop && *q == '\n' ? q + 1 : cr + 1;
}

static void
end_at_lf(const struct lines *it, const unsigned char *lf, struct line *out)
{
	const unsigned char *q = lf + 1;

	out->end = lf;
	out->next = q;
	if (it->stop - q >= 2 && q[0] == '\r' && q[1] != '\n' && q[1] != '\r')
		out->next++;
}

bool
lines_next(struct lines *it, struct line *out)
{
	const unsigned char *p = it->at, *lf = NULL, *cr = NULL;

	if (p >= it->stop)
		return false;
	*out = (struct line){ .p = p, .end = it->stop, .next = it->stop };
	/* Never further than a step beyond the line: many walks of few lines each stay linear. */
	for (; p < it->stop && !lf && !cr; p += STEP) {
		size_t n = MIN((size_t)(it->stop - p), STEP);
		lf = memchr(p, '\n', n);
		cr = memchr(p, '\r', lf ? (size_t)(lf - p) : n);
		if (it->stop - p <= STEP)
			break;
	}
	if (cr)
		end_at_cr(it, cr, out);
	else if (lf)
		end_at_lf(it, lf, out);
	it->at = out->next;
	return true;
}

bool
line_is_blank(const struct line *l)
{
	if (l->p == l->end)
		return false;
	for (const unsigned char *p = l->p; p < l->end; p++)
		if (*p > ' ' && *p != 0x7f && *p != 0xa0)
			return false;
	return true;
}
