#include "scanner/gunzip.h"

#include <limits.h>
#include <stdint.h>
#include <zlib.h>

#define GZIP_ONLY (16 + MAX_WBITS)

bool
gunzip_looks(const unsigned char *p, size_t len)
{
	return len > 18 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8;
}

void
gunzip(const unsigned char *p, size_t len, struct sink *out)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)p,
		.avail_in = len > UINT_MAX ? UINT_MAX : (unsigned)len };
	int rc = Z_OK;

	if (inflateInit2(&z, GZIP_ONLY) != Z_OK) {
		out->full = true; /* no memory: as if there were no room */
		return;
	}
	while (rc == Z_OK && out->used < out->size) {
		size_t room = out->size - out->used;
		z.next_out = out->base + out->used;
		z.avail_out = room > UINT_MAX ? UINT_MAX : (unsigned)room;
		unsigned before = z.avail_out;
		rc = inflate(&z, Z_NO_FLUSH);
		out->used += before - z.avail_out;
	}
	if (rc == Z_OK)
		out->full = true;
	inflateEnd(&z);
}
