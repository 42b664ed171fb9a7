/*
 * fuzz_mailfile - a file that the administrator has scanned loses none of its lines on the way into a message
 */
#include "daemon/mailfile.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
visible(const uint8_t *p, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += p[i] > ' ';
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spool_budget *b = spool_budget_new();
	struct message_limits lim = {
		.spool = { .total_max = 1 << 24, .memory_max = 1 << 20, .file_base = g_get_tmp_dir() }, .header_max = 1 << 20
	};
	const struct client nobody = { 0 };
	struct message *m = message_new(b, &lim, &nobody, "<>");
	g_autoptr(GError) err = NULL;
	int fd = memfd_create("mail", MFD_CLOEXEC);

	g_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	g_assert(mailfile_read(fd, m, &err) && !err);
	message_seal(m);
	g_assert(!m->error);
	uint64_t len = spool_size(m->spool) - message_offset();
	g_autofree uint8_t *got = g_malloc(len + 1);
	g_assert(spool_read(m->spool, message_offset(), got, len, NULL));
	/* No file with a NUL in its header, whose rest no MTA would show, and no mbox: every visible byte arrives. */
	if (!memchr(data, 0, size) && !(size >= 5 && memcmp(data, "From ", 5) == 0))
		g_assert(visible(got, len) >= visible(data, size));
	message_free(&m);
	spool_budget_free(&b);
	close(fd);
	return 0;
}
