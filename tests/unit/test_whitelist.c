/*
 * policy/whitelist, ignore, symbols: lines, conditions, reading again, and that what is ignored hides nothing
 */
#include "world.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/ignore.h"
#include "policy/policy.h"
#include "policy/whitelist.h"
#include "policy/whitelist_line.h"

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NOW   INT64_C(1800000000) /* 2027-01-15 */

static struct whitelist_list *
parse(const char *text)
{
	g_autoptr(GError) err = NULL;
	struct whitelist_list *l = whitelist_parse("/w", text, strlen(text), &err);

	if (!l)
		fail_msg("%s", err->message);
	return l;
}

static void
lines(void **state)
{
	static const struct {
		const char *text, *name, *engine, *sha256, *sender, *rcpt;
		bool found;
	} rows[] = {
		{"Eicar\n", "Eicar", "e", "", "", NULL, true},
		{"Eicar\r\n", "Eicar", "e", "", "", NULL, true},
		{"  Eicar\t# a comment\n", "Eicar", "e", "", "", NULL, true},
		{"# Eicar\n\n", "Eicar", "e", "", "", NULL, false},
		{"Eicar\n", "Eicar2", "e", "", "", NULL, false},
		{"Eicar\n", "eicar", "e", "", "", NULL, false},
		{"Eicar#1\n", "Eicar#1", "e", "", "", NULL, true},
		{"\"Eicar Test\"\n", "Eicar Test", "e", "", "", NULL, true},
		{"\"a \\\"b\\\" \\\\\" engine=e\n", "a \"b\" \\", "e", "", "", NULL, true},
		{"\"a=b\"\n", "a=b", "e", "", "", NULL, true},
		{"/^PUA[.]/\n", "PUA.Win", "e", "", "", NULL, true},
		{"/^PUA[.]/\n", "x.PUA.Win", "e", "", "", NULL, false},
		{"/a b/\n", "xa by", "e", "", "", NULL, true},
		{"/a\\/b/ engine=e\n", "a/b", "e", "", "", NULL, true},
		{"/a\\.b/\n", "axb", "e", "", "", NULL, false},
		{"Eicar engine=e\n", "Eicar", "e", "", "", NULL, true},
		{"Eicar engine=e\n", "Eicar", "f", "", "", NULL, false},
		{"Eicar from=*@x.test\n", "Eicar", "e", "", "a@x.test", NULL, true},
		{"Eicar from=*@x.test\n", "Eicar", "e", "", "a@x.test.evil", NULL, false},
		{"Eicar from=X.test\n", "Eicar", "e", "", "a@x.test", NULL, true},
		{"Eicar from=*@x.test\n", "Eicar", "e", "", "", NULL, false},
		{"Eicar to=b@x.test\n", "Eicar", "e", "", "", "b@x.test", true},
		{"Eicar to=b@x.test\n", "Eicar", "e", "", "", "c@x.test", false},
		{"Eicar to=b@x.test\n", "Eicar", "e", "", "", NULL, false},
		{"Eicar sha256=" SHA_A "\n", "Eicar", "e", SHA_A, "", NULL, true},
		{"Eicar sha256=" SHA_A "\n", "Eicar", "e", SHA_B, "", NULL, false},
		{"Eicar sha256=" SHA_A "\n", "Eicar", "e", "", "", NULL, false},
		{"Eicar until=2027-01-15\n", "Eicar", "e", "", "", NULL, true},
		{"Eicar until=2027-01-14\n", "Eicar", "e", "", "", NULL, false},
		{"Eicar engine=f\nEicar engine=e\n", "Eicar", "e", "", "", NULL, true},
		{"Eicar engine=e from=a@x to=b@y sha256=" SHA_A " until=2030-01-01\n", "Eicar", "e", SHA_A, "a@x", "b@y", true},
		{"Eicar engine=e from=a@x to=b@y sha256=" SHA_A " until=2030-01-01\n", "Eicar", "e", SHA_A, "z@x", "b@y", false},
		/* a regex that reaches its bound lets nothing go */
		{"/^(a+)+$/\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "e", "", "", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct whitelist_list *l = parse(rows[i].text);
		const struct finding f = {.kind = FINDING_INFECTED,
		                          .name = (char *)(uintptr_t)rows[i].name,
		                          .object = (char *)(uintptr_t) "o",
		                          .engine = (char *)(uintptr_t)rows[i].engine,
		                          .sha256 = (char *)(uintptr_t)rows[i].sha256};

		if ((whitelist_find(l, &f, rows[i].sender, rows[i].rcpt, NOW) != NULL) != rows[i].found)
			fail_msg("row %zu: %s", i, rows[i].text);
		whitelist_list_unref(&l);
	}
}

static void
errors(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"ok\n/(/\n", "/w:2: /(/"},
		{"//\n", "/w:1: //: write a regex"},
		{"/abc\n", "/w:1: a regex ends with /"},
		{"/a/b\n", "/w:1: a regex ends with / and a blank"},
		{"\"abc\n", "/w:1: a quoted name ends with"},
		{"\"\"\n", "/w:1: a line begins with the name"},
		{"engine=e\n", "/w:1: a line begins with the name"},
		{"X engine=\n", "/w:1: \"engine=\"; write engine=TITLE"},
		{"X sender=a@b\n", "/w:1: \"sender=a@b\"; write"},
		{"X Y\n", "/w:1: \"Y\"; write"},
		{"X to=a to=b\n", "/w:1: \"to=b\" is there twice"},
		{"X to=file:/etc/passwd\n", "/w:1: \"to=file:/etc/passwd\""},
		{"X sha256=abc\n", "/w:1: \"sha256=abc\""},
		{"X until=2027-02-30\n", "/w:1: \"until=2027-02-30\""},
		{"X until=tomorrow\n", "/w:1: \"until=tomorrow\""},
		{"X\x01\n", "/w:1: a control character"},
		{"X", "/w:1: the last line has no line end"},
		{"X y\nZ z\n", "/w:2: \"z\""},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) err = NULL;

		assert_null(whitelist_parse("/w", rows[i].text, strlen(rows[i].text), &err));
		if (!strstr(err->message, rows[i].want))
			fail_msg("row %zu: %s", i, err->message);
	}
	assert_null(whitelist_parse("/w", "a\0b\n", 4, NULL));
}

/* What whitelist_quote() writes is read as that name. */
static void
quoting(void **state)
{
	static const char *const names[] = {"Eicar", "Win.Test.EICAR_HDB-1", "a b", "a\"b", "a\\b", "/a/", "#a", "a=b", "a#b", "\\"};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *quoted = whitelist_quote(names[i]);
		g_autofree char *line = g_strconcat(quoted, " to=a@b", NULL);
		g_autofree char *why = NULL;
		struct whitelist_entry *e = NULL;

		if (!whitelist_line(line, &e, &why))
			fail_msg("%s: %s", line, why);
		assert_string_equal(e->name, names[i]);
		whitelist_entry_free(e);
	}
}

static char *
make_file(const char *text)
{
	char *path = g_strdup_printf("%s/avm-whitelist-%d-%d", g_get_tmp_dir(), (int)getpid(), rand());

	assert_true(g_file_set_contents(path, text, -1, NULL));
	assert_int_equal(chmod(path, 0640), 0);
	return path;
}

static unsigned
size_now(struct whitelist *w)
{
	struct whitelist_list *l = whitelist_now(w);
	unsigned n = whitelist_list_size(l);

	whitelist_list_unref(&l);
	return n;
}

static void
reading_again(void **state)
{
	g_autofree char *path = make_file("A\nB\n");
	g_autoptr(GError) err = NULL;
	struct whitelist *w = whitelist_new(path, NULL, &err), *same;

	(void)state;
	assert_non_null(w);
	assert_int_equal(size_now(w), 2);
	assert_true(g_file_set_contents(path, "A\nB\nC\n", -1, NULL));
	assert_int_equal(size_now(w), 3);
	/* what is broken, or gone, leaves the old list */
	assert_true(g_file_set_contents(path, "A\n/(/\n", -1, NULL));
	assert_int_equal(size_now(w), 3);
	same = whitelist_new(path, w, &err);
	assert_ptr_equal(same, w);
	whitelist_unref(&same);
	assert_int_equal(g_unlink(path), 0);
	assert_int_equal(size_now(w), 3);
	assert_true(g_file_set_contents(path, "", -1, NULL));
	assert_int_equal(size_now(w), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(size_now(w), 0);
	whitelist_unref(&w);
	/* but a first reading has to be good */
	assert_null(whitelist_new(path, NULL, &err));
	assert_non_null(strstr(err->message, "everybody may write"));
	g_clear_error(&err);
	g_unlink(path);
	assert_null(whitelist_new(path, NULL, &err));
	assert_non_null(strstr(err->message, path));
}

/* A disk that takes its time, between the first byte asked for and slow.go. */
static struct {
	_Atomic bool on;
	bool late;
	sem_t asked, go;
} slow;

static bool
in_time(sem_t *s)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	return sem_timedwait(s, &end) == 0;
}

/* Instead of the C library's. */
ssize_t pread64(int fd, void *buf, size_t len, off_t at);

ssize_t
pread64(int fd, void *buf, size_t len, off_t at)
{
	if (atomic_exchange(&slow.on, false)) {
		sem_post(&slow.asked);
		slow.late = !in_time(&slow.go);
	}
	return syscall(SYS_pread64, fd, buf, len, at);
}

static void *
read_it(void *arg)
{
	return GUINT_TO_POINTER(size_now(arg));
}

/* While one thread reads, others go on with the list before; afterwards all have the new one. */
static void
reading_keeps_nobody(void **state)
{
	g_autofree char *path = make_file("A\n");
	struct whitelist *w = whitelist_new(path, NULL, NULL);
	pthread_t reader;
	void *size;

	(void)state;
	assert_non_null(w);
	assert_int_equal(sem_init(&slow.asked, 0, 0) | sem_init(&slow.go, 0, 0), 0);
	assert_true(g_file_set_contents(path, "A\nB\n", -1, NULL));
	atomic_store(&slow.on, true);
	assert_int_equal(pthread_create(&reader, NULL, read_it, w), 0);
	assert_true(in_time(&slow.asked));
	assert_int_equal(size_now(w), 1);
	assert_int_equal(sem_post(&slow.go), 0);
	assert_int_equal(pthread_join(reader, &size), 0);
	assert_false(slow.late);
	assert_int_equal(GPOINTER_TO_UINT(size), 2);
	assert_int_equal(size_now(w), 2);
	/* changed once more while it was being read: seen by the next who asks */
	assert_true(g_file_set_contents(path, "A\nB\nC\n", -1, NULL));
	atomic_store(&slow.on, true);
	assert_int_equal(pthread_create(&reader, NULL, read_it, w), 0);
	assert_true(in_time(&slow.asked));
	assert_true(g_file_set_contents(path, "", -1, NULL));
	assert_int_equal(sem_post(&slow.go), 0);
	assert_int_equal(pthread_join(reader, &size), 0);
	assert_int_equal(GPOINTER_TO_UINT(size), 3);
	assert_int_equal(size_now(w), 0);
	whitelist_unref(&w);
	g_unlink(path);
}

/* "i:Name@engine" one finding, "u:Name@engine" one behind which others may hide, P, F, M (more) */
static void
verdict_of(struct verdict *v, const char *words)
{
	g_auto(GStrv) each = g_strsplit(words, " ", -1);

	verdict_complete(v);
	for (char **w = each; *w && **w; w++) {
		AUTO(verdict_clear) struct verdict one = {0};
		g_auto(GStrv) half = g_strsplit(*w + (strlen(*w) > 2 ? 2 : strlen(*w)), "@", 2);

		if (**w == 'P')
			verdict_partial(&one, REASON_LIMIT_SIZE, "limit");
		else if (**w == 'F')
			verdict_fail(&one, REASON_TIMEOUT, "no answer from the farm");
		else if (**w == 'M')
			for (unsigned i = 0; i <= VERDICT_FINDINGS_MAX; i++) {
				g_autofree char *name = g_strdup_printf("Free.%u", i);

				verdict_complete(&one);
				verdict_find(&one, FINDING_INFECTED, name, "o", "e1");
			}
		else {
			verdict_complete(&one);
			verdict_find(&one, FINDING_INFECTED, half[0], "o", half[1]);
		}
		if (**w != 'u')
			verdict_listed(&one);
		verdict_blame(&one, "e1");
		verdict_join(v, &one);
	}
}

#define CONF "antivirus { mime_decompose = false fake \"e1\" { whitelist = \"%s\" } fake \"e2\" { } }"
#define LIST                                                                                                                 \
	"/^Free[.]/\nForX to=x@t\nForX2 to=x@t\nForXY to=x@t\nForXY to=y@t\nLab from=lab@t\nOnlyE2 engine=e2\n"              \
	"Old until=2020-01-01\n"

static void
outcomes(void **state)
{
	static const struct {
		const char *verdict, *sender, *recipients;
		unsigned ignored;
		enum verdict_class cls;	/* of what is left */
		const char *actions;	/* r, p, t by recipient */
	} rows[] = {
		{"", "a@t", "x", 0, CLASS_CLEAN, "p"},
		{"i:Free.A@e1", "a@t", "x", 1, CLASS_CLEAN, "p"},
		{"i:Free.A@e1 i:Free.B@e1", "a@t", "x y", 2, CLASS_CLEAN, "pp"},
		/* an ignored name and a real virus */
		{"i:Free.A@e1 i:Evil@e1", "a@t", "x", 1, CLASS_INFECTED, "r"},
		/* the other engine has no list, and neither has what nobody in particular found */
		{"i:Free.A@e2", "a@t", "x", 0, CLASS_INFECTED, "r"},
		{"i:Free.A@", "a@t", "x", 0, CLASS_INFECTED, "r"},
		{"i:Free.A@e1 i:Free.A@e2", "a@t", "x", 1, CLASS_INFECTED, "r"},
		{"i:OnlyE2@e1", "a@t", "x", 0, CLASS_INFECTED, "r"},
		{"i:Old@e1", "a@t", "x", 0, CLASS_INFECTED, "r"},
		/* what is missing stays missing */
		{"i:Free.A@e1 P", "a@t", "x", 1, CLASS_UNSCANNABLE, "r"},
		{"i:Free.A@e1 F", "a@t", "x", 1, CLASS_ERROR, "t"},
		/* behind a name that was not listed others may hide */
		{"u:Free.A@e1", "a@t", "x", 1, CLASS_UNSCANNABLE, "r"},
		{"u:Free.A@e1 i:Free.A@e1", "a@t", "x", 2, CLASS_UNSCANNABLE, "r"},
		{"M", "a@t", "x", 64, CLASS_INFECTED, "r"},
		/* the envelope */
		{"i:Lab@e1", "lab@t", "x", 1, CLASS_CLEAN, "p"},
		{"i:Lab@e1", "a@t", "x", 0, CLASS_INFECTED, "r"},
		{"i:ForX@e1", "a@t", "x", 1, CLASS_CLEAN, "p"},
		{"i:ForX@e1", "a@t", "y", 0, CLASS_INFECTED, "r"},
		{"i:ForX@e1", "a@t", "x y", 0, CLASS_INFECTED, "pr"},
		{"i:ForX@e1 i:Evil@e1", "a@t", "x y", 0, CLASS_INFECTED, "rr"},
		{"u:ForX@e1", "a@t", "x y", 0, CLASS_INFECTED, "rr"},
		{"u:ForX@e1", "a@t", "x", 1, CLASS_UNSCANNABLE, "r"},
		{"i:ForX@e1 i:ForX2@e1", "a@t", "x y", 0, CLASS_INFECTED, "pr"},
		{"i:ForXY@e1", "a@t", "x y", 1, CLASS_CLEAN, "pp"},
		{"i:ForXY@e1", "a@t", "x y z", 0, CLASS_INFECTED, "ppr"},
		{"i:ForX@e1", "a@t", "", 0, CLASS_INFECTED, "r"},
	};
	g_autofree char *path = make_file(LIST), *text = g_strdup_printf(CONF, path);
	struct conf *conf = world_conf(text);
	struct rules *r = rules_new(conf, NULL, NULL);

	(void)state;
	assert_non_null(r);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct scan_result s = {.plan_known = true};
		g_auto(GStrv) to = g_strsplit(rows[i].recipients, " ", -1);
		struct facts f = {.sender = g_strdup(rows[i].sender), .recipients = g_ptr_array_new_with_free_func(g_free)};
		struct outcomes o;

		for (char **one = to; *one; one++)
			g_ptr_array_add(f.recipients, g_strconcat(*one, "@t", NULL));
		verdict_of(&s.verdict, rows[i].verdict);
		ignore_findings(r, &f, &s);
		if (s.ignored != rows[i].ignored || verdict_class(&s.verdict) != rows[i].cls)
			fail_msg("row %zu: ignored %u, %s", i, s.ignored, verdict_class_name(verdict_class(&s.verdict)));
		assert_int_equal(s.plan_known, s.ignored == 0);
		policy_walk(r, &f, &s.verdict, &o);
		assert_int_equal(o.of->len, strlen(rows[i].actions));
		for (guint k = 0; k < o.of->len; k++)
			if (action_name(g_array_index(o.of, struct outcome, k).action)[0] != rows[i].actions[k])
				fail_msg("row %zu: recipient %u", i, k);
		outcomes_clear(&o);
		facts_clear(&f);
		scan_result_clear(&s);
	}
	rules_free(&r);
	conf_unref(&conf);
	g_unlink(path);
}

/* A verdict that a cache hands out knows whether more may hide. */
static void
shares_follow(void **state)
{
	g_autofree char *path = make_file("FREE.A\n"), *text = g_strdup_printf(CONF, path);
	struct world w = world_new(text);
	struct rules *r = rules_new(w.conf, NULL, NULL);
	struct message *m = world_message(&w, "FAKE:infected=FREE.A and nothing else\r\n");
	struct scan_result s;
	struct facts f;

	(void)state;
	message_seal(m);
	facts_of(m, &f);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, &s);
	assert_int_equal(((struct scan_part *)g_ptr_array_index(s.parts, 0))->cls, CLASS_INFECTED);
	ignore_findings(r, &f, &s);
	assert_int_equal(((struct scan_part *)g_ptr_array_index(s.parts, 0))->cls, CLASS_CLEAN);
	assert_int_equal(((struct scan_part *)g_ptr_array_index(s.parts, 1))->cls, CLASS_INFECTED);
	assert_int_equal(s.ignored, 1);
	facts_clear(&f);
	scan_result_clear(&s);
	message_free(&m);
	rules_free(&r);
	world_end(&w);
	g_unlink(path);
}

#define SYMBOLS                                                                                                              \
	"antivirus { fake \"e1\" { symbol = \"AV\" patterns { EICAR = '^Eicar' SLOW = '^(a+)+$' ALL = '.' }"                 \
	" patterns_fail { LATE = '^timeout$' FARM = 'farm' } } fake \"e2\" { } }"                                            \
	" policy \"slow\" { symbols = {SLOW} action = pass } policy \"late\" { symbols = {LATE} action = discard }"

static void
symbols(void **state)
{
	static const struct {
		const char *verdict, *symbols, *action;
	} rows[] = {
		{"", "", "pass"},
		{"i:Eicar@e1", "AV,EICAR,ALL", "reject"},
		{"i:Evil@e1", "AV,ALL", "reject"},
		{"i:Eicar@e2", "E2_VIRUS", "reject"},
		{"F", "AV_FAIL,LATE,FARM", "discard"},
		{"P", "AV_FAIL", "reject"},
		{"i:aaa@e1", "AV,SLOW,ALL", "pass"},
		/* at its bound a pattern excuses nothing */
		{"i:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!@e1", "AV,ALL", "reject"},
	};
	struct conf *conf = world_conf(SYMBOLS);
	struct rules *r = rules_new(conf, NULL, NULL);
	static char id[] = "4X", ref[] = "abcdefghij", sender[] = "<s@t>";
	struct message m = {.id = id, .ref = ref, .sender = sender};

	(void)state;
	assert_non_null(r);
	m.recipients = g_ptr_array_new();
	g_ptr_array_add(m.recipients, sender);
	m.recipients_total = 1;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};
		g_autoptr(GString) got = g_string_new("");
		struct decision d;

		verdict_of(&v, rows[i].verdict);
		policy_decide(r, &m, &v, &d);
		for (guint k = 0; d.symbols && k < d.symbols->len; k++)
			g_string_append_printf(got, "%s%s", k ? "," : "", (char *)g_ptr_array_index(d.symbols, k));
		if (strcmp(got->str, rows[i].symbols) != 0 || strcmp(action_name(d.action), rows[i].action) != 0)
			fail_msg("row %zu: %s %s", i, got->str, action_name(d.action));
		decision_clear(&d);
	}
	g_ptr_array_unref(m.recipients);
	rules_free(&r);
	conf_unref(&conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(errors),
		cmocka_unit_test(quoting),
		cmocka_unit_test(reading_again),
		cmocka_unit_test(reading_keeps_nobody),
		cmocka_unit_test(outcomes),
		cmocka_unit_test(shares_follow),
		cmocka_unit_test(symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
