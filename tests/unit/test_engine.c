/*
 * engine: which sections become engines, what the test engines do, what one scan may never leave
 * behind
 */
#include "engine/engine.h"

#include "world.h"

#include "verdict/verdict.h"

#define WHOLE "mime_decompose = false "

/* Scan body through the only engine of a configuration. */
static void
scan_body(const char *conf, const char *body, struct verdict *v)
{
	struct world w = world_new(conf);
	struct message *m = world_message(&w, body);
	struct objects *set;
	struct scan_request rq = {.message = m, .label = "message", .wait = &w.wait};

	message_seal(m);
	set = objects_new(m->spool, -1, 0);
	rq.objects = set;
	rq.object = objects_add(set, OBJECT_MESSAGE, STORE_SPOOL, 0, spool_size(m->spool), "", NULL,
	                        NULL, NULL);
	assert_int_equal(w.engines->list->len, 1);
	engine_scan(g_ptr_array_index(w.engines->list, 0), &rq, v);
	objects_free(&set);
	message_free(&m);
	world_end(&w);
}

static void
fake_markers(void **state)
{
	static const struct {
		const char *body;
		enum verdict_class want;
		const char *name, *reason;
	} rows[] = {
	    {"nothing", CLASS_CLEAN, NULL, ""},
	    {"FAKE:infected=Eicar", CLASS_INFECTED, "Eicar", ""},
	    {"x FAKE:suspicious=PUA.a/b_c-d y", CLASS_SUSPICIOUS, "PUA.a/b_c-d", ""},
	    {"FAKE:encrypted=Zip", CLASS_ENCRYPTED, "Zip", ""},
	    {"FAKE:macro=M", CLASS_MACRO, "M", ""},
	    {"FAKE:blocked=B", CLASS_BLOCKED, "B", ""},
	    {"FAKE:evasion=E", CLASS_EVASION, "E", ""},
	    {"FAKE:fail", CLASS_ERROR, NULL, "engine-error"},
	    {"FAKE:fail=busy", CLASS_ERROR, NULL, "busy"},
	    {"FAKE:partial", CLASS_UNSCANNABLE, NULL, "limit.files"},
	    {"FAKE:partial=corrupt", CLASS_UNSCANNABLE, NULL, "corrupt"},
	    {"FAKE:unknown", CLASS_ERROR, NULL, "unknown"},
	    {"FAKE:nonsense", CLASS_ERROR, NULL, "engine-error"},
	    {"FAKE:", CLASS_ERROR, NULL, "engine-error"},
	    {"FAKE:macro=M\r\nFAKE:infected=V\r\nFAKE:fail", CLASS_INFECTED, "V", ""},
	    {"FAKE:encrypted=Z FAKE:fail", CLASS_ERROR, "Z", "engine-error"},
	    {"FAKE:sleep=1", CLASS_CLEAN, NULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};

		scan_body("antivirus { fake \"f\" { " WHOLE " } }", rows[i].body, &v);
		assert_int_equal(verdict_class(&v), rows[i].want);
		assert_string_equal(verdict_reason(&v, verdict_class(&v)), rows[i].reason);
		if (rows[i].name)
			assert_string_equal(verdict_top(&v)->name, rows[i].name);
		else
			assert_null(verdict_top(&v));
		assert_int_equal(verdict_is_clean(&v), rows[i].want == CLASS_CLEAN);
	}
}

/* A marker is found wherever it lies, and only once, also across the borders of what is read at a
 * time. */
static void
fake_reads_all(void **state)
{
	(void)state;
	for (size_t pad = 65536 - 120; pad < 65536 + 20; pad += 3) {
		AUTO(verdict_clear) struct verdict v = {0};
		g_autofree char *fill = g_strnfill(pad, ' ');
		g_autofree char *body =
		    g_strconcat(fill, "FAKE:infected=Late", fill, "FAKE:macro=End", NULL);

		scan_body("antivirus { fake \"f\" { " WHOLE " } }", body, &v);
		assert_int_equal(v.findings->len, 2);
		assert_string_equal(verdict_top(&v)->name, "Late");
		assert_int_equal(v.states, 1u << SCAN_COMPLETE);
	}
}

static void
own_timeout(void **state)
{
	AUTO(verdict_clear) struct verdict v = {0};
	int64_t begun = now_ms();

	(void)state;
	scan_body("antivirus { fake \"f\" { " WHOLE " timeout = 60ms } }", "FAKE:sleep=10000", &v);
	assert_in_range(now_ms() - begun, 50, 5000);
	assert_int_equal(verdict_class(&v), CLASS_ERROR);
	assert_string_equal(verdict_reason(&v, CLASS_ERROR), "timeout");
	assert_string_equal(g_ptr_array_index(v.failed_by, 0), "f");
}

static void
no_time_left(void **state)
{
	struct world w = world_new("antivirus { null \"n\" { " WHOLE " } }");
	AUTO(verdict_clear) struct verdict v = {0};
	struct wait over;
	const struct scan_request rq = {.label = "message", .wait = &over};

	(void)state;
	wait_init(&over, deadline_in(0), 0, NULL, NULL);
	engine_scan(g_ptr_array_index(w.engines->list, 0), &rq, &v);
	assert_string_equal(verdict_reason(&v, CLASS_ERROR), "timeout");
	assert_false(verdict_is_clean(&v));
	world_end(&w);
}

static void
faults(void **state)
{
	static const struct {
		const char *mode, *reason;
	} rows[] = {{"fail", "engine-error"}, {"timeout", "timeout"}, {"unknown", "unknown"}};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};
		g_autofree char *conf =
		    g_strdup_printf("antivirus { timeout = 40ms null \"n\" { } fault \"x\" { "
		                    "engine = \"n\" mode = \"%s\" } }",
		                    rows[i].mode);

		scan_body(conf, "x", &v);
		assert_int_equal(verdict_class(&v), CLASS_ERROR);
		assert_string_equal(verdict_reason(&v, CLASS_ERROR), rows[i].reason);
		assert_string_equal(g_ptr_array_index(v.failed_by, 0), "x");
	}
}

/* every = 3: the third scan is the broken one, the others are the wrapped engine's. */
static void
every_third(void **state)
{
	struct world w =
	    world_new("antivirus { fault \"x\" { engine = \"f\" every = 3 } fake \"f\" { } }");
	struct message *m = world_message(&w, "FAKE:infected=V");
	struct objects *set;
	struct scan_request rq = {.message = m, .label = "message", .wait = &w.wait};

	(void)state;
	message_seal(m);
	set = objects_new(m->spool, -1, 0);
	rq.objects = set;
	rq.object = objects_add(set, OBJECT_MESSAGE, STORE_SPOOL, 0, spool_size(m->spool), "", NULL,
	                        NULL, NULL);
	assert_int_equal(w.engines->list->len, 1);
	for (int i = 1; i <= 9; i++) {
		AUTO(verdict_clear) struct verdict v = {0};

		engine_scan(g_ptr_array_index(w.engines->list, 0), &rq, &v);
		assert_int_equal(verdict_class(&v), i % 3 ? CLASS_INFECTED : CLASS_ERROR);
		if (i % 3)
			assert_string_equal(verdict_top(&v)->engine, "f");
	}
	objects_free(&set);
	message_free(&m);
	world_end(&w);
}

static void
refusals(void **state)
{
	static const struct {
		const char *conf;
		bool test_mode;
		const char *says;
	} rows[] = {
	    {"antivirus { null \"n\" { } }", false, "test.conf:1: null \"n\": only for tests"},
	    {"antivirus {\n fault \"x\" { engine = \"x\" }\n}", true,
	     "test.conf:2: fault \"x\": engine = \"x\" leads back"},
	    {"antivirus { fault \"a\" { engine = \"b\" } fault \"b\" { engine = \"a\" } }", true,
	     "leads back to itself"},
	    {"antivirus { fault \"x\" { engine = \"nobody\" } }", true, "nobody"},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) err = NULL;
		struct conf *c = conf_parse(rows[i].conf, "test.conf", &err);

		/* Some of this the configuration refuses by itself. */
		if (c)
			assert_null(engines_new(c, NULL, rows[i].test_mode, &err));
		assert_non_null(err);
		if (c)
			assert_non_null(strstr(err->message, rows[i].says));
		conf_unref(&c);
	}
}

static void
sections(void **state)
{
	struct world w =
	    world_new("antivirus { null \"a\" { } null \"b\" { enabled = false } fake \"c\" { } }");
	const struct engine *a, *c;

	(void)state;
	assert_int_equal(w.engines->list->len, 2);
	a = g_ptr_array_index(w.engines->list, 0);
	c = g_ptr_array_index(w.engines->list, 1);
	assert_string_equal(a->title, "a");
	assert_string_equal(c->title, "c");
	assert_true(engine_is_active(a));
	assert_ptr_equal(engines_find(w.engines, "a"), a);
	assert_ptr_equal(engines_find(w.engines, "c"), c);
	assert_null(engines_find(w.engines, "b"));
	assert_null(engines_find(w.engines, ""));
	assert_null(engine_ops_find("nosuch"));
	assert_ptr_equal(engine_ops_find("fake"), c->ops);
	assert_true(engine_caps(a) & ENGINE_CAP_TEST);
	world_end(&w);
}

/* The implicit engine: without a worker it fails, it never passes. */
static void
clamav_without_worker(void **state)
{
	AUTO(verdict_clear) struct verdict v = {0};

	(void)state;
	scan_body("", "x", &v);
	assert_int_equal(verdict_class(&v), CLASS_ERROR);
	assert_non_null(strstr(verdict_why(&v, CLASS_ERROR), "no scanning process"));
}

static void
fault_keeps_caps(void **state)
{
	struct world w = world_new("antivirus { clamav \"c\" { } fault \"x\" { engine = \"c\" } }");
	struct engine *x = g_ptr_array_index(w.engines->list, 0);

	(void)state;
	assert_int_equal(w.engines->list->len, 1);
	assert_true(engine_caps(x) & ENGINE_CAP_WORKER);
	assert_true(engine_caps(x) & ENGINE_CAP_TEST);
	assert_null(engine_definitions(x));
	world_end(&w);
}

static void
class_actions(void **state)
{
	struct conf *c =
	    world_conf("antivirus { clamav \"c\" { on_macro = discard on_error = reject } }");
	const struct conf_engine *e = conf_engine_find(c, "c");

	(void)state;
	assert_int_equal(engine_class_action(e, CLASS_CLEAN), ACTION_PASS);
	assert_int_equal(engine_class_action(e, CLASS_MACRO), ACTION_DISCARD);
	assert_int_equal(engine_class_action(e, CLASS_ERROR), ACTION_REJECT);
	assert_int_equal(engine_class_action(e, CLASS_INFECTED), ACTION_REJECT);
	assert_int_equal(engine_class_action(e, CLASS_ENCRYPTED), ACTION_PASS);
	assert_int_equal(engine_class_action(e, (enum verdict_class)99), ACTION_REJECT);
	conf_unref(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(fake_markers),
    cmocka_unit_test(fake_reads_all),
    cmocka_unit_test(own_timeout),
    cmocka_unit_test(no_time_left),
    cmocka_unit_test(faults),
    cmocka_unit_test(every_third),
    cmocka_unit_test(refusals),
    cmocka_unit_test(sections),
    cmocka_unit_test(clamav_without_worker),
    cmocka_unit_test(fault_keeps_caps),
    cmocka_unit_test(class_actions),
};

UNIT_RUN(tests)
