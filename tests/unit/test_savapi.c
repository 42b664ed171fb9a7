/*
 * SAVAPI's answers: every code, and what may stand around it
 */
#include "engine/savapi_reply.h"

#include "reply_table.h"

#define EICAR "310 Eicar ; virus ; Contains code\n"

static const struct reply_row rows[] = {
    {"200", CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"200 OK", CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"210 OK", CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"404 a note\n200 OK", CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"430 http://x\n319 OK", CLASS_CLEAN, REASON_NONE, NULL, NULL},
    {"319 OK", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {EICAR "319 OK", CLASS_INFECTED, REASON_NONE, "Eicar", "mail"},
    {EICAR "200 OK", CLASS_INFECTED, REASON_NONE, "Eicar", NULL},
    {EICAR "350 Internal", CLASS_INFECTED, REASON_ENGINE_ERROR, "Eicar", NULL},
    {EICAR "220 timeout", CLASS_INFECTED, REASON_LIMIT_TIME, "Eicar", NULL},
    {"310 a --> b <<< c <<< N ; virus ; d ; e\n319", CLASS_INFECTED, REASON_NONE, "N",
     "mail/a --> b <<< c"},
    {"310\n319", CLASS_INFECTED, REASON_NONE, "unknown", NULL},
    {"310 \n319", CLASS_INFECTED, REASON_NONE, "unknown", NULL},
    {"310 only a name\n319", CLASS_INFECTED, REASON_NONE, "only a name", NULL},
    {"310 N ; joke ; x\n319", CLASS_SUSPICIOUS, REASON_NONE, "N", NULL},
    {"310 N ; ADWARE ; x\n319", CLASS_SUSPICIOUS, REASON_NONE, "N", NULL},
    {"310 N ; heuristic ; x\n319", CLASS_INFECTED, REASON_NONE, "N", NULL},
    {"310 N ; word of tomorrow ; x\n319", CLASS_INFECTED, REASON_NONE, "N", NULL},
    {"420 N ; virus ; x\n319", CLASS_INFECTED, REASON_NONE, "N", NULL},
    {"440 N\n319", CLASS_INFECTED, REASON_NONE, "N", NULL},
    {"300 N", CLASS_INFECTED, REASON_NONE, "N", NULL},
    {EICAR "300 end", CLASS_INFECTED, REASON_NONE, "Eicar", NULL},
    {"422 macro\n319", CLASS_MACRO, REASON_NONE, "Office macro", NULL},
    {"422 macro\n" EICAR "319", CLASS_INFECTED, REASON_NONE, "Eicar", NULL},
    {"220 timeout", CLASS_UNSCANNABLE, REASON_LIMIT_TIME, NULL, NULL},
    {"350 File open error", CLASS_ERROR, REASON_REFUSED, NULL, NULL},
    {"350 Internal", CLASS_ERROR, REASON_ENGINE_ERROR, NULL, NULL},
    {"199 parameter", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"100 PRODUCT:1", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"402 never seen", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"2000 OK", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"20 OK", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"200OK", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {" 200 OK", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"OK 200", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
    {"", CLASS_ERROR, REASON_PROTOCOL, NULL, NULL},
};

static void
answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};
		struct savapi_answer a = {0};
		g_auto(GStrv) lines = g_strsplit(rows[i].text[0] ? rows[i].text : "\n", "\n", -1);
		bool over = false;

		for (char **l = lines; *l && !over; l++)
			over = savapi_take(&a, *l, "mail", "s", "engine s: reply", &v);
		assert_true(over);
		reply_check(&rows[i], &v);
	}
}

/* Alerts without an end: the number of lines has one. */
static void
too_many(void **state)
{
	AUTO(verdict_clear) struct verdict v = {0};
	struct savapi_answer a = {0};
	unsigned n = 1;

	(void)state;
	while (!savapi_take(&a, "310 N ; virus ; x", "mail", "s", "engine s: reply", &v))
		n++;
	assert_int_equal(n, SAVAPI_LINES_MAX + 1);
	assert_int_equal(v.failed, REASON_PROTOCOL);
	assert_int_equal(verdict_class(&v), CLASS_INFECTED);
}

static void
values(void **state)
{
	(void)state;
	assert_string_equal(savapi_value("100 VDF:8.1", "VDF"), "8.1");
	assert_string_equal(savapi_value("100 VDF:", "VDF"), "");
	assert_null(savapi_value("100 VDF_SIGCOUNT:8", "VDF"));
	assert_null(savapi_value("100 VDF", "VDF"));
	assert_null(savapi_value("1000 VDF:1", "VDF"));
	assert_null(savapi_value("200 VDF:1", "VDF"));
	assert_null(savapi_value("100", "VDF"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers),
    cmocka_unit_test(too_many),
    cmocka_unit_test(values),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
