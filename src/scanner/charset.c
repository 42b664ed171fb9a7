#include "scanner/charset.h"

#include <stdint.h>

#define SAMPLE   512 /* bytes looked at */
#define LEAST    16
#define UTF7_MIN 2 /* shifted sequences that stand for ASCII */

enum charset
charset_look(const unsigned char *p, size_t len)
{
	size_t n = (len < SAMPLE ? len : SAMPLE) & ~(size_t)1, even = 0, odd = 0;

	if (len >= 2 && p[0] == 0xff && p[1] == 0xfe)
		return CHARSET_UTF16LE;
	if (len >= 2 && p[0] == 0xfe && p[1] == 0xff)
		return CHARSET_UTF16BE;
	if (n < LEAST)
		return CHARSET_NARROW;
	for (size_t i = 0; i < n; i += 2) {
		even += p[i] == 0;
		odd += p[i + 1] == 0;
	}
	if (odd * 10 >= n / 2 * 9 && even == 0)
		return CHARSET_UTF16LE;
	if (even * 10 >= n / 2 * 9 && odd == 0)
		return CHARSET_UTF16BE;
	return CHARSET_NARROW;
}

static int
letter(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
charset_is_utf7(const unsigned char *p, size_t len)
{
	const unsigned char *end = p + len, *q = p;
	unsigned n = 0;

	while ((q = q < end ? memchr(q, '+', (size_t)(end - q)) : NULL) != NULL) {
		/* +A and a letter below Q: the first of the characters is below 64 * 16. */
		if (end - q > 4 && q[1] == 'A' && q[2] >= 'A' && q[2] <= 'H' && letter(q[3]) >= 0 &&
		    ++n >= UTF7_MIN)
			return true;
		q++;
	}
	return false;
}

static void
put(struct sink *out, unsigned c)
{
	sink_put(out, c < 256 ? c : '?');
}

static void
narrow_utf7(const unsigned char *p, const unsigned char *end, struct sink *out)
{
	while (p < end && !out->full) {
		if (*p != '+') {
			sink_put(out, *p++);
			continue;
		}
		if (end - p > 1 && p[1] == '-') {
			sink_put(out, '+');
			p += 2;
			continue;
		}
		uint32_t bits = 0;
		unsigned n = 0;
		for (p++; p < end && letter(*p) >= 0; p++) {
			bits = bits << 6 | (unsigned)letter(*p);
			n += 6;
			if (n >= 16) {
				n -= 16;
				put(out, bits >> n & 0xffff);
			}
		}
		if (p < end && *p == '-')
			p++;
	}
}

void
charset_narrow(const unsigned char *p, size_t len, enum charset from, struct sink *out)
{
	size_t high = from == CHARSET_UTF16BE ? 0 : 1;

	if (from == CHARSET_UTF7) {
		narrow_utf7(p, p + len, out);
		return;
	}
	for (size_t i = 0; i + 1 < len && !out->full; i += 2) {
		unsigned c = (unsigned)p[i + high] << 8 | p[i + 1 - high];
		if (i > 0 || c != 0xfeff)
			put(out, c);
	}
}
