/* What the sweep lays open: one row for each way to hide something, the object exactly; and what it must not cost. */
#include <gmime/gmime.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "scanner/cputime.h"
#include "scanner/decompose.h"

/* What is hidden: text of a length that needs padding, and what it is in base64. */
#define SECRET   "This is the hidden content, and 55 bytes of it to find."
#define SECRET64 "VGhpcyBpcyB0aGUgaGlkZGVuIGNvbnRlbnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0byBmaW5kLg=="
#define PLAIN    "Content-Type: text/plain\r\n\r\n"
#define HEAD     "Received: by test\r\nMIME-Version: 1.0\r\n"
#define B64      "Content-Transfer-Encoding: base64\r\n"
#define BIN      "Content-Type: application/octet-stream\r\n"
#define QP       "Content-Transfer-Encoding: quoted-printable\r\n"
#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\r\n\r\n"
#define UU                                                                                         \
	"begin 644 a.com\r\n"                                                                      \
	"M5&AI<R!I<R!T:&4@:&ED9&5N(&-O;G1E;G0L(&%N9\"`U-2!B>71E<R!O9B!I\r\n"                     \
	"*=\"!T;R!F:6YD+@``\r\n`\r\nend\r\n"
#define NOISE8   "\1\2\3\4\5\6\1\2"
#define NOISE128 NOISE8 NOISE8 NOISE8 NOISE8 NOISE8 NOISE8 NOISE8 NOISE8 NOISE8 NOISE8 NOISE8 NOISE8
#define LONG64   "a long comment, a long comment, a long comment, a long comment, "
#define LONG512  LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64

struct seen {
	const unsigned char *message, *arena;
	const char *want, *name;
	size_t want_len;
	unsigned found, named, swept, parts;
	uint64_t bytes, swept_bytes;
};

static bool
on_part(void *arg, const struct part *p)
{
	struct seen *s = arg;
	const unsigned char *at = (p->store == STORE_ARENA ? s->arena : s->message) + p->offset;

	if (p->id == 0)
		return true;
	s->parts++;
	s->bytes += p->size;
	if (g_str_has_prefix(p->path, "0.")) {
		s->swept++;
		s->swept_bytes += p->size;
	}
	bool secret = p->size == s->want_len && memcmp(at, s->want, s->want_len) == 0;
	s->found += secret;
	s->named += secret && s->name && g_strv_contains((const char *const *)p->names, s->name);
	if (g_getenv("SHOW"))
		printf(
		    "%s %s <%.*s>\n", p->path, p->type, (int)MIN(p->size, 200), (const char *)at);
	return true;
}

static void
take_apart(const char *mail, size_t len, const char *want, size_t want_len, struct seen *s,
    struct verdict *v)
{
	const size_t arena_size = 16 * len + (8 << 20);
	struct proto_settings lim = { .max_extract_size = 64 << 20,
		.max_cumulative_extract_size = 256 << 20,
		.max_file_count = 5000,
		.max_extract_time_ms = 60000,
		.max_extract_depth = 10,
		.header_max = 256 * 1024,
		.flags = PROTO_SWEEP };
	unsigned char *arena = mmap(NULL, arena_size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct decompose job = { .message = (const unsigned char *)mail,
		.size = len,
		.arena = arena,
		.arena_size = arena_size,
		.mime = true,
		.limits = &lim,
		.cpu_start_us = cpu_now_us(),
		.listener = on_part,
		.arg = s };

	assert_true(arena != MAP_FAILED);
	*s = (struct seen){ .message = job.message,
		.arena = arena,
		.want = want,
		.want_len = want_len,
		.name = s->name };
	decompose(&job, v);
	munmap(arena, arena_size);
}

/* The rows: NUL in them is written as \0 and counted by sizeof. */
static const struct {
	const char *what, *mail;
	size_t len;
} rows[] = {
#define ROW(what, mail)                                                                            \
	{                                                                                          \
		what, mail, sizeof(mail) - 1                                                       \
	}
	/* A: the encoding field */
	ROW("two encodings, base64 first",
	    HEAD BIN B64 "Content-Transfer-Encoding: 7bit\r\n\r\n" SECRET64 "\r\n"),
	ROW("two encodings, base64 last",
	    HEAD BIN "Content-Transfer-Encoding: 7bit\r\n" B64 "\r\n" SECRET64 "\r\n"),
	ROW("list", HEAD BIN "Content-Transfer-Encoding: 7bit, base64\r\n\r\n" SECRET64 "\r\n"),
	ROW("parameter", HEAD BIN "Content-Transfer-Encoding: base64; x=y\r\n\r\n" SECRET64 "\r\n"),
	ROW("quoted", HEAD BIN "Content-Transfer-Encoding: \"base64\"\r\n\r\n" SECRET64 "\r\n"),
	ROW("comment inside",
	    HEAD BIN "Content-Transfer-Encoding: ba(x)se64\r\n\r\n" SECRET64 "\r\n"),
	ROW("comment open",
	    HEAD BIN "Content-Transfer-Encoding: base64 (x\r\n\r\n" SECRET64 "\r\n"),
	ROW("long comment in front",
	    HEAD BIN "Content-Transfer-Encoding: (" LONG512 LONG512 LONG512 LONG512 LONG512
		     ") base64\r\n\r\n<<VGhpcyBpcyB0aGUgaGlkZGVuIGNvbnRl<"
		     "bnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0byBmaW5kLg==\r\n"),
	ROW("x-base64", HEAD BIN "Content-Transfer-Encoding: x-base64\r\n\r\n" SECRET64 "\r\n"),
	ROW("base-64", HEAD BIN "Content-Transfer-Encoding: base-64\r\n\r\n" SECRET64 "\r\n"),
	ROW("misspelt", HEAD BIN "Content-Transfer-Encodin: base64\r\n\r\n" SECRET64 "\r\n"),
	ROW("no encoding", HEAD BIN "\r\n" SECRET64 "\r\n"),
	ROW("encoded word",
	    HEAD BIN "Content-Transfer-Encoding: =?us-ascii?B?YmFzZTY0?=\r\n\r\n" SECRET64 "\r\n"),
	ROW("folded inside",
	    HEAD BIN "Content-Transfer-Encoding: base\r\n 64\r\n\r\n" SECRET64 "\r\n"),
	ROW("NUL in front", HEAD BIN "Content-Transfer-Encoding: \0base64\r\n\r\n" SECRET64 "\r\n"),
	ROW("blank before the colon",
	    HEAD BIN "Content-Transfer-Encoding : base64\r\n\r\n" SECRET64 "\r\n"),
	ROW("no colon", HEAD BIN "Content-Transfer-Encoding base64\r\n\r\n" SECRET64 "\r\n"),
	ROW("NUL before the name",
	    HEAD BIN "\0Content-Transfer-Encoding: base64\r\n\r\n" SECRET64 "\r\n"),
	ROW("junk line before", HEAD BIN "junk\r\n" B64 "\r\n" SECRET64 "\r\n"),
	ROW("blank line before", HEAD BIN " \r\n" B64 "\r\n" SECRET64 "\r\n"),
	ROW("multipart in base64",
	    HEAD
	    "Content-Type: multipart/mixed; boundary=b\r\n" B64
	    "\r\nLS1iDQpDb250ZW50LVR5cGU6IHRleHQvcGxhaW4NCg0KVGhpcyBpcyB0aGUgaGlkZGVuIGNvbnRl\r\n"
	    "bnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0byBmaW5kLg0KLS1iLS0NCg==\r\n"),
	/* B: the base64 body */
	ROW("padding in every piece",
	    HEAD BIN B64
	    "\r\nVGhpcyBpcyA=dGhlIGhpZGRlbiBjb250ZW50LCBhbmQgNTUgYg==eXRlcyBvZiBpdCB0byBmaW5kLg==\r\n"),
	ROW("= after each quad",
	    HEAD BIN B64
	    "\r\nVGhp=cyBp=cyB0=aGUg=aGlk=ZGVu=IGNv=bnRl=bnQs=IGFu=ZCA1=NSBi=eXRl=cyBv=ZiBp=dCB0=byBm=aW5k=Lg==\r\n"),
	ROW("= in a quad",
	    HEAD BIN B64
	    "\r\nVG=hpcyBpcyB0aGUgaGlkZGVuIGNvbnRlbnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0byBmaW5kLg==\r\n"),
	ROW("foreign bytes",
	    HEAD BIN B64
	    "\r\nVGhpc#yBpcyB0.aGUg:aGlkZG%Vu-IGNvbn_RlbnQsIGFuZCA1NSB\0ieXRlcyB\xffvZiBpdCB0byBmaW5kLg==\r\n"),
	ROW("junk at the end of lines",
	    HEAD BIN B64
	    "\r\nVGhpcyBpcyB0aGUgaGlkZGVuIGNvbnRlXX\r\nbnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0\r\nbyBmaW5kLg==\r\n"),
	ROW("comments at the end of lines",
	    HEAD BIN B64
	    "\r\nVGhpcyBpcyB0aGUgaGlkZGVuIGNvbnRl#comment\r\nbnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0#x\r\nbyBmaW5kLg==\r\n"),
	ROW("a line of text inside",
	    HEAD BIN B64
	    "\r\nVGhpcyBpcyB0aGUgaGlkZGVuIGNvbnRl\r\nnobody reads this!\r\nbnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0byBmaW5kLg==\r\n"),
	ROW("a delimiter inside",
	    HEAD BIN B64
	    "\r\nVGhpcyBpcyB0aGUgaGlkZGVuIGNvbnRl\r\n--nobody\r\nbnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0byBmaW5kLg==\r\n"),
	ROW("a letter in front", HEAD BIN B64 "\r\nA\r\n\r\n" SECRET64 "\r\n"),
	ROW("two letters in front", HEAD BIN B64 "\r\nAB\r\n\r\n" SECRET64 "\r\n"),
	ROW("four letters in front", HEAD BIN B64 "\r\nABCD\r\n\r\n" SECRET64 "\r\n"),
	ROW("begin-base64", HEAD BIN B64 "\r\nbegin-base64 644 f\r\n" SECRET64 "\r\n====\r\n"),
	ROW("more behind the end", HEAD BIN B64 "\r\n" SECRET64 "\r\n====\r\naGVsbG8gd29ybGQ=\r\n"),
	ROW("no padding",
	    HEAD BIN B64
	    "\r\nVGhpcyBpcyB0aGUgaGlkZGVuIGNvbnRlbnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0byBmaW5kLg\r\n"),
	ROW("one letter a line",
	    HEAD BIN B64
	    "\r\nV\nG\nh\np\nc\ny\nB\np\ncyB0aGUgaGlkZGVuIGNvbnRlbnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0byBmaW5kLg==\n"),
	/* C: quoted-printable */
	ROW("blanks behind a soft break",
	    HEAD BIN QP
	    "\r\nThis is the hidden = \r\ncontent, and 55 bytes=\t \r\n of it to find."),
	ROW("soft break with CR",
	    HEAD BIN QP
	    "\r\nThis is the hidden =\rcontent, and 55 bytes=\r\r\n of it to =\r\n\nfind."),
	ROW("bad escapes",
	    HEAD BIN QP "\r\n=This= is the hidden content, and 55 bytes of it to find=2E"),
	ROW("escapes only",
	    HEAD BIN QP
	    "\r\n=54=68=69=73=20=69=73=20=74=68=65=20=68=69=64=64=65=6E=20=63=6F=6E=74=65=6E=74=2C=20xx=61=6E=64=20=35=35=20=XX=62=79=74=65=73=20=6F=66=20=69=74=20=74=6F=20=66=69=6E=64=2E"),
	ROW("split escape",
	    HEAD BIN QP "\r\nThis is the hidden content, and 55 bytes of it to fin=6\n4."),
	ROW("base64 under quoted-printable", HEAD BIN QP "\r\n" SECRET64 "\r\n"),
	/* D: boundaries */
	ROW("two types, good first",
	    HEAD
	    "Content-Type: multipart/mixed; boundary=b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--b\r\n" BIN
		B64 "\r\n" SECRET64 "\r\n--b--\r\n"),
	ROW("two boundaries, good last",
	    HEAD "Content-Type: multipart/mixed; boundary=x; boundary=b\r\n\r\n--b\r\n" BIN B64
		 "\r\n" SECRET64 "\r\n--b--\r\n"),
	ROW("wrong boundary", HEAD MIXED("x") "--b\r\n" BIN B64 "\r\n" SECRET64 "\r\n--b--\r\n"),
	ROW("no boundary",
	    HEAD "Content-Type: multipart/mixed\r\n\r\n--b\r\n" BIN B64 "\r\n" SECRET64
		 "\r\n--b--\r\n"),
	ROW("no type", HEAD "\r\n--b\r\n" BIN B64 "\r\n" SECRET64 "\r\n--b--\r\n"),
	ROW("longer delimiter",
	    HEAD MIXED("b") "--bXX\r\n" BIN B64 "\r\n" SECRET64 "\r\n--bXX--\r\n"),
	ROW("blank before the delimiter",
	    HEAD MIXED("b") " --b\r\n" BIN B64 "\r\n" SECRET64 "\r\n --b--\r\n"),
	ROW("plain text in the prologue",
	    HEAD MIXED("x") "--b\r\n" BIN "\r\n" SECRET "\r\n--b--\r\n"),
	ROW("plain text without fields",
	    HEAD MIXED("x") "--b\r\n" BIN "\r\nx\r\n--b\r\n\r\n" SECRET "\r\n--b--\r\n"),
	ROW("behind the end",
	    HEAD MIXED("b") "--b\r\n" PLAIN "x\r\n--b--\r\n--b\r\n" BIN B64 "\r\n" SECRET64
			    "\r\n--b--\r\n"),
	ROW("plain prologue", HEAD MIXED("b") SECRET "\r\n--b\r\n" PLAIN "x\r\n--b--\r\n"),
	ROW("plain epilogue", HEAD MIXED("b") "--b\r\n" PLAIN "x\r\n--b--\r\n" SECRET),
	/* E: header and body */
	ROW("no empty line", HEAD MIXED("b") "--b\r\n" BIN B64 SECRET64 "\r\n--b--\r\n"),
	ROW("blank separator",
	    HEAD MIXED("b") "--b\r\n" BIN B64 " \t\r\n" SECRET64 "\r\n--b--\r\n"),
	ROW("NUL separator", HEAD MIXED("b") "--b\r\n" BIN B64 "\0\r\n" SECRET64 "\r\n--b--\r\n"),
	ROW("lone CR",
	    HEAD MIXED("b") "--b\r\n"
			    "Content-Type: x/y\rContent-Transfer-Encoding: base64\r\r" SECRET64
			    "\r\r--b--\r\n"),
	ROW("CR CR LF",
	    HEAD MIXED(
		"b") "--b\r\r\nContent-Type: x/y\r\r\nContent-Transfer-Encoding: base64\r\r\n\r\r\n" SECRET64
		     "\r\r\n--b--\r\r\n"),
	ROW("LF CR",
	    HEAD MIXED(
		"b") "--b\n\rContent-Type: x/y\n\rContent-Transfer-Encoding: base64\n\r\n\r" SECRET64
		     "\n\r--b--\n\r"),
	/* F: text in text */
	ROW("uuencode",
	    HEAD PLAIN
	    "hello\r\n\r\nbegin 644 a.com\r\nM5&AI<R!I<R!T:&4@:&ED9&5N(&-O;G1E;G0L(&%N9\"`U-2!B>71E<R!O9B!I\r\n*=\"!T;R!F:6YD+@``\r\n`\r\nend\r\n"),
	ROW("uuencode, blanks",
	    HEAD PLAIN
	    "begin  644  a.com\r\nM5&AI<R!I<R!T:&4@:&ED9&5N(&-O;G1E;G0L(&%N9\" U-2!B>71E<R!O9B!I\r\n*=\"!T;R!F:6YD+@\r\n \r\nend\r\n"),
	ROW("x-uuencode without begin",
	    HEAD
	    "Content-Type: x/y\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nM5&AI<R!I<R!T:&4@:&ED9&5N(&-O;G1E;G0L(&%N9\"`U-2!B>71E<R!O9B!I\r\n*=\"!T;R!F:6YD+@``\r\n"),
	ROW("uuencode, no MIME, control characters in front",
	    "X-Junk: " NOISE128 "\r\nSubject: x\r\n\r\n" UU),
	ROW("uuencode behind yEnc", HEAD PLAIN "=ybegin line=128 size=9 name=a\r\n" UU),
	ROW("uuencode behind BinHex",
	    HEAD PLAIN "(This file must be converted with BinHex 4.0)\r\n:!!!!\r\n" UU),
	ROW("uuencode that the last of two encodings calls base64",
	    HEAD "Content-Transfer-Encoding: 7bit\r\n" B64 "\r\nhello\r\n" UU),
	ROW("uuencode in quoted-printable", HEAD QP "\r\nx=20\r\n" UU),
	ROW("begin-base64 without an end",
	    HEAD PLAIN
	    "hello!\r\nbegin-base64 644 f\r\nVGhpcyBpcyB0aGUgaGlkZGVuIGNvbnRl\r\n"
	    "bnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0byBmaW5kLg==\r\n"),
	ROW("data address",
	    HEAD "Content-Type: text/html\r\n\r\n<a href=\"data:text/plain;base64," SECRET64
		 "\">x</a>"),
	ROW("script",
	    HEAD "Content-Type: text/html\r\n\r\n<script>var x=atob('" SECRET64 "')</script>"),
	ROW("script in quoted-printable",
	    HEAD
	    "Content-Type: text/html\r\n" QP
	    "\r\n<script>var x=3Datob('VGhpcyBpcyB0aGUgaGlkZGVuIGN=\r\nvbnRlbnQsIGFuZCA1NSBieXRlcyBvZiBpdCB0byBmaW5kLg=3D=3D')</script>"),
#undef ROW
};

static void
test_rows(void **state)
{
	unsigned missed = 0;

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		struct seen s = { 0 };
		take_apart(rows[i].mail, rows[i].len, SECRET, strlen(SECRET), &s, &v);
		if (s.found == 0 || verdict_state(&v) != SCAN_COMPLETE) {
			print_error("not found: %s (%u objects, %s)\n", rows[i].what, s.parts,
			    v.partial_why ? v.partial_why : "complete");
			missed++;
		}
	}
	assert_int_equal(missed, 0);
}

/* Mail as it should be: nothing is handed out twice. */
static const struct {
	const char *what, *mail;
	unsigned swept;
} tidy[] = {
	{ "text", HEAD PLAIN "hello\r\n-- \r\nme\r\n", 0 },
	{ "text in quoted-printable",
	    HEAD "Content-Type: text/plain\r\n" QP "\r\nhello =3D\r\nx=\r\ny\r\n", 0 },
	{ "attachment",
	    HEAD MIXED("b") "--b\r\n" PLAIN "x\r\n--b\r\n" BIN B64 "\r\n" SECRET64 "\r\n--b--\r\n",
	    0 },
	{ "prologue", HEAD MIXED("b") "This is MIME.\r\n--b\r\n" PLAIN "x\r\n--b--\r\n", 1 },
	{ "forwarded",
	    HEAD MIXED("b") "--b\r\n" PLAIN
			    "x\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" HEAD PLAIN
			    "y\r\n--b--\r\n",
	    0 },
	{ "nested",
	    HEAD MIXED("b") "--b\r\n" MIXED(
		"c") "--c\r\n" PLAIN
		     "x\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>x\r\n--c--\r\n\r\n--b\r\n" BIN
			 B64 "\r\n" SECRET64 "\r\n--b--\r\n",
	    0 },
	{ "begin-base64 and nothing else", HEAD PLAIN "hello!\r\nbegin-base64 644 f\r\n", 0 },
	{ "forwarded under a name",
	    HEAD MIXED("b") "--b\r\nContent-Type: message/rfc822; name=\"x.eml\"\r\n\r\n" HEAD PLAIN
			    "y\r\n--b--\r\n",
	    0 },
	{ "twice under two names",
	    HEAD MIXED("b") "--b\r\nContent-Type: image/png; name=a.png\r\n" B64 "\r\n" SECRET64
			    "\r\n--b\r\nContent-Type: image/png; name=b.png\r\n" B64 "\r\n" SECRET64
			    "\r\n--b--\r\n",
	    0 },
	{ "a long name in pieces",
	    HEAD MIXED(
		"b") "--b\r\n" BIN B64
		     "Content-Disposition: attachment;\r\n filename*0*=utf-8''%C3%A4;"
		     "\r\n filename*1*=%C3%A4;\r\n filename*2*=%C3%A4;\r\n filename*3*=.txt\r\n\r\n" SECRET64
		     "\r\n--b--\r\n",
	    0 },
	{ "address",
	    HEAD "Content-Type: text/html\r\n\r\n<a href=\"https://x.example/c/" SECRET64
		 "\">x</a>",
	    0 },
};

static void
test_tidy(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(tidy); i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		struct seen s = { 0 };
		take_apart(tidy[i].mail, strlen(tidy[i].mail), SECRET, strlen(SECRET), &s, &v);
		if (s.swept != tidy[i].swept)
			fail_msg("%s: %u objects of the sweep", tidy[i].what, s.swept);
		assert_true(verdict_is_clean(&v));
	}
}

/* What is hidden shows each name that a mail program might give it. */
static const struct {
	const char *mail;
	size_t len;
	const char *name;
} hidden_names[] = {
#define ROW(mail, name)                                                                            \
	{                                                                                          \
		mail, sizeof(mail) - 1, name                                                       \
	}
#define CLOSED      HEAD MIXED("b") "--b\r\n" PLAIN "x\r\n--b--\r\n--b\r\n" BIN B64
#define DISPOSITION "Content-Disposition: attachment; "
#define BODY        "\r\n\r\n" SECRET64 "\r\n"
	ROW(CLOSED DISPOSITION "filename=evil.exe" BODY, "evil.exe"),
	ROW(CLOSED DISPOSITION "filename=a.txt; filename=evil.exe" BODY, "a.txt"),
	ROW(CLOSED DISPOSITION "filename=a.txt; filename=evil.exe" BODY, "evil.exe"),
	ROW(CLOSED DISPOSITION "filename*=utf-8''%65vil.exe" BODY, "evil.exe"),
	ROW(CLOSED DISPOSITION "filename*1=\"l.exe\";\r\n filename*0=evi" BODY, "evil.exe"),
	ROW(CLOSED DISPOSITION "filename=\"=?utf-8?B?ZXZpbC5leGU=?=\"" BODY, "evil.exe"),
	ROW(CLOSED DISPOSITION "filename=\"evil.exe\0.txt\"" BODY, "evil.exe"),
	ROW(CLOSED DISPOSITION "filename=\"evil.exe. .\"" BODY, "evil.exe"),
	ROW(CLOSED DISPOSITION "filename=\"..\\\\evil.exe\"" BODY, "evil.exe"),
	ROW(CLOSED "Content-Type: a/b; name=evil.exe" BODY, "evil.exe"),
	/* a leaf that has no name for GMime, and one that has another */
	ROW(HEAD BIN B64 "Content-Disposition(x): attachment; filename=evil.exe" BODY, "evil.exe"),
	ROW(HEAD BIN B64
	    "Content-Disposition: x; filename=a.txt\r\nContent-Disposition::x; filename=evil.exe" BODY,
	    "evil.exe"),
	ROW(HEAD PLAIN "begin 644 evil.exe\n"
		       "M5&AI<R!I<R!T:&4@:&ED9&5N(&-O;G1E;G0L(&%N9\"`U-2!B>71E<R!O9B!I\n"
		       "*=\"!T;R!F:6YD+@\n`\nend\n",
	    "evil.exe"),
#undef ROW
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(hidden_names); i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		struct seen s = { .name = hidden_names[i].name };
		take_apart(
		    hidden_names[i].mail, hidden_names[i].len, SECRET, strlen(SECRET), &s, &v);
		if (s.found == 0 || s.named == 0)
			fail_msg("row %zu: found %u, under the name %u", i, s.found, s.named);
		assert_true(verdict_is_clean(&v));
	}
}

/* n times a piece, between a beginning and an end. */
static GString *
often(const char *first, const char *piece, unsigned n, const char *last)
{
	GString *s = g_string_new(first);

	for (unsigned i = 0; i < n; i++)
		g_string_append(s, piece);
	return g_string_append(s, last);
}

/* What is built to make the sweep work: n pieces of each; the worst that may come out is a limit. */
static const struct {
	const char *what, *first, *piece;
	unsigned n;
} bombs[] = {
	{ "header blocks without end", HEAD, "Content-Type: x/y\r\n" B64 "\r\n", 100000 },
	{ "fields without end", HEAD, "Content-Type: multipart/x; boundary=b\r\n", 100000 },
	{ "undeclared parts", HEAD PLAIN, "--b\r\n" BIN B64 "\r\naGVsbG8=\r\n", 50000 },
	{ "begin lines", HEAD PLAIN, "begin 644 a\n", 300000 },
	{ "begin lines with data", HEAD PLAIN, "begin 644 a\n#0V%T\n", 200000 },
	{ "begin-base64", HEAD PLAIN, "begin-base64 644 a\nQUJD\n", 200000 },
	{ "yEnc", HEAD PLAIN, "=ybegin line=1 size=1 name=a\n", 150000 },
	{ "BinHex", HEAD PLAIN, "(This file must be converted with BinHex 4.0)\n", 100000 },
	{ "BinHex with data", HEAD PLAIN, "(This file must be converted with BinHex 4.0)\n:!!!!:\n",
	    100000 },
	{ "padding and foreign bytes", HEAD BIN B64 "\r\n", "QQ==#Q=Q=-_\n", 300000 },
	{ "bad escapes", HEAD BIN QP "\r\n", "=X==3=\r\n\n5= \t", 300000 },
	{ "addresses", HEAD PLAIN "https://x",
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.", 50000 },
	{ "runs of base64", HEAD PLAIN,
	    "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' ", 50000 },
	{ "CR only", HEAD PLAIN, "\r", 3000000 },
	{ "CR and text", HEAD PLAIN, "x\rbegin 644 a\r", 300000 },
	{ "armour", HEAD PLAIN, "-----BEGIN PGP MESSAGE-----\r\n", 100000 },
	{ "RLE of BinHex", HEAD PLAIN "(This file must be converted with BinHex 4.0)\n:", "j)r`#",
	    500000 },
	{ "short first paragraphs", HEAD BIN B64 "\r\n", "A\r\n\r\n", 500000 },
	{ "blanks", HEAD BIN B64 "\r\n", "        \r\n", 300000 },
};

/* One thread does all of this: the build that watches threads takes a part, the others all. */
#ifdef __SANITIZE_THREAD__
#define BOMB_PART 10
#else
#define BOMB_PART 1
#endif

/* Of processor time, on a busy machine. */
#ifdef AVM_SANITIZED
#define BOMB_SECONDS 90
#else
#define BOMB_SECONDS 20
#endif

static void
test_bombs(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(bombs); i++) {
		g_autoptr(GString) mail = often(bombs[i].first, bombs[i].piece, bombs[i].n / BOMB_PART, "\r\n");
		AUTO(verdict_clear) struct verdict v = { 0 };
		uint64_t start = cpu_now_us();
		struct seen s = { 0 };
		take_apart(mail->str, mail->len, SECRET, strlen(SECRET), &s, &v);
		uint64_t ms = (cpu_now_us() - start) / 1000;
		print_message("# %s: %zu KB, %u ms, %u objects, %u KB, %s\n", bombs[i].what,
		    mail->len / 1024, (unsigned)ms, s.swept, (unsigned)(s.swept_bytes / 1024),
		    v.partial_why ? v.partial_why : "complete");
		assert_true(ms < BOMB_SECONDS * 1000);
		assert_int_equal(v.failed, REASON_NONE);
		assert_true(s.swept_bytes <= 4 * mail->len + (1 << 20));
	}
}

/* Base64 of base64 of ...: found while the sweep goes that deep, and beyond never called complete. */
static void
test_depth(void **state)
{
	(void)state;
	for (unsigned depth = 1; depth <= 14; depth++) {
		g_autofree char *text = g_strdup(SECRET);
		AUTO(verdict_clear) struct verdict v = { 0 };
		struct seen s = { 0 };
		for (unsigned i = 0; i < depth; i++) {
			char *next = g_base64_encode((const guchar *)text, strlen(text));
			g_free(text);
			text = next;
		}
		g_autofree char *mail = g_strconcat(HEAD PLAIN, "look:\r\n", text, "\r\n", NULL);
		take_apart(mail, strlen(mail), SECRET, strlen(SECRET), &s, &v);
		assert_true(s.found > 0 || verdict_state(&v) == SCAN_PARTIAL);
		assert_true(depth > 12 || s.found > 0);
		assert_int_equal(v.partial, depth > 12 ? REASON_LIMIT_DEPTH : REASON_NONE);
	}
}

/* More hidden content than the budget: PARTIAL with the limit's name, never complete. */
static void
test_budget(void **state)
{
	const unsigned char *data;
	g_autoptr(GString) mail = g_string_new(HEAD BIN B64 "\r\n");
	g_autoptr(GRand) rng = g_rand_new_with_seed(1);
	AUTO(verdict_clear) struct verdict v = { 0 };
	struct seen s = { 0 };

	(void)state;
	for (unsigned i = 0; i < 400000; i++)
		g_string_append_c(
		    mail, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef=#-_ \n"[g_rand_int_range(rng, 0, 38)]);
	data = (const unsigned char *)mail->str;
	take_apart((const char *)data, mail->len, SECRET, strlen(SECRET), &s, &v);
	assert_int_equal(v.partial, REASON_LIMIT_CUMULATIVE);
	assert_true(s.swept_bytes > mail->len && s.swept_bytes <= 4 * mail->len + (1 << 20));
}

static int
set_up(void **state)
{
	(void)state;
	g_mime_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_tidy),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
