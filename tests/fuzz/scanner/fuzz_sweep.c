/*
 * fuzz_sweep - whatever GMime opens, the sweep sees
 *
 * The input is a mail. Its objects are taken once as GMime's leaves and once by the sweep alone, which gets the mail with a header
 * of ours in front, so that it stands there as text that GMime finds no part in. Each leaf that stands in the mail as base64 with
 * nothing but line ends in it, and that is long enough to matter, must lie within what the sweep offers.
 */
#include "scanner/decompose.h"

#include <gmime/gmime.h>
#include <string.h>

#define ARENA	   (1 << 20)
#define LEAST	   24	/* bytes of a leaf that must be seen */
#define WRAPPING   "Content-Type: application/x-wrapped\r\n\r\n"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int	 LLVMFuzzerInitialize(int *argc, char ***argv);

struct taken {
	const uint8_t	*mail;
	uint8_t		*arena;
	GPtrArray	*list;	/* of GBytes */
};

static bool
on_part(void *arg, const struct part *p)
{
	struct taken *o = arg;
	const uint8_t *base = p->store == STORE_ARENA ? o->arena : o->mail;

	if (p->kind == OBJECT_PART)
		g_ptr_array_add(o->list, g_bytes_new(base + p->offset, p->size));
	return true;
}

/* All objects of a mail; false when a limit or the parser was in the way. */
static bool
take(struct taken *o, const uint8_t *mail, size_t size, uint64_t flags)
{
	struct proto_settings limits = { .flags = flags,
		.max_extract_size = 1 << 20,
		.max_cumulative_extract_size = 1 << 24,
		.max_file_count = 1000,
		.max_extract_time_ms = 60000,
		.max_extract_depth = 10,
		.header_max = 1 << 20 };
	struct verdict v = { 0 };

	o->mail = mail;
	o->arena = g_malloc(ARENA);
	o->list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	struct decompose job = { .message = mail,
		.size = size,
		.arena = o->arena,
		.arena_size = ARENA,
		.mime = true,
		.limits = &limits,
		.listener = on_part,
		.arg = o };
	decompose(&job, &v);
	bool whole = verdict_state(&v) == SCAN_COMPLETE;
	verdict_clear(&v);
	return whole;
}

static void
drop(struct taken *o)
{
	g_ptr_array_unref(o->list);
	g_free(o->arena);
}

/* The mail without its line ends. */
static GByteArray *
joined(const uint8_t *data, size_t size)
{
	GByteArray *out = g_byte_array_new();

	for (size_t i = 0; i < size; i++)
		if (data[i] != '\r' && data[i] != '\n')
			g_byte_array_append(out, data + i, 1);
	return out;
}

/* Does the mail hold these bytes as clean base64? */
static bool
is_base64_of(const GByteArray *mail, const void *p, size_t len)
{
	g_autofree char *text = g_base64_encode(p, len);

	return mail->len > 0 && memmem(mail->data, mail->len, text, strlen(text)) != NULL;
}

/* Is it there, as an object or within one? */
static bool
seen(const struct taken *o, const char *p, size_t len)
{
	for (guint i = 0; i < o->list->len; i++) {
		gsize n;
		const void *bytes = g_bytes_get_data(o->list->pdata[i], &n);
		if (n > 0 && memmem(bytes, n, p, len))
			return true;
	}
	return false;
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
	g_autoptr(GByteArray) wrapped = g_byte_array_new(), text = joined(data, size);
	struct taken gmime, swept;

	g_byte_array_append(wrapped, (const guint8 *)WRAPPING, strlen(WRAPPING));
	g_byte_array_append(wrapped, data, (guint)size);
	bool whole = take(&gmime, data, size, 0);
	whole &= take(&swept, wrapped->data, wrapped->len, PROTO_SWEEP);
	for (guint i = 0; whole && i < gmime.list->len; i++) {
		gsize n;
		const char *p = g_bytes_get_data(gmime.list->pdata[i], &n);
		if (n >= LEAST && is_base64_of(text, p, n))
			g_assert(seen(&swept, p, n));
	}
	drop(&gmime);
	drop(&swept);
	return 0;
}
