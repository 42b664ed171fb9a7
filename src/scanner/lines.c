#include "scanner/lines.h"

#include <string.h>

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

static const unsigned char *
find(const unsigned char *p, const unsigned char *stop, int c)
{
	const unsigned char *f = p < stop ? memchr(p, c, (size_t)(stop - p)) : NULL;

	return f ? f : stop;
}

bool
lines_next(struct lines *it, struct line *out)
{
	const unsigned char *q;

	if (it->at >= it->stop)
		return false;
	if (!it->lf || it->lf < it->at)
		it->lf = find(it->at, it->stop, '\n');
	if (!it->cr || it->cr < it->at)
		it->cr = find(it->at, it->stop, '\r');
	out->p = it->at;
	if (it->cr < it->lf) {
		out->end = it->cr;
		for (q = it->cr; q < it->lf && *q == '\r';)
			q++;
		out->next = q == it->lf ? q + (q < it->stop) : it->cr + 1;
	} else {
		out->end = it->lf;
		out->next = it->lf + (it->lf < it->stop);
		q = out->next;
		if (q > it->lf && it->stop - q >= 2 && q[0] == '\r' && q[1] != '\n' && q[1] != '\r')
			out->next++;
	}
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
