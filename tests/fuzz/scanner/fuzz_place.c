/*
 * fuzz_place - whatever a message looks like, a part that has a place can be cut out between two delimiters
 *
 * Input: a message.
 */
#include "scanner/place.h"

#include <string.h>

#include "scanner/cputime.h"
#include "scanner/decompose.h"

#define ARENA (1u << 20)

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t	 size;
};

/* At the beginning of a line, and behind it a line that begins with two hyphens. */
static bool
on_part(void *arg, const struct part *p)
{
	const struct input *in = arg;
	const struct proto_place *at = p->place;
	uint64_t end = at->end;

	g_assert(at->placing > 0 && at->placing <= PLACING_LAST);
	if (at->placing != PLACING_FOUND) {
		g_assert(at->begin == 0 && at->end == 0);
		return true;
	}
	g_assert(p->id > 0 && at->begin > 0 && at->begin <= at->field && at->field <= at->field_end);
	g_assert(at->field_end <= at->blank && at->blank < at->body && at->body <= at->end && at->end < in->size);
	g_assert(in->data[at->begin - 1] == '\n' && in->data[at->blank - 1] == '\n' && in->data[at->body - 1] == '\n');
	if (in->data[end] == '\r')
		end++;
	if (in->data[end] == '\n')
		end++;
	g_assert(in->size - end >= 2 && memcmp(in->data + end, "--", 2) == 0);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char arena[ARENA];
	static bool ready;
	const struct proto_settings lim = { .flags = PROTO_SWEEP, .max_extract_size = ARENA,
		.max_cumulative_extract_size = ARENA, .max_file_count = 1000, .max_extract_time_ms = 60000,
		.max_extract_depth = 10, .header_max = 64 * 1024 };
	struct input in = { data, size };
	const struct decompose job = { .message = data, .size = size, .arena = arena, .arena_size = sizeof arena,
		.mime = true, .places = true, .limits = &lim, .cpu_start_us = cpu_now_us(), .listener = on_part, .arg = &in };
	struct verdict v = { 0 };

	if (!ready)
		g_mime_init();
	ready = true;
	decompose(&job, &v);
	verdict_clear(&v);
	return 0;
}
