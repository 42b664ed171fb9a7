#include "scanner/canon.h"

#include <glib.h>
#include <string.h>

#define MAGIC_WITHIN 1024 /* bytes in which libclamav looks for them */

/* Text all of it, but of a kind that tells its own offsets or holds files. */
static const char *const kinds[] = { "%PDF-", "{\\rt" };

static bool
is_text_byte(unsigned char c)
{
	return c >= ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\033';
}

bool
canon_is_text(const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		if (!is_text_byte(p[i]))
			return false;
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (memmem(data, MIN(len, MAGIC_WITHIN), kinds[i], strlen(kinds[i])))
			return false;
	return true;
}

static bool
is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\f\v", line[i]) || line[i] == '\0')
			return false;
	return true;
}

void
canon_digest(const void *data, size_t len, uint8_t out[DIGEST_LEN])
{
	struct digest *d = digest_new();
	const char *at = data, *end = at + len;
	bool begun = false, gap = false;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((lf ? lf : end) - at);

		if (is_blank(at, n)) {
			gap = true;
		} else {
			if (begun)
				digest_add(d, gap ? "\n\n" : "\n", gap ? 2 : 1);
			digest_add(d, at, at[n - 1] == '\r' ? n - 1 : n);
			begun = true;
			gap = false;
		}
		at = lf ? lf + 1 : end;
	}
	digest_end(d, out);
	digest_free(&d);
}
