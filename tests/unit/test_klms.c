/*
 * The answers of rds_av
 */
#include "engine/klms_reply.h"

#include "reply_table.h"

static const struct reply_row rows[] = {
    {"/s/a: b: OK", CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"stream: OK", CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"/s/a: b: EICAR-Test-File FOUND", CLASS_INFECTED, REASON_NONE, "EICAR-Test-File", "mail"},
    {"stream: X FOUND", CLASS_INFECTED, REASON_NONE, "X", NULL},
    {"/s/a: b: HEUR:Trojan.X FOUND", CLASS_INFECTED, REASON_NONE, "HEUR:Trojan.X", NULL},
    {"/s/a: b: not-a-virus:AdWare.X FOUND", CLASS_SUSPICIOUS, REASON_NONE,
     "not-a-virus:AdWare.X", NULL},
    /* Names of ClamAV mean nothing here. */
    {"stream: PUA.X FOUND", CLASS_INFECTED, REASON_NONE, "PUA.X", NULL},
    {"stream: Heuristics.Encrypted.Zip FOUND", CLASS_INFECTED, REASON_NONE,
     "Heuristics.Encrypted.Zip", NULL},
    {"/s/a: b: lstat() failed ERROR", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"Internal ERROR", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"OK", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"/s/a: OK", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"/s/a: b: OK ", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"/s/a: b: ok", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"/s/a: b: NOT OK", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"/s/a: b: Empty file", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"/s/a: b: Excluded", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"stream:  FOUND", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
};

static void
answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};

		klms_judge(rows[i].text, "/s/a: b", "mail", "k", "engine k: reply", &v);
		reply_check(&rows[i], &v);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
