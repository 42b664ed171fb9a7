#include "scanner/jit.h"

#include <stdbool.h>

#ifdef AVM_SANITIZED
void
jit_begin(void)
{
}

struct jit_counts
jit_end(void)
{
	return (struct jit_counts){ 0 };
}
#else

#include <dlfcn.h>
#include <glib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define VISIBLE __attribute__((visibility("default")))

typedef pcre2_code *compiler(
    PCRE2_SPTR, PCRE2_SIZE, uint32_t, int *, PCRE2_SIZE *, pcre2_compile_context *);
typedef int matcher(const pcre2_code *, PCRE2_SPTR, PCRE2_SIZE, PCRE2_SIZE, uint32_t,
    pcre2_match_data *, pcre2_match_context *);

/* What stands behind us, and whether we add to it: libclamav calls without a context, no way around a
 * static. Written before main() and by the thread that loads. */
static struct {
	compiler *compile;
	matcher *match;
	bool on;
	struct jit_counts counts;
} jit;

__attribute__((constructor)) static void
find_library(void)
{
	void *compile = dlsym(RTLD_NEXT, "pcre2_compile_8");
	void *match = dlsym(RTLD_NEXT, "pcre2_match_8");

	g_assert(compile && match);
	memcpy(&jit.compile, &compile, sizeof compile);
	memcpy(&jit.match, &match, sizeof match);
}

VISIBLE pcre2_code *
pcre2_compile(PCRE2_SPTR pattern, PCRE2_SIZE len, uint32_t options, int *error, PCRE2_SIZE *at,
    pcre2_compile_context *context)
{
	pcre2_code *code = jit.compile(pattern, len, options, error, at, context);

	if (!code || !jit.on)
		return code;
	if (pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0)
		jit.counts.compiled++;
	else
		jit.counts.refused++;
	return code;
}

/* The stack of the machine code is small and fixed, and it counts its steps in another way. */
static bool
gave_up(const pcre2_code *code, int rc)
{
	size_t size = 0;

	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		return true;
	return rc == PCRE2_ERROR_MATCHLIMIT &&
	    pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &size) == 0 && size > 0;
}

VISIBLE int
pcre2_match(const pcre2_code *code, PCRE2_SPTR subject, PCRE2_SIZE len, PCRE2_SIZE start,
    uint32_t options, pcre2_match_data *data, pcre2_match_context *context)
{
	int rc = jit.match(code, subject, len, start, options, data, context);

	if ((options & PCRE2_NO_JIT) == 0 && gave_up(code, rc))
		rc = jit.match(code, subject, len, start, options | PCRE2_NO_JIT, data, context);
	return rc;
}

void
jit_begin(void)
{
	jit.counts = (struct jit_counts){ 0 };
	jit.on = true;
}

struct jit_counts
jit_end(void)
{
	jit.on = false;
	return jit.counts;
}
#endif
