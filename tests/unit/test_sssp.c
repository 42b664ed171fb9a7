/*
 * SSSP's answers: every code, and what may stand around it
 */
#include "engine/sssp_reply.h"

#include "reply_table.h"

#define FINE "DONE OK 0000 The function call succeeded\n"

static const struct reply_row rows[] = {
    {FINE, CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"DONE OK 0000\n", CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"OK 0000 /m\nEVENT X\nTYPE 3C\nFILE /x\n" FINE, CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"DONE OK 021E old\n", CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"DONE FAIL 021E old\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"DONE FAIL 0000 x\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"VIRUS N /a/b%20c\n" FINE, CLASS_INFECTED, REASON_NONE, "N", "mail/a/b c"},
    {"VIRUS N \nDONE OK 0203 x\n", CLASS_INFECTED, REASON_NONE, "N", "mail"},
    {"VIRUS N\nDONE FAIL 0202 x\n", CLASS_INFECTED, REASON_ENGINE_ERROR, "N", "mail"},
    {"VIRUS \nDONE OK 0203 x\n", CLASS_INFECTED, REASON_NONE, "unknown", NULL},
    {"OK 0203 /m\n" FINE, CLASS_INFECTED, REASON_NONE, "unknown", "mail"},
    {"FAIL 0203 /m\n" FINE, CLASS_INFECTED, REASON_NONE, "unknown", NULL},
    {"DONE OK 0203 x\n", CLASS_INFECTED, REASON_NONE, "unknown", NULL},
    {"DONE FAIL 0203 x\n", CLASS_INFECTED, REASON_NONE, "unknown", NULL},
    {"VIRUS N /a\ngarbage\n", CLASS_INFECTED, REASON_PROTOCOL, "N", NULL},
    {"DONE OK 0212 x\n", CLASS_ENCRYPTED, REASON_NONE, "Encrypted", "mail"},
    {"FAIL 0212 /a.zip\n" FINE, CLASS_ENCRYPTED, REASON_NONE, "Encrypted", "mail/a.zip"},
    {"FAIL 0212 /a.zip\nDONE FAIL 0212 x\n", CLASS_ENCRYPTED, REASON_NONE, "Encrypted", NULL},
    {"FAIL 0201 /a\n" FINE, CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"DONE FAIL 0202 x\n", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"DONE OK 0204 x\n", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"DONE FAIL 0223 x\n", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"DONE FAIL 0216 x\n", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"DONE FAIL 0220 x\n", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"DONE FAIL 020F x\n", CLASS_UNSCANNABLE, REASON_UNSUPPORTED, NULL, NULL},
    {"DONE FAIL 020f x\n", CLASS_UNSCANNABLE, REASON_UNSUPPORTED, NULL, NULL},
    {"DONE FAIL 0210 x\n", CLASS_ERROR, REASON_REFUSED, NULL, NULL},
    {"FAIL 0210 /a\nDONE FAIL 0210 x\n", CLASS_UNSCANNABLE, REASON_CORRUPT, NULL, NULL},
    {"DONE FAIL 0211 x\n", CLASS_UNSCANNABLE, REASON_NOT_SCANNED, NULL, NULL},
    {"DONE FAIL 021A x\n", CLASS_UNSCANNABLE, REASON_CORRUPT, NULL, NULL},
    {"DONE FAIL 0225 x\n", CLASS_UNSCANNABLE, REASON_MULTI_VOLUME, NULL, NULL},
    {"DONE FAIL 060F x\n", CLASS_UNSCANNABLE, REASON_LIMIT_TIME, NULL, NULL},
    {"DONE OK 1234 x\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"FAIL 1234 /a\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"FAIL 0000 /a\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"FAIL 021E /a\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"OK 1234 /a\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"DONE PERHAPS 0000 x\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"DONE OK 000 x\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"DONE OK 00000 x\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"DONE OK\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"done OK 0000\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {FINE FINE, CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"REJ 4\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"ACC 1/2\n" FINE, CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"EVENT X\n", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
};

static void
answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};
		AUTO(sssp_clear) struct sssp_answer a = {0};
		g_auto(GStrv) lines = g_strsplit(rows[i].text[0] ? rows[i].text : "\n", "\n", -1);
		bool over = false;

		for (char **l = lines; *l && !over; l++)
			over = sssp_take(&a, *l, "mail", "s", "engine s: reply", &v);
		if (!over)
			fail_msg("\"%s\": not over", rows[i].text);
		reply_check(&rows[i], &v);
	}
}

static void
accepted(void **state)
{
	static const char *const no[] = {"ACC", "ACC ", "ACC 12", "ACC 12/", "ACC /1", "ACC x/1",
	                                 "ACC 1/1 ", "acc 1/1", " ACC 1/1", "REJ 4", ""};

	(void)state;
	assert_true(sssp_is_accepted("ACC 5B992B5C/1"));
	assert_true(sssp_is_accepted("ACC 1/20"));
	for (size_t i = 0; i < G_N_ELEMENTS(no); i++)
		assert_false(sssp_is_accepted(no[i]));
}

static void
refused(void **state)
{
	static const struct reply_row refusals[] = {
	    {"REJ 4", CLASS_UNSCANNABLE, REASON_TOO_LARGE, NULL, NULL},
	    {"REJ 5", CLASS_ERROR, REASON_REFUSED, NULL, NULL},
	    {"REJ 1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
	    {"REJ 44", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
	    {"DONE OK 0000", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
	    {"", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		AUTO(verdict_clear) struct verdict v = {0};

		sssp_judge_refusal(refusals[i].text, "engine s: reply", &v);
		reply_check(&refusals[i], &v);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers),
    cmocka_unit_test(accepted),
    cmocka_unit_test(refused),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
