/*
 * clamd_reply: the whole reply decides; every form of protocols/clamd.md; no beginning and no
 * mutation of one reads as OK
 */
#include "engine/clamd_reply.h"

#include "unit.h"

#include "verdict/verdict.h"

struct row {
	const char *reply;
	unsigned id;
	enum clamd_way way;
	enum clamd_said said;
	const char *text;
	enum verdict_class class;
	enum reason reason;
};

static const struct row rows[] = {
    {"stream: OK", 0, CLAMD_STREAM, CLAMD_OK, NULL, CLASS_CLEAN, REASON_NONE},
    {"fd[12]: OK", 0, CLAMD_FD, CLAMD_OK, NULL, CLASS_CLEAN, REASON_NONE},
    {"3: fd[9]: OK", 3, CLAMD_FD, CLAMD_OK, NULL, CLASS_CLEAN, REASON_NONE},
    {"/t/a: b.eml: OK", 0, CLAMD_PATH, CLAMD_OK, NULL, CLASS_CLEAN, REASON_NONE},
    {"stream: Eicar-Test-Signature FOUND", 0, CLAMD_STREAM, CLAMD_FOUND, "Eicar-Test-Signature",
     CLASS_INFECTED, REASON_NONE},
    {"stream: A b c FOUND", 0, CLAMD_STREAM, CLAMD_FOUND, "A b c", CLASS_INFECTED, REASON_NONE},
    {"stream: X.UNOFFICIAL(44d88612fea8a8f36de82e1278abb02f:68) FOUND", 0, CLAMD_STREAM,
     CLAMD_FOUND, "X.UNOFFICIAL", CLASS_INFECTED, REASON_NONE},
    {"stream: OK FOUND", 0, CLAMD_STREAM, CLAMD_FOUND, "OK", CLASS_INFECTED, REASON_NONE},
    {"stream: Heuristics.Encrypted.Zip FOUND", 0, CLAMD_STREAM, CLAMD_FOUND, NULL, CLASS_ENCRYPTED,
     REASON_NONE},
    {"stream: Heuristics.OLE2.ContainsMacros.VBA FOUND", 0, CLAMD_STREAM, CLAMD_FOUND, NULL,
     CLASS_MACRO, REASON_NONE},
    {"stream: Heuristics.Limits.Exceeded.MaxFiles FOUND", 0, CLAMD_STREAM, CLAMD_FOUND, NULL,
     CLASS_UNSCANNABLE, REASON_LIMIT_FILES},
    {"stream: Heuristics.Phishing.Email.SpoofedDomain FOUND", 0, CLAMD_STREAM, CLAMD_FOUND, NULL,
     CLASS_SUSPICIOUS, REASON_NONE},
    {"stream: PUA.Win.Tool.X FOUND", 0, CLAMD_STREAM, CLAMD_FOUND, NULL, CLASS_SUSPICIOUS,
     REASON_NONE},
    {"INSTREAM size limit exceeded. ERROR", 0, CLAMD_STREAM, CLAMD_ERROR,
     "INSTREAM size limit exceeded.", CLASS_UNSCANNABLE, REASON_TOO_LARGE},
    {"2: INSTREAM size limit exceeded. ERROR", 2, CLAMD_STREAM, CLAMD_ERROR, NULL,
     CLASS_UNSCANNABLE, REASON_TOO_LARGE},
    {"INSTREAM size limit exceeded. ERROR", 2, CLAMD_STREAM, CLAMD_ERROR, NULL, CLASS_UNSCANNABLE,
     REASON_TOO_LARGE},
    {"stream: Exceeded time limit ERROR", 0, CLAMD_STREAM, CLAMD_ERROR, NULL, CLASS_UNSCANNABLE,
     REASON_LIMIT_TIME},
    {"stream: Can't allocate memory ERROR", 0, CLAMD_STREAM, CLAMD_ERROR, NULL, CLASS_ERROR,
     REASON_ENGINE_ERROR},
    {"fd[1]: Not a regular file ERROR", 0, CLAMD_FD, CLAMD_ERROR, NULL, CLASS_ERROR,
     REASON_REFUSED},
    {"No file descriptor received. ERROR", 0, CLAMD_FD, CLAMD_ERROR, NULL, CLASS_ERROR,
     REASON_REFUSED},
    {"/t/a: b.eml: Access denied. ERROR", 0, CLAMD_PATH, CLAMD_ERROR, NULL, CLASS_ERROR,
     REASON_REFUSED},
    {"/t/a: b.eml: Excluded", 0, CLAMD_PATH, CLAMD_EXCLUDED, NULL, CLASS_UNSCANNABLE,
     REASON_NOT_SCANNED},
    {"/t/a: b.eml: Empty file", 0, CLAMD_PATH, CLAMD_EMPTY, NULL, CLASS_UNSCANNABLE,
     REASON_NOT_SCANNED},
    {"COMMAND READ TIMED OUT", 0, CLAMD_STREAM, CLAMD_ERROR, NULL, CLASS_ERROR, REASON_TIMEOUT},
    {"UNKNOWN COMMAND", 0, CLAMD_STREAM, CLAMD_ERROR, NULL, CLASS_ERROR, REASON_REFUSED},
    /* Not the form that says clean. */
    {"OK", 0, CLAMD_STREAM, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"stream: ", 0, CLAMD_STREAM, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"", 0, CLAMD_STREAM, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"stream: OK ", 0, CLAMD_STREAM, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"stream: not OK", 0, CLAMD_STREAM, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"stream: ok", 0, CLAMD_STREAM, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"stream: OK\n", 0, CLAMD_STREAM, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"fd[1]: OK", 0, CLAMD_STREAM, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"stream: OK", 0, CLAMD_FD, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"fd[]: OK", 0, CLAMD_FD, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"2: fd[1]: OK", 3, CLAMD_FD, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"fd[1]: OK", 3, CLAMD_FD, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"1: fd[1]: OK", 0, CLAMD_FD, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"/t/a: OK", 0, CLAMD_PATH, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
    {"stream: FOUND", 0, CLAMD_STREAM, CLAMD_UNKNOWN, NULL, CLASS_ERROR, REASON_PROTOCOL},
};

static void
judge(const char *reply, size_t len, const struct row *r, struct clamd_reply *said,
      struct verdict *v)
{
	clamd_reply_parse(said, reply, len, r->id, r->way, "/t/a: b.eml");
	clamd_judge(said, 68, v, "message", "clamd-1", "engine clamd-1: unix:/x: reply");
}

static void
forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct row *r = &rows[i];
		AUTO(verdict_clear) struct verdict v = {0};
		struct clamd_reply said;

		judge(r->reply, strlen(r->reply), r, &said, &v);
		if (said.said != r->said || verdict_class(&v) != r->class)
			print_message("# %s: said %d, class %s\n", r->reply, said.said,
			              verdict_class_name(verdict_class(&v)));
		assert_int_equal(said.said, r->said);
		assert_int_equal(verdict_class(&v), r->class);
		if (r->text)
			assert_string_equal(said.text, r->text);
		assert_int_equal(v.partial != REASON_NONE ? v.partial : v.failed, r->reason);
		clamd_reply_clear(&said);
	}
}

static void
empty_is_clean_for_the_empty(void **state)
{
	AUTO(verdict_clear) struct verdict v = {0};
	struct clamd_reply said;

	(void)state;
	clamd_reply_parse(&said, "stream: Empty file", 18, 0, CLAMD_STREAM, NULL);
	clamd_judge(&said, 0, &v, "message", "c", "w");
	assert_true(verdict_is_clean(&v));
}

static void
clean_only_as_written(const char *reply, size_t len, const struct row *r)
{
	AUTO(verdict_clear) struct verdict v = {0};
	struct clamd_reply said;
	bool same = len == strlen(r->reply) && memcmp(reply, r->reply, len) == 0;
	bool digits = r->way == CLAMD_FD; /* the number is the server's own */

	judge(reply, len, r, &said, &v);
	assert_true(said.said != CLAMD_OK || same || digits);
	assert_true(verdict_is_clean(&v) == (said.said == CLAMD_OK));
	clamd_reply_clear(&said);
}

/* Every beginning, every single byte changed, every byte doubled. */
static void
mutations(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct row *r = &rows[i];
		size_t len = strlen(r->reply);

		for (size_t n = 0; n < len; n++) {
			g_autofree char *copy = g_strdup(r->reply);
			g_autofree char *longer = g_strdup_printf("%.*s%c%s", (int)n, r->reply,
			                                          r->reply[n], r->reply + n);

			clean_only_as_written(r->reply, n, r);
			clean_only_as_written(longer, len + 1, r);
			for (int b = 0; b < 256; b++) {
				copy[n] = (char)b;
				clean_only_as_written(copy, len, r);
			}
		}
	}
}

static void
versions(void **state)
{
	char *version, *definitions;
	int64_t made;

	(void)state;
	assert_true(clamd_version_parse("ClamAV 1.4.6/27500/Thu Dec 26 09:38:26 2024", &version,
	                                &definitions, &made));
	assert_string_equal(version, "ClamAV 1.4.6");
	assert_string_equal(definitions, "27500");
	assert_int_equal(made, 1735205906);
	g_free(version);
	g_free(definitions);
	assert_true(clamd_version_parse("ClamAV 1.4.6", &version, &definitions, &made));
	assert_null(definitions);
	assert_int_equal(made, 0);
	g_free(version);
	assert_false(clamd_version_parse("UNKNOWN COMMAND", &version, &definitions, &made));
	assert_false(clamd_version_parse("ClamAV \n", &version, &definitions, &made));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(forms),
	    cmocka_unit_test(empty_is_clean_for_the_empty),
	    cmocka_unit_test(mutations),
	    cmocka_unit_test(versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
