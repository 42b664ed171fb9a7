/*
 * jit: machine code while signatures are loaded, and no match lost to it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "scanner/jit.h"

#define LONG 200000
/* Each step keeps its place on the stack: the machine code's has 32 KB. */
#define GREEDY "(?:(a)|b)*c"

static pcre2_code *
compile(const char *pattern)
{
	PCRE2_SIZE at;
	int error;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);

	assert_non_null(code);
	return code;
}

static size_t
machine_code(const pcre2_code *code)
{
	size_t size = 0;

	assert_int_equal(pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &size), 0);
	return size;
}

static int
match(const pcre2_code *code, const char *text, size_t len, uint32_t options, uint32_t limit)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	int rc;

	if (limit > 0)
		pcre2_set_match_limit(context, limit);
	rc = pcre2_match(code, (PCRE2_SPTR)text, len, 0, options, data, context);
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	return rc;
}

static void
only_while_loading(void **state)
{
	pcre2_code *before, *during, *other, *after;
	struct jit_counts n;

	(void)state;
	before = compile("a+b");
	jit_begin();
	during = compile("a+b");
	other = compile("x");
	n = jit_end();
	after = compile("a+b");
	assert_int_equal(machine_code(before), 0);
	assert_int_equal(machine_code(after), 0);
#ifdef AVM_SANITIZED
	assert_int_equal(machine_code(during), 0);
	assert_int_equal(n.compiled, 0);
#else
	assert_true(machine_code(during) > 0);
	assert_int_equal(n.compiled, 2);
#endif
	assert_int_equal(n.refused, 0);
	assert_int_equal(match(during, "xaab", 4, 0, 0), 1);
	assert_int_equal(match(during, "xaa", 3, 0, 0), PCRE2_ERROR_NOMATCH);
	pcre2_code_free(before);
	pcre2_code_free(during);
	pcre2_code_free(other);
	pcre2_code_free(after);
	jit_begin();
	n = jit_end();
	assert_int_equal(n.compiled, 0);
}

/* Where the machine code gives up, the interpreter has the last word: every answer is its own. */
static void
same_answers(void **state)
{
	static const struct {
		const char *pattern;
		uint32_t limit;
	} rows[] = { { GREEDY, 0 }, { GREEDY, 100000 }, { GREEDY, 50 }, { "(a+)+$", 1000 }, { "b", 1 } };
	char *text = malloc(LONG);
	unsigned gave_up = 0;

	(void)state;
	memset(text, 'a', LONG);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		pcre2_code *plain = compile(rows[i].pattern), *fast;

		jit_begin();
		fast = compile(rows[i].pattern);
		jit_end();
		for (int c = 'a'; c <= 'c'; c++) {
			int rc;

			text[LONG - 1] = (char)c;
			rc = match(fast, text, LONG, 0, rows[i].limit);
			print_message("# %s limit %u: %d\n", rows[i].pattern, rows[i].limit, rc);
			assert_int_not_equal(rc, PCRE2_ERROR_JIT_STACKLIMIT);
			if (rc != match(plain, text, LONG, 0, rows[i].limit))
				gave_up++; /* it may find within its limit what the interpreter does not */
			assert_true(rc > 0 || rc == match(plain, text, LONG, 0, rows[i].limit));
		}
		pcre2_code_free(plain);
		pcre2_code_free(fast);
	}
	print_message("# found more: %u\n", gave_up);
	free(text);
}

#ifndef AVM_SANITIZED
/* The case that this is about exists: without us the match would be lost. */
static void
needed(void **state)
{
	int (*bare)(const pcre2_code *, PCRE2_SPTR, PCRE2_SIZE, PCRE2_SIZE, uint32_t, pcre2_match_data *,
	    pcre2_match_context *);
	void *next = dlsym(RTLD_NEXT, "pcre2_match_8");
	char *text = malloc(LONG);
	pcre2_match_data *data;
	pcre2_code *code;

	(void)state;
	assert_non_null(next);
	memcpy(&bare, &next, sizeof bare);
	memset(text, 'a', LONG);
	text[LONG - 1] = 'c';
	jit_begin();
	code = compile(GREEDY);
	jit_end();
	data = pcre2_match_data_create_from_pattern(code, NULL);
	assert_int_equal(bare(code, (PCRE2_SPTR)text, LONG, 0, 0, data, NULL), PCRE2_ERROR_JIT_STACKLIMIT);
	assert_int_equal(match(code, text, LONG, 0, 0), 2);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	free(text);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_while_loading),
		cmocka_unit_test(same_answers),
#ifndef AVM_SANITIZED
		cmocka_unit_test(needed),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
