#include "scanner/uu.h"

#include <glib.h>
#include <stdint.h>

#include "scanner/lines.h"

#define MODE_MAX  8 /* octal digits */
#define JUNK_MAX  3 /* a checksum behind the data of a line */
#define BAD_LINES 2 /* in a row: this is no encoded text any more */

static const char xx_letters[] = "+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct alphabet {
	int8_t value[256]; /* -1 = none */
};

static void
make_uu(struct alphabet *a)
{
	for (int c = 0; c < 256; c++)
		a->value[c] = (int8_t)(c >= ' ' && c <= '`' ? (c - ' ') & 0x3f : -1);
}

static void
make_xx(struct alphabet *a)
{
	for (int c = 0; c < 256; c++)
		a->value[c] = -1;
	for (int v = 0; v < 64; v++)
		a->value[(unsigned char)xx_letters[v]] = (int8_t)v;
}

enum uu_kind
uu_begin(const unsigned char *p, const unsigned char *end, const unsigned char **name)
{
	enum uu_kind kind = UU_LINES;
	int digits = 0;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (end - p < 7 || g_ascii_strncasecmp((const char *)p, "begin", 5) != 0)
		return UU_NONE;
	p += 5;
	if (end - p > 7 && g_ascii_strncasecmp((const char *)p, "-base64", 7) == 0) {
		kind = UU_BASE64;
		p += 7;
	}
	const unsigned char *blanks = p;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == blanks)
		return UU_NONE;
	while (p < end && *p >= '0' && *p <= '7' && digits <= MODE_MAX)
		p++, digits++;
	if (name)
		*name = p;
	/* Without a mode it may be a sentence: the lines behind it show. */
	return digits <= MODE_MAX ? kind : UU_NONE;
}

/* Data letters of a line that says n bytes; 0 if it cannot be one. */
static size_t
letters_of(const struct alphabet *a, const struct line *l, unsigned *n)
{
	size_t have = (size_t)(l->end - l->p), want;

	if (have == 0 || a->value[*l->p] < 0)
		return 0;
	*n = (unsigned)a->value[*l->p];
	want = (*n + 2) / 3 * 4;
	if (*n == 0 || have - 1 > want + JUNK_MAX || have == 1)
		return 0;
	if (have - 1 > want)
		have = want + 1;
	for (size_t i = 1; i < have; i++)
		if (a->value[l->p[i]] < 0)
			return 0;
	return have - 1;
}

static void
put_line(
    const struct alphabet *a, const struct line *l, size_t letters, unsigned n, struct sink *out)
{
	for (size_t i = 0; n > 0; i += 4) {
		unsigned v[4];
		for (size_t k = 0; k < 4; k++)
			v[k] = i + k < letters ? (unsigned)a->value[l->p[1 + i + k]] : 0;
		sink_put(out, (v[0] << 2 | v[1] >> 4) & 0xff);
		if (n > 1)
			sink_put(out, (v[1] << 4 | v[2] >> 2) & 0xff);
		if (n > 2)
			sink_put(out, (v[2] << 6 | v[3]) & 0xff);
		n -= MIN(n, 3);
	}
}

static bool
is_word(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(l->end - l->p) >= n &&
	    g_ascii_strncasecmp((const char *)l->p, word, n) == 0;
}

/* A line that holds no bytes: "`", a blank or "+", alone but for junk. */
static bool
is_zero(const struct alphabet *a, const struct line *l)
{
	return l->p == l->end || (a->value[*l->p] == 0 && l->end - l->p <= 1 + JUNK_MAX);
}

static size_t
decode(const struct alphabet *a, const unsigned char *p, size_t len, bool strict, struct sink *out)
{
	struct lines it;
	struct line line;
	const unsigned char *good = p;
	unsigned bad = 0, n = 0;

	lines_init(&it, p, len);
	while (!out->full && lines_next(&it, &line)) {
		size_t letters = letters_of(a, &line, &n);
		bool ends = is_word(&line, "end") && line.end - line.p <= 3 + JUNK_MAX;
		if (letters > 0 && !(ends && letters < (n + 2) / 3 * 4)) {
			put_line(a, &line, letters, n, out);
			good = line.next;
			bad = 0;
		} else if (ends) {
			good = line.next;
			break;
		} else if (strict || !is_zero(a, &line)) {
			if (strict || ++bad >= BAD_LINES)
				break;
		}
	}
	return (size_t)(good - p);
}

/* Of both alphabets that which takes the first lines for whole ones. */
static bool
looks_xx(const struct alphabet *xx, const unsigned char *p, size_t len)
{
	struct lines it;
	struct line line;
	unsigned n = 0;

	lines_init(&it, p, len);
	while (lines_next(&it, &line)) {
		size_t letters = letters_of(xx, &line, &n);
		if (letters > 0)
			return letters == (n + 2) / 3 * 4;
		if (!line_is_empty(&line))
			return false;
	}
	return false;
}

size_t
uu_decode(const unsigned char *p, size_t len, bool strict, struct sink *out)
{
	struct alphabet a;

	make_xx(&a);
	if (!looks_xx(&a, p, len))
		make_uu(&a);
	return decode(&a, p, len, strict, out);
}
