/*
 * fuzz_hidden - whatever the mail, what the sweep hands out lies in its store and inside its budgets, and paranoid mode names
 * only codes that there are
 */
#include "scanner/decompose.h"
#include "scanner/offer.h"
#include "verdict/evasion.h"

#include <gmime/gmime.h>
#include <string.h>

#define ARENA (2 * OFFER_OUT_LEAST)

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int	 LLVMFuzzerInitialize(int *argc, char ***argv);

struct seen {
	size_t	 size, swept, in_arena;
	uint32_t next;
};

static bool
on_part(void *arg, const struct part *p)
{
	struct seen *s = arg;
	size_t store = p->store == STORE_ARENA ? ARENA : s->size;

	g_assert(p->id == s->next++);
	g_assert(p->offset <= store && p->size <= store - p->offset);
	g_assert(strspn(p->path, "0123456789.") == strlen(p->path));
	s->in_arena += p->store == STORE_ARENA ? p->size : 0;
	g_assert(s->in_arena <= ARENA);
	if (g_str_has_prefix(p->path, "0."))
		s->swept += p->size;
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
	g_autofree uint8_t *arena = g_malloc(ARENA);
	struct proto_settings limits = { .flags = PROTO_SWEEP | PROTO_PARANOID,
		.max_extract_size = 1000000,
		.max_cumulative_extract_size = 3000000,
		.max_file_count = 300,
		.max_extract_time_ms = 60000,
		.max_extract_depth = 10,
		.header_max = 100000,
		.evasion = UINT64_C(0x5555555555555555) & EVASION_ALL };
	struct verdict v = { 0 };
	struct seen seen = { .size = size };
	uint64_t hints = 0;
	/* Exact, so that a byte too many is seen. */
	g_autofree uint8_t *mail = g_malloc(MAX(size, 1));
	struct decompose job = { .message = mail,
		.size = size,
		.arena = arena,
		.arena_size = ARENA,
		.mime = true,
		.limits = &limits,
		.hints = &hints,
		.listener = on_part,
		.arg = &seen };

	memcpy(mail, data, size);
	decompose(&job, &v);
	g_assert(seen.next > 0 && seen.next <= limits.max_file_count + 1 && v.states != 0);
	g_assert((hints & limits.evasion) == 0 && (hints & ~EVASION_ALL) == 0);
	/* Signed content and attachments in TNEF are slices of what was swept: at most once more on each level. */
	g_assert(seen.swept <= limits.max_cumulative_extract_size);
	for (unsigned i = 0; v.findings && i < v.findings->len; i++) {
		const struct finding *f = g_ptr_array_index(v.findings, i);
		uint64_t bit = 0;
		g_assert(f->kind == FINDING_EVASION && g_str_has_prefix(f->name, "Paranoid."));
		g_assert(evasion_select(f->name + strlen("Paranoid."), &bit) && (bit & limits.evasion));
	}
	verdict_clear(&v);
	return 0;
}
