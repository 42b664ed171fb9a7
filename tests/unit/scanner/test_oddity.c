/* What is odd about a mail: one row for each code of paranoid mode, and mail that has none of the first kind. */
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
#include "verdict/evasion.h"

#define ARENA (2u << 20)
#define HEAD "Received: by test\r\nMIME-Version: 1.0\r\n"
#define PLAIN "Content-Type: text/plain\r\n\r\n"
#define PART "\r\n--b\r\n" PLAIN "x\r\n--b--\r\n"
#define MP "Content-Type: multipart/mixed; "
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG X50 X50 X50 X50
#define CTE "Content-Transfer-Encoding: "
#define P1 ((EVASION_BIT(MSG_PARTIAL) << 1) - 1)

static bool
on_part(void *arg, const struct part *p)
{
	(void)arg;
	(void)p;
	return true;
}

/* Findings and hints of a mail as one set. */
static uint64_t
codes_of(const char *mail, size_t len, uint64_t select, uint64_t *hints, struct verdict *v)
{
	struct proto_settings lim = { .max_extract_size = 1 << 20,
		.max_cumulative_extract_size = 8 << 20,
		.max_file_count = 500,
		.max_extract_time_ms = 60000,
		.max_extract_depth = 10,
		.header_max = 256 * 1024,
		.evasion = select,
		.flags = PROTO_SWEEP | PROTO_PARANOID };
	unsigned char *arena =
	    mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct decompose job = { .message = (const unsigned char *)mail,
		.size = len,
		.arena = arena,
		.arena_size = ARENA,
		.mime = true,
		.limits = &lim,
		.cpu_start_us = cpu_now_us(),
		.hints = hints,
		.listener = on_part };
	uint64_t set = 0;

	assert_true(arena != MAP_FAILED);
	decompose(&job, v);
	munmap(arena, ARENA);
	for (unsigned i = 0; v->findings && i < v->findings->len; i++) {
		const struct finding *f = v->findings->pdata[i];
		if (f->kind != FINDING_EVASION)
			continue;
		assert_true(g_str_has_prefix(f->name, "Paranoid."));
		assert_true(evasion_select(f->name + strlen("Paranoid."), &set));
	}
	return set;
}

#define ROW(code, mail) { EVASION_BIT(code), mail, sizeof(mail) - 1 }
static const struct {
	uint64_t bit;
	const char *mail;
	size_t	 len;
} rows[] = {
	ROW(CTE_CONFLICT, HEAD CTE "base64\r\n" CTE "7bit\r\n\r\nx"),
	ROW(CT_CONFLICT, HEAD "Content-Type: text/plain\r\n" MP "boundary=b\r\n" PART),
	ROW(CT_CONFLICT, HEAD MP "boundary=x\r\n" MP "boundary=b\r\n" PART),
	ROW(CTE_ODD_B64QP, HEAD CTE "\"base64\"\r\n\r\nx"),
	ROW(CTE_ODD_B64QP, HEAD CTE "base64 (x)\r\n\r\nx"),
	ROW(CTE_ODD_B64QP, HEAD CTE "7bit, quoted-printable\r\n\r\nx"),
	ROW(CT_MP_ODD, HEAD "Content-Type: multipart / mixed; boundary=b\r\n" PART),
	ROW(CT_MP_ODD, HEAD "Content-Type: x-multipart/mixed; boundary=b\r\n" PART),
	ROW(CT_MP_ODD, HEAD "Content-Type: ultipart/mixed; boundary=b\r\n" PART),
	ROW(CT_CONFLICT, HEAD MP "boundary=" LONG "x\r\n" MP "boundary=" LONG "y\r\n" PART),
	ROW(BND_DUP, HEAD MP "boundary=x; boundary=b\r\n" PART),
	ROW(BND_DUP, HEAD MP "boundary=" LONG "x; boundary=" LONG "y\r\n" PART),
	ROW(BND_2231, HEAD MP "boundary*=us-ascii''b\r\n" PART),
	ROW(BND_2231, HEAD MP "boundary*0=b\r\n" PART),
	ROW(BND_2047, HEAD MP "boundary=\"=?us-ascii?Q?b?=\"\r\n" PART),
	ROW(BND_COMMENT, HEAD MP "boundary=(x)b\r\n" PART),
	ROW(BND_COMMENT, HEAD MP "boundary(x)=b\r\n" PART),
	ROW(BND_COMMENT, HEAD MP "boundary=b (x)\r\n" PART),
	ROW(BND_BAD_TOKEN, HEAD MP "boundary=b\"b\r\n" PART),
	ROW(BND_BAD_TOKEN, HEAD MP "boundary='b'\r\n" PART),
	ROW(BND_BAD_TOKEN, HEAD MP "boundary=\"b\"b\r\n" PART),
	ROW(BND_BAD_TOKEN, HEAD MP "boundary=\"b\x80\"\r\n" PART),
	ROW(BND_ESCAPE, HEAD MP "boundary=\"\\b\"\r\n" PART),
	ROW(BND_EMPTY, HEAD MP "boundary=\"\"\r\n" PART),
	ROW(BND_EMPTY, HEAD MP "boundary=\r\n" PART),
	ROW(BND_SPACE, HEAD MP "boundary=\" b\"\r\n" PART),
	ROW(BND_SPACE, HEAD MP "boundary=b b\r\n" PART),
	ROW(BND_ON_LEAF, HEAD "Content-Type: text/plain; boundary=b\r\n" PART),
	ROW(BND_UNTERMINATED, HEAD MP "boundary=\"b\r\n" PART),
	ROW(B64_EARLY_PAD, HEAD CTE "base64\r\n\r\naGVsbA==aGVsbA==\r\n"),
	ROW(B64_NUL, HEAD CTE "base64\r\n\r\naGVs\0bA==\r\n"),
	ROW(HDR_NAME_BAD, HEAD MP "boundary=b\r\n\r\n--b\r\n\x01" PLAIN "x\r\n--b--\r\n"),
	ROW(HDR_NAME_BAD, HEAD MP "boundary=b\r\n\r\n--b\r\nContent-Type(x): text/plain\r\n\r\nx\r\n--b--\r\n"),
	ROW(HDR_NAME_BAD, HEAD MP "boundary=b\r\n\r\n--b\r\nContent-Type text/plain\r\n\r\nx\r\n--b--\r\n"),
	ROW(HDR_NAME_ODD, HEAD MP "boundary=b\r\n\r\n--b\r\nContent-Type : text/plain\r\n\r\nx\r\n--b--\r\n"),
	ROW(HDR_NAME_ODD, HEAD MP "boundary=b\r\n\r\n--b\r\nContent-Type:: text/plain\r\n\r\nx\r\n--b--\r\n"),
	ROW(HDR_NUL, HEAD MP "boundary=b\r\n\r\n--b\r\nContent-Type: text/\0plain\r\n\r\nx\r\n--b--\r\n"),
	ROW(HDR_BARE_CR, HEAD MP "boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\rX: y\r\n\r\nx\r\n--b--\r\n"),
	ROW(HB_NO_BLANK, HEAD MP "boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\nhello\r\n--b--\r\n"),
	ROW(HDR_HIDDEN_IN_FOLD, HEAD MP "boundary=b\r\n\r\n--b\r\nX-A: b\r\n Content-Type: text/html\r\nContent-ID: x\r\n\r\nx\r\n--b--\r\n"),
	ROW(HDR_WS_LINE, HEAD MP "boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n \t\r\nhello\r\n--b--\r\n"),
	ROW(CTE_LEGACY, HEAD CTE "x-uuencode\r\n\r\nx"),
	ROW(YENC, HEAD PLAIN "=ybegin line=128 size=1 name=x\r\nx\r\n=yend size=1\r\n"),
	ROW(MSG_PARTIAL, HEAD "Content-Type: message/partial; id=x; number=1; total=2\r\n\r\nx"),
	ROW(BND_MISSING, HEAD "Content-Type: multipart/mixed\r\n" PART),
	ROW(BND_UNUSED, HEAD MP "boundary=x\r\n" PART),
	ROW(DELIM_UNDECLARED, HEAD MP "boundary=x\r\n" PART),
	ROW(DELIM_INDENTED, HEAD MP "boundary=b\r\n\r\n --b\r\n" PLAIN "x\r\n --b--\r\n"),
	ROW(PART_AFTER_CLOSE, HEAD MP "boundary=b\r\n" PART PART),
	ROW(B64_JUNK, HEAD CTE "base64\r\n\r\naGVs#bA==\r\n"),
	ROW(B64_BADLEN, HEAD CTE "base64\r\n\r\naGVsbA=\r\n"),
	ROW(QP_BAD_ESC, HEAD CTE "quoted-printable\r\n\r\na=XX\r\n"),
	ROW(QP_MANY_BAD, HEAD CTE "quoted-printable\r\n\r\na=XX=3D=XX\r\n"),
	ROW(MP_ENCODED, HEAD CTE "base64\r\n" MP "boundary=b\r\n\r\nLS1i"),
	ROW(MSG_ENCODED, HEAD CTE "base64\r\nContent-Type: message/rfc822\r\n\r\nLS1i"),
	ROW(UU_INLINE, HEAD PLAIN "begin 644 x\r\n#0V%T\r\n`\r\nend\r\n"),
	ROW(CTE_UNKNOWN, HEAD CTE "zigzag\r\n\r\nx"),
	ROW(CT_INVALID, HEAD "Content-Type: text\r\n\r\nx"),
	ROW(HDR_WS_FOLD, HEAD "X-A: b\r\n \r\nContent-Type: text/plain\r\n\r\nx"),
	ROW(HDR_JUNK_LINE, HEAD "junk\r\n" PLAIN "x"),
	ROW(NUL, HEAD "X-A: \0b\r\n" PLAIN "x"),
	ROW(BARE_CR, HEAD "X-A: b\rX-B: c\r\n" PLAIN "x"),
};

/* Each row has its code; and each code has a row, or nothing would show that it can be met. */
static void
test_codes(void **state)
{
	uint64_t seen = 0;
	unsigned missed = 0;

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		uint64_t hints = 0, got = codes_of(rows[i].mail, rows[i].len, EVASION_ALL, &hints, &v);
		seen |= rows[i].bit;
		if (!(got & rows[i].bit)) {
			print_error("row %zu: no %s in %" G_GINT64_MODIFIER "x\n", i,
			    evasion_name((enum evasion)__builtin_ctzll(rows[i].bit)), got);
			missed++;
		}
		assert_true(hints == 0);
	}
	assert_int_equal(missed, 0);
	assert_true(seen == EVASION_ALL);
}

/* Normal and sloppy mail: nothing of the first kind. */
static const char *const fine[] = {
	HEAD PLAIN "x",
	HEAD MP "boundary=b\r\n" PART,
	HEAD MP "boundary=\"----=_Part_1_2.3\"\r\n\r\n------=_Part_1_2.3\r\n" PLAIN "x\r\n------=_Part_1_2.3--\r\n",
	HEAD MP "boundary=----=_Part_1_2.3; charset=utf-8\r\n\r\n------=_Part_1_2.3\r\n" PLAIN "x\r\n------=_Part_1_2.3--\r\n",
	HEAD MP "\r\n\tboundary=\"b\";\r\n\ttype=\"text/html\"\r\n" PART,
	HEAD "Content-Type: text/plain;\r\n" CTE "8bit\r\n\r\nx",
	HEAD CTE "base64;\r\n\r\naGVsbA==\r\n",
	HEAD CTE "BASE64\r\n" CTE "base64\r\n\r\naGVsbA==\r\n",
	HEAD CTE "8-bit\r\n\r\nx",
	"DKIM-Signature: v=1; a=rsa-sha256; h=from:to:\r\n content-type:content-transfer-encoding; bh=ab/c=;\r\n b=abc/def\r\n"
	"Content-Type: text/plain\r\n\r\nx",
	"DKIM-Signature: v=1; h=from:to:mime-version:\r\n\tcontent-transfer-encoding:content-type; b=base64/x\r\n" PLAIN "x",
	HEAD MP "boundary=b\r\n\r\n--b\r\n\r\nno fields\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n>From x y z\r\nSubject: x\r\n" PLAIN "x\r\n--b--\r\n",
	HEAD PLAIN "Content-Type is what this text is about.\r\nContent-Transfer-Encoding: base64, 7bit\r\n",
	HEAD PLAIN "hello\r\n-- \r\nme\r\nContent-Type: x/y; boundary=\r\n",
};

static void
test_fine(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(fine); i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		uint64_t hints = 0, got = codes_of(fine[i], strlen(fine[i]), P1, &hints, &v);
		if (got)
			fail_msg("mail %zu: %s", i, evasion_name((enum evasion)__builtin_ctzll(got)));
		assert_true(verdict_is_clean(&v));
	}
}

/* What is not selected is a hint, and the verdict stays as it is. */
static void
test_selection(void **state)
{
	static const char mail[] = HEAD CTE "\"base64\"\r\n\r\na#";
	AUTO(verdict_clear) struct verdict v = { 0 }, w = { 0 };
	uint64_t hints = 0;

	(void)state;
	assert_true(codes_of(mail, strlen(mail), P1, &hints, &v) == EVASION_BIT(CTE_ODD_B64QP));
	assert_true((hints & P1) == 0 && (hints & EVASION_BIT(B64_JUNK)));
	assert_int_equal(verdict_class(&v), CLASS_EVASION);
	assert_true(codes_of(mail, strlen(mail), P1 & ~EVASION_BIT(CTE_ODD_B64QP), &hints, &w) == 0);
	assert_true(hints & EVASION_BIT(CTE_ODD_B64QP));
	assert_true(verdict_is_clean(&w));
}

static void
test_names(void **state)
{
	uint64_t set = 0;

	(void)state;
	assert_true(evasion_select("P1", &set) && set == P1);
	assert_true(evasion_select("-CTE_LEGACY", &set) && set == (P1 & ~EVASION_BIT(CTE_LEGACY)));
	assert_true(evasion_select("P2", &set) && set == (EVASION_ALL & ~EVASION_BIT(CTE_LEGACY)));
	assert_true(evasion_select("-P1", &set) && set == (EVASION_ALL & ~P1));
	assert_false(evasion_select("P3", &set));
	assert_false(evasion_select("", &set));
	assert_false(evasion_select("-", &set));
	assert_false(evasion_select("cte_legacy", &set));
	for (unsigned e = 0; e < EVASION_COUNT; e++) {
		set = 0;
		assert_true(evasion_select(evasion_name(e), &set) && set == UINT64_C(1) << e);
		assert_true(*evasion_help(e) != '\0' && evasion_level(e) == (P1 >> e & 1 ? 1 : 2));
	}
	assert_string_equal(evasion_name(EVASION_COUNT), "?");
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
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_fine),
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
