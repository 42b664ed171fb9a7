/* bundle - see bundle.h */
#include "script/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/auto.h"

#define NUMBER_MAX 24 /* digits of 64 bits, and the NUL */

void
bundle_begin(struct bundle *b)
{
	b->bytes = g_byte_array_new();
}

void
bundle_clear(struct bundle *b)
{
	g_clear_pointer(&b->bytes, g_byte_array_unref);
}

static void
add(struct bundle *b, char letter, const char *key)
{
	g_byte_array_append(b->bytes, (const guint8 *)&letter, 1);
	g_byte_array_append(b->bytes, (const guint8 *)key, (guint)strlen(key) + 1);
}

void
bundle_text(struct bundle *b, const char *key, const char *text)
{
	if (text == NULL)
		return;
	add(b, 's', key);
	g_byte_array_append(b->bytes, (const guint8 *)text, (guint)strlen(text) + 1);
}

void
bundle_number(struct bundle *b, const char *key, uint64_t n)
{
	char digits[NUMBER_MAX];

	snprintf(digits, sizeof(digits), "%" PRIu64, n);
	add(b, 'n', key);
	g_byte_array_append(b->bytes, (const guint8 *)digits, (guint)strlen(digits) + 1);
}

void
bundle_flag(struct bundle *b, const char *key, bool flag)
{
	add(b, flag ? 't' : 'f', key);
}

void
bundle_open(struct bundle *b, const char *key)
{
	add(b, '{', key);
}

void
bundle_close(struct bundle *b)
{
	g_byte_array_append(b->bytes, (const guint8 *)"}", 1);
}

static int
fail(GError **err, const char *step)
{
	g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "script: %s: %s", step,
	    g_strerror(errno));
	return -1;
}

int
bundle_seal(const void *bytes, size_t len, GError **err)
{
	AUTO(fd_close) int fd = memfd_create("avmilter-script", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *from = bytes;
	int own;

	if (fd < 0)
		return fail(err, "memfd_create");
	while (len > 0) {
		const ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(err, "write");
		from += n;
		len -= (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
		return fail(err, "F_ADD_SEALS");
	own = fd;
	fd = -1;
	return own;
}

int
bundle_file(struct bundle *b, GError **err)
{
	bundle_close(b);
	return bundle_seal(b->bytes->data, b->bytes->len, err);
}
