/*
 * policy: the table of decisions, the strictest item, whose words are spoken, and what a reply may
 * hold
 */
#include "policy/policy.h"

#include "world.h"

#include "policy/reply.h"

#define ROUNDS 3000

static struct decision
decide(const struct conf *conf, const struct verdict *v)
{
	static char id[] = "4XYZ", ref[] = "abcdefghij";
	const struct message m = {.id = id, .ref = ref};
	AUTO(rules_free) struct rules *rules = rules_new(conf, NULL, NULL);
	struct decision d;

	assert_non_null(rules);
	policy_decide(rules, &m, v, &d);
	return d;
}

/* COMPLETE, plus what the letters say: one finding each, P partial, F failed, U unknown. */
static void
verdict_by_letters(struct verdict *v, const char *letters, const char *engine)
{
	static const char kinds[] = "?mesbvi";
	AUTO(verdict_clear) struct verdict nothing = {0};

	verdict_complete(v);
	for (const char *p = letters; *p; p++) {
		const char *k = strchr(kinds, *p);

		if (k)
			verdict_find(v, (enum finding_kind)(k - kinds), "Name", "object", engine);
		else if (*p == 'P')
			verdict_partial(v, REASON_LIMIT_SIZE, "limit");
		else if (*p == 'F')
			verdict_fail(v, REASON_TIMEOUT, "timeout");
		else if (*p == 'U')
			verdict_join(v, &nothing);
	}
	verdict_blame(v, engine);
}

static void
defaults(void **state)
{
	static const struct {
		const char *letters;
		enum verdict_class cls;
		enum action action;
	} rows[] = {
	    {"", CLASS_CLEAN, ACTION_PASS},
	    {"i", CLASS_INFECTED, ACTION_REJECT},
	    {"v", CLASS_EVASION, ACTION_REJECT},
	    {"b", CLASS_BLOCKED, ACTION_REJECT},
	    {"s", CLASS_SUSPICIOUS, ACTION_REJECT},
	    {"e", CLASS_ENCRYPTED, ACTION_PASS},
	    {"m", CLASS_MACRO, ACTION_PASS},
	    {"P", CLASS_UNSCANNABLE, ACTION_REJECT},
	    {"F", CLASS_ERROR, ACTION_TEMPFAIL},
	    {"U", CLASS_ERROR, ACTION_TEMPFAIL},
	    /* decision 1: a weak finding hides no failure */
	    {"eF", CLASS_ERROR, ACTION_TEMPFAIL},
	    {"mF", CLASS_ERROR, ACTION_TEMPFAIL},
	    {"emU", CLASS_ERROR, ACTION_TEMPFAIL},
	    {"eP", CLASS_UNSCANNABLE, ACTION_REJECT},
	    {"iF", CLASS_INFECTED, ACTION_REJECT},
	    {"iFP", CLASS_INFECTED, ACTION_REJECT},
	    {"sF", CLASS_ERROR, ACTION_REJECT},
	};
	struct conf *c = world_conf("");

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};
		struct decision d;

		verdict_by_letters(&v, rows[i].letters, "clamav");
		d = decide(c, &v);
		assert_int_equal(d.cls, rows[i].cls);
		assert_int_equal(d.action, rows[i].action);
		assert_int_equal(d.would, rows[i].action);
		assert_false(d.observed);
		assert_int_equal(d.error_code, 451);
		assert_int_equal(d.reply != NULL,
		                 d.action == ACTION_REJECT || d.action == ACTION_TEMPFAIL);
		decision_clear(&d);
	}
	conf_unref(&c);
}

/* A verdict that nobody filled. */
static void
zero_verdict(void **state)
{
	struct conf *c = world_conf("");
	const struct verdict v = {0};
	struct decision d = decide(c, &v);

	(void)state;
	assert_int_equal(d.action, ACTION_TEMPFAIL);
	assert_int_equal(d.cls, CLASS_ERROR);
	decision_clear(&d);
	conf_unref(&c);
}

/* The action of antivirus for every class, in the order of enum verdict_class. */
static void
set_actions(struct conf *c, struct conf_engine *e, const enum action t[CLASS_COUNT])
{
	c->antivirus.on_macro = e->on_macro = (int)t[CLASS_MACRO];
	c->antivirus.on_encrypted = e->on_encrypted = (int)t[CLASS_ENCRYPTED];
	c->antivirus.on_suspicious = e->on_suspicious = (int)t[CLASS_SUSPICIOUS];
	c->antivirus.on_unscannable = e->on_unscannable = (int)t[CLASS_UNSCANNABLE];
	c->antivirus.on_error = e->on_error = (int)t[CLASS_ERROR];
	c->antivirus.on_blocked = e->on_blocked = (int)t[CLASS_BLOCKED];
	c->antivirus.on_evasion = e->on_evasion = (int)t[CLASS_EVASION];
	c->antivirus.on_infected = e->on_infected = (int)t[CLASS_INFECTED];
}

static void
random_letters(struct rnd *r, char out[8])
{
	static const char all[] = "mesbviPFU";
	unsigned n = rnd_below(r, 5);

	for (unsigned i = 0; i < n; i++)
		out[i] = all[rnd_below(r, sizeof(all) - 1)];
	out[n] = '\0';
}

/* For any table of actions: what holds is the strictest of the items, and adding to a verdict never
 * loosens it. */
static void
strictest_holds(void **state)
{
	struct conf *c = world_conf("antivirus { redirect = \"r@x\" }");
	struct conf_engine *e = g_ptr_array_index(c->engines, 0);
	struct rnd r = rnd_new(42);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		AUTO(verdict_clear) struct verdict a = {0}, b = {0}, sum = {0};
		enum action t[CLASS_COUNT] = {ACTION_PASS}, want = ACTION_PASS;
		char la[8], lb[8];
		struct decision da, dsum;

		for (unsigned k = CLASS_CLEAN + 1; k < CLASS_COUNT; k++)
			do /* repair is tested by itself: it may be impossible */
				t[k] = (enum action)rnd_below(&r, ACTION_COUNT);
			while (t[k] == ACTION_REPAIR);
		set_actions(c, e, t);
		random_letters(&r, la);
		random_letters(&r, lb);
		verdict_by_letters(&a, la, rnd_below(&r, 2) ? "clamav" : "");
		verdict_by_letters(&b, lb, rnd_below(&r, 2) ? "clamav" : "gone");
		verdict_join(&sum, &a);
		verdict_join(&sum, &b);
		da = decide(c, &a);
		dsum = decide(c, &sum);
		for (unsigned k = 0; k < CLASS_COUNT; k++)
			if (verdict_items(&sum) & 1u << k)
				want = action_stricter(want, t[k]);
		assert_int_equal(dsum.action, want);
		assert_true(dsum.action >= da.action);
		decision_clear(&da);
		decision_clear(&dsum);
	}
	conf_unref(&c);
}

static void
observed(void **state)
{
	struct conf *c = world_conf("observe = true");
	AUTO(verdict_clear) struct verdict v = {0};
	struct decision d;

	(void)state;
	verdict_complete(&v);
	d = decide(c, &v);
	assert_false(d.observed);
	decision_clear(&d);
	verdict_by_letters(&v, "i", "clamav");
	d = decide(c, &v);
	assert_int_equal(d.action, ACTION_PASS);
	assert_int_equal(d.would, ACTION_REJECT);
	assert_int_equal(d.cls, CLASS_INFECTED);
	assert_true(d.observed);
	assert_null(d.reply);
	decision_clear(&d);
	conf_unref(&c);
}

/* P1: an engine's section speaks about its own findings and failures; the strictest over engines
 * holds. */
static void
engines_have_their_own(void **state)
{
	static const char conf[] =
	    "antivirus { on_error = tempfail\n"
	    "clamav \"main\" { }\n"
	    "null \"extra\" { on_error = pass on_infected = discard on_macro = reject\n"
	    " reject_message = \"extra says %{class}\" } }";
	static const struct {
		const char *main_letters, *extra_letters;
		enum action want;
	} rows[] = {
	    {"", "F", ACTION_PASS},    {"F", "", ACTION_TEMPFAIL}, {"F", "F", ACTION_TEMPFAIL},
	    {"", "i", ACTION_DISCARD}, {"i", "i", ACTION_REJECT},  {"m", "", ACTION_PASS},
	    {"", "m", ACTION_REJECT},
	};
	struct conf *c = world_conf(conf);

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict a = {0}, b = {0}, sum = {0};
		struct decision d;

		verdict_by_letters(&a, rows[i].main_letters, "main");
		verdict_by_letters(&b, rows[i].extra_letters, "extra");
		verdict_join(&sum, &a);
		verdict_join(&sum, &b);
		d = decide(c, &sum);
		assert_int_equal(d.action, rows[i].want);
		if (i == 6)
			assert_string_equal(d.reply, "extra says macro");
		decision_clear(&d);
	}
	conf_unref(&c);
}

/* Where no engine is to blame, a lenient engine does not excuse the failure. */
static void
nobody_in_particular(void **state)
{
	struct conf *c = world_conf("antivirus { null \"extra\" { on_error = pass } }");
	AUTO(verdict_clear) struct verdict v = {0}, sum = {0};
	struct decision d;

	(void)state;
	verdict_by_letters(&v, "F", "extra");
	verdict_fail(&sum, REASON_WORKER_DIED, "decomposition");
	verdict_join(&sum, &v);
	d = decide(c, &sum);
	assert_int_equal(d.action, ACTION_TEMPFAIL);
	decision_clear(&d);
	conf_unref(&c);
}

/* More findings than are kept: a dropped weak one still counts, with the strictest of all engines.
 */
static void
crowd(void **state)
{
	struct conf *c = world_conf("antivirus { on_infected = pass clamav \"main\" { } null "
	                            "\"extra\" { on_macro = reject } }");
	AUTO(verdict_clear) struct verdict v = {0};
	struct decision d;

	(void)state;
	verdict_complete(&v);
	verdict_find(&v, FINDING_MACRO, "M", "o", "extra");
	for (int i = 0; i < 100; i++) {
		g_autofree char *name = g_strdup_printf("V%d", i);

		verdict_find(&v, FINDING_INFECTED, name, "o", "main");
	}
	d = decide(c, &v);
	assert_int_equal(d.action, ACTION_REJECT);
	decision_clear(&d);
	conf_unref(&c);
}

static void
repair_needs_all(void **state)
{
	struct conf *c = world_conf("");
	struct conf_engine *e = g_ptr_array_index(c->engines, 0);
	AUTO(verdict_clear) struct verdict v = {0};
	struct decision d;

	(void)state;
	c->antivirus.on_infected = e->on_infected = ACTION_REPAIR;
	c->antivirus.on_unscannable = e->on_unscannable = ACTION_PASS;
	verdict_by_letters(&v, "i", "clamav");
	d = decide(c, &v);
	assert_int_equal(d.action, ACTION_REPAIR);
	decision_clear(&d);
	verdict_by_letters(&v, "P", "clamav");
	d = decide(c, &v);
	assert_int_equal(d.action, ACTION_REJECT); /* repair_fallback */
	decision_clear(&d);
	conf_unref(&c);
}

static void
default_texts(void **state)
{
	struct conf *c = world_conf("");
	AUTO(verdict_clear) struct verdict v = {0}, f = {0};
	struct decision d;

	(void)state;
	verdict_by_letters(&v, "iF", "clamav");
	d = decide(c, &v);
	assert_string_equal(d.reply, "Message rejected: infected content found (ref abcdefghij)");
	decision_clear(&d);
	verdict_by_letters(&f, "F", "clamav");
	d = decide(c, &f);
	assert_string_equal(d.reply, "Virus scan unavailable, try again later (ref abcdefghij)");
	decision_clear(&d);
	conf_unref(&c);
}

static void
templates(void **state)
{
	const struct reply_words w = {.virus = "V%1\r\nX: y",
	                              .engine = "e",
	                              .class_name = "infected",
	                              .ref = "r",
	                              .qid = "q"};
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"%{virus}", "V%1  X: y"},
	    {"%{engine}/%{class}/%{ref}/%{qid}/%{host}/", "e/infected/r/q//"},
	    {"${SCANNER} ${VIRUS}", "e V%1  X: y"},
	    {"%{nosuch}x", "x"},
	    {"%{", "%{"},
	    {"100% $5 {}", "100% $5 {}"},
	    {"a\tb\x01\xc3\xa4", "a b???"},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *out = reply_expand(rows[i].in, &w);

		assert_string_equal(out, rows[i].out);
	}
}

/* However long the name: one line that SMTP takes, also with every '%' doubled. */
static void
long_replies(void **state)
{
	(void)state;
	for (int percent = 0; percent < 2; percent++) {
		g_autofree char *fat = g_strnfill(4096, percent ? '%' : 'x');
		const struct reply_words w = {.virus = fat};
		g_autofree char *out = reply_expand("virus %{virus}", &w);
		size_t len = strlen(out);

		for (const char *p = out; *p; p++)
			len += *p == '%';
		assert_in_range(len, REPLY_TEXT_MAX - 2, REPLY_TEXT_MAX);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(defaults),
    cmocka_unit_test(zero_verdict),
    cmocka_unit_test(strictest_holds),
    cmocka_unit_test(observed),
    cmocka_unit_test(engines_have_their_own),
    cmocka_unit_test(nobody_in_particular),
    cmocka_unit_test(crowd),
    cmocka_unit_test(repair_needs_all),
    cmocka_unit_test(default_texts),
    cmocka_unit_test(templates),
    cmocka_unit_test(long_replies),
};

UNIT_RUN(tests)
