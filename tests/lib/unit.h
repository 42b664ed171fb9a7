/*
 * unit - what every unit test includes: cmocka with the headers it wants, a seeded random source, a
 * folder of its own
 */
#ifndef AVM_TESTS_UNIT_H
#define AVM_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "base/fsx.h"

/* xorshift64*: the same numbers on every machine for the same seed. */
struct rnd {
	uint64_t state;
};

static inline struct rnd
rnd_new(uint64_t seed)
{
	return (struct rnd){.state = seed * 2 + 1};
}

static inline uint32_t
rnd_below(struct rnd *r, uint32_t n)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (uint32_t)((r->state * 2685821657736338717ull) >> 33) % n;
}

/* A folder below $TMPDIR or /tmp; unit_rmdir() removes it with all that is in it. */
static inline char *
unit_mkdir(void)
{
	char *dir = g_strdup_printf("%s/avm-unit.XXXXXX", g_get_tmp_dir());

	assert_non_null(g_mkdtemp(dir));
	return dir;
}

static inline void
unit_rmdir(char *dir)
{
	assert_true(fsx_remove_tree(dir, NULL));
	g_free(dir);
}

#define UNIT_RUN(tests)                                                                            \
	int main(void)                                                                             \
	{                                                                                          \
		return cmocka_run_group_tests((tests), NULL, NULL);                                \
	}

#endif
