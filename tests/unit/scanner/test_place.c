/* Where parts lie in their message: the borders that are found, and the parts that have none. */
#include <gmime/gmime.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/cputime.h"
#include "scanner/decompose.h"

#define ARENA (1u << 20)

static const char *const placings[] = { "?", "found", "whole", "sealed", "crooked", "hidden" };

struct seen {
	const char *mail;
	size_t	 len;
	GString	*text;
};

/* "path <part with its header> field <its field>" for each object but the message. */
static bool
on_part(void *arg, const struct part *p)
{
	struct seen *s = arg;
	const struct proto_place *at = p->place;

	assert_true(at->placing > 0 && at->placing <= PLACING_LAST);
	if (p->id == 0)
		return true;
	g_string_append_printf(s->text, "%s ", p->path);
	if (at->placing != PLACING_FOUND) {
		assert_true(at->begin == 0 && at->end == 0);
		g_string_append_printf(s->text, "%s\n", placings[at->placing]);
		return true;
	}
	assert_true(at->begin <= at->field && at->field <= at->field_end && at->field_end <= at->blank);
	assert_true(at->blank < at->body && at->body <= at->end && at->end <= s->len);
	g_string_append_printf(s->text, "<%.*s|%.*s>", (int)(at->blank - at->begin), s->mail + at->begin,
	    (int)(at->end - at->body), s->mail + at->body);
	if (at->field < at->field_end)
		g_string_append_printf(s->text, " field <%.*s>", (int)(at->field_end - at->field), s->mail + at->field);
	g_string_append(s->text, at->plain ? "\n" : " not plain\n");
	return true;
}

static char *
places_of(const char *mail, size_t len, uint64_t flags)
{
	static unsigned char arena[ARENA];
	const struct proto_settings lim = { .flags = flags, .max_extract_size = 1 << 20,
		.max_cumulative_extract_size = 4 << 20, .max_file_count = 5000, .max_extract_time_ms = 60000,
		.max_extract_depth = 10, .header_max = 256 * 1024 };
	struct seen s = { .mail = mail, .len = len, .text = g_string_new(NULL) };
	const struct decompose job = { .message = (const unsigned char *)mail, .size = len, .arena = arena,
		.arena_size = sizeof arena, .mime = true, .places = true, .limits = &lim,
		.cpu_start_us = cpu_now_us(), .listener = on_part, .arg = &s };
	struct verdict v = { 0 };

	decompose(&job, &v);
	verdict_clear(&v);
	return g_string_free(s.text, FALSE);
}

#define HEAD "Received: by test\r\nMIME-Version: 1.0\r\n"
#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\r\n\r\n"
#define TEXT "Content-Type: text/plain\r\n\r\nhello\r\n"
#define B64 "Content-Transfer-Encoding: base64\r\n"
#define BIN "Content-Type: application/x\r\n" B64 "X: y\r\n\r\naGVsbG8=\r\n"
#define TEXT_AT "<Content-Type: text/plain\r\n|hello>"
#define BIN_AT "<Content-Type: application/x\r\n" B64 "X: y\r\n|aGVsbG8=> field <" B64 ">\n"

static const struct {
	const char *mail, *want;
} rows[] = {
	/* the part is the mail */
	{ HEAD "Content-Type: text/plain\r\n\r\nhello\r\n", "1 whole\n" },
	{ HEAD "Content-Type: message/rfc822\r\n\r\n" TEXT, "1.1 whole\n" },
	/* an ordinary multipart, with preamble and epilogue */
	{ HEAD MIXED("b") "before\r\n--b\r\n" TEXT "--b\r\n" BIN "--b--\r\nbehind\r\n", "1 " TEXT_AT "\n2 " BIN_AT },
	/* bare LF throughout, and none at the end */
	{ "A: b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: a/b\n\none\n--b\n\ntwo\n--b--",
	    "1 <Content-Type: a/b\n|one>\n2 <|two>\n" },
	/* no header, an empty body, blanks behind the delimiter */
	{ HEAD MIXED("b") "--b  \r\n\r\nbare\r\n--b\t\r\nContent-Type: a/b\r\n\r\n--b--\r\n",
	    "1 <|bare>\n2 <Content-Type: a/b\r\n|>\n" },
	/* a line end more belongs to the part */
	{ HEAD MIXED("b") "--b\r\n\r\none\r\n\r\n\r\n--b--\r\n", "1 <|one\r\n\r\n>\n" },
	/* multiparts in multiparts */
	{ HEAD MIXED("out") "--out\r\n" MIXED("in") "--in\r\n" TEXT "--in\r\n" BIN "--in--\r\n--out\r\n" TEXT "--out--\r\n",
	    "1.1 " TEXT_AT "\n1.2 " BIN_AT "2 " TEXT_AT "\n" },
	/* a forwarded mail: its parts, or all of it */
	{ HEAD MIXED("b") "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n" MIXED("in")
	    "--in\r\n" BIN "--in--\r\n--b\r\n" TEXT "--b--\r\n",
	    "1.1 " BIN_AT "2 " TEXT_AT "\n" },
	{ HEAD MIXED("b") "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n" TEXT "--b--\r\n",
	    "1.1 <Content-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: text/plain\r\n|hello> not plain\n" },
	/* what is signed or encrypted stays as it is */
	{ HEAD "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" TEXT "--b\r\n" BIN "--b--\r\n", "1 sealed\n2 sealed\n" },
	{ HEAD "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n" TEXT "--b--\r\n", "1 sealed\n" },
	{ HEAD "Content-Type: multipart/signed; boundary=o\r\n\r\n--o\r\n" MIXED("b") "--b\r\n" TEXT "--b--\r\n--o\r\n" TEXT "--o--\r\n",
	    "1.1 sealed\n2 sealed\n" },
	{ HEAD MIXED("b") "--b\r\n" TEXT "--b\r\nContent-Type: application/pkcs7-mime\r\n\r\nx\r\n--b--\r\n", "1 " TEXT_AT "\n2 sealed\n" },
	{ HEAD MIXED("o") "--o\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" TEXT "--b--\r\n--o\r\n" TEXT "--o--\r\n",
	    "1.1 sealed\n2 " TEXT_AT "\n" },
	/* borders that readers would not agree on */
	{ HEAD MIXED("b") "--b\r\n" TEXT, "1 crooked\n" },
	{ HEAD MIXED("b") "--b\r\n" TEXT "--b\r\n" TEXT, "1 " TEXT_AT "\n2 crooked\n" },
	{ HEAD MIXED("b") "--b\r\n" MIXED("b") "--b\r\n" TEXT "--b--\r\n", NULL },
	{ HEAD MIXED("b") "--b\r\n" MIXED("bb") "--bb\r\n" TEXT "--bb--\r\n--b\r\n" TEXT "--b--\r\n", "1.1 crooked\n2 " TEXT_AT "\n" },
	{ HEAD MIXED("o") "--o\r\n" MIXED("i") "--i\r\n" TEXT "--o\r\n" TEXT "--o--\r\n", "1.1 crooked\n2 " TEXT_AT "\n" },
	{ HEAD MIXED("o") "--o\r\n" MIXED("i") "--i\r\nContent-Type: a/b\r\n\r\nx\r\n--o \r\ny\r\n--i--\r\n--o--\r\n", NULL },
	{ HEAD "Content-Type: multipart/mixed\r\n\r\nno boundary\r\n", "1 whole\n" },
	/* who drops the blank at the end of a boundary, or ends lines at a CR, sees another part in it */
	{ HEAD MIXED("\"b \"") "--b \r\n" BIN "--b\r\n" TEXT "--b \r\n" TEXT "--b --\r\n", "1 crooked\n2 crooked\n" },
	{ HEAD MIXED("b") "--b\r\nContent-Type: a/b\r\n\r\nx\r--b\r\r\ny\r\n--b\r\n" TEXT "--b--\r\n", "1 crooked\n2 " TEXT_AT "\n" },
	{ HEAD MIXED("b") "--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b\ry\r\n--b\r\n" TEXT "--b--\r\n", "1 crooked\n2 " TEXT_AT "\n" },
	{ HEAD MIXED("\"a b\"") "--a b\r\n" TEXT "--a b--\r\n", "1 " TEXT_AT "\n" },
	/* two fields say how it is encoded: only all of it can go */
	{ HEAD MIXED("b") "--b\r\n" B64 "Content-Transfer-Encoding: 7bit\r\n\r\nQUJD\r\n--b--\r\n",
	    "1 <" B64 "Content-Transfer-Encoding: 7bit\r\n|QUJD> not plain\n" },
	/* an encoded mail goes as a whole, whatever in it is found */
	{ HEAD MIXED("b") "--b\r\nContent-Type: message/rfc822\r\n" B64
	    "\r\nQ29udGVudC1UeXBlOiBtdWx0aXBhcnQvbWl4ZWQ7IGJvdW5kYXJ5PXoNCg0KLS16DQoNCmhpDQotLXotLQ0K\r\n--b--\r\n",
	    "1 <Content-Type: message/rfc822\r\n" B64
	    "|Q29udGVudC1UeXBlOiBtdWx0aXBhcnQvbWl4ZWQ7IGJvdW5kYXJ5PXoNCg0KLS16DQoNCmhpDQotLXotLQ0K> field <" B64 ">\n"
	    "1.1 <Content-Type: message/rfc822\r\n" B64
	    "|Q29udGVudC1UeXBlOiBtdWx0aXBhcnQvbWl4ZWQ7IGJvdW5kYXJ5PXoNCg0KLS16DQoNCmhpDQotLXotLQ0K> field <" B64 "> not plain\n" },
};

static void
places(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = places_of(rows[i].mail, strlen(rows[i].mail), 0);

		if (!rows[i].want && strstr(text, "<"))
			fail_msg("row %zu: %s", i, text);
		else if (!rows[i].want)
			assert_null(strstr(text, "<"));
		else
			assert_string_equal(text, rows[i].want);
	}
}

/* Every beginning of a mail, and every mail with one byte made a line end: what is found is in order (on_part looks). */
static void
cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const size_t len = strlen(rows[i].mail);

		for (size_t cut = 0; cut < len; cut++) {
			g_autofree char *copy = g_memdup2(rows[i].mail, len + 1);

			g_free(places_of(copy, cut, PROTO_SWEEP));
			copy[cut] = '\n';
			g_free(places_of(copy, len, PROTO_SWEEP));
		}
	}
}

/* What only the sweep sees has no place. */
static void
hidden(void **state)
{
	static const char mail[] = HEAD MIXED("b") "--b\r\n" TEXT "--b\r\n\r\nbegin 644 x\n#0V%T\n`\nend\r\n--b--\r\n";
	g_autofree char *text = places_of(mail, strlen(mail), PROTO_SWEEP);

	(void)state;
	assert_true(g_str_has_prefix(text, "1 " TEXT_AT "\n2 <|begin"));
	assert_true(g_str_has_suffix(text, "\n0.1 hidden\n"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(places), cmocka_unit_test(hidden), cmocka_unit_test(cut_anywhere) };

	g_mime_init();
	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
