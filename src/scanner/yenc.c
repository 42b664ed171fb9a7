#include "scanner/yenc.h"

#include "scanner/lines.h"

#define SHIFT  42
#define ESCAPE 64

static bool
begins(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(l->end - l->p) >= n && memcmp(l->p, word, n) == 0;
}

size_t
yenc_decode(const unsigned char *p, size_t len, struct sink *out)
{
	struct lines it;
	struct line line;

	lines_init(&it, p, len);
	while (!out->full && lines_next(&it, &line)) {
		if (begins(&line, "=yend"))
			break;
		if (begins(&line, "=ypart") || begins(&line, "=ybegin"))
			continue;
		for (const unsigned char *q = line.p; q < line.end; q++) {
			unsigned c = *q;
			if (c == '=' && q + 1 < line.end)
				c = *++q - (unsigned)ESCAPE;
			sink_put(out, (c - SHIFT) & 0xff);
		}
	}
	return (size_t)(it.at - p);
}
