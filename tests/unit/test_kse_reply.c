/*
 * kse_reply: the whole answer decides; every word of the protocol file; no mutation of a finding or
 * of a failure reads as clean
 */
#include "engine/kse_reply.h"

#include "unit.h"

#include "verdict/verdict.h"

struct row {
	const char *text;
	enum verdict_class class;
	enum reason reason;
	const char *name; /* of the strongest finding */
};

static const struct row kse_rows[] = {
    {"CLEAN", CLASS_CLEAN, REASON_NONE, NULL},
    {"CLEAN\r\n", CLASS_CLEAN, REASON_NONE, NULL},
    {"CLEAN AND CONTAINS OFFICE MACRO", CLASS_MACRO, REASON_NONE, "Office-Macro"},
    {"DETECT EICAR-Test-File AND CONTAINS OFFICE MACRO", CLASS_INFECTED, REASON_NONE,
     "EICAR-Test-File"},
    {"DETECTED A b (c)", CLASS_INFECTED, REASON_NONE, "A b (c)"},
    {"DETECT", CLASS_INFECTED, REASON_NONE, "unknown"},
    {"DETECT  ", CLASS_INFECTED, REASON_NONE, "unknown"},
    {"DISINFECTED X", CLASS_INFECTED, REASON_NONE, "X"},
    {"DELETED", CLASS_INFECTED, REASON_NONE, "unknown"},
    {"DETECT not-a-virus:AdWare.X", CLASS_SUSPICIOUS, REASON_NONE, "not-a-virus:AdWare.X"},
    {"DETECT not-a-virus:AdWare.X, HEUR:Trojan.Y", CLASS_INFECTED, REASON_NONE, "HEUR:Trojan.Y"},
    {"NON_SCANNED (PASSWORD PROTECTED)", CLASS_ENCRYPTED, REASON_NONE, "Password-Protected"},
    {"NON_SCANNED (CORRUPTED)", CLASS_UNSCANNABLE, REASON_CORRUPT, NULL},
    {"NON_SCANNED (SKIPPED)", CLASS_UNSCANNABLE, REASON_NOT_SCANNED, NULL},
    {"NON_SCANNED", CLASS_UNSCANNABLE, REASON_NOT_SCANNED, NULL},
    {"NON_SCANNED (ACCESS DENIED)", CLASS_ERROR, REASON_REFUSED, NULL},
    {"NON_SCANNED (CANCELED)", CLASS_ERROR, REASON_TIMEOUT, NULL},
    {"SERVER_ERROR", CLASS_ERROR, REASON_ENGINE_ERROR, NULL},
    {"", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"clean", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {" CLEAN", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"CLEAN?", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"CLEAN\r\nDETECT X", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"NON_SCANNED (SOMETHING ELSE)", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"DETECTION OFF", CLASS_ERROR, REASON_PROTOCOL, NULL},
};

static void
judge_kse(const char *text, size_t len, struct verdict *v)
{
	g_autoptr(GString) body = g_string_new_len(text, (gssize)len);

	kse_judge(body, true, true, v, "message", "k", "engine k: h: reply");
}

static const struct {
	const struct row *rows;
	size_t count;
	void (*judge)(const char *text, size_t len, struct verdict *v);
} grammars[] = {
    {kse_rows, G_N_ELEMENTS(kse_rows), judge_kse},
};

static void
every_word(void **state)
{
	(void)state;
	for (size_t g = 0; g < G_N_ELEMENTS(grammars); g++)
		for (size_t i = 0; i < grammars[g].count; i++) {
			const struct row *r = &grammars[g].rows[i];
			AUTO(verdict_clear) struct verdict v = {0};
			enum reason reason;

			grammars[g].judge(r->text, strlen(r->text), &v);
			reason = v.failed != REASON_NONE ? v.failed : v.partial;
			if (verdict_class(&v) != r->class ||
			    (r->reason != REASON_NONE && reason != r->reason))
				fail_msg("\"%s\": class %s, reason %s", r->text,
				         verdict_class_name(verdict_class(&v)), reason_name(reason));
			if (r->name)
				assert_string_equal(verdict_top(&v)->name, r->name);
		}
}

static bool
says_something(const struct row *r)
{
	return r->class != CLASS_CLEAN && r->reason != REASON_PROTOCOL;
}

/* Cut everywhere and with every byte changed, no finding and no failure becomes clean. */
static void
mutations(void **state)
{
	(void)state;
	for (size_t g = 0; g < G_N_ELEMENTS(grammars); g++)
		for (size_t i = 0; i < grammars[g].count; i++) {
			const struct row *r = &grammars[g].rows[i];
			size_t len = strlen(r->text);

			for (size_t n = 0; says_something(r) && n < len; n++)
				for (int with = -1; with < 256; with += 51) {
					AUTO(verdict_clear) struct verdict v = {0};
					g_autofree char *text = g_memdup2(r->text, len + 1);

					if (with >= 0)
						text[n] = (char)with;
					grammars[g].judge(text, with < 0 ? n : len, &v);
					assert_true(v.states != 0 || v.kinds != 0);
					if (verdict_is_clean(&v) &&
					    strncmp(r->text, "CLEAN", 5) != 0)
						fail_msg("\"%s\" at %zu: clean", r->text, n);
				}
		}
}

static void
not_whole(void **state)
{
	g_autoptr(GString) clean = g_string_new("CLEAN"), found = g_string_new("DETECT X");
	AUTO(verdict_clear) struct verdict a = {0}, b = {0}, c = {0}, d = {0};

	(void)state;
	kse_judge(clean, false, true, &a, "m", "k", "w");
	assert_int_equal(a.failed, REASON_PROTOCOL);
	kse_judge(clean, true, false, &b, "m", "k", "w");
	assert_int_equal(b.failed, REASON_PROTOCOL);
	kse_judge(found, true, false, &c, "m", "k", "w");
	assert_int_equal(verdict_class(&c), CLASS_INFECTED);
	kse_judge(found, false, true, &d, "m", "k", "w");
	assert_int_equal(d.failed, REASON_LOST);
	assert_int_equal(verdict_class(&d), CLASS_INFECTED);
}

static void
facts(void **state)
{
	g_autofree char *bases = kse_bases("database version: 9.02.2014 15:03 GMT\r\n");

	(void)state;
	assert_string_equal(bases, "20140209.1503");
	assert_null(kse_bases("database version: 99.99.2014 15:03 GMT"));
	assert_null(kse_bases("database version: 9.02.-410 15:03 GMT"));
	assert_null(kse_bases("{}"));
	assert_true(kse_expired("license expiration date: 05.12.2020\r\n", 20201206));
	assert_false(kse_expired("license expiration date: 05.12.2020\r\n", 20201205));
	assert_true(kse_expired("The license ticket has expired.", 20200101));
	assert_false(kse_expired("", 20200101));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_word),
    cmocka_unit_test(mutations),
    cmocka_unit_test(not_whole),
    cmocka_unit_test(facts),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
