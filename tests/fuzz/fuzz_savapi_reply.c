/*
 * fuzz_savapi_reply - clean is 200, 210, or 319 behind notes, and nothing but notes before it
 */
#include "engine/savapi_reply.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_note(const char *line)
{
	static const char *const notes[] = { "401", "404", "421", "423", "430", "450", "499" };

	for (size_t i = 0; i < G_N_ELEMENTS(notes); i++)
		if (strncmp(line, notes[i], 3) == 0)
			return true;
	return false;
}

/* lines[n] has ended the answer. */
static bool
may_be_clean(char **lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_note(lines[i]))
			return false;
	return strncmp(lines[n], "200", 3) == 0 || strncmp(lines[n], "210", 3) == 0 || (n > 0 && strncmp(lines[n], "319", 3) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	AUTO(verdict_clear) struct verdict v = { 0 };
	struct savapi_answer a = { 0 };
	bool over = false;
	size_t n = 0;

	for (; lines[n] && !over; n++)
		over = savapi_take(&a, lines[n], "message", "s", "engine s: reply", &v);
	g_assert(over || !verdict_is_clean(&v));
	g_assert(!over || v.states != 0);
	g_assert(!verdict_is_clean(&v) || may_be_clean(lines, n - 1));
	for (n = 0; lines[n]; n++)
		savapi_value(lines[n], "VDF");
	return 0;
}
