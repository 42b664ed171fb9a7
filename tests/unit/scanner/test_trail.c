/*
 * trail and canon: what proves that bytes were examined, and what does not
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/canon.h"
#include "scanner/trail.h"

#define TEXT_MAX 100
#define BYTES(s) (s), sizeof(s) - 1

static bool
same_lines(const char *a, size_t a_len, const char *b, size_t b_len)
{
	uint8_t x[DIGEST_LEN], y[DIGEST_LEN];

	canon_digest(a, a_len, x);
	canon_digest(b, b_len, y);
	return memcmp(x, y, DIGEST_LEN) == 0;
}

static void
lines(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "one\r\ntwo\r\n", "one\ntwo", true },
		{ "one\n\n\ntwo", "\r\n \r\none\r\n\t \r\ntwo\n\n", true },
		{ "", "\r\n \n", true },
		{ "one\ntwo", "one\n\ntwo", false },
		{ "one\ntwo", "one \ntwo", false },
		{ "one\ntwo", " one\ntwo", false },
		{ "one\ntwo", "onetwo", false },
		{ "one\ntwo", "one\rtwo", false },
		{ "one\ntwo", "one\r\r\ntwo", false },
		{ "one\ntwo", "two\none", false },
		{ "one\ntwo", "One\ntwo", false },
		{ "one\ntwo", "one", false },
		{ "", "one", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		print_message("# %zu\n", i);
		assert_int_equal(same_lines(rows[i].a, strlen(rows[i].a), rows[i].b, strlen(rows[i].b)),
		    rows[i].same);
	}
	assert_false(same_lines(BYTES("\0"), BYTES("")));
	assert_false(same_lines(BYTES("a\0b"), BYTES("a\0c")));
}

static void
text_is_text(void **state)
{
	(void)state;
	assert_true(canon_is_text(BYTES("")));
	assert_true(canon_is_text(BYTES("gr\xc3\xbc\xdf\x1b$B\r\n\tx\f")));
	assert_false(canon_is_text(BYTES("a\0b")));
	assert_false(canon_is_text(BYTES("PK\3\4")));
	assert_false(canon_is_text(BYTES("\r\n%PDF-1.4\n")));
	assert_false(canon_is_text(BYTES("{\\rtf1 x}")));
	assert_true(canon_is_text(BYTES("%PD{\\r")));
}

static unsigned
enter(struct trail *t, uint32_t level, bool hashed, const void *data, size_t size)
{
	uint8_t digest[DIGEST_LEN];

	digest_of(data, size, digest);
	return trail_enter(t, level, hashed ? digest : NULL, data, size);
}

static void
found_again(void **state)
{
	struct trail *t = trail_new(true, TEXT_MAX);
	char long_text[2 * TEXT_MAX + 1];

	(void)state;
	memset(long_text, 'x', sizeof long_text);
	assert_int_equal(enter(t, 0, false, BYTES("the mail")), 0);
	assert_false(trail_sound(t));
	assert_int_equal(enter(t, 1, true, BYTES("one\n\ntwo\n\n")), 1);
	trail_leave(t, 0);
	assert_int_equal(enter(t, 1, true, BYTES("outer")), 1);
	assert_int_equal(enter(t, 2, true, BYTES("in\0ner")), 1);
	trail_leave(t, 0);
	assert_int_equal(enter(t, 3, true, BYTES("in what is not shown")), 2);
	trail_leave(t, 0);
	assert_int_equal(enter(t, 2, false, BYTES("normalised")), 1);
	trail_leave(t, 0);
	trail_leave(t, 0);
	assert_int_equal(enter(t, 1, true, long_text, sizeof long_text), 1);
	trail_leave(t, 0);
	trail_leave(t, 0);
	assert_true(trail_sound(t));
	assert_true(trail_has(t, BYTES("in\0ner"), false));
	assert_true(trail_has(t, BYTES("outer"), false));
	assert_true(trail_has(t, BYTES("in what is not shown"), false));
	assert_true(trail_has(t, BYTES("one\r\n\r\n\r\ntwo"), true));
	assert_false(trail_has(t, BYTES("one\r\n\r\n\r\ntwo"), false));
	assert_false(trail_has(t, BYTES("the mail"), true));
	assert_false(trail_has(t, BYTES("normalised"), true));
	assert_false(trail_has(t, BYTES("in\0ner\n"), true)); /* lines, but no text */
	assert_true(trail_has(t, long_text, sizeof long_text, true));
	long_text[sizeof long_text - 1] = '\n';
	assert_false(trail_has(t, long_text, sizeof long_text, true));
	trail_free(&t);
	assert_null(t);
	trail_free(&t);
}

/* A layer that begins once more at its level (a signature has it scanned as another type) proves nothing, and ends at its level. */
static void
begun_again(void **state)
{
	struct trail *t = trail_new(false, 0);

	(void)state;
	assert_int_equal(enter(t, 0, false, BYTES("the mail")), 0);
	assert_int_equal(enter(t, 1, true, BYTES("layer")), 1);
	assert_int_equal(enter(t, 1, true, BYTES("layer")), 0);
	assert_int_equal(trail_leave(t, 0), 1);
	assert_int_equal(enter(t, 2, true, BYTES("inner")), 1);
	assert_int_equal(trail_leave(t, 0), 2);
	assert_int_equal(trail_leave(t, 0), 1);
	assert_int_equal(trail_leave(t, 0), 0);
	assert_int_equal(trail_leave(t, 0), -1);
	assert_false(trail_sound(t));
	trail_free(&t);
}

enum step { ENTER_0, ENTER_1, ENTER_2, LEAVE, FIND, DOUBT };

/* Only this order, and nothing found, is a proof. */
static void
soundness(void **state)
{
	static const struct {
		enum step steps[6];
		unsigned n;
		bool sound;
	} rows[] = {
		{ { ENTER_0, LEAVE }, 2, true },
		{ { ENTER_0, ENTER_1, LEAVE, ENTER_1, LEAVE, LEAVE }, 6, true },
		{ { ENTER_0, ENTER_1, ENTER_2, LEAVE, LEAVE, LEAVE }, 6, true },
		{ { ENTER_0 }, 1, false },
		{ { ENTER_0, ENTER_1, LEAVE }, 3, false },
		{ { ENTER_0, ENTER_2, LEAVE, LEAVE }, 4, true },
		{ { ENTER_1, LEAVE }, 2, false },
		{ { ENTER_0, ENTER_2, ENTER_1, LEAVE, LEAVE, LEAVE }, 6, false },
		{ { ENTER_0, ENTER_0, LEAVE, LEAVE }, 4, false },
		{ { ENTER_0, ENTER_1, ENTER_1, LEAVE, LEAVE, LEAVE }, 6, false },
		{ { ENTER_0, LEAVE, LEAVE }, 3, false },
		{ { ENTER_0, ENTER_1, FIND, LEAVE }, 4, false },
		{ { ENTER_0, ENTER_1, LEAVE, FIND }, 4, false },
		{ { ENTER_0, ENTER_1, DOUBT, LEAVE, LEAVE }, 5, false },
		{ { DOUBT, ENTER_0, LEAVE }, 3, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct trail *t = trail_new(false, 0);

		for (unsigned k = 0; k < rows[i].n; k++) {
			if (rows[i].steps[k] <= ENTER_2)
				enter(t, rows[i].steps[k], false, BYTES("layer"));
			else if (rows[i].steps[k] == DOUBT)
				trail_doubt(t);
			else
				trail_leave(t, rows[i].steps[k] == FIND);
		}
		print_message("# %zu\n", i);
		assert_int_equal(trail_sound(t), rows[i].sound);
		trail_free(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(text_is_text),
		cmocka_unit_test(found_again),
		cmocka_unit_test(begun_again),
		cmocka_unit_test(soundness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
