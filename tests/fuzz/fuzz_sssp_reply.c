/*
 * fuzz_sssp_reply - clean is DONE OK 0000 or 021E and an empty line, without VIRUS, FAIL or 0203 before it
 */
#include "engine/sssp_reply.h"

#include <string.h>

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* lines[n] has ended the answer. */
static bool
may_be_clean(char **lines, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (g_str_has_prefix(lines[i], "VIRUS ") || g_str_has_prefix(lines[i], "FAIL ") ||
		    g_str_has_prefix(lines[i], "OK 0203") || g_str_has_prefix(lines[i], "DONE "))
			return false;
	return n > 0 && lines[n][0] == '\0' &&
	    (g_str_has_prefix(lines[n - 1], "DONE OK 0000") || g_ascii_strncasecmp(lines[n - 1], "DONE OK 021E", 12) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	AUTO(verdict_clear) struct verdict v = { 0 };
	AUTO(sssp_clear) struct sssp_answer a = { 0 };
	bool over = false;
	size_t n = 0;

	for (; lines[n] && !over; n++)
		over = sssp_take(&a, lines[n], "message", "s", "engine s: reply", &v);
	g_assert(over || !verdict_is_clean(&v));
	g_assert(!over || v.states != 0);
	g_assert(!verdict_is_clean(&v) || may_be_clean(lines, n - 1));
	for (n = 0; lines[n]; n++) {
		AUTO(verdict_clear) struct verdict refused = { 0 };
		g_autofree char *key = NULL, *value = NULL;

		if (!sssp_is_accepted(lines[n])) {
			sssp_judge_refusal(lines[n], "engine s: reply", &refused);
			g_assert(refused.states != 0 && !verdict_is_clean(&refused));
		}
		sssp_fact(lines[n], &key, &value);
	}
	return 0;
}
