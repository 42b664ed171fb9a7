#include "scanner/oledoc.h"

#include <stdint.h>
#include <string.h>

#define HEADER_SIZE    512
#define ENTRY_SIZE     128
#define NAME_BYTES     64 /* at the start of an entry, UTF-16LE */
#define TYPE_STREAM    2
#define SHIFT_MIN      9  /* sectors of 512 bytes ... */
#define SHIFT_MAX      12 /* ... to 4096 */
#define WORD_MAGIC     0xa5ecu
#define WORD_ENCRYPTED 0x0100u
#define XLS_BOF        0x0809u
#define XLS_FILEPASS   0x002fu
#define XLS_RECORDS    8 /* FILEPASS comes right behind BOF and a few others */

static const unsigned char magic[8] = { 0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1 };

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

/* Is this block the directory entry of a stream of that name? */
static bool
is_stream(const unsigned char *entry, const char *name)
{
	size_t n = strlen(name);

	if (entry[NAME_BYTES + 2] != TYPE_STREAM || get16(entry + NAME_BYTES) != 2 * (n + 1))
		return false;
	for (size_t i = 0; i <= n; i++)
		if (get16(entry + 2 * i) != (unsigned char)name[i])
			return false;
	return true;
}

static bool
word_locked(const unsigned char *stream, size_t left)
{
	return left >= 12 && get16(stream) == WORD_MAGIC && (get16(stream + 10) & WORD_ENCRYPTED);
}

static bool
excel_locked(const unsigned char *p, size_t left)
{
	for (int i = 0; i < XLS_RECORDS && left >= 4; i++) {
		size_t len = 4 + (size_t)get16(p + 2);
		if (i == 0 && get16(p) != XLS_BOF)
			return false;
		if (get16(p) == XLS_FILEPASS)
			return true;
		if (len > left)
			return false;
		p += len;
		left -= len;
	}
	return false;
}

static bool
entry_locked(const unsigned char *data, size_t size, const unsigned char *entry, unsigned shift)
{
	uint64_t at = ((uint64_t)get32(entry + 116) + 1) << shift;

	if (is_stream(entry, "EncryptedPackage") || is_stream(entry, "EncryptedSummary"))
		return true;
	if (at >= size)
		return false;
	if (is_stream(entry, "WordDocument"))
		return word_locked(data + at, size - at);
	if (is_stream(entry, "Workbook") || is_stream(entry, "Book"))
		return excel_locked(data + at, size - at);
	return false;
}

bool
oledoc_encrypted(const void *bytes, size_t size)
{
	const unsigned char *data = bytes;

	if (size < HEADER_SIZE || memcmp(data, magic, sizeof magic) != 0)
		return false;
	unsigned shift = get16(data + 30);
	if (shift < SHIFT_MIN || shift > SHIFT_MAX)
		return false;
	/* Every block that looks like an entry is taken for one: a broken chain of directory
	 * sectors hides nothing, and text that looks like one costs a wrong "encrypted". */
	for (size_t at = HEADER_SIZE; at + ENTRY_SIZE <= size; at += ENTRY_SIZE)
		if (entry_locked(data, size, data + at, shift))
			return true;
	return false;
}
