/*
 * fpscand's answers: every bit, and what may stand around it
 */
#include "engine/fprot_reply.h"

#include "reply_table.h"

static const struct reply_row rows[] = {
    {"0 <clean> avm1", CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"1 <infected: EICAR_Test_File> avm1", CLASS_INFECTED, REASON_NONE, "EICAR_Test_File", "mail"},
    {"1 <infected: E> avm1->a.zip->b", CLASS_INFECTED, REASON_NONE, "E", "mail/a.zip->b"},
    {"1 <clean> avm1", CLASS_INFECTED, REASON_NONE, "unknown", NULL},
    {"1 <infected: > avm1", CLASS_INFECTED, REASON_NONE, "unknown", NULL},
    {"1 <> avm1", CLASS_INFECTED, REASON_NONE, "unknown", NULL},
    {"1 <infected: a> avm2> avm1", CLASS_INFECTED, REASON_NONE, "a> avm2", NULL},
    {"2 <suspicious: H> avm1", CLASS_INFECTED, REASON_NONE, "H", NULL},
    {"1 <unwanted program: A> avm1", CLASS_SUSPICIOUS, REASON_NONE, "A", NULL},
    {"3 <unwanted program: A> avm1", CLASS_INFECTED, REASON_NONE, "A", NULL},
    {"128 <disinfected: D> avm1", CLASS_INFECTED, REASON_NONE, "D", NULL},
    {"4 <x> avm1", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"5 <infected: E> avm1", CLASS_INFECTED, REASON_ENGINE_ERROR, "E", NULL},
    {"8 <x> avm1", CLASS_UNSCANNABLE, REASON_LIMIT_SIZE, NULL, NULL},
    {"9 <infected: E> avm1", CLASS_INFECTED, REASON_LIMIT_SIZE, "E", NULL},
    {"16 <x> avm1", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"20 <x> avm1", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"32 <x> avm1", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"48 <x> avm1", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"64 <clean> avm1", CLASS_UNSCANNABLE, REASON_NOT_SCANNED, NULL, NULL},
    {"72 <x> avm1", CLASS_UNSCANNABLE, REASON_LIMIT_SIZE, NULL, NULL},
    {"255 <infected: E> avm1", CLASS_INFECTED, REASON_ENGINE_ERROR, "E", NULL},
    {"256 <clean> avm1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"257 <infected: E> avm1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"4294967296 <clean> avm1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"0 <Clean> avm1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"0 <clean > avm1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"0 <clean> avm1->x", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"0 <clean> avm12", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"0 <clean> avm", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"0 <clean>", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"0 <clean", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"0 clean avm1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"-0 <clean> avm1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {" 0 <clean> avm1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"<clean> avm1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
};

static void
answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};

		fprot_judge(rows[i].text, "avm1", "mail", "f", "engine f: reply", &v);
		reply_check(&rows[i], &v);
	}
}

static void
versions(void **state)
{
	g_autofree char *version = NULL, *definitions = NULL, *bare = NULL, *none = NULL;

	(void)state;
	assert_true(fprot_version_parse("FPSCAND:6.2.1 ENGINE:4.4.4 SIGNATURE:201012141241d41d UPTIME:1",
	                                &version, &definitions));
	assert_string_equal(version, "fpscand 6.2.1");
	assert_string_equal(definitions, "201012141241");
	assert_true(fprot_version_parse("FPSCAND:6 SIGNATURE:2010", &bare, &none));
	assert_null(none);
	assert_false(fprot_version_parse("HELP", &none, &none));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers),
    cmocka_unit_test(versions),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
