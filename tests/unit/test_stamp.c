/*
 * stamp: forged copies go, every one of them; what we say is true, short and printable
 */
#include "effect/stamp.h"

#include "world.h"

static void
status(void **state)
{
	static const struct {
		enum finding_kind kind;
		enum reason partial, failed;
		const char *want;
	} rows[] = {
	    {FINDING_NONE, REASON_NONE, REASON_NONE, "Clean"},
	    {FINDING_INFECTED, REASON_NONE, REASON_NONE, "Infected (Name)"},
	    {FINDING_EVASION, REASON_NONE, REASON_NONE, "Evasion (Name)"},
	    {FINDING_BLOCKED, REASON_NONE, REASON_NONE, "Blocked (Name)"},
	    {FINDING_SUSPICIOUS, REASON_NONE, REASON_NONE, "Suspicious (Name)"},
	    {FINDING_ENCRYPTED, REASON_NONE, REASON_NONE, "Encrypted (Name)"},
	    {FINDING_MACRO, REASON_NONE, REASON_NONE, "Macro (Name)"},
	    {FINDING_NONE, REASON_LIMIT_DEPTH, REASON_NONE, "Unscannable (limit.depth)"},
	    {FINDING_NONE, REASON_NONE, REASON_TIMEOUT, "Error (timeout)"},
	    {FINDING_ENCRYPTED, REASON_NONE, REASON_TIMEOUT, "Error (timeout)"},
	    {FINDING_INFECTED, REASON_CORRUPT, REASON_TIMEOUT, "Infected (Name)"},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};
		g_autofree char *got = NULL;

		verdict_complete(&v);
		if (rows[i].kind != FINDING_NONE)
			verdict_find(&v, rows[i].kind, "Name", "o", "e");
		if (rows[i].partial != REASON_NONE)
			verdict_partial(&v, rows[i].partial, "why");
		if (rows[i].failed != REASON_NONE)
			verdict_fail(&v, rows[i].failed, "why");
		got = stamp_status(&v, NULL);
		assert_string_equal(got, rows[i].want);
	}
}

static void
status_never_lies(void **state)
{
	const struct verdict unknown = {0};
	g_autofree char *u = stamp_status(&unknown, NULL), *s = stamp_status(&unknown, "disabled");

	(void)state;
	assert_string_equal(u, "Error (unknown)");
	assert_string_equal(s, "Skipped (disabled)");
}

static void
names(void **state)
{
	AUTO(verdict_clear) struct verdict v = {0};
	g_autofree char *got = NULL;

	(void)state;
	verdict_complete(&v);
	verdict_find(&v, FINDING_INFECTED, "B(x)\\y\r\nForged: z\xc3\xa4", "o1", "e");
	verdict_find(&v, FINDING_INFECTED, "A", "o1", "e");
	verdict_find(&v, FINDING_INFECTED, "A", "o2", "e");
	verdict_find(&v, FINDING_MACRO, "other class", "o2", "e");
	got = stamp_status(&v, NULL);
	assert_string_equal(got, "Infected (A, B\\(x\\)\\\\y__Forged: z__)");
}

/* Names of 4 KiB, of nothing but parentheses, and many of them: 200 bytes each, 900 in all, every
 * escape whole. */
static void
bounds(void **state)
{
	static const char fills[] = "n(\\";

	(void)state;
	for (size_t f = 0; f < 3; f++) {
		AUTO(verdict_clear) struct verdict one = {0}, many = {0};
		g_autofree char *fat = g_strnfill(4096, fills[f]), *a = NULL, *b = NULL;

		verdict_complete(&one);
		verdict_find(&one, FINDING_INFECTED, fat, "o", "e");
		a = stamp_status(&one, NULL);
		assert_int_equal(strlen(a), strlen("Infected ()") + 200);
		for (int i = 0; i < 50; i++) {
			g_autofree char *name = g_strdup_printf("%02d%s", i, fat);

			verdict_find(&many, FINDING_INFECTED, name, "o", "e");
		}
		b = stamp_status(&many, NULL);
		assert_in_range(strlen(b), 600, 900);
		assert_true(g_str_has_suffix(b, ", ...)"));
		for (const char *p = b + strlen("Infected ("); p[1]; p++) {
			if (*p == '\\') {
				p++;
				assert_true(*p == '(' || *p == '\\' || *p == ')');
			} else {
				assert_true(*p != '(' && *p != ')');
			}
		}
	}
}

static struct message *
message_with(struct world *w, const char *const *fields, size_t n)
{
	struct message *m = world_message(w, "x");

	for (size_t i = 0; i < n; i++)
		message_add_header(m, fields[i], " Clean");
	message_seal(m);
	return m;
}

static GPtrArray *
edits_of(struct world *w, const struct message *m, const char *skipped)
{
	struct scan_result r;
	GPtrArray *edits;

	scan_message(w->conf, w->engines, NULL, m, &w->wait, &r);
	edits = stamp_edits(w->conf, m, &r, skipped, "mx.example");
	scan_result_clear(&r);
	return edits;
}

static void
assert_edit(const GPtrArray *edits, guint i, int op, const char *name, int index, const char *value)
{
	const struct edit *e = g_ptr_array_index(edits, i);

	assert_int_equal(e->op, op);
	assert_string_equal(e->name, name);
	if (op == EDIT_DELETE)
		assert_int_equal(e->index, index);
	else
		assert_string_equal(e->value, value);
}

#define NULL_ENGINE "antivirus { mime_decompose = false null \"n\" { } }"
#define SCANNED     " avmilter " AVM_VERSION " (n) at mx.example"

static void
forged_copies(void **state)
{
	static const char *const fields[] = {
	    "X-Virus-Status",  "x-virus-status", "X-VIRUS-STATUS ", "X-Virus-Status-2",
	    "X-Virus-Scanned", "X-Virus-Status", "X-Virus"};
	struct world w = world_new(NULL_ENGINE);
	struct message *m = message_with(&w, fields, G_N_ELEMENTS(fields));
	g_autoptr(GPtrArray) edits = edits_of(&w, m, NULL);

	(void)state;
	assert_int_equal(edits->len, 7);
	assert_edit(edits, 0, EDIT_DELETE, "X-Virus-Scanned", 1, NULL);
	for (guint i = 0; i < 4; i++)
		assert_edit(edits, 1 + i, EDIT_DELETE, "X-Virus-Status", (int)(4 - i), NULL);
	assert_edit(edits, 5, EDIT_INSERT, "X-Virus-Status", 0, " Clean");
	assert_edit(edits, 6, EDIT_INSERT, "X-Virus-Scanned", 0, SCANNED);
	message_free(&m);
	world_end(&w);
}

/* Fifty copies, and a block that is too large to keep: all are counted, all go. */
static void
many_copies(void **state)
{
	static const char *const fields[] = {"X-Virus-Status"};

	(void)state;
	for (int over = 0; over < 2; over++) {
		struct world w = world_new(NULL_ENGINE);
		struct message *m;
		g_autoptr(GPtrArray) edits = NULL;

		w.lim.watch[0] = "X-Virus-Status";
		w.lim.header_max = over ? 100 : 100000;
		m = world_message(&w, "x");
		for (int i = 0; i < 50; i++)
			message_add_header(m, fields[0], i % 2 ? " Clean" : "\n\tClean\n folded");
		message_seal(m);
		edits = edits_of(&w, m, NULL);
		assert_int_equal(edits->len, 52);
		for (guint i = 0; i < 50; i++)
			assert_edit(edits, i, EDIT_DELETE, "X-Virus-Status", (int)(50 - i), NULL);
		assert_edit(edits, 50, EDIT_INSERT, "X-Virus-Status", 0,
		            over ? " Unscannable (limit.size)" : " Clean");
		message_free(&m);
		world_end(&w);
	}
}

static void
options(void **state)
{
	static const struct {
		const char *conf, *skipped;
		guint count;
		const char *first, *last;
	} rows[] = {
	    {"", NULL, 2, " Clean", SCANNED},
	    {"header { version = false }", NULL, 2, " Clean", " avmilter (n) at mx.example"},
	    {"header { host = false }", NULL, 2, " Clean", " avmilter " AVM_VERSION " (n)"},
	    {"header { status = \"\" }", NULL, 1, SCANNED, SCANNED},
	    {"header { scanned = \"\" }", NULL, 1, " Clean", " Clean"},
	    {"header { scanned = \"\" status = \"\" }", NULL, 0, NULL, NULL},
	    {"", "disabled", 2, " Skipped (disabled)", " avmilter " AVM_VERSION " at mx.example"},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = g_strconcat(rows[i].conf, "\n", NULL_ENGINE, NULL);
		struct world w = world_new(text);
		struct message *m = message_with(&w, NULL, 0);
		g_autoptr(GPtrArray) edits = edits_of(&w, m, rows[i].skipped);

		assert_int_equal(edits->len, rows[i].count);
		if (edits->len > 0) {
			assert_string_equal(((struct edit *)g_ptr_array_index(edits, 0))->value,
			                    rows[i].first);
			assert_string_equal(
			    ((struct edit *)g_ptr_array_index(edits, edits->len - 1))->value,
			    rows[i].last);
		}
		message_free(&m);
		world_end(&w);
	}
}

/* What the configuration kept from every engine is said in the header, and definitions by engine.
 */
static void
scanned_details(void **state)
{
	struct conf *c = world_conf("");
	struct scan_part a = {.cls = CLASS_CLEAN}, b = {.cls = CLASS_INFECTED};
	struct scan_result r = {.left_out = 2, .parts = g_ptr_array_new()};
	struct world w = world_new(NULL_ENGINE);
	struct message *m = message_with(&w, NULL, 0);
	static char ta[] = "clamav", tb[] = "sse1", da[] = "27980";
	GPtrArray *edits;

	(void)state;
	a.title = ta;
	a.definitions = da;
	b.title = tb;
	g_ptr_array_add(r.parts, &a);
	g_ptr_array_add(r.parts, &b);
	g_free(c->header.report);
	c->header.report = g_strdup("X-Virus-Report");
	edits = stamp_edits(c, m, &r, NULL, "h(o)st");
	assert_int_equal(edits->len, 4);
	assert_edit(edits, 0, EDIT_INSERT, "X-Virus-Report", 0, " sse1; infected; -");
	assert_edit(edits, 1, EDIT_INSERT, "X-Virus-Report", 0, " clamav; clean; 27980");
	assert_edit(edits, 3, EDIT_INSERT, "X-Virus-Scanned", 0,
	            " avmilter " AVM_VERSION
	            " (clamav 27980, sse1) at h\\(o\\)st (2 objects not examined: filters)");
	g_ptr_array_unref(edits);
	g_ptr_array_unref(r.parts);
	message_free(&m);
	world_end(&w);
	conf_unref(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(status),  cmocka_unit_test(status_never_lies), cmocka_unit_test(names),
    cmocka_unit_test(bounds),  cmocka_unit_test(forged_copies),     cmocka_unit_test(many_copies),
    cmocka_unit_test(options), cmocka_unit_test(scanned_details),
};

UNIT_RUN(tests)
