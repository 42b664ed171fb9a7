/*
 * fuzz_fprot_reply - clean is one line and no other
 */
#include "engine/fprot_reply.h"

#include <glib.h>
#include <string.h>

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *line = g_strndup((const char *)data, size), *version = NULL, *definitions = NULL;
	AUTO(verdict_clear) struct verdict v = { 0 };
	const char *code = line + strspn(line, "0");

	fprot_judge(line, "avm1", "message", "f", "engine f: reply", &v);
	g_assert(v.states != 0);
	g_assert(!verdict_is_clean(&v) || (code > line && strcmp(code, " <clean> avm1") == 0));
	fprot_version_parse(line, &version, &definitions);
	return 0;
}
