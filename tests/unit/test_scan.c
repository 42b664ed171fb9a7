/*
 * scan: plan and run with the test engines; nothing is left out silently, every failure is in the
 * verdict
 */
#include "scan/scan.h"

#include "world.h"

#include <sys/mman.h>
#include <unistd.h>

#include "scan/plan.h"

/* No engine needs a worker: the whole message is the only object. */
#define WHOLE "antivirus { mime_decompose = false "

static void
scan_body(const char *conf, const char *body, struct scan_result *r)
{
	struct world w = world_new(conf);
	struct message *m = world_message(&w, body);

	message_seal(m);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, r);
	message_free(&m);
	world_end(&w);
}

static void
one_engine(void **state)
{
	struct scan_result r;

	(void)state;
	scan_body(WHOLE "null \"n\" { } }", "x", &r);
	assert_true(verdict_is_clean(&r.verdict));
	assert_int_equal(r.objects, 1);
	assert_int_equal(r.left_out, 0);
	assert_string_equal(r.engines, "n");
	assert_string_equal(r.definitions, "");
	assert_null(r.skipped);
	assert_int_equal(r.parts->len, 1);
	assert_int_equal(((struct scan_part *)g_ptr_array_index(r.parts, 0))->cls, CLASS_CLEAN);
	scan_result_clear(&r);
	assert_int_equal(verdict_class(&r.verdict), CLASS_ERROR);
}

/* The header block is scanned too: the marker stands in no body. */
static void
whole_has_the_headers(void **state)
{
	struct world w = world_new(WHOLE "fake \"f\" { } }");
	struct message *m = world_message(&w, "");
	struct scan_result r;
	static char name[] = "c";
	const struct client client = {.name = name};

	(void)state;
	message_seal(m);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, &r);
	assert_true(verdict_is_clean(&r.verdict));
	scan_result_clear(&r);
	message_free(&m);
	m = message_new(w.budget, &w.lim, &client, "<>");
	message_add_header(m, "Subject", " FAKE:infected=InHeader");
	message_seal(m);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, &r);
	assert_int_equal(verdict_class(&r.verdict), CLASS_INFECTED);
	assert_string_equal(verdict_top(&r.verdict)->object, "message");
	scan_result_clear(&r);
	message_free(&m);
	world_end(&w);
}

/* Two engines: what one finds the other cannot take back, what one failed is not healed by the
 * other. */
static void
two_engines(void **state)
{
	static const struct {
		const char *body;
		enum verdict_class want;
		bool error;
	} rows[] = {
	    {"x", CLASS_CLEAN, false},
	    {"FAKE:infected=V", CLASS_INFECTED, false},
	    {"FAKE:fail", CLASS_ERROR, true},
	    {"FAKE:partial", CLASS_UNSCANNABLE, false},
	    {"FAKE:unknown", CLASS_ERROR, true},
	    {"FAKE:infected=V FAKE:fail", CLASS_INFECTED, true},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (int order = 0; order < 2; order++) {
			struct scan_result r;

			scan_body(order ? WHOLE "null \"n\" { } fake \"f\" { } }"
			                : WHOLE "fake \"f\" { } null \"n\" { } }",
			          rows[i].body, &r);
			assert_int_equal(verdict_class(&r.verdict), rows[i].want);
			assert_int_equal(!!(verdict_items(&r.verdict) & 1u << CLASS_ERROR),
			                 rows[i].error);
			assert_string_equal(r.engines, order ? "n,f" : "f,n");
			scan_result_clear(&r);
		}
}

static void
every_fault(void **state)
{
	static const char *const modes[] = {"fail", "timeout", "unknown"};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *conf =
		    g_strdup_printf(WHOLE "timeout = 30ms null \"a\" { } null \"n\" { } fault "
		                          "\"x\" { engine = \"n\" mode = \"%s\" } }",
		                    modes[i]);
		struct scan_result r;

		scan_body(conf, "x", &r);
		assert_int_equal(verdict_class(&r.verdict), CLASS_ERROR);
		assert_string_equal(g_ptr_array_index(r.verdict.failed_by, 0), "x");
		scan_result_clear(&r);
	}
}

/* run = "first": nobody is asked after a finding that is not passed, and the gap shows; a passed
 * finding stops nobody. */
static void
run_first(void **state)
{
	static const struct {
		const char *body;
		enum verdict_class want;
		bool stopped;
	} rows[] = {
	    {"x", CLASS_CLEAN, false},
	    {"FAKE:infected=V", CLASS_INFECTED, true},
	    {"FAKE:macro=M", CLASS_MACRO, false}, /* on_macro = pass */
	    {"FAKE:suspicious=S", CLASS_UNSCANNABLE, true},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct scan_result r;

		scan_body(WHOLE "run = \"first\" fake \"f\" { } null \"n\" { } }", rows[i].body,
		          &r);
		assert_int_equal(verdict_class(&r.verdict), rows[i].want);
		assert_int_equal(!!(r.verdict.states & 1u << SCAN_PARTIAL), rows[i].stopped);
		if (rows[i].stopped)
			assert_string_equal(verdict_reason(&r.verdict, CLASS_UNSCANNABLE),
			                    "not-scanned");
		scan_result_clear(&r);
	}
}

static void
max_size(void **state)
{
	struct scan_result r;

	(void)state;
	scan_body(WHOLE "fake \"f\" { max_size = 10 } null \"n\" { } }", "FAKE:infected=V", &r);
	assert_int_equal(verdict_class(&r.verdict), CLASS_UNSCANNABLE);
	assert_string_equal(verdict_reason(&r.verdict, CLASS_UNSCANNABLE), "too-large");
	assert_string_equal(g_ptr_array_index(r.verdict.partial_by, 0), "f");
	scan_result_clear(&r);
}

static void
broken_messages(void **state)
{
	struct world w = world_new(WHOLE "null \"n\" { } }");
	struct scan_result r;
	struct message *m;

	(void)state;
	w.lim.spool.message_max = 100;
	m = world_message(&w, "x");
	message_add_body(
	    m, "0123456789012345678901234567890123456789012345678901234567890123456789", 70);
	message_seal(m);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, &r);
	assert_int_equal(verdict_class(&r.verdict), CLASS_UNSCANNABLE);
	assert_string_equal(verdict_reason(&r.verdict, CLASS_UNSCANNABLE), "too-large");
	scan_result_clear(&r);
	message_free(&m);

	w.lim.spool.message_max = 0;
	w.lim.spool.memory_max = 0;
	w.lim.spool.file_base = "/nonexistent";
	m = world_message(&w, "x");
	message_seal(m);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, &r);
	assert_int_equal(verdict_class(&r.verdict), CLASS_ERROR);
	assert_string_equal(verdict_reason(&r.verdict, CLASS_ERROR), "spool");
	assert_non_null(strstr(verdict_why(&r.verdict, CLASS_ERROR), "/nonexistent"));
	scan_result_clear(&r);
	message_free(&m);

	w.lim.spool.memory_max = 1 << 20;
	w.lim.header_max = 10;
	m = world_message(&w, "x");
	message_seal(m);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, &r);
	assert_int_equal(verdict_class(&r.verdict), CLASS_UNSCANNABLE);
	assert_string_equal(verdict_reason(&r.verdict, CLASS_UNSCANNABLE), "limit.size");
	scan_result_clear(&r);
	message_free(&m);
	world_end(&w);
}

static void
out_of_time(void **state)
{
	struct world w = world_new(WHOLE "null \"n\" { } }");
	struct message *m = world_message(&w, "x");
	struct scan_result r;

	(void)state;
	message_seal(m);
	wait_init(&w.wait, deadline_in(0), 0, NULL, NULL);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, &r);
	assert_int_equal(verdict_class(&r.verdict), CLASS_ERROR);
	assert_string_equal(verdict_reason(&r.verdict, CLASS_ERROR), "timeout");
	scan_result_clear(&r);
	message_free(&m);
	world_end(&w);
}

/* Nobody was asked: unknown, never clean. */
static void
nobody_asked(void **state)
{
	static const char *const confs[] = {
	    "antivirus { null \"n\" { enabled = false mime_decompose = false } }",
	    "antivirus { mime_decompose = true null \"n\" { } }", /* wants a worker, there is none
	                                                           */
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(confs); i++) {
		struct scan_result r;

		scan_body(confs[i], "x", &r);
		assert_int_equal(verdict_class(&r.verdict), CLASS_ERROR);
		assert_true(verdict_why(&r.verdict, CLASS_ERROR) ||
		            r.verdict.states & 1u << SCAN_UNKNOWN);
		assert_non_null(r.engines);
		assert_non_null(r.definitions);
		scan_result_clear(&r);
	}
}

/* A message of a text, an image and an archive. */
static struct objects *
parts(const struct message *m)
{
	static const char arena[] = "hello\x89PNG\r\n\x1a\nPK\3\4";
	static const struct {
		const char *type;
		uint64_t at, len;
	} rows[] = {{"text/plain", 0, 5}, {"image/png", 5, 8}, {"application/zip", 13, 4}, {NULL, 0, 5}};
	const int fd = memfd_create("arena", MFD_CLOEXEC);
	struct objects *set = objects_new(m->spool, fd, sizeof(arena));

	assert_int_equal(write(fd, arena, sizeof(arena)), sizeof(arena));
	assert_non_null(objects_add(set, OBJECT_MESSAGE, STORE_SPOOL, 0, spool_size(m->spool), "", NULL,
	                            NULL, NULL));
	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_strdup_printf("%u", i + 1);

		assert_non_null(objects_add(set, OBJECT_PART, STORE_ARENA, rows[i].at, rows[i].len, path,
		                            rows[i].type, NULL, NULL));
	}
	return set;
}

static void
planned(const char *conf, const char *edit, unsigned slots, unsigned objects, unsigned left_out)
{
	struct world w = world_new(conf);
	struct message *m = world_message(&w, "x");
	struct objects *set;
	struct plan *p;

	message_seal(m);
	set = parts(m);
	for (guint i = 0; i < w.conf->engines->len; i++) {
		/* Options that this version does not accept in a file yet. */
		struct conf_engine *e = g_ptr_array_index(w.conf->engines, i);

		e->scan_text_mime = !strchr(edit, 't');
		e->scan_image_mime = !strchr(edit, 'i');
		if (strchr(edit, 'p'))
			e->enabled = ENABLED_PASSIVE;
	}
	p = plan_new(w.engines, set);
	assert_int_equal(p->slots->len, slots);
	assert_int_equal(p->objects, objects);
	assert_int_equal(p->left_out, left_out);
	for (guint i = 0; i < p->slots->len; i++) {
		const struct slot *s = g_ptr_array_index(p->slots, i);

		assert_false(s->done);
		assert_int_equal(s->verdict.states, 0);
	}
	plan_free(&p);
	assert_null(p);
	objects_free(&set);
	message_free(&m);
	world_end(&w);
}

static void
plans(void **state)
{
	(void)state;
	planned("antivirus { null \"n\" { } }", "", 5, 5, 0);
	planned("antivirus { null \"n\" { } null \"o\" { } }", "", 10, 5, 0);
	planned("antivirus { null \"n\" { mime_decompose = false } }", "", 1, 1, 0);
	planned("antivirus { null \"n\" { scan_whole = false } }", "", 4, 4, 0);
	planned(
	    "antivirus { null \"n\" { mime_decompose = false } null \"o\" { scan_whole = false } }",
	    "", 5, 5, 0);
	/* The part without a type is text (RFC 2045). */
	planned("antivirus { null \"n\" { } }", "t", 3, 3, 2);
	planned("antivirus { null \"n\" { } }", "i", 4, 4, 1);
	planned("antivirus { null \"n\" { scan_whole = false } }", "ti", 1, 1, 3);
	planned("antivirus { null \"n\" { } }", "p", 0, 0, 0);
}

/* An engine that wants parts only, and a message without any: it gets the whole. */
static void
no_part_to_hand_over(void **state)
{
	struct world w = world_new("antivirus { fake \"f\" { scan_whole = false } }");
	struct message *m = world_message(&w, "x");
	struct objects *set;
	struct plan *p;

	(void)state;
	message_seal(m);
	set = objects_new(m->spool, -1, 0);
	assert_non_null(objects_add(set, OBJECT_MESSAGE, STORE_SPOOL, 0, spool_size(m->spool), "",
	                            NULL, NULL, NULL));
	p = plan_new(w.engines, set);
	assert_int_equal(p->slots->len, 1);
	assert_true(plan_wants_parts(w.engines));
	assert_true(plan_wants_worker(w.engines));
	plan_free(&p);
	objects_free(&set);
	message_free(&m);
	world_end(&w);
}

static void
wants(void **state)
{
	static const struct {
		const char *conf;
		bool parts, worker;
	} rows[] = {
	    {"antivirus { null \"n\" { } }", true, true},
	    {WHOLE "null \"n\" { } }", false, false},
	    {WHOLE "clamav \"c\" { } }", false, true},
	    {WHOLE "null \"n\" { } clamav \"c\" { } fault \"x\" { engine = \"c\" } }", false, true},
	    {WHOLE "null \"n\" { } clamav \"c\" { enabled = false } }", false, false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct world w = world_new(rows[i].conf);

		assert_int_equal(plan_wants_parts(w.engines), rows[i].parts);
		assert_int_equal(plan_wants_worker(w.engines), rows[i].worker);
		world_end(&w);
	}
}

static void
count(void *arg)
{
	++*(int *)arg;
}

/* The MTA hears from us all the while, at the pace that was asked for. */
static void
ticks(void **state)
{
	struct world w = world_new(WHOLE "fake \"f\" { } fake \"g\" { } }");
	struct message *m = world_message(&w, "FAKE:sleep=100");
	struct scan_result r;
	int n = 0;

	(void)state;
	message_seal(m);
	wait_init(&w.wait, deadline_in(20000), 40, count, &n);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, &r);
	assert_true(verdict_is_clean(&r.verdict));
	assert_in_range(n, 2, 6);
	scan_result_clear(&r);
	message_free(&m);
	world_end(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_engine),
    cmocka_unit_test(whole_has_the_headers),
    cmocka_unit_test(two_engines),
    cmocka_unit_test(every_fault),
    cmocka_unit_test(run_first),
    cmocka_unit_test(max_size),
    cmocka_unit_test(broken_messages),
    cmocka_unit_test(out_of_time),
    cmocka_unit_test(nobody_asked),
    cmocka_unit_test(plans),
    cmocka_unit_test(no_part_to_hand_over),
    cmocka_unit_test(wants),
    cmocka_unit_test(ticks),
};

UNIT_RUN(tests)
