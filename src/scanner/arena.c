#include "scanner/arena.h"

#include <string.h>

#define STEP (64 * 1024) /* input bytes decoded at once */

bool
arena_append(struct arena *a, const void *data, size_t len)
{
	if (len > a->size - a->used)
		return false;
	memcpy(a->base + a->used, data, len);
	a->used += len;
	return true;
}

/* The lines of a uuencoded body begin behind "begin MODE NAME"; GMime's decoder wants them alone.
 * Without that line the body may be lines only. */
static void
skip_begin(const char **data, size_t *len)
{
	const char *p = *data, *end = p + *len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			return;
		if (nl - p > 6 && memcmp(p, "begin ", 6) == 0) {
			*len = (size_t)(end - (nl + 1));
			*data = nl + 1;
			return;
		}
		p = nl + 1;
	}
}

static enum arena_result
step(struct arena *a, GMimeEncoding *state, const char *data, size_t len, size_t start, size_t max)
{
	char buf[STEP + 64];

	while (len > 0) {
		size_t n = len < STEP ? len : STEP;
		/* What a step may write can be more than it does; what does not surely fit goes
		 * through a buffer. */
		bool direct = g_mime_encoding_outlen(state, n) <= a->size - a->used;
		size_t got =
		    g_mime_encoding_step(state, data, n, direct ? (char *)a->base + a->used : buf);
		if (direct)
			a->used += got;
		else if (!arena_append(a, buf, got))
			return ARENA_FULL;
		if (a->used - start > max)
			return ARENA_OVER;
		data += n;
		len -= n;
	}
	return ARENA_DONE;
}

enum arena_result
arena_decode(struct arena *a, GMimeContentEncoding encoding, const void *data, size_t len,
    size_t max, size_t *out)
{
	size_t start = a->used;
	const char *p = data;
	GMimeEncoding state;
	enum arena_result r;

	if (encoding == GMIME_CONTENT_ENCODING_UUENCODE)
		skip_begin(&p, &len);
	g_mime_encoding_init_decode(&state, encoding);
	r = step(a, &state, p, len, start, max);
	/* The last quantum of a body without its padding: two or three characters are one or two
	 * bytes all the same. */
	if (r == ARENA_DONE && encoding == GMIME_CONTENT_ENCODING_BASE64)
		r = step(a, &state, "==", 2, start, max);
	if (r != ARENA_DONE)
		a->used = start;
	*out = a->used - start;
	return r;
}
