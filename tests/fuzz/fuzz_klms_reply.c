/*
 * fuzz_klms_reply - clean is OK behind our path or behind the word stream
 */
#include "engine/klms_reply.h"

#include <glib.h>
#include <string.h>

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *line = g_strndup((const char *)data, size);
	AUTO(verdict_clear) struct verdict v = { 0 };

	klms_judge(line, "/tmp/a: b", "message", "k", "engine k: reply", &v);
	g_assert(v.states != 0);
	g_assert(!verdict_is_clean(&v) || strcmp(line, "/tmp/a: b: OK") == 0 || strcmp(line, "stream: OK") == 0);
	return 0;
}
