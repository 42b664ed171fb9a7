/*
 * fuzz_decompose - whatever the mail, every object lies inside its store, numbers run on, strings are clean, and the end is known
 *
 * The first byte chooses the limits.
 */
#include "scanner/decompose.h"

#include <gmime/gmime.h>
#include <string.h>

#define ARENA 16384

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int	 LLVMFuzzerInitialize(int *argc, char ***argv);

struct seen {
	size_t	 size, in_arena;
	uint32_t next;
};

static bool
on_part(void *arg, const struct part *p)
{
	struct seen *s = arg;
	size_t store = p->store == STORE_ARENA ? ARENA : s->size;

	s->in_arena += p->store == STORE_ARENA ? p->size : 0;
	g_assert(s->in_arena <= ARENA);
	g_assert(p->id == s->next++);
	g_assert(p->offset <= store && p->size <= store - p->offset);
	g_assert(g_utf8_validate(p->path, -1, NULL) && g_utf8_validate(p->type, -1, NULL));
	g_assert(g_strv_length(p->names) <= PROTO_NAMES_MAX);
	for (char **n = p->names; *n; n++)
		g_assert(g_utf8_validate(*n, -1, NULL) && **n != '\0');
	return true;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	g_mime_init();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct proto_settings limits = { .flags = (data[0] & 32 ? PROTO_ALERT_ENCRYPTED : 0) | (data[0] & 64 ? 0 : PROTO_SWEEP),
		.max_extract_size = data[0] & 1 ? 100 : 100000,
		.max_cumulative_extract_size = data[0] & 2 ? 300 : 100000,
		.max_file_count = data[0] & 4 ? 3 : 0,
		.max_extract_time_ms = 60000,
		.max_extract_depth = data[0] & 8 ? 2 : 10,
		.header_max = data[0] & 16 ? 200 : 100000 };
	struct verdict v = { 0 };
	struct seen seen = { .size = size - 1 };
	/* Exact, so that a byte too many is seen. */
	g_autofree uint8_t *mail = g_malloc0(MAX(size - 1, 1));
	g_autofree uint8_t *arena = g_malloc(ARENA);
	struct decompose job = { .message = mail,
		.size = size - 1,
		.arena = arena,
		.arena_size = ARENA,
		.mime = true,
		.limits = &limits,
		.listener = on_part,
		.arg = &seen };

	memcpy(mail, data + 1, size - 1);
	decompose(&job, &v);
	g_assert(seen.next > 0 && v.states != 0 && (v.findings == NULL || limits.flags & PROTO_ALERT_ENCRYPTED));
	verdict_clear(&v);
	return 0;
}
