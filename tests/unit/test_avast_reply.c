/*
 * avast_reply: the whole answer decides, JSON and lines; no mutation of a finding or of a failure
 * reads as clean
 */
#include "engine/avast_reply.h"

#include "unit.h"

#include "verdict/verdict.h"

struct row {
	const char *text;
	enum verdict_class class;
	enum reason reason;
	const char *name; /* of the strongest finding */
};

#define ISSUES(text) "{\"issues\":[" text "]}"
static const struct row json_rows[] = {
    {ISSUES(""), CLASS_CLEAN, REASON_NONE, NULL},
    {" {\"issues\": [ ] }\r\n", CLASS_CLEAN, REASON_NONE, NULL},
    {ISSUES("{\"virus\":\"EICAR Test-NOT virus!!!\"}"), CLASS_INFECTED, REASON_NONE,
     "EICAR Test-NOT virus!!!"},
    {ISSUES("{\"virus\":\"\"}"), CLASS_INFECTED, REASON_NONE, "unknown"},
    {ISSUES("{\"virus\":\"X [Adw]\"}"), CLASS_SUSPICIOUS, REASON_NONE, "X [Adw]"},
    {ISSUES("{\"virus\":\"X [Susp]\"}"), CLASS_INFECTED, REASON_NONE, "X [Susp]"},
    {ISSUES("{\"warning_id\":42056,\"warning_str\":\"Archive is password protected\"}"),
     CLASS_ENCRYPTED, REASON_NONE, "Archive is password protected"},
    {ISSUES("{\"warning_id\":42110}"), CLASS_UNSCANNABLE, REASON_LIMIT_SIZE, NULL},
    {ISSUES("{\"warning_id\":42144}"), CLASS_UNSCANNABLE, REASON_CORRUPT, NULL},
    {ISSUES("{\"warning_id\":43000}"), CLASS_UNSCANNABLE, REASON_NOT_SCANNED, NULL},
    {ISSUES("{\"warning_id\":5}"), CLASS_ERROR, REASON_ENGINE_ERROR, NULL},
    {ISSUES("{\"warning_id\":42001,\"warning_str\":\"No valid LICENCE\"}"), CLASS_ERROR,
     REASON_NO_LICENSE, NULL},
    {ISSUES("{\"warning_id\":42056},{\"virus\":\"X\"}"), CLASS_INFECTED, REASON_NONE, "X"},
    {ISSUES("{\"path\":\"x\"}"), CLASS_ERROR, REASON_PROTOCOL, NULL},
    {ISSUES("{\"virus\":1}"), CLASS_ERROR, REASON_PROTOCOL, NULL},
    {ISSUES("{\"warning_id\":\"42056\"}"), CLASS_ERROR, REASON_PROTOCOL, NULL},
    {ISSUES("{\"detections\":[]}"), CLASS_ERROR, REASON_PROTOCOL, NULL},
    {ISSUES("1"), CLASS_ERROR, REASON_PROTOCOL, NULL},
    {ISSUES("") "x", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {ISSUES("") ISSUES(""), CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"{\"issues\":[],\"issues\":[{\"virus\":\"X\"}]}", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"{\"issues\":[],\"error\":\"not scanned\"}", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"{\"scanned\":false,\"issues\":[{\"virus\":\"X\"}]}", CLASS_INFECTED, REASON_NONE, "X"},
    {"{\"issues\":null}", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"{\"issues\":{}}", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"{}", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"[]", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"", CLASS_ERROR, REASON_PROTOCOL, NULL},
};

static const struct row line_rows[] = {
    {"SCAN /tmp/a\\ b\t[+]0.0", CLASS_CLEAN, REASON_NONE, NULL},
    {"SCAN /tmp/a\\ b\t[+]", CLASS_CLEAN, REASON_NONE, NULL},
    {"SCAN /tmp/a\\ b|>x\t[L]1.0\t0 EICAR\\ Test-NOT\\ virus!!!", CLASS_INFECTED, REASON_NONE,
     "EICAR Test-NOT virus!!!"},
    {"SCAN /tmp/a\\ b\t[L]1.0", CLASS_INFECTED, REASON_NONE, "unknown"},
    {"SCAN /tmp/a\\ b\t[E]3.0\tError 42110 The\\ file", CLASS_UNSCANNABLE, REASON_LIMIT_SIZE, NULL},
    {"SCAN /tmp/a\\ b\t[E]3.0\tError 13 permission\\ denied", CLASS_ERROR, REASON_ENGINE_ERROR,
     NULL},
    {"SCAN /tmp/a\\ b\t[E]3.0", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"SCAN /tmp/a\\ b|>member\t[+]1.0", CLASS_ERROR, REASON_UNKNOWN, NULL}, /* not the file */
    {"SCAN /tmp/a\\ bc\t[+]0.0", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"SCAN /tmp/other\t[+]0.0", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"SCAN /tmp/a\\ b[+]0.0", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"SCAN /tmp/a\\ b\t[+]x", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"SCAN /tmp/a\\ b\t[", CLASS_ERROR, REASON_PROTOCOL, NULL},
    {"", CLASS_ERROR, REASON_PROTOCOL, NULL},
};

static const struct avast_object avast = {"message", "a", "engine a: h: reply", false};

static void
judge_json(const char *text, size_t len, struct verdict *v)
{
	g_autoptr(GString) body = g_string_new_len(text, (gssize)len);

	avast_judge_json(body, true, &avast, v);
}

/* As read_answer() does with one line. */
static void
judge_line(const char *text, size_t len, struct verdict *v)
{
	g_autofree char *line = g_strndup(text, len);
	bool clean = false;

	if (!avast_judge_line(line, "/tmp/a b", &avast, &clean, v))
		return;
	if (v->states == 0 && v->kinds == 0 && !clean)
		verdict_fail(v, REASON_UNKNOWN, "nothing about the file");
	else if (v->states == 0)
		verdict_complete(v);
}

static const struct {
	const struct row *rows;
	size_t count;
	void (*judge)(const char *text, size_t len, struct verdict *v);
} grammars[] = {
    {json_rows, G_N_ELEMENTS(json_rows), judge_json},
    {line_rows, G_N_ELEMENTS(line_rows), judge_line},
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
					if (verdict_is_clean(&v))
						fail_msg("\"%s\" at %zu: clean", r->text, n);
				}
		}
}

static void
threats(void **state)
{
	static const struct avast_object strict = {"m", "a", "w", true};
	g_autoptr(GString) bomb = g_string_new(ISSUES("{\"warning_id\":42110,\"warning_str\":\"B\"}"));
	g_autoptr(GString) license =
	    g_string_new(ISSUES("{\"warning_id\":42000,\"warning_str\":\"license\"}"));
	AUTO(verdict_clear) struct verdict v = {0}, w = {0};

	(void)state;
	avast_judge_json(bomb, true, &strict, &v);
	assert_int_equal(verdict_class(&v), CLASS_INFECTED);
	assert_string_equal(verdict_top(&v)->name, "B");
	avast_judge_json(license, true, &strict, &w);
	assert_int_equal(w.failed, REASON_NO_LICENSE);
	assert_int_equal(w.kinds, 0);
}

static void
early(void **state)
{
	g_autoptr(GString) none = g_string_new(ISSUES(""));
	AUTO(verdict_clear) struct verdict v = {0};

	(void)state;
	avast_judge_json(none, false, &avast, &v);
	assert_int_equal(v.failed, REASON_PROTOCOL);
}

static void
paths(void **state)
{
	g_autofree char *path = avast_escape("/a b\\c\td");

	(void)state;
	assert_string_equal(path, "/a\\ b\\\\c\\\td");
	assert_null(avast_escape("/a\nb"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_word), cmocka_unit_test(mutations), cmocka_unit_test(threats),
    cmocka_unit_test(early),      cmocka_unit_test(paths),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
