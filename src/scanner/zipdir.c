#include "scanner/zipdir.h"

#include <stdint.h>
#include <string.h>

#define END_SIZE       22 /* of the end record without its comment */
#define ENTRY_SIZE     46 /* of a directory entry without its names */
#define COMMENT_MAX    65535
#define FLAG_ENCRYPTED 1u

static unsigned
get16(const unsigned char *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static uint32_t
get32(const unsigned char *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

/* The methods that libclamav's unzip knows: stored, deflate, deflate64, bzip2, implode. */
static bool
known(unsigned method)
{
	return method == 0 || method == 8 || method == 9 || method == 12 || method == 6;
}

/* The end record stands last, but for a comment. */
static const unsigned char *
find_end(const unsigned char *data, size_t size)
{
	size_t least = size > END_SIZE + COMMENT_MAX ? size - END_SIZE - COMMENT_MAX : 0;

	for (size_t at = size < END_SIZE ? 0 : size - END_SIZE + 1; at > least; at--)
		if (memcmp(data + at - 1, "PK\5\6", 4) == 0)
			return data + at - 1;
	return NULL;
}

bool
zipdir_unsupported(const void *bytes, size_t size)
{
	const unsigned char *data = bytes, *end = find_end(data, size);

	if (!end || get32(end + 12) > (size_t)(end - data))
		return false;
	/* The directory ends where the end record begins, whatever was put in front of the archive.
	 */
	for (const unsigned char *p = end - get32(end + 12);
	     p + ENTRY_SIZE <= end && memcmp(p, "PK\1\2", 4) == 0;) {
		if (!(get16(p + 8) & FLAG_ENCRYPTED) && get32(p + 20) > 0 && !known(get16(p + 10)))
			return true;
		p += ENTRY_SIZE + get16(p + 28) + get16(p + 30) + get16(p + 32);
	}
	return false;
}
