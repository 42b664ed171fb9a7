/* What names, complaints and zip directories mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/complaint.h"
#include "scanner/layers.h"
#include "scanner/settings.h"
#include "scanner/signame.h"
#include "scanner/zipdir.h"

static const struct {
	const char	*name;
	enum finding_kind kind;
	enum reason	 partial;
} names[] = {
	{ "Eicar-Test-Signature", FINDING_INFECTED, REASON_NONE },
	{ "Heuristics.Encrypted.Zip", FINDING_ENCRYPTED, REASON_NONE },
	{ "Heuristics.Encrypted.PDF", FINDING_ENCRYPTED, REASON_NONE },
	{ "Heuristics.OLE2.ContainsMacros.VBA", FINDING_MACRO, REASON_NONE },
	{ "Heuristics.OLE2.ContainsMacros.XLM", FINDING_MACRO, REASON_NONE },
	{ "Heuristics.OLE2.ContainsMacros", FINDING_MACRO, REASON_NONE },
	{ "Heuristics.Phishing.Email.SSL-Spoof", FINDING_SUSPICIOUS, REASON_NONE },
	{ "Heuristics.Structured.CreditCardNumber", FINDING_SUSPICIOUS, REASON_NONE },
	{ "PUA.Win.Packer.X", FINDING_SUSPICIOUS, REASON_NONE },
	{ "PUA.Win.Packer.X.UNOFFICIAL", FINDING_SUSPICIOUS, REASON_NONE },
	{ "Vendor.PUA.X.UNOFFICIAL", FINDING_SUSPICIOUS, REASON_NONE },
	{ "Heuristics.Exploit.W32.MS04-028", FINDING_INFECTED, REASON_NONE },
	{ "Heuristics.Trojan.Swizzor.Gen", FINDING_INFECTED, REASON_NONE },
	{ "Heuristics.Encrypted.Zip.UNOFFICIAL", FINDING_INFECTED, REASON_NONE },
	{ "Heuristics.Limits.Exceeded.MaxFileSize.UNOFFICIAL", FINDING_INFECTED, REASON_NONE },
	{ "Heuristics.Broken.Executable", FINDING_NONE, REASON_CORRUPT },
	{ "Heuristics.Broken.Media.PNG.EOFReadingChunk", FINDING_NONE, REASON_CORRUPT },
	{ "Heuristics.Limits.Exceeded.MaxFileSize", FINDING_NONE, REASON_LIMIT_SIZE },
	{ "Heuristics.Limits.Exceeded.MaxScanSize", FINDING_NONE, REASON_LIMIT_CUMULATIVE },
	{ "Heuristics.Limits.Exceeded.MaxFiles", FINDING_NONE, REASON_LIMIT_FILES },
	{ "Heuristics.Limits.Exceeded.MaxRecursion", FINDING_NONE, REASON_LIMIT_DEPTH },
	{ "Heuristics.Limits.Exceeded.EmailHeaders", FINDING_NONE, REASON_LIMIT_SIZE },
	{ "Heuristics.Limits.Exceeded.EmailMIMEPartsPerMessage", FINDING_NONE, REASON_LIMIT_FILES },
	{ "Heuristics.Limits.Exceeded.SomethingNew", FINDING_NONE, REASON_LIMIT_SIZE },
	{ "", FINDING_INFECTED, REASON_NONE },
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		signame_judge(&v, names[i].name, "in/side", false);
		const struct finding *f = verdict_top(&v);
		assert_int_equal(f ? f->kind : FINDING_NONE, names[i].kind);
		assert_int_equal(v.partial, names[i].partial);
		assert_int_equal(v.failed, REASON_NONE);
		if (f)
			assert_string_equal(f->object, "in/side");
		assert_false(verdict_is_clean(&v));
	}
}

/* Only the processor's clock makes a time limit the mail's own fault (decision 8). */
static void
test_time(void **state)
{
	AUTO(verdict_clear) struct verdict used = { 0 }, busy = { 0 };

	(void)state;
	signame_judge(&used, "Heuristics.Limits.Exceeded.MaxScanTime", "", true);
	assert_int_equal(verdict_state(&used), SCAN_PARTIAL);
	assert_int_equal(used.partial, REASON_LIMIT_TIME);
	signame_judge(&busy, "Heuristics.Limits.Exceeded.MaxScanTime", "", false);
	assert_int_equal(verdict_state(&busy), SCAN_FAILED);
	assert_int_equal(busy.failed, REASON_TIMEOUT);
}

static const struct {
	const char	*text;
	enum reason failed, whole,
	    parts; /* PARTIAL reason when the mail was not, and was, taken apart */
} complaints[] = {
	{ "Can't create temporary directory for scan: /x.", REASON_ENGINE_ERROR, REASON_NONE,
	    REASON_NONE },
	{ "cli_writen: write error: No space left on device", REASON_ENGINE_ERROR, REASON_NONE,
	    REASON_NONE },
	{ "something that a later version says", REASON_ENGINE_ERROR, REASON_NONE, REASON_NONE },
	{ "", REASON_ENGINE_ERROR, REASON_NONE, REASON_NONE },
	{ "Failed to create temp file for extracted zip file", REASON_ENGINE_ERROR, REASON_NONE,
	    REASON_NONE },
	{ "vba_readdir_new: Failed to write to output file", REASON_ENGINE_ERROR, REASON_NONE,
	    REASON_NONE },
	{ "dmg_stripe_store: error writing bytes to file (out of disk space?)", REASON_ENGINE_ERROR,
	    REASON_NONE, REASON_NONE },
	{ "Partial message received from MUA/MTA - message cannot be scanned", REASON_NONE,
	    REASON_MESSAGE_PARTIAL, REASON_MESSAGE_PARTIAL },
	{ "Unsupported message format `x' - if you believe", REASON_NONE, REASON_UNSUPPORTED,
	    REASON_NONE },
	{ "cli_max_malloc(): File or section is too large to scan (9 bytes). For your", REASON_NONE,
	    REASON_LIMIT_SIZE, REASON_LIMIT_SIZE },
	{ "egg_parse_archive_extra_field: Split archive. Split", REASON_NONE, REASON_MULTI_VOLUME,
	    REASON_MULTI_VOLUME },
	{ "egg_parse_block_headers: Empty block!", REASON_NONE, REASON_CORRUPT, REASON_CORRUPT },
	{ "vba_readdir_new: Record stretches past the end of the file", REASON_NONE, REASON_CORRUPT,
	    REASON_CORRUPT },
	{ "JPEG: No image in jpeg", REASON_NONE, REASON_NONE, REASON_NONE },
};

static void
test_complaints(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(complaints); i++)
		for (int decomposed = 0; decomposed < 2; decomposed++) {
			AUTO(verdict_clear) struct verdict v = { 0 };
			complaint_judge(&v, complaints[i].text, decomposed);
			assert_int_equal(v.failed, complaints[i].failed);
			assert_int_equal(
			    v.partial, decomposed ? complaints[i].parts : complaints[i].whole);
		}
}

/* A directory with one member: method, flags, size packed. */
static size_t
zip(unsigned char *out, unsigned method, unsigned flags, unsigned packed, size_t prefix)
{
	memset(out, 'x', prefix);
	unsigned char *d = out + prefix, *e = d + 46;
	memset(d, 0, 46 + 22);
	memcpy(d, "PK\1\2", 4);
	d[8] = (unsigned char)flags;
	d[10] = (unsigned char)method;
	d[20] = (unsigned char)packed;
	memcpy(e, "PK\5\6", 4);
	e[12] = 46;
	return prefix + 46 + 22;
}

static void
test_zip_directory(void **state)
{
	static const struct { unsigned method, flags, packed; bool bad;
	} rows[] = {
		{ 0, 0, 9, false },
		{ 8, 0, 9, false },
		{ 9, 0, 9, false },
		{ 12, 0, 9, false },
		{ 6, 0, 9, false },
		{ 14, 0, 9, true },
		{ 98, 0, 9, true },
		{ 93, 0, 9, true },
		{ 95, 0, 9, true },
		{ 1, 0, 9, true },
		{ 14, 1, 9, false },
		{ 14, 0, 0, false },
	};
	unsigned char buf[512];

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (size_t prefix = 0; prefix < 300; prefix += 100) {
			size_t n = zip(buf, rows[i].method, rows[i].flags, rows[i].packed, prefix);
			assert_true(zipdir_unsupported(buf, n) == rows[i].bad);
			/* Cut anywhere it is quietly unreadable, never a crash; exact buffers let
			 * ASan see one byte too many. */
			for (size_t cut = 0; cut < n; cut += 7) {
				g_autofree unsigned char *exact = g_memdup2(buf, MAX(cut, 1));
				(void)zipdir_unsupported(exact, cut);
			}
		}
}

static void
test_layers(void **state)
{
	AUTO(verdict_clear)
	struct verdict good = { 0 },
		       bad = { 0 }, guess = { 0 }, locked = { 0 }, silent = { 0 };
	struct layers l = { .archives_max = 5 };
	unsigned char zipped[100] = { 0 };

	(void)state;
	/* mail, an archive with a member, a program in it that looks like an archive */
	layers_enter(&l, 0, "CL_TYPE_MAIL", NULL, zipped, 100, &good);
	layers_enter(&l, 1, "CL_TYPE_ZIP", "a.zip", zipped, sizeof zipped, &good);
	layers_member(&l, "CL_TYPE_ZIP", 9, false);
	layers_member(&l, "CL_TYPE_ZIP", 9, false);
	layers_member(&l, "CL_TYPE_ZIP", 9, true);
	layers_member(&l, "CL_TYPE_ZIP", 0, false);
	layers_enter(&l, 2, "CL_TYPE_MSEXE", "b.exe", zipped, 100, &good);
	layers_enter(&l, 3, "CL_TYPE_ZIP", NULL, zipped, sizeof zipped, &good);
	g_autofree char *path = layers_path(&l);
	assert_string_equal(path, "a.zip/b.exe");
	layers_end(&l, &good);
	assert_int_equal(good.states, 0);
	assert_int_equal(l.seen, 4);

	layers_enter(&l, 0, "CL_TYPE_MAIL", NULL, zipped, 100, &bad);
	layers_enter(&l, 1, "CL_TYPE_7Z", "clamav-0123.tmp", zipped, 100, &bad);
	g_autofree char *nameless = layers_path(&l);
	assert_string_equal(nameless, "");
	layers_leave(&l, 1, NULL, &bad);
	assert_int_equal(bad.partial, REASON_CORRUPT);

	layers_enter(&l, 1, "CL_TYPE_7Z", "b", zipped, 100, &locked);
	layers_leave(&l, 1, "Heuristics.Encrypted.7Zip", &locked);
	assert_int_equal(locked.states, 0);
	/* a member that was shown and never came; one that is locked, or empty, need not come */
	layers_enter(&l, 1, "CL_TYPE_7Z", "b", zipped, 100, &silent);
	layers_member(&l, "CL_TYPE_7Z", 9, true);
	layers_member(&l, "CL_TYPE_7Z", 5, false);
	layers_leave(&l, 1, NULL, &silent);
	assert_int_equal(silent.states, 0);
	layers_enter(&l, 1, "CL_TYPE_7Z", "b", zipped, 100, &silent);
	layers_member(&l, "CL_TYPE_7Z", 9, false);
	layers_leave(&l, 1, NULL, &silent);
	assert_int_equal(silent.partial, REASON_UNSUPPORTED);
	layers_enter(&l, 1, "CL_TYPE_7Z", "b", zipped, 20, &guess);
	layers_end(&l, &guess);
	assert_int_equal(guess.states, 0);

	/* five archives deep is fine, the sixth is one too many */
	for (unsigned level = 0; level < 6; level++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		layers_enter(&l, level, "CL_TYPE_ZIP", "n", zipped, sizeof zipped, &v);
		assert_int_equal(v.partial, level < 5 ? REASON_NONE : REASON_LIMIT_DEPTH);
	}
	layers_enter(&l, 5000, "CL_TYPE_ZIP", "n", zipped, sizeof zipped, &guess);
	assert_int_equal(guess.partial, REASON_LIMIT_DEPTH);
	layers_end(&l, &guess);
}

/* An archive that libclamav finds in the middle of another is not shown; what is in it is, one level further down. */
static void
layers_hidden(void **state)
{
	struct verdict v = { 0 }, bad = { 0 };
	struct layers l = { .archives_max = 5 };
	unsigned char data[1000] = { 0 };

	(void)state;
	layers_enter(&l, 0, "CL_TYPE_MAIL", NULL, data, sizeof data, &v);
	layers_enter(&l, 1, "CL_TYPE_POSIX_TAR", "a.tar", data, 700, &v);
	layers_member(&l, "CL_TYPE_POSIX_TAR", 600, false);
	layers_enter(&l, 2, "CL_TYPE_TEXT_ASCII", "b", data, 600, &v);
	layers_leave(&l, 2, NULL, &v);
	layers_member(&l, "CL_TYPE_ZIP", 99, false);
	layers_enter(&l, 3, "CL_TYPE_TEXT_ASCII", "c", data, 99, &v);
	layers_leave(&l, 3, NULL, &v);
	assert_int_equal(l.depth, 3);
	layers_leave(&l, 1, NULL, &v);
	assert_int_equal(l.depth, 1);
	assert_int_equal(v.states, 0);
	/* beside it, the same way: the archive is over, and answers for nobody */
	layers_member(&l, "CL_TYPE_ZIP", 99, false);
	layers_enter(&l, 2, "CL_TYPE_7Z", "d", data, 99, &v);
	layers_leave(&l, 2, NULL, &v);
	layers_leave(&l, 0, NULL, &v);
	assert_int_equal(l.depth, 0);
	assert_int_equal(v.states, 0);
	/* nor does it stand for a member that did not come */
	layers_enter(&l, 0, "CL_TYPE_7Z", NULL, data, sizeof data, &bad);
	layers_member(&l, "CL_TYPE_7Z", 99, false);
	layers_member(&l, "CL_TYPE_ZIP", 99, false);
	layers_enter(&l, 2, "CL_TYPE_TEXT_ASCII", "c", data, 99, &bad);
	layers_leave(&l, 2, NULL, &bad);
	layers_leave(&l, 0, NULL, &bad);
	assert_int_equal(bad.partial, REASON_UNSUPPORTED);
	verdict_clear(&bad);
	verdict_clear(&v);
}

static void
test_settings(void **state)
{
	struct proto_settings good = { .flags = PROTO_ENGINE,
		.max_extract_size = 1,
		.max_cumulative_extract_size = 1,
		.max_extract_time_ms = 1,
		.max_extract_depth = 1,
		.header_max = 1,
		.database = "/d",
		.scratch = "/s" },
			      s;

	(void)state;
	assert_true(settings_check(&good, NULL));
	s = good;
	memset(s.database, 'x', sizeof s.database);
	s.database[0] = '/';
	assert_false(settings_check(&s, NULL));
	s = good;
	s.database[0] = '\0';
	assert_false(settings_check(&s, NULL));
	s.flags = 0;
	assert_true(settings_check(&s, NULL));
	memset(s.scratch, '/', sizeof s.scratch);
	assert_false(settings_check(&s, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_zip_directory),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(layers_hidden),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
