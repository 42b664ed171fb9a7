/*
 * memo: what is known, where, and what becomes of it when there is too much
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/layers.h"
#include "scanner/logic.h"
#include "scanner/memo.h"

#define MANY 100000

static bool
enter(struct memo *m, uint32_t level, const char *type, const char *content)
{
	uint8_t digest[DIGEST_LEN];

	digest_of(content, strlen(content), digest);
	return memo_enter(m, level, level > 0, type, 0, level > 0 ? digest : NULL, strlen(content));
}

/* A mail with one layer, in one container if there is a type for it. */
static bool
mail(struct memo *m, const char *container, const char *around, const char *content, bool proven)
{
	bool known;

	memo_begin(m);
	enter(m, 0, "CL_TYPE_MAIL", "mail");
	if (container)
		enter(m, 1, container, around);
	known = enter(m, container ? 2 : 1, "CL_TYPE_TEXT_ASCII", content);
	memo_end(m, proven);
	return known;
}

static void
only_proven(void **state)
{
	struct memo *m = memo_new();

	(void)state;
	assert_false(mail(m, NULL, NULL, "x", false));
	assert_false(mail(m, NULL, NULL, "x", true));
	assert_true(mail(m, NULL, NULL, "x", false));
	assert_true(mail(m, NULL, NULL, "x", true)); /* what follows does not take it away */
	assert_false(mail(m, NULL, NULL, "y", false));
	/* A scan that never came to its end. */
	memo_begin(m);
	enter(m, 0, "CL_TYPE_MAIL", "mail");
	enter(m, 1, "CL_TYPE_TEXT_ASCII", "z");
	assert_false(mail(m, NULL, NULL, "w", true));
	assert_false(mail(m, NULL, NULL, "z", false));
	memo_free(&m);
	assert_null(m);
	memo_free(&m);
}

static void
among_containers(void **state)
{
	static const char *const types[] = { NULL, "CL_TYPE_ZIP", "CL_TYPE_MAIL", "CL_TYPE_OOXML_WORD", "CL_TYPE_OOXML_XL",
		"CL_TYPE_TEXT_ASCII" };
	struct memo *m = memo_new();

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		assert_false(mail(m, types[i], "around", "x", true));
		assert_true(mail(m, types[i], "around", "x", true));
	}
	/* By content where libclamav may change its mind about the type, by type elsewhere. */
	assert_false(mail(m, "CL_TYPE_ZIP", "another", "x", false));
	assert_false(mail(m, "CL_TYPE_TEXT_ASCII", "another", "x", false));
	assert_true(mail(m, "CL_TYPE_MAIL", "another", "x", false));
	assert_true(mail(m, "CL_TYPE_OOXML_WORD", "another", "x", false));
	memo_free(&m);
}

static void
what_it_is(void **state)
{
	struct memo *m = memo_new();
	uint8_t digest[DIGEST_LEN] = { 1 };

	(void)state;
	memo_begin(m);
	assert_false(memo_enter(m, 0, 0, "CL_TYPE_MAIL", 0, NULL, 100));
	assert_false(memo_enter(m, 1, 1, "CL_TYPE_PDF", 0, digest, 10));
	memo_end(m, true);
	memo_begin(m);
	memo_enter(m, 0, 0, "CL_TYPE_MAIL", 0, NULL, 100);
	assert_true(memo_enter(m, 1, 1, "CL_TYPE_PDF", 0, digest, 10));
	assert_false(memo_enter(m, 1, 1, "CL_TYPE_PDF", 0, digest, 11));
	assert_false(memo_enter(m, 1, 1, "CL_TYPE_PDF", 2, digest, 10));
	assert_false(memo_enter(m, 1, 1, "CL_TYPE_RTF", 0, digest, 10));
	assert_false(memo_enter(m, 1, 0, "CL_TYPE_PDF", 0, digest, 10)); /* not right below */
	assert_false(memo_enter(m, 1, 1, "CL_TYPE_PDF", 0, NULL, 10));
	assert_false(memo_enter(m, LAYERS_MAX, 1, "CL_TYPE_PDF", 0, digest, 10));
	memo_end(m, false);
	/* An object of a type that may change, of which nobody computed a hash. */
	memo_begin(m);
	memo_enter(m, 0, 0, "CL_TYPE_ZIP", 0, NULL, 100);
	assert_false(memo_enter(m, 1, 1, "CL_TYPE_PDF", 0, digest, 10));
	memo_end(m, true);
	memo_begin(m);
	memo_enter(m, 0, 0, "CL_TYPE_ZIP", 0, NULL, 100);
	assert_false(memo_enter(m, 1, 1, "CL_TYPE_PDF", 0, digest, 10));
	memo_end(m, true);
	/* The object itself is never known. */
	for (int i = 0; i < 2; i++) {
		memo_begin(m);
		assert_false(memo_enter(m, 0, 0, "CL_TYPE_MAIL", 0, digest, 100));
		memo_end(m, true);
	}
	memo_free(&m);
}

/* The newest are there, and a hit is always one of those that were kept. */
static void
too_much(void **state)
{
	struct memo *m = memo_new();
	char text[32];
	unsigned hits = 0;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof text, "layer %d", i);
		assert_false(mail(m, NULL, NULL, text, true));
	}
	for (int i = MANY - 2000; i < MANY; i++) {
		snprintf(text, sizeof text, "layer %d", i);
		hits += mail(m, NULL, NULL, text, false);
	}
	assert_true(hits > 1900);
	for (int i = MANY; i < MANY + 2000; i++) {
		snprintf(text, sizeof text, "layer %d", i);
		assert_false(mail(m, NULL, NULL, text, false));
	}
	memo_free(&m);
}

#ifdef AVM_SANITIZED
#define COUNTS false
#else
#define COUNTS true
#endif

int cli_ac_chklsig(const char *, const char *, uint32_t *, unsigned *, uint64_t *, unsigned);

/* As the library does when an expression of a signature holds, whatever it asks for besides. */
static void
expression_holds(void)
{
	static const char expr[] = "0";
	uint32_t counts[64] = { 1 };
	unsigned count = 0;
	uint64_t parts = 0;

	assert_int_equal(cli_ac_chklsig(expr, expr + 1, counts, &count, &parts, 0), 1);
}

enum happening { NOTHING, HOLDS, FOUND, DOUBT };

/* A document in a mail with one member, and what happens in that. Is it known where the document is unpacked again? */
static bool
second(struct memo *m, const char *container, const char *content, enum happening what, const char *type, bool proven)
{
	uint8_t digest[DIGEST_LEN];
	bool known;

	digest_of(content, strlen(content), digest);
	memo_begin(m);
	memo_enter(m, 0, 0, "CL_TYPE_MAIL", 0, NULL, 100);
	enter(m, 1, container, "around");
	if (!memo_enter(m, 2, 1, "CL_TYPE_TEXT_ASCII", 0, digest, 10)) {
		if (what == HOLDS)
			expression_holds();
		if (what == DOUBT)
			memo_doubt(m);
	}
	memo_leave(m, 2, what != FOUND);
	known = memo_enter(m, 3, 2, type, 0, digest, 10);
	memo_leave(m, 3, true);
	memo_leave(m, 1, true);
	memo_leave(m, 0, true);
	memo_end(m, proven);
	return known;
}

static void
second_sight(void **state)
{
	static const char text[] = "CL_TYPE_TEXT_ASCII", word[] = "CL_TYPE_OOXML_WORD";
	struct memo *m = memo_new();

	(void)state;
	assert_int_equal(logic_prepare(true), COUNTS);
	assert_int_equal(second(m, word, "a", NOTHING, text, false), COUNTS);
	assert_false(second(m, word, "a", HOLDS, text, false));
	assert_false(second(m, word, "a", FOUND, text, false));
	assert_false(second(m, word, "a", DOUBT, text, false));
	assert_false(second(m, word, "a", NOTHING, "CL_TYPE_HTML", false));
	assert_false(second(m, "CL_TYPE_ZIP", "a", NOTHING, text, false));
	/* Kept only from a proven scan; then it is known although its first sight was not even scanned. */
	assert_int_equal(second(m, word, "a", NOTHING, text, true), COUNTS);
	assert_int_equal(second(m, word, "a", HOLDS, text, true), COUNTS);
	/* What was clean, but might not be in another container. */
	assert_false(second(m, word, "b", HOLDS, text, true));
	assert_false(second(m, word, "b", NOTHING, text, true));
	memo_free(&m);
}

/* A document in a mail with a mail in it, in which there is a text. */
static void
nested(struct memo *m, const char *content, bool known_below)
{
	memo_begin(m);
	memo_enter(m, 0, 0, "CL_TYPE_MAIL", 0, NULL, 100);
	enter(m, 1, "CL_TYPE_OOXML_WORD", "around");
	assert_false(enter(m, 2, "CL_TYPE_MAIL", content));
	assert_int_equal(enter(m, 3, "CL_TYPE_TEXT_ASCII", "below"), known_below);
	memo_leave(m, 3, true);
	memo_leave(m, 2, true);
}

/* Something in it was passed over this time: nobody knows what would have held there in another container. */
static void
known_below(void **state)
{
	struct memo *m = memo_new();
	uint8_t digest[DIGEST_LEN];

	(void)state;
	logic_prepare(true);
	nested(m, "c", false);
	memo_end(m, true);
	nested(m, "d", true);
	digest_of("d", 1, digest);
	assert_false(memo_enter(m, 3, 2, "CL_TYPE_MAIL", 0, digest, 1));
	memo_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_proven),
		cmocka_unit_test(among_containers),
		cmocka_unit_test(what_it_is),
		cmocka_unit_test(too_much),
		cmocka_unit_test(second_sight),
		cmocka_unit_test(known_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
