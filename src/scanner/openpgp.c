#include "scanner/openpgp.h"

#include <glib.h>
#include <string.h>

#define ARMOUR     "-----BEGIN PGP MESSAGE-----"
#define FIELDS_MAX 16 /* lines between the armour's head and its data */
#define DATA_LEAST 16 /* base64 characters in the first line of data */
#define PACKET     0x80
#define NEW_FORMAT 0x40
#define TAG_PUBLIC 1 /* session key for the owner of a key */
#define TAG_PHRASE 3 /* for who knows a passphrase */
#define CIPHER_MAX 13

/* The bytes of a packet's head, old format or new; 0 for nonsense. */
static size_t
head_size(const unsigned char *p, size_t size, unsigned *tag)
{
	if (size < 8 || !(p[0] & PACKET))
		return 0;
	if (p[0] & NEW_FORMAT) {
		*tag = p[0] & 0x3f;
		return p[1] < 192 ? 2 : p[1] < 224 ? 3 : p[1] == 255 ? 6 : 0;
	}
	*tag = (p[0] & 0x3c) >> 2;
	return (p[0] & 3) == 0 ? 2 : (p[0] & 3) == 1 ? 3 : (p[0] & 3) == 2 ? 5 : 0;
}

static bool
public_algorithm(unsigned a)
{
	return a == 1 || a == 2 || a == 16 || a == 18 || a == 25 || a == 26;
}

bool
openpgp_encrypted(const void *data, size_t size)
{
	const unsigned char *p = data;
	unsigned tag = 0;
	size_t n = head_size(p, size, &tag);

	if (n == 0 || size < n + 10)
		return false;
	p += n;
	if (tag == TAG_PUBLIC)
		return p[0] == 3 && public_algorithm(p[9]);
	if (tag == TAG_PHRASE)
		return p[0] == 4 && p[1] >= 1 && p[1] <= CIPHER_MAX &&
		    (p[2] == 0 || p[2] == 1 || p[2] == 3);
	return false;
}

static bool
is_base64(unsigned char c)
{
	return g_ascii_isalnum(c) || c == '+' || c == '/' || c == '=';
}

/* The length of a line without blanks at its end. */
static size_t
trimmed(const char *line, size_t len)
{
	while (len > 0 && g_ascii_isspace(line[len - 1]))
		len--;
	return len;
}

/* Fields, a blank line, and data behind the armour's head? */
static bool
data_follows(const char *p, const char *end)
{
	bool blank = false;

	for (int i = 0; i < FIELDS_MAX && p < end; i++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = trimmed(p, (size_t)((nl ? nl : end) - p)), n = 0;

		while (n < len && is_base64((unsigned char)p[n]))
			n++;
		if (n == len && n >= DATA_LEAST)
			return true;
		if (len > 0 && (blank || !memchr(p, ':', len)))
			return false;
		blank |= len == 0;
		p = nl ? nl + 1 : end;
	}
	return false;
}

bool
openpgp_armoured(const void *data, size_t size)
{
	const char *text = data, *end = text + size, *p = text;

	while ((p = memmem(p, (size_t)(end - p), ARMOUR, strlen(ARMOUR))) != NULL) {
		const char *behind = p + strlen(ARMOUR);
		const char *nl = memchr(behind, '\n', (size_t)(end - behind));
		if ((p == text || p[-1] == '\n' || p[-1] == '\r') && nl &&
		    trimmed(behind, (size_t)(nl - behind)) == 0 && data_follows(nl + 1, end))
			return true;
		p = behind;
	}
	return false;
}
