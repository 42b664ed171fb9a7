/*
 * fuzz_message - the spool holds exactly the mail that libmilter's pieces make, at every border of its homes
 *
 * Input: pieces, each a byte for what it is (odd: body, even: header field while there is no body), one for its length, its
 * bytes; a header's name ends at the first ':'. The first two bytes choose memory_max.
 */
#include "message/message.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The model: folds as CRLF, one CRLF each field. */
static void
model_header(GString *want, const char *name, const char *value)
{
	g_string_append_printf(want, "%s:", name);
	for (const char *p = value; *p; p++) {
		if (p[0] == '\r' && p[1] == '\n')
			continue;
		g_string_append(want, p[0] == '\n' ? "\r\n" : (char[]){ p[0], '\0' });
	}
	g_string_append(want, "\r\n");
}

static void
add_header(struct message *m, GString *want, const char *piece, size_t len)
{
	g_autofree char *name = g_strndup(piece, len);
	char *colon = strchr(name, ':');
	const char *value = colon ? colon + 1 : "";

	if (colon)
		*colon = '\0';
	message_add_header(m, name, value);
	model_header(want, name, value);
}

static void
compare(struct message *m, const GString *want)
{
	g_autofree char *got = g_malloc(want->len + 1);
	uint8_t sha[DIGEST_LEN];
	int fd;

	message_seal(m);
	g_assert(!m->error && m->size == want->len - message_offset() && spool_size(m->spool) == want->len);
	g_assert(spool_read(m->spool, 0, got, want->len, NULL) && memcmp(got, want->str, want->len) == 0);
	digest_of(want->str, want->len, sha);
	g_assert(memcmp(sha, spool_digest(m->spool, NULL), DIGEST_LEN) == 0);
	fd = spool_fd(m->spool, NULL);
	g_assert(fd >= 0 && write(fd, "x", 1) < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spool_budget *b = spool_budget_new();
	struct message_limits lim = { .spool = { .total_max = 1 << 24, .file_base = g_get_tmp_dir() }, .header_max = 1 << 16 };
	const struct client nobody = { 0 };
	g_autoptr(GString) want = g_string_new("Received: from avmilter; Thu, 1 Jan 1970 00:00:00 +0000\r\n");
	struct message *m;
	bool in_body = false;
	size_t at = 2;

	lim.spool.memory_max = size >= 2 ? (uint64_t)data[0] << 8 | data[1] : 1 << 16;
	m = message_new(b, &lim, &nobody, "<>");
	while (at + 2 <= size) {
		size_t len = MIN((size_t)data[at + 1], size - at - 2);
		bool body = data[at] & 1 || in_body;
		const char *piece = (const char *)data + at + 2;

		if (body && !in_body)
			g_string_append(want, "\r\n");
		in_body |= body;
		if (body) {
			message_add_body(m, piece, len);
			g_string_append_len(want, piece, (gssize)len);
		} else
			add_header(m, want, piece, len);
		at += 2 + len;
	}
	if (!in_body)
		g_string_append(want, "\r\n");
	compare(m, want);
	message_free(&m);
	g_assert(spool_budget_used(b) == 0);
	spool_budget_free(&b);
	return 0;
}
