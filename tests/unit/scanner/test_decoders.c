/* The decoders of the sweep, each alone: what well-formed text gives, what broken text gives in each view, and where they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>

#include "scanner/base64.h"
#include "scanner/binhex.h"
#include "scanner/charset.h"
#include "scanner/encname.h"
#include "scanner/gunzip.h"
#include "scanner/headerblock.h"
#include "scanner/lines.h"
#include "scanner/qp.h"
#include "scanner/uu.h"
#include "scanner/yenc.h"

#define ROOM 4096
#define U(s) ((const unsigned char *)(s))

static unsigned char room[ROOM];

static struct sink
sink(size_t size)
{
	memset(room, 0x55, sizeof room);
	return (struct sink){ .base = room, .size = size };
}

static void
check(const struct sink *s, const char *want)
{
	assert_int_equal(s->used, strlen(want));
	assert_memory_equal(s->base, want, s->used);
	assert_false(s->full);
}

static const struct {
	const char *text;
	enum base64_view view;
	const char *want;
} base64[] = {
	{ "aGVsbG8gd29ybGQ=", BASE64_STOP, "hello world" },
	{ "aGVs\r\nbG8gd29ybGQ=\r\n", BASE64_STOP, "hello world" },
	{ "aGVsbG8gd29ybGQ", BASE64_STOP, "hello world" },
	{ "aGVs#bG8g.d29ybGQ=", BASE64_STOP, "hello world" },
	{ "aGVsbG8gd29ybGQ=aGk=", BASE64_STOP, "hello world" },
	{ "aGVsbG8=IHdvcmxk", BASE64_RESTART, "hello world" },
	{ "aGVs=bG8gd2=9ybGQ=", BASE64_IGNORE, "hello world" },
	{ "aGV=sbG8g", BASE64_QUADS, "he\xb1\xb1\xbc" },
	{ "aGVsXX\nbG8g\n", BASE64_WHOLE_LINES, "hello " },
	{ "aGU\nbGxv\n", BASE64_LINES, "hello" },
	{ "aGVs#AAAA\nbG8g\n", BASE64_CUT_LINES, "hello " },
	{ "aGVs word\nbG8g word\n", BASE64_FIRST_WORDS, "hello " },
	{ "aGVs\nthis is text!\nbG8g\n", BASE64_PURE_LINES, "hello " },
	{ "_-_-", BASE64_URL, "\xff\xef\xfe" },
	{ "", BASE64_STOP, "" },
	{ "====", BASE64_STOP, "" },
	{ "Q", BASE64_STOP, "" },
};

static void
test_base64(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(base64); i++) {
		struct sink s = sink(ROOM);
		base64_decode(U(base64[i].text), strlen(base64[i].text), base64[i].view, &s);
		check(&s, base64[i].want);
	}
}

static void
test_base64_zeroes(void **state)
{
	struct sink s = sink(ROOM);

	(void)state;
	base64_decode(U("QU==QU=="), 8, BASE64_ZERO, &s);
	assert_int_equal(s.used, 4);
	assert_memory_equal(s.base, "A\x40\0A", 4);
	s = sink(ROOM);
	base64_decode(U("QU=="), 4, BASE64_ZEROES, &s);
	assert_int_equal(s.used, 3);
	assert_memory_equal(s.base, "A\x40\0", 3);
}

/* Regular text is what every decoder reads in the same way; anything else is not. */
static void
test_base64_regular(void **state)
{
	static const char *const yes[] = { "aGVs", "aGVs\r\n", "aGVs\r\nbG8=\r\n",
		"aGVsbG8g\naGVsbA==\n", "aGVs\r\naGVs\r\n\r\n", "aGVsbG8g\r\naGVs" };
	static const char *const no[] = { "aGVsb", "aGVs\r\nbG8=\r\nAAAA", "aGVs \r\n",
		"aGVs\r\n\r\naGVs", "aGVs\naGVs\r\naGVs", "aGVs\r\naGVsbG8g", "aGV#", "=aGV",
		"aG=V", "\r\naGVs", "aGVs=", "begin-base64 644 f\r\naGVs", "aG-_" };
	struct base64_look l;

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(yes); i++) {
		base64_look(U(yes[i]), strlen(yes[i]), &l);
		assert_true(l.regular);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(no); i++) {
		base64_look(U(no[i]), strlen(no[i]), &l);
		if (l.regular)
			fail_msg("regular: %s", no[i]);
	}
}

static const struct {
	const char *text;
	enum qp_view view;
	const char *want;
} qp[] = {
	{ "a=3Db\r\n", QP_LITERAL, "a=b\r\n" },
	{ "a=3db=\r\nc", QP_LITERAL, "a=bc" },
	{ "a= \t\r\nb", QP_LITERAL, "ab" },
	{ "a=\v\r\nb", QP_LITERAL, "ab" },
	{ "a=\rb=\nc=\r\r\nd", QP_LITERAL, "abcd" },
	{ "a  \r\nb", QP_LITERAL, "a\r\nb" },
	{ "a=XXb", QP_LITERAL, "a=XXb" },
	{ "a=", QP_LITERAL, "a" },
	{ "a=\r\n\nb", QP_GREEDY, "ab" },
	{ "a=XXb", QP_DROP_1, "aXXb" },
	{ "a=XXb", QP_DROP_2, "aXb" },
	{ "a=XXb", QP_DROP_3, "ab" },
	{ "=41xx=42=XX=43", QP_ESCAPES, "ABC" },
	{ "=4\n1=4=\r\n2", QP_JOINED, "AB" },
	{ "=4=\r\n1\r\n=42", QP_MENDED, "A\r\nB" },
};

static void
test_qp(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(qp); i++) {
		struct sink s = sink(ROOM);
		qp_decode(U(qp[i].text), strlen(qp[i].text), qp[i].view, &s);
		check(&s, qp[i].want);
	}
}

static void
test_qp_regular(void **state)
{
	static const char *const yes[] = { "", "hello\r\n", "a=3Db=\r\nc\r\n", "a=\nb" };
	static const char *const no[] = { "a=", "a= \r\nb", "a \r\nb", "a=XX", "a=\rb",
		"a=\r\n\r\nb" };
	struct qp_look l;

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(yes); i++) {
		qp_look(U(yes[i]), strlen(yes[i]), &l);
		assert_true(l.regular);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(no); i++) {
		qp_look(U(no[i]), strlen(no[i]), &l);
		if (l.regular)
			fail_msg("regular: %s", no[i]);
	}
}

static void
test_uu(void **state)
{
	static const char text[] = "#0V%T\r\n`\r\nend\r\nmore", xx[] = "1ELMggo\nend\n",
			  stripped[] = "#86)\r\nno more of it here\r\nx\r\n";
	struct sink s = sink(ROOM);

	(void)state;
	assert_int_equal(
	    uu_decode(U(text), strlen(text), false, &s), strlen(text) - strlen("more"));
	check(&s, "Cat");
	s = sink(ROOM);
	assert_true(uu_decode(U(stripped), strlen(stripped), false, &s) == 6);
	assert_int_equal(s.used, 3);
	s = sink(ROOM);
	assert_int_equal(uu_decode(U("nothing\r\nof it\r\n"), 16, false, &s), 0);
	assert_int_equal(s.used, 0);
	s = sink(ROOM);
	(void)uu_decode(U(xx), strlen(xx), false, &s);
	assert_false(s.full);
	assert_int_equal(uu_begin(U("begin 644 x"), U("begin 644 x") + 11, NULL), UU_LINES);
	static const char line[] = "BEGIN  0100644\ta b", b64[] = "begin-base64 644 x",
			  bad[] = "beginning 6";
	assert_int_equal(uu_begin(U(line), U(line) + strlen(line), NULL), UU_LINES);
	assert_int_equal(uu_begin(U(b64), U(b64) + strlen(b64), NULL), UU_BASE64);
	assert_int_equal(uu_begin(U(bad), U(bad) + strlen(bad), NULL), UU_NONE);
}

static void
test_yenc(void **state)
{
	static const char text[] =
	    "=ypart begin=1 end=4\r\n\x6b\x6c\r\n\x6d=\x7d\r\n=yend size=4\r\nmore";
	struct sink s = sink(ROOM);

	(void)state;
	assert_int_equal(yenc_decode(U(text), strlen(text), &s), strlen(text) - strlen("more"));
	assert_int_equal(s.used, 4);
	assert_memory_equal(s.base, "ABC\x13", 4);
}

/* Six bits a letter. The caller frees. */
static char *
binhex_text(const unsigned char *p, size_t len)
{
	static const char letters[] =
	    "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
	GString *s = g_string_new("junk\r\n:");
	unsigned bits = 0, n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | p[i];
		for (n += 8; n >= 6; n -= 6)
			g_string_append_c(s, letters[bits >> (n - 6) & 63]);
	}
	if (n > 0)
		g_string_append_c(s, letters[bits << (6 - n) & 63]);
	g_string_append(s, ":\r\nmore");
	return g_string_free(s, FALSE);
}

static void
test_binhex(void **state)
{
	/* name "a", version, type, creator, flags, data 5, resource 2, sum; "xxxxx" as a run; sum; "rs"; sum */
	static const unsigned char file[] = { 1, 'a', 0, 'T', 'E', 'X', 'T', 'C', 'R', 'E', 'A', 0,
		0, 0, 0, 0, 5, 0, 0, 0, 2, 9, 9, 'x', 0x90, 5, 8, 8, 'r', 's', 7, 7 };
	g_autofree char *text = binhex_text(file, sizeof file);
	struct sink s = sink(ROOM);
	struct binhex f;

	(void)state;
	assert_true(binhex_decode(U(text), strlen(text), &s, &f) > 0);
	assert_int_equal(f.data_len, 5);
	assert_memory_equal(s.base + f.data, "xxxxx", 5);
	assert_int_equal(f.resource_len, 2);
	assert_memory_equal(s.base + f.resource, "rs", 2);
	/* A header that lies: all of it is the data. */
	static const unsigned char lie[] = { 1, 'a', 0, 0xff, 0xff };
	g_autofree char *other = binhex_text(lie, sizeof lie);
	s = sink(ROOM);
	assert_true(binhex_decode(U(other), strlen(other), &s, &f) > 0);
	assert_true(f.data == 0 && f.data_len == s.used && f.resource_len == 0);
	s = sink(ROOM);
	assert_int_equal(binhex_decode(U("no start"), 8, &s, &f), 0);
}

static void
test_gunzip(void **state)
{
	unsigned char packed[256];
	z_stream z = { .next_in = (unsigned char *)(uintptr_t) "hello hello hello",
		.avail_in = 17,
		.next_out = packed,
		.avail_out = sizeof packed };
	struct sink s = sink(ROOM);

	(void)state;
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t n = sizeof packed - z.avail_out;
	deflateEnd(&z);
	assert_true(gunzip_looks(packed, n));
	gunzip(packed, n, &s);
	check(&s, "hello hello hello");
	/* Without its end: the beginning. Without room: said. */
	s = sink(ROOM);
	gunzip(packed, n - 8, &s);
	assert_true(s.used > 0 && !s.full);
	s = sink(5);
	gunzip(packed, n, &s);
	assert_true(s.used == 5 && s.full);
}

static void
test_charset(void **state)
{
	static const char le[] = "\xff\xfeh\0i\0\x20\xac",
			  be[] = "\0h\0e\0l\0l\0o\0 \0w\0o\0r\0l\0d", utf7[] = "+ADw-b+AD4- 1 +- 1";
	struct sink s = sink(ROOM);

	(void)state;
	assert_int_equal(charset_look(U(le), 8), CHARSET_UTF16LE);
	charset_narrow(U(le), 8, CHARSET_UTF16LE, &s);
	check(&s, "hi?");
	assert_int_equal(charset_look(U(be), 22), CHARSET_UTF16BE);
	s = sink(ROOM);
	charset_narrow(U(be), 22, CHARSET_UTF16BE, &s);
	check(&s, "hello world");
	assert_true(charset_is_utf7(U(utf7), strlen(utf7)));
	assert_false(charset_is_utf7(U("1 + 1 = 2, A+B"), 14));
	s = sink(ROOM);
	charset_narrow(U(utf7), strlen(utf7), CHARSET_UTF7, &s);
	check(&s, "<b> 1 + 1");
	assert_int_equal(charset_look(U("hello, this is plain text"), 25), CHARSET_NARROW);
}

static void
test_lines(void **state)
{
	static const char text[] = "a\r\nb\nc\rd\r\r\ne\n\rf\n\r\ng";
	static const char *const want[] = { "a", "b", "c", "d", "e", "f", "", "g" };
	struct lines it;
	struct line l;
	size_t n = 0;

	(void)state;
	lines_init(&it, text, strlen(text));
	while (lines_next(&it, &l)) {
		assert_true(n < G_N_ELEMENTS(want));
		assert_int_equal(l.end - l.p, strlen(want[n]));
		assert_memory_equal(l.p, want[n], strlen(want[n]));
		n++;
	}
	assert_int_equal(n, G_N_ELEMENTS(want));
}

static unsigned
encodings(const char *value)
{
	return encname_find(U(value), U(value) + strlen(value));
}

static void
test_encname(void **state)
{
	(void)state;
	assert_int_equal(encodings(" base64"), ENCODING_BASE64);
	assert_int_equal(encodings("BASE-64; x=y"), ENCODING_BASE64);
	assert_int_equal(encodings("ba(comment)se64"), ENCODING_BASE64);
	assert_int_equal(encodings("(base64) 7bit"), ENCODING_BASE64);
	assert_int_equal(encodings("=?us-ascii?B?YmFzZTY0?="), ENCODING_BASE64);
	assert_int_equal(encodings("base64, quoted-printable"), ENCODING_BASE64 | ENCODING_QP);
	assert_int_equal(encodings("x-gzip64"), ENCODING_BASE64 | ENCODING_GZIP);
	assert_int_equal(encodings("x-uuencode"), ENCODING_UU);
	assert_int_equal(encodings("8bit"), 0);
	assert_int_equal(encodings(""), 0);
}

/* Every decoder stops at the end of its room, and says so. */
static void
test_room(void **state)
{
	struct sink s;

	(void)state;
	for (int view = BASE64_STOP; view < BASE64_VIEWS; view++) {
		s = sink(5);
		base64_decode(U("aGVsbG8gd29ybGQ="), 16, view, &s);
		assert_true(s.used == 5 && s.full && room[5] == 0x55);
	}
	s = sink(3);
	qp_decode(U("hello"), 5, QP_LITERAL, &s);
	assert_true(s.used == 3 && s.full && room[3] == 0x55);
	s = sink(2);
	(void)uu_decode(U("#0V%T\r\n"), 7, false, &s);
	assert_true(s.used == 2 && s.full && room[2] == 0x55);
	s = sink(1);
	(void)yenc_decode(U("abc"), 3, &s);
	assert_true(s.used == 1 && s.full && room[1] == 0x55);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_zeroes),
		cmocka_unit_test(test_base64_regular),
		cmocka_unit_test(test_qp),
		cmocka_unit_test(test_qp_regular),
		cmocka_unit_test(test_uu),
		cmocka_unit_test(test_yenc),
		cmocka_unit_test(test_binhex),
		cmocka_unit_test(test_gunzip),
		cmocka_unit_test(test_charset),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_encname),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
