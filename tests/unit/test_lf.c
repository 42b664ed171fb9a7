/*
 * message/lf: CRLF becomes LF wherever a piece ends; everything else stays
 */
#include "unit.h"

#include "message/lf.h"

static void
pieces(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", ""},
		{"a", "a"},
		{"a\r\nb\r\n", "a\nb\n"},
		{"\r\n\r\n", "\n\n"},
		{"\r", "\r"},
		{"\n", "\n"},
		{"a\rb", "a\rb"},
		{"a\nb", "a\nb"},
		{"\r\r\n", "\r\n"},
		{"\r\r", "\r\r"},
		{"\r\n\r", "\n\r"},
		{"\n\r\n", "\n\n"},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (size_t piece = 1; piece <= 5; piece++) {
			g_autoptr(GString) got = g_string_new("");
			const size_t len = strlen(rows[i].in);
			bool pending = false;
			char room[8];

			for (size_t at = 0; at < len; at += piece) {
				const size_t n = MIN(piece, len - at);

				memcpy(room + 1, rows[i].in + at, n);
				g_string_append_len(got, room, (gssize)lf_convert(room, n, &pending, at + n == len));
			}
			assert_false(pending);
			if (strcmp(got->str, rows[i].out) != 0)
				fail_msg("row %zu in pieces of %zu", i, piece);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(pieces)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
