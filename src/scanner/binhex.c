#include "scanner/binhex.h"

#include <stdint.h>

#define START_MAX 4096 /* bytes of text in front of it */
#define MARK      0x90 /* "the byte before, so many times" */
#define NAME_MAX_ 63
#define FIXED     22 /* version, type, creator, flags, two lengths, sum: behind the name */

static const char letters[] = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";

/* The run-length decoder behind the six bits. */
struct runs {
	struct sink *out;
	bool marked, any;
	unsigned last;
};

static void
put(struct runs *r, unsigned c)
{
	if (r->marked) {
		r->marked = false;
		if (c == 0) {
			sink_put(r->out, MARK);
			r->last = MARK;
			r->any = true;
		} else if (r->any) {
			for (unsigned i = 1; i < c; i++)
				sink_put(r->out, r->last);
		}
	} else if (c == MARK) {
		r->marked = true;
	} else {
		sink_put(r->out, c);
		r->last = c;
		r->any = true;
	}
}

static void
make_table(int8_t value[256])
{
	memset(value, -1, 256);
	for (int v = 0; v < 64; v++)
		value[(unsigned char)letters[v]] = (int8_t)v;
}

/* The first ":" that begins a line. */
static const unsigned char *
find_start(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = p;

	if (end - p > START_MAX)
		end = p + START_MAX;
	while ((q = q < end ? memchr(q, ':', (size_t)(end - q)) : NULL) != NULL) {
		if (q == p || q[-1] == '\n' || q[-1] == '\r')
			return q + 1;
		q++;
	}
	return NULL;
}

static size_t
get32(const unsigned char *p)
{
	return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

static void
find_forks(const unsigned char *p, size_t len, struct binhex *f)
{
	size_t name = len > 0 ? p[0] : 0, at = 1 + name + FIXED - 1;

	*f = (struct binhex){ .data_len = len };
	if (name == 0 || name > NAME_MAX_ || len < at)
		return;
	size_t data = get32(p + name + 12), resource = get32(p + name + 16);
	if (data > len - at)
		return;
	f->data = at;
	f->data_len = data;
	at += data + 2; /* the sum */
	if (at < len) {
		f->resource = at;
		f->resource_len = resource < len - at ? resource : len - at;
	}
}

size_t
binhex_decode(const unsigned char *p, size_t len, struct sink *out, struct binhex *forks)
{
	const unsigned char *end = p + len, *q = find_start(p, end);
	struct runs runs = { .out = out };
	size_t start = out->used;
	int8_t value[256];
	uint32_t bits = 0;
	unsigned n = 0;

	*forks = (struct binhex){ 0 };
	if (!q)
		return 0;
	make_table(value);
	for (; q < end && *q != ':' && !out->full; q++) {
		if (value[*q] < 0)
			continue;
		bits = (bits << 6 | (unsigned)value[*q]) & 0xffffff;
		n += 6;
		if (n >= 8) {
			n -= 8;
			put(&runs, bits >> n & 0xff);
		}
	}
	find_forks(out->base + start, out->used - start, forks);
	forks->data += start;
	forks->resource += start;
	return (size_t)(q - p);
}
