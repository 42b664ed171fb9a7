#include "scanner/packed.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

#define ACE_AT         7
#define LZMA_HEAD      13           /* properties, size of the dictionary, size of the content */
#define LZMA_PROPS_MAX 225          /* (4 * 5 + 4) * 9 + 8 and less */
#define LZMA_SIZE_MAX  (1ull << 40) /* what a sensible file unpacks to */
/* Begins each block; that of the first stands behind "BZh9". */
#define BZIP2_BLOCK "\x31\x41\x59\x26\x53\x59"
#define BZIP2_HEAD  4
#define SMALLEST    16

static const struct {
	const char *name, *magic;
	size_t len;
} formats[] = {
	{ "zstd", "\x28\xb5\x2f\xfd", 4 },
	{ "lz4", "\x04\x22\x4d\x18", 4 },
	{ "lz4", "\x02\x21\x4c\x18", 4 },
	{ "lzip", "LZIP\x01", 5 },
	{ "lzop", "\x89LZO\0\x0d\x0a\x1a\x0a", 9 },
	{ "lrzip", "LRZI", 4 },
	{ "rzip", "RZIP", 4 },
};

/* Its first code of more than 9 bits cannot come so early: 16 at most, and a reserved bit pair that is zero. */
static bool
is_compress(const unsigned char *p)
{
	return p[0] == 0x1f && p[1] == 0x9d && (p[2] & 0x60) == 0 && (p[2] & 0x1f) >= 9 &&
	    (p[2] & 0x1f) <= 16;
}

/* There is no magic: sensible properties (all zero would be, but that is how tables of small numbers
 * begin), a dictionary of 2^n or 3*2^n bytes, a sensible size, and the zero byte with which every
 * range coder begins. */
static bool
is_lzma(const unsigned char *p)
{
	uint32_t dict = 0;
	uint64_t size = 0;

	for (int i = 3; i >= 0; i--)
		dict = dict << 8 | p[1 + i];
	for (int i = 7; i >= 0; i--)
		size = size << 8 | p[5 + i];
	if (p[0] == 0 || p[0] >= LZMA_PROPS_MAX || p[LZMA_HEAD] != 0 || dict < 4096 || size == 0)
		return false;
	while (dict % 2 == 0)
		dict /= 2;
	return (dict == 1 || dict == 3) && (size == UINT64_MAX || size < LZMA_SIZE_MAX);
}

const char *
packed_format(const void *data, size_t size)
{
	const unsigned char *p = data;

	if (size < SMALLEST)
		return NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		if (memcmp(p, formats[i].magic, formats[i].len) == 0)
			return formats[i].name;
	if (memcmp(p + ACE_AT, "**ACE**", 7) == 0)
		return "ace";
	return is_compress(p) ? "compress" : is_lzma(p) ? "lzma" : NULL;
}

bool
packed_bzip2_more(const void *data, size_t size)
{
	const char *p = data, *end = p + size;
	size_t len = strlen(BZIP2_BLOCK);

	if (size < BZIP2_HEAD + len || memcmp(p, "BZh", 3) != 0)
		return false;
	/* Streams begin at whole bytes, blocks within one at any bit. */
	for (p += BZIP2_HEAD + len; (p = memmem(p, (size_t)(end - p), BZIP2_BLOCK, len)) != NULL;
	     p += len)
		if (memcmp(p - BZIP2_HEAD, "BZh", 3) == 0)
			return true;
	return false;
}
