/*
 * fuzz_clamd_reply - only WHAT ": OK" is clean, whatever else clamd or somebody in its place says
 */
#include "engine/clamd_reply.h"

#include <string.h>

#include "verdict/verdict.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The end of every form that may be clean. */
static bool
ends_well(const char *reply, size_t len)
{
	return len > 4 && (memcmp(reply + len - 4, ": OK", 4) == 0 || (len > 12 && memcmp(reply + len - 12, ": Empty file", 12) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum clamd_way ways[] = { CLAMD_STREAM, CLAMD_FD, CLAMD_PATH };
	const char *reply = (const char *)data;
	char *version, *definitions;
	int64_t made;
	g_autofree char *text = g_strndup(reply, size);

	for (size_t i = 0; i < 6; i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		struct clamd_reply r;

		clamd_reply_parse(&r, reply, size, i < 3 ? 0 : 7, ways[i % 3], "/tmp/a: b");
		clamd_judge(&r, 0, &v, "message", "c", "engine c: unix:/s: reply");
		g_assert(v.states != 0);
		g_assert(!verdict_is_clean(&v) || ends_well(reply, size));
		clamd_reply_clear(&r);
	}
	if (clamd_version_parse(text, &version, &definitions, &made)) {
		g_free(version);
		g_free(definitions);
	}
	return 0;
}
