#include "scanner/encname.h"

#include <glib.h>
#include <string.h>

#include "scanner/base64.h"
#include "scanner/headerblock.h"

#define VALUE_MAX 2048 /* bytes of a value that are read together */
#define WORD_MAX  64   /* what a word takes of it, with what stands between its letters */

struct word {
	const char *text;
	unsigned bit;
};

static const struct word encodings[] = {
	{ "base64", ENCODING_BASE64 },
	{ "gzip64", ENCODING_BASE64 | ENCODING_GZIP },
	{ "quotedprintable", ENCODING_QP },
	{ "uuencode", ENCODING_UU },
	{ "uue", ENCODING_UU },
	{ "xxencode", ENCODING_UU },
	{ "yenc", ENCODING_YENC },
	{ "binhex", ENCODING_BINHEX },
};

static const struct word types[] = {
	{ "multipart", TYPE_MULTIPART },
	{ "boundary", TYPE_MULTIPART },
	{ "message", TYPE_MESSAGE },
	{ "utf7", TYPE_UTF7 },
};

/* What is left of a value when only letters and digits count. */
static void
squeeze(const unsigned char *p, const unsigned char *end, bool comments, char *out, size_t size)
{
	unsigned depth = 0;
	size_t n = 0;

	for (; p < end && n + 1 < size; p++) {
		if (!comments && *p == '(')
			depth++;
		else if (!comments && *p == ')' && depth > 0)
			depth--;
		else if (depth == 0 && g_ascii_isalnum(*p))
			out[n++] = g_ascii_tolower((char)*p);
	}
	out[n] = '\0';
}

static unsigned
search(const char *text, const struct word *words, size_t count)
{
	unsigned bits = 0;

	for (size_t i = 0; i < count; i++)
		if (strstr(text, words[i].text))
			bits |= words[i].bit;
	return bits;
}

/* The encoded words =?..?B?..?= of a value, decoded. Those with Q are letters anyway. */
static size_t
decode_words(const unsigned char *p, const unsigned char *end, unsigned char *out, size_t size)
{
	struct sink sink = { .base = out, .size = size };

	for (; end - p >= 3; p++) {
		if (p[0] != '?' || (p[1] | 0x20) != 'b' || p[2] != '?')
			continue;
		const unsigned char *q = memchr(p + 3, '?', (size_t)(end - p - 3));
		if (!q)
			q = end;
		base64_decode(p + 3, (size_t)(q - p - 3), BASE64_RESTART, &sink);
		p = q - 1;
	}
	return sink.used;
}

/* What stands behind the beginning of a long value: a comment may have come first. */
static unsigned
find_behind(
    const unsigned char *p, const unsigned char *end, const struct word *words, size_t count)
{
	char text[VALUE_MAX];
	unsigned bits = 0;

	for (; end - p > WORD_MAX; p += MIN(VALUE_MAX - WORD_MAX, end - p)) {
		squeeze(p, MIN(end, p + VALUE_MAX), true, text, sizeof text);
		bits |= search(text, words, count);
	}
	return bits;
}

static unsigned
find_all(const unsigned char *p, const unsigned char *end, const struct word *words, size_t count)
{
	unsigned char decoded[VALUE_MAX];
	char text[VALUE_MAX];
	unsigned bits = 0;

	if (end - p > VALUE_MAX) {
		bits = find_behind(p + VALUE_MAX - WORD_MAX, end, words, count);
		end = p + VALUE_MAX;
	}
	squeeze(p, end, true, text, sizeof text);
	bits |= search(text, words, count);
	if (memchr(p, '(', (size_t)(end - p))) {
		squeeze(p, end, false, text, sizeof text);
		bits |= search(text, words, count);
	}
	size_t n = decode_words(p, end, decoded, sizeof decoded);
	if (n > 0) {
		squeeze(decoded, decoded + n, true, text, sizeof text);
		bits |= search(text, words, count);
	}
	return bits;
}

unsigned
encname_find(const unsigned char *p, const unsigned char *end)
{
	return find_all(p, end, encodings, G_N_ELEMENTS(encodings));
}

unsigned
encname_type(const unsigned char *p, const unsigned char *end)
{
	return find_all(p, end, types, G_N_ELEMENTS(types));
}
