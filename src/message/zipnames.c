/* zipnames - see zipnames.h */
#include "message/zipnames.h"

#include <string.h>

#define END_SIZE      22 /* of the end record without its comment */
#define ENTRY_SIZE    46 /* of a directory entry without its names */
#define COMMENT_MAX   65535
#define DIRECTORY_MAX (1024 * 1024)
#define NAMES_MAX     8192

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

/* Each entry up to the end; false when something else stands among them. */
static bool
add_entries(const unsigned char *p, const unsigned char *end, unsigned count, GPtrArray *names)
{
	for (; p < end && count > 0; count--) {
		size_t name, rest;

		if (end - p < ENTRY_SIZE || memcmp(p, "PK\1\2", 4) != 0 || names->len >= NAMES_MAX)
			return false;
		name = get16(p + 28);
		rest = name + get16(p + 30) + get16(p + 32);
		if ((size_t)(end - p) < ENTRY_SIZE + rest || memchr(p + ENTRY_SIZE, '\0', name))
			return false;
		g_ptr_array_add(names, g_strndup((const char *)p + ENTRY_SIZE, name));
		p += ENTRY_SIZE + rest;
	}
	return p == end && count == 0;
}

/* The directory before the end record at `at`; whatever was put in front of the archive. */
static bool
read_directory(const struct objects *set, const struct object *o, uint64_t at,
    const unsigned char record[END_SIZE], GPtrArray *names)
{
	const uint32_t size = get32(record + 12);
	const unsigned count = get16(record + 10);
	g_autofree unsigned char *bytes = NULL;

	/* Several volumes, or zip64. */
	if (get16(record + 4) != 0 || get16(record + 8) != count || count == UINT16_MAX)
		return false;
	if (size > DIRECTORY_MAX || size > at)
		return false;
	bytes = g_malloc(size + 1);
	return objects_read(set, o, at - size, bytes, size, NULL) &&
	    add_entries(bytes, bytes + size, count, names);
}

enum zipnames
zipnames_add(const struct objects *set, const struct object *o, GPtrArray *names)
{
	const size_t len = (size_t)MIN(o->size, (uint64_t)END_SIZE + COMMENT_MAX);
	const uint64_t from = o->size - len;
	g_autofree unsigned char *tail = g_malloc(len + 1);
	enum zipnames found = ZIPNAMES_NONE;

	if (len < END_SIZE)
		return ZIPNAMES_NONE;
	if (!objects_read(set, o, from, tail, len, NULL))
		return ZIPNAMES_UNKNOWN;
	/* Readers differ in which of several records they take: all of them count. */
	for (size_t at = 0; at + END_SIZE <= len; at++) {
		if (memcmp(tail + at, "PK\5\6", 4) != 0)
			continue;
		if (!read_directory(set, o, from + at, tail + at, names))
			return ZIPNAMES_UNKNOWN;
		found = ZIPNAMES_ALL;
	}
	return found;
}
