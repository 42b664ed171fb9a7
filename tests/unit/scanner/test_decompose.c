/* What a message is taken apart into, at which limits that ends, and what the worst messages cost.
 */
#include <gmime/gmime.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scanner/cputime.h"
#include "scanner/decompose.h"

#define ARENA (64u * 1024 * 1024)

/* "path type bytes [names]" of every leaf, one per line. */
struct seen {
	GString *text;
	const unsigned char *message, *arena;
	size_t message_size, arena_size;
	unsigned count;
	uint32_t next_id;
	bool show;
};

static struct proto_settings
defaults(void)
{
	struct proto_settings s = { .max_extract_size = 1 << 20,
		.max_cumulative_extract_size = 4 << 20,
		.max_file_count = 5000,
		.max_extract_time_ms = 60000,
		.max_extract_depth = 10,
		.header_max = 256 * 1024 };

	return s;
}

static bool
on_part(void *arg, const struct part *p)
{
	struct seen *s = arg;
	const unsigned char *base = p->store == STORE_ARENA ? s->arena : s->message;
	size_t size = p->store == STORE_ARENA ? s->arena_size : s->message_size;

	assert_int_equal(p->id, s->next_id++);
	assert_true(p->offset <= size && p->size <= size - p->offset);
	assert_true(p->kind == (p->id == 0 ? OBJECT_MESSAGE : OBJECT_PART));
	assert_true(g_utf8_validate(p->path, -1, NULL) && g_utf8_validate(p->type, -1, NULL));
	if (p->id == 0)
		return true;
	s->count++;
	if (!s->show)
		return true;
	g_string_append_printf(s->text, "%s %s%s<%.*s>", p->path, p->type,
	    p->store == STORE_ARENA ? " decoded " : " ", (int)p->size,
	    (const char *)base + p->offset);
	for (char **n = p->names; *n; n++) {
		assert_true(g_utf8_validate(*n, -1, NULL));
		g_string_append_printf(s->text, " [%s]", *n);
	}
	g_string_append_c(s->text, '\n');
	return true;
}

/* Take apart; the caller owns the text. */
static char *
run_full(const char *mail, size_t len, const struct proto_settings *lim, size_t arena_size,
    struct verdict *v, unsigned *count)
{
	unsigned char *arena = mmap(NULL, arena_size + 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct seen s = { .text = g_string_new(NULL),
		.message = (const unsigned char *)mail,
		.message_size = len,
		.arena = arena,
		.arena_size = arena_size,
		.show = count == NULL };
	struct decompose job = { .message = s.message,
		.size = len,
		.arena = arena,
		.arena_size = arena_size,
		.mime = true,
		.limits = lim,
		.cpu_start_us = cpu_now_us(),
		.listener = on_part,
		.arg = &s };

	assert_true(arena != MAP_FAILED);
	decompose(&job, v);
	munmap(arena, arena_size + 1);
	if (count)
		*count = s.count;
	return g_string_free(s.text, FALSE);
}

static char *
run(const char *mail, struct verdict *v)
{
	struct proto_settings lim = defaults();

	return run_full(mail, strlen(mail), &lim, 65536, v, NULL);
}

#define HEAD     "Received: by test\r\nMIME-Version: 1.0\r\n"
#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\r\n\r\n"
#define PLAIN    "Content-Type: text/plain\r\n\r\n"
#define B64      "Content-Transfer-Encoding: base64\r\n\r\n"

static const struct {
	const char *mail, *want;
} shapes[] = {
	{ HEAD PLAIN "hello\r\n", "1 text/plain <hello\r\n>\n" },
	{ HEAD "\r\nhello\r\n", "1  <hello\r\n>\n" },
	{ "Received: by test\r\n", "1  <>\n" },
	{ "Received: by test\r\n\r\n", "1  <>\n" },
	{ HEAD MIXED("b") "--b\r\n" PLAIN "one\r\n--b\r\n" PLAIN "two\r\n--b--\r\n",
	    "1 text/plain <one>\n2 text/plain <two>\n" },
	/* what Outlook wraps has the names it is wrapped with, also the one behind it, and also if its bytes are known */
	{ HEAD MIXED("b") "--b\r\nContent-Type: text/plain; name=note.txt\r\n\r\nThis content was sent before.\n\r\n"
		"--b\r\nContent-Type: application/ms-tnef\r\n" B64
		"eJ8+IgEAAgKQBgAOAAAAAAAAAAAAAAAAAAAAAAB4eAIQgAEABgAAAGEudHh0AHh4Ag+ABgAeAAAA\r\n"
		"VGhpcyBjb250ZW50IHdhcyBzZW50IGJlZm9yZS4KeHgCBZAGACQAAAABAAAAHwAHNwEAAAASAAAA\r\n"
		"ZQB2AGkAbAAuAGUAeABlAAAAAAB4eAICkAYADgAAAAAAAAAAAAAAAAAAAAAAeHgCEIABAAYAAABi\r\n"
		"LnR4dAB4eAIPgAYAEQAAAEFuZCB0aGlzIGlzIG5ldy4KeHg=\r\n"
		"--b--\r\n",
	    "1 text/plain <This content was sent before.\n> [note.txt]\n"
	    "2 application/ms-tnef decoded <x\237>\"\1>\n"
	    "2.1  decoded <This content was sent before.\n> [a.txt]\n"
	    "2.2  decoded <This content was sent before.\n> [evil.exe]\n"
	    "2.3  decoded <And this is new.\n> [b.txt]\n" },
	/* numbers as IMAP gives them */
	{ HEAD MIXED("a") "--a\r\n" MIXED("b") "--b\r\n" PLAIN "x\r\n--b\r\n" PLAIN
					       "y\r\n--b--\r\n--a\r\n" PLAIN "z\r\n--a--\r\n",
	    "1.1 text/plain <x>\n1.2 text/plain <y>\n2 text/plain <z>\n" },
	{ HEAD MIXED("a") "--a\r\n" PLAIN
			  "x\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n" HEAD PLAIN
			  "y\r\n--a--\r\n",
	    "1 text/plain <x>\n2.1 text/plain <y>\n" },
	{ HEAD MIXED("a") "--a\r\nContent-Type: message/rfc822\r\n\r\n" HEAD MIXED(
	      "b") "--b\r\n" PLAIN "x\r\n--b\r\n" PLAIN "y\r\n--b--\r\n--a--\r\n",
	    "1.1 text/plain <x>\n1.2 text/plain <y>\n" },
	{ HEAD "Content-Type: message/rfc822\r\n\r\n" HEAD PLAIN "y\r\n",
	    "1.1 text/plain <y\r\n>\n" },
	/* encodings */
	{ HEAD "Content-Type: application/x\r\n" B64 "aGVsbG8=\r\n",
	    "1 application/x decoded <hello>\n" },
	{ HEAD "Content-Type: application/x\r\n" B64 "aGVsbG8\r\n",
	    "1 application/x decoded <hello>\n" },
	{ HEAD "Content-Type: application/x\r\n" B64 "aGVsbA\r\n",
	    "1 application/x decoded <hell>\n" },
	{ HEAD "Content-Type: application/x\r\n" B64 "aGVs", "1 application/x decoded <hel>\n" },
	{ HEAD "Content-Type: Text/HTML\r\nContent-Transfer-Encoding: "
	       "Quoted-Printable\r\n\r\na=3Db=\r\nc\r\n",
	    "1 text/html decoded <a=bc\r\n>\n" },
	{ HEAD "Content-Type: application/x\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin "
	       "644 a.com\r\n%:&5L;&\\\r\n`\r\nend\r\n",
	    "1 application/x decoded <hello>\n" },
	{ HEAD "Content-Type: text/plain\r\nContent-Transfer-Encoding: whatever\r\n\r\nas is",
	    "1 text/plain <as is>\n" },
	/* containers encoded as a whole */
	{ HEAD "Content-Type: message/rfc822\r\n" B64
	       "Q29udGVudC1UeXBlOiB0ZXh0L3BsYWluDQoNCmlubmVyDQo=\r\n",
	    "1 message/rfc822 decoded <Content-Type: text/plain\r\n\r\ninner\r\n>\n1.1 text/plain "
	    "decoded <inner\r\n>\n" },
	{ HEAD "Content-Type: message/global\r\n" B64
	       "Q29udGVudC1UeXBlOiB0ZXh0L3BsYWluDQoNCmlubmVyDQo=\r\n",
	    "1 message/global decoded <Content-Type: text/plain\r\n\r\ninner\r\n>\n1.1 text/plain "
	    "decoded <inner\r\n>\n" },
	{ HEAD "Content-Type: multipart/mixed; boundary=b\r\n" B64
	       "LS1iDQpDb250ZW50LVR5cGU6IHRleHQvcGxhaW4NCg0KaW5uZXINCi0tYi0tDQo=\r\n",
	    "1 multipart/mixed decoded <--b\r\nContent-Type: "
	    "text/plain\r\n\r\ninner\r\n--b--\r\n>\n1 text/plain decoded <inner>\n" },
	{ HEAD "Content-Type: multipart/mixed; boundary=other\r\n\r\n--b\r\n" PLAIN
	       "x\r\n--b--\r\n",
	    "1 multipart/mixed <--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n>\n" },
	{ HEAD MIXED("a") "--a\r\nContent-Type: multipart/x; boundary=b\r\nX-Last: y\r\n" B64
			  "LS1iDQpDb250ZW50LVR5cGU6IHRleHQvcGxhaW4NCg0KaW5uZXINCi0tYi0tDQo=\r\n--"
			  "a\r\n" PLAIN "z\r\n--a--\r\n",
	    "1 multipart/x decoded <--b\r\nContent-Type: "
	    "text/plain\r\n\r\ninner\r\n--b--\r\n>\n1.1 text/plain decoded <inner>\n"
	    "2 text/plain <z>\n" },
	/* reports are leaves, the body of external-body is looked into */
	{ HEAD "Content-Type: message/delivery-status\r\n\r\nAction: failed\r\n",
	    "1 message/delivery-status <Action: failed\r\n>\n" },
	{ HEAD "Content-Type: message/external-body; access-type=x\r\n\r\n" PLAIN "phantom",
	    "1 message/external-body <Content-Type: text/plain\r\n\r\nphantom>\n1.1 text/plain "
	    "<phantom>\n" },
	/* signed and parallel, where libclamav sees only one part */
	{ HEAD "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" PLAIN
	       "x\r\n--b\r\nContent-Type: application/y\r\n\r\ny\r\n--b--\r\n",
	    "1 text/plain <x>\n2 application/y <y>\n" },
};

static void
test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		g_autofree char *got = run(shapes[i].mail, &v);
		assert_string_equal(got, shapes[i].want);
		assert_true(verdict_is_clean(&v));
	}
}

static const struct {
	const char *fields, *names;
} names[] = {
	{ "Content-Disposition: attachment; filename=a.txt\r\n", " [a.txt]" },
	{ "Content-Disposition: attachment; filename=\"a b.txt\"\r\nContent-Type: x/y; "
	  "name=\"c.exe\"\r\n",
	    " [a b.txt] [c.exe]" },
	{ "Content-Type: x/y; name=c.exe\r\n", " [c.exe]" },
	{ "Content-Disposition: attachment; filename*=UTF-8''%e2%82%ac.exe\r\n",
	    " [\xe2\x82\xac.exe] [UTF-8''%e2%82%ac.exe]" },
	{ "Content-Disposition: attachment; filename*0=\"evil.\"; filename*1=\"exe\"\r\n",
	    " [evil.exe] [evil.] [evil]" },
	{ "Content-Disposition: attachment; filename*1=\"xe\"; filename*0=\"evil.e\"\r\n",
	    " [evil.exe] [evil.e] [xeevil.e]" },
	{ "Content-Disposition: attachment; filename=\"C:\\\\a/evil.exe. .\"\r\n",
	    " [C:\\a/evil.exe. .] [C:\\a/evil.exe] [evil.exe]" },
	{ "Content-Disposition: attachment; filename*=us-ascii''evil.exe%00.txt\r\n",
	    " [evil.exe] [us-ascii''evil.exe%00.txt] [evil.exe_.txt]" },
	{ "Content-Disposition: attachment; filename=evil.e(x)xe (y)\r\n",
	    " [evil.e(x)xe (y)] [evil.exe]" },
	{ "Content-Disposition: attachment; filename=\"=?UTF-8?B?ZXZpbC5leGU=?=\"\r\n",
	    " [evil.exe] [=?UTF-8?B?ZXZpbC5leGU=?=]" },
	/* the second of two: some programs take it */
	{ "Content-Disposition: attachment; filename=a.txt; filename=b.exe\r\n",
	    " [a.txt] [b.exe] [a.txtb.exe]" },
	{ "Content-Disposition: attachment; filename=a.txt\r\nContent-Disposition: attachment; "
	  "filename=b.exe\r\n",
	    " [b.exe] [a.txt]" },
	{ "Content-Disposition: attachment; filename=\"a\tb\x01.exe\"\r\n", " [a_b_.exe]" },
	{ "Content-Disposition: attachment; filename=\"\xff\xfe.exe\"\r\n", ".exe]" },
	{ "Content-Disposition: attachment\r\n", "" },
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		g_autofree char *mail = g_strconcat(HEAD, names[i].fields, "\r\nx", NULL);
		g_autofree char *got = run(mail, &v);
		const char *after = strstr(got, "<x>");
		assert_non_null(after);
		g_autofree char *want = g_strconcat(names[i].names, "\n", NULL);
		if (names[i].names[0] == '.')
			assert_true(g_str_has_suffix(after, want));
		else
			assert_string_equal(after + 3, want);
		assert_true(verdict_is_clean(&v));
	}
}

/* Seventeen names: sixteen are told, and the result says that this is not all. */
static void
test_many_names(void **state)
{
	g_autoptr(GString) mail = g_string_new(HEAD);
	AUTO(verdict_clear) struct verdict v = { 0 };

	(void)state;
	for (int i = 0; i <= PROTO_NAMES_MAX; i++)
		g_string_append_printf(
		    mail, "Content-Disposition: attachment; filename=n%d.exe\r\n", i);
	g_string_append(mail, "\r\nx");
	g_autofree char *got = run(mail->str, &v);
	assert_non_null(strstr(got, "[n0.exe]"));
	assert_int_equal(verdict_state(&v), SCAN_PARTIAL);
	assert_int_equal(v.partial, REASON_LIMIT_FILES);
}

static char *
many_parts(unsigned n, size_t each)
{
	GString *m = g_string_new(HEAD MIXED("b"));

	for (unsigned i = 0; i < n; i++) {
		g_string_append(m, "--b\r\nContent-Type: application/x\r\n\r\n");
		for (size_t k = 0; k < each; k++)
			g_string_append_c(m, 'x');
		g_string_append(m, "\r\n");
	}
	g_string_append(m, "--b--\r\n");
	return g_string_free(m, FALSE);
}

static char *
nested(unsigned n)
{
	GString *m = g_string_new(HEAD);

	for (unsigned i = 0; i < n; i++)
		g_string_append_printf(
		    m, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
	g_string_append(m, PLAIN "deep\r\n");
	for (unsigned i = n; i-- > 0;)
		g_string_append_printf(m, "--b%u--\r\n", i);
	return g_string_free(m, FALSE);
}

static char *
forwarded(unsigned n)
{
	GString *m = g_string_new(HEAD);

	for (unsigned i = 0; i < n; i++)
		g_string_append(m, "Content-Type: message/rfc822\r\n\r\n");
	g_string_append(m, PLAIN "deep");
	return g_string_free(m, FALSE);
}

/* Run with limits and say how it ended. */
static void
expect_limit(const char *mail, const struct proto_settings *lim, size_t arena, unsigned leaves,
    enum reason r)
{
	AUTO(verdict_clear) struct verdict v = { 0 };
	unsigned count = 0;
	g_autofree char *text = run_full(mail, strlen(mail), lim, arena, &v, &count);

	assert_non_null(text);
	assert_int_equal(count, leaves);
	assert_int_equal(verdict_state(&v), r == REASON_NONE ? SCAN_COMPLETE : SCAN_PARTIAL);
	assert_int_equal(v.partial, r);
	assert_int_equal(v.failed, REASON_NONE);
}

static void
test_limits(void **state)
{
	g_autofree char *ten = many_parts(10, 100);
	g_autofree char *five = nested(5), *fwd = forwarded(5);
	struct proto_settings s;

	(void)state;
	for (int d = -1; d <= 1; d++) {
		s = defaults();
		s.max_file_count = (uint64_t)(10 + d);
		expect_limit(ten, &s, 0, d < 0 ? 0 : 10, d < 0 ? REASON_LIMIT_FILES : REASON_NONE);
		s = defaults();
		s.max_extract_size = (uint64_t)(100 + d);
		expect_limit(ten, &s, 0, d < 0 ? 0 : 10, d < 0 ? REASON_LIMIT_SIZE : REASON_NONE);
		s = defaults();
		s.max_cumulative_extract_size = (uint64_t)(1000 + d);
		expect_limit(
		    ten, &s, 0, d < 0 ? 9 : 10, d < 0 ? REASON_LIMIT_CUMULATIVE : REASON_NONE);
		s = defaults();
		s.max_extract_depth = (uint64_t)(5 + d);
		expect_limit(five, &s, 0, d < 0 ? 0 : 1, d < 0 ? REASON_LIMIT_DEPTH : REASON_NONE);
		expect_limit(fwd, &s, 0, d < 0 ? 0 : 1, d < 0 ? REASON_LIMIT_DEPTH : REASON_NONE);
		s = defaults();
		s.header_max = (uint64_t)(strlen(HEAD PLAIN) - 2 + (size_t)d);
		expect_limit(
		    HEAD PLAIN "x", &s, 0, d < 0 ? 0 : 1, d < 0 ? REASON_LIMIT_SIZE : REASON_NONE);
		/* five decoded bytes, and the arena they go to */
		s = defaults();
		expect_limit(HEAD B64 "aGVsbG8=\r\n", &s, (size_t)(5 + d), d < 0 ? 0 : 1,
		    d < 0 ? REASON_LIMIT_CUMULATIVE : REASON_NONE);
		s.max_extract_size = (uint64_t)(5 + d);
		expect_limit(HEAD B64 "aGVsbG8=\r\n", &s, 100, d < 0 ? 0 : 1,
		    d < 0 ? REASON_LIMIT_SIZE : REASON_NONE);
	}
	s = defaults();
	s.max_file_count = 0;
	expect_limit(ten, &s, 0, 10, REASON_NONE);
}

/* One decoded part that does not fit costs that part; the others are still handed out. */
static void
test_limit_spares_others(void **state)
{
	struct proto_settings s = defaults();
	const char *mail =
	    HEAD MIXED("b") "--b\r\n" B64 "aGVsbG8gd29ybGQ=\r\n--b\r\n" PLAIN "small\r\n--b--\r\n";

	(void)state;
	s.max_extract_size = 8;
	expect_limit(mail, &s, 100, 1, REASON_LIMIT_SIZE);
}

static void
test_partial_message(void **state)
{
	AUTO(verdict_clear) struct verdict v = { 0 };
	g_autofree char *got =
	    run(HEAD "Content-Type: message/partial; id=x; number=1; total=2\r\n\r\nbytes", &v);

	(void)state;
	assert_string_equal(got, "1 message/partial <bytes>\n");
	assert_int_equal(v.partial, REASON_MESSAGE_PARTIAL);
}

/* What GMime cannot parse at all is a failure, never an empty list that looks complete. */
static void
test_parser_gives_up(void **state)
{
	struct proto_settings lim = defaults();
	AUTO(verdict_clear) struct verdict v = { 0 };
	g_autofree char *got = run_full("", 0, &lim, 10, &v, NULL);

	(void)state;
	assert_string_equal(got, "");
	assert_int_equal(verdict_state(&v), SCAN_FAILED);
	assert_int_equal(v.failed, REASON_MIME_PARSE);
}

static void
test_mime_off(void **state)
{
	struct proto_settings lim = defaults();
	AUTO(verdict_clear) struct verdict v = { 0 };
	struct seen s = { .text = g_string_new(NULL),
		.message = (const unsigned char *)"xyz",
		.message_size = 3,
		.show = true };
	struct decompose job = {
		.message = s.message, .size = 3, .limits = &lim, .listener = on_part, .arg = &s
	};

	(void)state;
	decompose(&job, &v);
	assert_int_equal(s.next_id, 1);
	assert_int_equal(s.count, 0);
	assert_true(verdict_is_clean(&v));
	g_string_free(s.text, TRUE);
}

/* The worst messages. Each runs in a process of its own, which may die: that is what workers are
 * for. */
static GString *
repeat(GString *s, const char *what, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		g_string_append(s, what);
	return s;
}

static GString *
parameters(GString *s, unsigned n)
{
	g_string_append(s, "Content-Type: text/plain");
	for (unsigned i = 0; i < n; i++)
		g_string_append_printf(s, ";\r\n p%u=%u", i, i);
	return g_string_append(s, "\r\n\r\nx\r\n");
}

#define CPU_SECONDS_MAX 10

static GString *
bomb(int which)
{
	GString *s = g_string_new(HEAD);
	char *part;

	switch (which) {
	case 0:
		part = nested(1100);
		g_string_assign(s, part);
		g_free(part);
		return s;
	case 1:
		part = forwarded(1100);
		g_string_assign(s, part);
		g_free(part);
		return s;
	case 2:
		return g_string_append(
		    repeat(g_string_append(s, "To: "), "a:", 60000), "\r\n\r\nx\r\n");
	case 3:
		g_string_append(s, MIXED("b") "--b\r\nContent-Type: message/rfc822\r\n\r\nTo: ");
		return g_string_append(repeat(s, "a:", 60000), "\r\n\r\nx\r\n--b--\r\n");
	case 4:
		return parameters(s, 200000);
	case 5:
		g_string_append(s, MIXED("b") "--b\r\n");
		return g_string_append(parameters(s, 200000), "--b--\r\n");
	case 6:
		return repeat(g_string_append(s, MIXED("b")), "--b\r\n\r\nx\r\n", 100000);
	case 7:
		return repeat(g_string_append(s, MIXED("b")), "--b\r\n", 2000000);
	case 8:
		return repeat(
		    g_string_append(s, MIXED("b") "--b\r\n" PLAIN), "--bogus\r\n", 2000000);
	case 9:
		return g_string_append(
		    repeat(g_string_append(s, "X-Long: "), "0123456789", 1000000), "\r\n\r\nx\r\n");
	case 10:
		return repeat(g_string_append(s, B64), "Q\r\n", 3000000);
	case 11:
		return g_string_append(repeat(s, "X: y\r\n", 100000), "\r\nx\r\n");
	case 12:
		/* many boundaries, all open, and many lines that might be one of them */
		for (unsigned i = 0; i < 900; i++)
			g_string_append_printf(s,
			    "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
		return repeat(g_string_append(s, PLAIN), "--x\r\n", 1000000);
	case 13:
		return g_string_append(
		    repeat(g_string_append(s, "Content-Type: text/plain; name=\""),
			"=?utf-8?q?x?= ", 15000),
		    "\"\r\n\r\nx");
	case 14:
		/* found by fuzzing: GMime never returns when it is asked for the boundary of this
		 */
		g_string_append(s, "Content-Type: multipart/mixed; b");
		repeat(s, "\xff", 30);
		g_string_append(s, "oundary=\"=naboundary*0=Received: from ");
		repeat(s, "\xff", 12);
		return g_string_append(s, "xed; bmixed; bounda=\"=_Cbo");
	default:
		g_string_free(s, TRUE);
		return NULL;
	}
}

static const struct {
	const char *what;
	unsigned allowed; /* enum reason of the PARTIAL */
	bool complete;
} bombs[] = {
	{ "1100 multiparts deep", REASON_LIMIT_DEPTH, false },
	{ "1100 forwarded messages deep", REASON_LIMIT_DEPTH, false },
	{ "60000 address groups", REASON_LIMIT_DEPTH, false },
	{ "60000 address groups in an embedded message", REASON_LIMIT_DEPTH, false },
	{ "200000 parameters", REASON_LIMIT_SIZE, false },
	{ "200000 parameters in a part", REASON_LIMIT_SIZE, false },
	{ "100000 parts", REASON_LIMIT_FILES, false },
	{ "2000000 delimiter lines", REASON_LIMIT_FILES, false },
	{ "2000000 lines like a delimiter", REASON_LIMIT_SIZE, false },
	{ "a header line of 10 MB", REASON_LIMIT_SIZE, false },
	{ "3000000 lines of one base64 character", REASON_NONE, true },
	{ "100000 header fields", REASON_LIMIT_SIZE, false },
	{ "900 open boundaries and a million lines", REASON_LIMIT_DEPTH, false },
	{ "15000 encoded words in a name", REASON_NONE, true },
	{ "a boundary that is none", REASON_NONE, true },
};

#define RSS_KB_MAX (700 * 1024)

/* Exit code 100 + reason for a PARTIAL, 0 for complete, anything else is a test that went wrong. */
static int
explode(int which, bool swept)
{
	struct proto_settings lim = defaults();
	AUTO(verdict_clear) struct verdict v = { 0 };
	unsigned count = 0;
	GString *mail = bomb(which);

	alarm(6 * CPU_SECONDS_MAX); /* a parser that never returns is a death too */
	lim.max_extract_size = 8 << 20;
	lim.flags = swept ? PROTO_SWEEP | PROTO_PARANOID : 0;
	free(run_full(mail->str, mail->len, &lim, ARENA, &v, &count));
	g_string_free(mail, TRUE);
	if (verdict_state(&v) == SCAN_COMPLETE)
		return 0;
	return verdict_state(&v) == SCAN_PARTIAL ? 100 + (int)v.partial : 1;
}

static void
test_bombs(void **state)
{
	(void)state;
	for (int n = 0; n < 2 * (int)G_N_ELEMENTS(bombs); n++) {
		int i = n / 2;
		bool swept = n % 2;
		struct rusage ru;
		int status = 0;
		pid_t pid = fork();
		if (pid == 0)
			_exit(explode(i, swept));
		assert_int_equal(wait4(pid, &status, 0, &ru), pid);
		int64_t ms = (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000 +
		    (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1000;
		print_message("# %s%s: %s %d, %ld ms, %ld MB\n", bombs[i].what,
		    swept ? ", swept" : "", WIFEXITED(status) ? "exit" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), (long)ms,
		    ru.ru_maxrss / 1024);
		assert_true(WIFEXITED(status));
		/* The sweep may meet a limit of its own before or behind that one. */
		if (swept && !bombs[i].complete)
			assert_true(WEXITSTATUS(status) > 100);
		else
			assert_int_equal(WEXITSTATUS(status),
			    bombs[i].complete ? 0 : 100 + (int)bombs[i].allowed);
		assert_true(ms < CPU_SECONDS_MAX * 1000);
#ifndef AVM_SANITIZED
		assert_true(ru.ru_maxrss < RSS_KB_MAX);
#endif
	}
}

/* The processor time limit ends a decomposition. */
static void
test_time(void **state)
{
	g_autofree char *mail = many_parts(5000, 10);
	struct proto_settings lim = defaults();
	AUTO(verdict_clear) struct verdict v = { 0 };
	unsigned count = 0;

	(void)state;
	lim.max_extract_time_ms = 1;
	free(run_full(mail, strlen(mail), &lim, ARENA, &v, &count));
	assert_int_equal(v.partial, REASON_LIMIT_TIME);
	assert_true(count < 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limit_spares_others),
		cmocka_unit_test(test_partial_message),
		cmocka_unit_test(test_parser_gives_up),
		cmocka_unit_test(test_mime_off),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_time),
	};

	g_mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
