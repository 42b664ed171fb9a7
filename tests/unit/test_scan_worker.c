/*
 * scan with workers: every way of not getting one, of losing one, and of having nothing to hand
 * over ends in the verdict
 */
#include "worker_rig.h"

#include "conf/conf.h"
#include "scan/recall.h"
#include "scan/scan.h"

struct floor {
	struct conf *conf;
	struct engines *engines;
};

static struct floor
floor_new(struct rig *r, const char *text)
{
	g_autoptr(GError) err = NULL;
	struct floor f = {.conf = conf_parse(text, "test.conf", &err)};

	if (f.conf)
		f.engines = engines_new(f.conf, r->workers, true, &err);
	if (!f.engines)
		fail_msg("%s", err->message);
	return f;
}

static void
floor_free(struct floor *f)
{
	engines_free(&f->engines);
	conf_unref(&f->conf);
}

static void
scan_text(struct rig *r, const struct floor *f, const char *body, int64_t ms,
          struct scan_result *out)
{
	const struct message_limits lim = {.spool = r->spool, .header_max = 1 << 18};
	const struct client nobody = {0};
	struct message *m = message_new(r->budget, &lim, &nobody, "<>");
	struct wait w = rig_wait(ms);

	message_add_body(m, body, strlen(body));
	message_seal(m);
	scan_message(f->conf, f->engines, r->workers, m, &w, out);
	message_free(&m);
}

static const char clamav[] = "antivirus { clamav \"clamav\" { } }";

static void
served(void **state)
{
	struct rig *r = rig_new("good");
	struct floor f;
	struct scan_result res;

	(void)state;
	rig_start(r);
	rig_ready(r);
	f = floor_new(r, clamav);
	scan_text(r, &f, "hello", 10000, &res);
	assert_true(verdict_is_clean(&res.verdict));
	assert_int_equal(res.objects, 3);
	assert_string_equal(res.engines, "clamav");
	assert_true(strlen(res.definitions) > 0);
	assert_string_equal(scan_result_definitions(&res, "clamav"), res.definitions);
	scan_result_clear(&res);
	scan_text(r, &f, "EICAR", 10000, &res);
	assert_int_equal(verdict_class(&res.verdict), CLASS_INFECTED);
	assert_string_equal(verdict_top(&res.verdict)->engine, "clamav");
	scan_result_clear(&res);
	floor_free(&f);
	rig_free(r);
}

/* The worker dies when it is asked for a part that it has covered: whoever gets an answer has not
 * asked. Where the whole is not clean, or not scanned, it is. */
static void
covered_parts(void **state)
{
	static const struct {
		const char *conf;
		bool asked;
	} rows[] = {
	    {clamav, false},
	    {"antivirus { run = \"first\" clamav \"clamav\" { } }", false},
	    {"antivirus { clamav \"clamav\" { mime_decompose = no } }", false},
	    {"antivirus { clamav \"clamav\" { scan_whole = no } }", true},
	    {"antivirus { clamav \"clamav\" { enabled = no } fault \"f\" { engine = \"clamav\" mode = "
	     "\"unknown\" } }",
	     true},
	};
	struct rig *r = rig_new("good");

	(void)state;
	rig_start(r);
	rig_ready(r);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct floor f = floor_new(r, rows[i].conf);
		struct scan_result res;

		scan_text(r, &f, "HOSTILE:scan-cover-or-die", 10000, &res);
		print_message("# %s: %s\n", rows[i].conf, verdict_class_name(verdict_class(&res.verdict)));
		assert_int_equal(verdict_is_clean(&res.verdict), !rows[i].asked);
		scan_result_clear(&res);
		floor_free(&f);
	}
	rig_free(r);
}

/* Whatever the worker does: this message is not clean, the next one is served. */
static void
losses(void **state)
{
	static const struct {
		const char *word, *reason;
	} rows[] = {
	    {"die", "worker-died"},      {"scan-die", "worker-died"}, {"scan-segv", "worker-died"},
	    {"no-message", NULL},        {"scan-unknown", NULL},      {"scan-state", NULL},
	    {"scan-finding-none", NULL},
	};
	struct rig *r = rig_new("good");
	struct floor f;

	(void)state;
	rig_start(r);
	rig_ready(r);
	f = floor_new(r, clamav);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *body = g_strconcat("HOSTILE:", rows[i].word, NULL);
		struct scan_result res;

		scan_text(r, &f, body, 10000, &res);
		assert_false(verdict_is_clean(&res.verdict));
		assert_int_equal(verdict_class(&res.verdict), CLASS_ERROR);
		if (rows[i].reason)
			assert_string_equal(verdict_reason(&res.verdict, CLASS_ERROR),
			                    rows[i].reason);
		scan_result_clear(&res);
		scan_text(r, &f, "hello", 10000, &res);
		assert_true(verdict_is_clean(&res.verdict));
		scan_result_clear(&res);
	}
	floor_free(&f);
	rig_free(r);
}

/* Definitions that were loaded while a message waited for its worker: what was known under the old ones must not answer for a
 * part, and then be kept as part of a verdict of the new ones. */
static void
loaded_while_waiting(void **state)
{
	struct rig *r = rig_new("good");
	g_autofree char *tag = NULL;
	struct scan_result nothing = {0};
	struct wait w = rig_wait(10000);
	struct memory *memory;
	struct recall recall;
	struct lease *lease;
	struct floor f;

	(void)state;
	rig_start(r);
	rig_ready(r);
	f = floor_new(r, clamav);
	memory = memory_new(f.conf, NULL);
	assert_non_null(memory);
	recall_begin(&recall, memory, f.conf, f.engines, r->workers, &w);
	g_free(g_ptr_array_index(recall.tags, 0));
	g_ptr_array_index(recall.tags, 0) = g_strdup("the generation before");
	lease = workers_borrow(r->workers, &w, NULL);
	assert_non_null(lease);
	recall_lease(&recall, lease);
	tag = identity_generation_tag(lease_generation(lease));
	assert_string_equal(g_ptr_array_index(recall.tags, 0), tag);
	recall_end(&recall, &nothing);
	lease_return(&lease);
	scan_result_clear(&nothing);
	floor_free(&f);
	memory_free(&memory);
	rig_free(r);
}

/* A worker that is silent costs this message its time, and no more than that. */
static void
hangs(void **state)
{
	static const char *const words[] = {"HOSTILE:hang", "HOSTILE:scan-hang"};
	struct rig *r = rig_new("good");
	struct floor f;

	(void)state;
	rig_start(r);
	rig_ready(r);
	f = floor_new(r, clamav);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		struct scan_result res;
		int64_t begun = now_ms();

		scan_text(r, &f, words[i], 300, &res);
		assert_in_range(now_ms() - begun, 290, 5000);
		assert_int_equal(verdict_class(&res.verdict), CLASS_ERROR);
		assert_string_equal(verdict_reason(&res.verdict, CLASS_ERROR), "timeout");
		scan_result_clear(&res);
	}
	floor_free(&f);
	rig_free(r);
}

/* Long before the message's own deadline, whichever of the two it does. */
static void
hangs_alone(void **state)
{
	static const char *const words[] = {"HOSTILE:hang", "HOSTILE:scan-hang"};
	struct rig *r = rig_new("good");
	struct floor f;

	(void)state;
	r->cfg.settings.max_extract_time_ms = 1000;
	rig_start(r);
	rig_ready(r);
	f = floor_new(r, "antivirus { max_extract_time = 1s clamav \"clamav\" { } }");
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		struct scan_result res;
		int64_t begun = now_ms();

		scan_text(r, &f, words[i], 60000, &res);
		assert_in_range(now_ms() - begun, 900, 20000);
		assert_string_equal(verdict_reason(&res.verdict, CLASS_ERROR), "timeout");
		scan_result_clear(&res);
	}
	floor_free(&f);
	rig_free(r);
}

static void
never_ready(void **state)
{
	struct rig *r = rig_new("failed");
	struct floor f;
	struct scan_result res;

	(void)state;
	rig_start(r);
	f = floor_new(r, clamav);
	scan_text(r, &f, "hello", 300, &res);
	assert_int_equal(verdict_class(&res.verdict), CLASS_ERROR);
	assert_string_equal(verdict_reason(&res.verdict, CLASS_ERROR), "definitions");
	assert_non_null(verdict_why(&res.verdict, CLASS_ERROR));
	assert_int_equal(res.objects, 0);
	scan_result_clear(&res);
	floor_free(&f);
	rig_free(r);
}

/* All workers are in other hands until the deadline. */
static void
none_free(void **state)
{
	struct rig *r = rig_new("good");
	struct lease *taken[2];
	struct wait w = rig_wait(10000);
	struct floor f;
	struct scan_result res;

	(void)state;
	rig_start(r);
	rig_ready(r);
	f = floor_new(r, clamav);
	for (size_t i = 0; i < G_N_ELEMENTS(taken); i++) {
		taken[i] = workers_borrow(r->workers, &w, NULL);
		assert_non_null(taken[i]);
	}
	scan_text(r, &f, "hello", 200, &res);
	assert_int_equal(verdict_class(&res.verdict), CLASS_ERROR);
	assert_string_equal(verdict_reason(&res.verdict, CLASS_ERROR), "timeout");
	scan_result_clear(&res);
	for (size_t i = 0; i < G_N_ELEMENTS(taken); i++)
		lease_return(&taken[i]);
	scan_text(r, &f, "hello", 10000, &res);
	assert_true(verdict_is_clean(&res.verdict));
	scan_result_clear(&res);
	floor_free(&f);
	rig_free(r);
}

/* Both parts of the rig's messages are text. */
static void
filters(void **state)
{
	static const struct {
		const char *conf;
		unsigned no_text; /* engines with scan_text_mime = false */
		const char *body;
		unsigned objects, left_out;
		const char *skipped;
		bool clean;
	} rows[] = {
	    {"antivirus { null \"n\" { } }", 1, "x", 1, 2, NULL, true},
	    {"antivirus { null \"n\" { } null \"o\" { } }", 1, "x", 3, 0, NULL, true},
	    {"antivirus { scan_whole = false null \"n\" { } }", 1, "x", 0, 2, "filters", false},
	    /* It died while it was taken apart: that is not the same as having nothing to do. */
	    {"antivirus { scan_whole = false null \"n\" { } }", 1, "HOSTILE:die", 0, 0, NULL, false},
	};
	struct rig *r = rig_new("good");

	(void)state;
	rig_start(r);
	rig_ready(r);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct floor f = floor_new(r, rows[i].conf);
		struct scan_result res;

		for (guint k = 0; k < f.conf->engines->len; k++) {
			struct conf_engine *e = g_ptr_array_index(f.conf->engines, k);

			e->scan_text_mime = !(rows[i].no_text & 1u << k);
		}
		scan_text(r, &f, rows[i].body, 10000, &res);
		assert_int_equal(res.objects, rows[i].objects);
		assert_int_equal(res.left_out, rows[i].left_out);
		assert_int_equal(g_strcmp0(res.skipped, rows[i].skipped), 0);
		assert_int_equal(verdict_is_clean(&res.verdict), rows[i].clean);
		scan_result_clear(&res);
		floor_free(&f);
	}
	rig_free(r);
}

/* The engine gets what the worker decoded, by our own reading of the arena. */
static void
decoded_part(void **state)
{
	struct rig *r = rig_new("good");
	struct floor f;
	struct scan_result res;

	(void)state;
	rig_start(r);
	rig_ready(r);
	f = floor_new(r, "antivirus { fake \"f\" { scan_whole = false } clamav \"clamav\" { } }");
	scan_text(r, &f, "FAKE:infected=OnlyInTheWhole", 10000, &res);
	assert_true(verdict_is_clean(&res.verdict));
	assert_string_equal(res.engines, "f,clamav");
	scan_result_clear(&res);
	floor_free(&f);
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(covered_parts),
	    cmocka_unit_test(served),       cmocka_unit_test(losses), cmocka_unit_test(loaded_while_waiting),    cmocka_unit_test(hangs),
	    cmocka_unit_test(hangs_alone),
    cmocka_unit_test(never_ready),  cmocka_unit_test(none_free), cmocka_unit_test(filters),
    cmocka_unit_test(decoded_part),
};

int
main(void)
{
	log_set_level(LOGLV_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
