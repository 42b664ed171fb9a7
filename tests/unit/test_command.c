/*
 * program, engine_command: real programs: exit codes, names, signals, time, output, what they are
 * given and what they leave behind
 */
#include "engine/engine.h"

#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/program.h"
#include "base/regex.h"
#include "conf/conf.h"

#define OUTPUT_MAX 1000

struct ran {
	bool ok;
	enum program_end end;
	int number;
	GString *output;
	int64_t took_ms;
};

static struct ran
run_shell(const char *text, int64_t time_ms)
{
	char *argv[] = {(char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c",
	                (char *)(uintptr_t)text, NULL};
	const struct program p = {argv, "/tmp", OUTPUT_MAX};
	struct ran r = {.output = g_string_new(NULL)};
	g_autoptr(GError) err = NULL;
	int64_t began = now_ms();
	struct wait w;

	wait_init(&w, deadline_in(time_ms), 0, NULL, NULL);
	r.ok = program_run(&p, &w, r.output, &r.end, &r.number, &err);
	r.took_ms = now_ms() - began;
	return r;
}

static void
expect(const char *text, enum program_end end, int number, const char *output)
{
	struct ran r = run_shell(text, 10000);

	assert_true(r.ok);
	if (r.end != end || r.number != number || (output && strcmp(r.output->str, output) != 0))
		fail_msg("%s: end %d, number %d, output \"%s\"", text, r.end, r.number,
		         r.output->str);
	g_string_free(r.output, TRUE);
}

static void
ends(void **state)
{
	(void)state;
	expect("exit 0", PROGRAM_EXITED, 0, "");
	expect("exit 255", PROGRAM_EXITED, 255, "");
	expect("echo a; echo b >&2; exit 3", PROGRAM_EXITED, 3, "a\nb\n");
	expect("kill -9 $$", PROGRAM_SIGNALLED, SIGKILL, "");
	expect("exec >&- 2>&-; sleep 0.2; exit 4", PROGRAM_EXITED, 4, "");
}

static void
surroundings(void **state)
{
	(void)state;
	g_setenv("AVM_SECRET", "x", TRUE);
	expect("pwd; cat; tr '\\0' '\\n' < /proc/$$/environ | cut -d= -f1 | sort | tr '\\n' ' '",
	       PROGRAM_EXITED, 0, "/tmp\nLANG PATH ");
	expect("for i in 3 4 5 6 7 8 9 10 16 17 18 30; do test -e /proc/$$/fd/$i && echo $i; done; exit 0",
	       PROGRAM_EXITED, 0, "");
	expect("test $(ps -o pgid= $$) = $$", PROGRAM_EXITED, 0, NULL);
}

static void
too_long(void **state)
{
	struct ran r = run_shell("sleep 60 & echo $!; sleep 60", 300);
	long child = strtol(r.output->str, NULL, 10);

	(void)state;
	assert_true(r.ok);
	assert_int_equal(r.end, PROGRAM_TIMEOUT);
	assert_in_range(r.took_ms, 300, 5000);
	assert_true(child > 1);
	/* The one in the background is a zombie of init's, or gone. */
	for (int i = 0; i < 500 && kill((pid_t)child, 0) == 0; i++) {
		g_autofree char *path = g_strdup_printf("/proc/%ld/stat", child), *stat = NULL;

		if (g_file_get_contents(path, &stat, NULL, NULL) && strstr(stat, ") Z "))
			break;
		g_usleep(10000);
		assert_true(i < 499);
	}
	g_string_free(r.output, TRUE);
}

/* What it leaves behind holds the pipe: nobody waits for that. */
static void
left_behind(void **state)
{
	struct ran r = run_shell("(sleep 60) & exit 1", 20000);

	(void)state;
	assert_int_equal(r.end, PROGRAM_EXITED);
	assert_int_equal(r.number, 1);
	assert_true(r.took_ms < 10000);
	g_string_free(r.output, TRUE);
}

static void
floods(void **state)
{
	struct ran r = run_shell("head -c 1000000 /dev/zero; exit 7", 20000);

	(void)state;
	assert_int_equal(r.number, 7);
	assert_int_equal(r.output->len, OUTPUT_MAX);
	g_string_free(r.output, TRUE);
	r = run_shell("exec yes", 300);
	assert_int_equal(r.end, PROGRAM_TIMEOUT);
	assert_true(r.took_ms < 5000);
	g_string_free(r.output, TRUE);
}

/* Whoever started us may have had SIGCHLD ignored, and then the kernel keeps no exit status: no status is not exit code 0. */
static void
status_unknown(void **state)
{
	struct ran r;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	r = run_shell("exit 1", 10000);
	signal(SIGCHLD, SIG_DFL);
	if (r.ok)
		fail_msg("end %d, number %d", r.end, r.number);
	g_string_free(r.output, TRUE);
}

static void
no_program(void **state)
{
	char *argv[] = {(char *)(uintptr_t) "/nonexistent", NULL};
	const struct program p = {argv, "/tmp", OUTPUT_MAX};
	g_autoptr(GString) output = g_string_new(NULL);
	g_autoptr(GError) err = NULL;
	enum program_end end;
	int number;
	struct wait w;

	(void)state;
	wait_init(&w, deadline_in(1000), 0, NULL, NULL);
	assert_false(program_run(&p, &w, output, &end, &number, &err));
	assert_int_equal(err->code, G_FILE_ERROR_NOENT);
}

static void
groups(void **state)
{
	static const struct {
		const char *regex, *subject, *group;
	} rows[] = {
	    {": (\\S+) FOUND$", "/tmp/x: Eicar FOUND", "Eicar"}, {"FOUND", "FOUND", "FOUND"},
	    {"(a)|(b)", "b", NULL},                              {"x", "y", NULL},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct regex *r = regex_new(rows[i].regex, NULL);
		g_autofree char *group = regex_group(r, rows[i].subject);

		if (g_strcmp0(group, rows[i].group) != 0)
			fail_msg("%s in %s: %s", rows[i].regex, rows[i].subject, group);
		regex_free(&r);
	}
}

/* An engine over a script of ours that gets the object's name. */
struct bench {
	char *dir;
	struct conf *conf;
	struct engines *engines;
	struct spool_budget *budget;
	struct message *m;
	struct objects *objects;
};

static void
bench_open(struct bench *b, const char *script, const char *more)
{
	struct message_limits lim = {
	    .spool = {.memory_max = 1 << 20, .total_max = 16 << 20, .file_base = "/tmp"},
	    .header_max = 65536};
	struct client client = {0};
	g_autofree char *program = NULL, *text = NULL, *code = NULL;
	g_autoptr(GError) err = NULL;

	b->dir = unit_mkdir();
	program = g_build_filename(b->dir, "scanner", NULL);
	code = g_strconcat("#!/bin/sh\n", script, "\n", NULL);
	assert_true(g_file_set_contents(program, code, -1, NULL));
	assert_int_equal(chmod(program, 0755), 0);
	text = g_strdup_printf("antivirus { mime_decompose = no file_base = \"%s\" command \"c\" { "
	                       "argv = {\"%s\", \"%%{path}\"} %s } }",
	                       b->dir, program, more);
	b->conf = conf_parse(text, "test", &err);
	if (!b->conf)
		fail_msg("%s", err->message);
	b->engines = engines_new(b->conf, NULL, true, &err);
	if (!b->engines)
		fail_msg("%s", err->message);
	b->budget = spool_budget_new();
	b->m = message_new(b->budget, &lim, &client, "<a@b>");
	message_add_header(b->m, "Subject", " x");
	message_add_body(b->m, "TESTMARK\r\n", 10);
	message_seal(b->m);
	b->objects = objects_new(b->m->spool, -1, 0);
	assert_non_null(objects_add(b->objects, OBJECT_MESSAGE, STORE_SPOOL, 0,
	                            spool_size(b->m->spool), "", NULL, NULL, NULL));
}

static void
bench_close(struct bench *b)
{
	g_autofree char *program = g_build_filename(b->dir, "scanner", NULL);

	unlink(program);
	assert_int_equal(rmdir(b->dir), 0); /* no file was left */
	g_free(b->dir);
	engines_free(&b->engines);
	conf_unref(&b->conf);
	objects_free(&b->objects);
	message_free(&b->m);
	spool_budget_free(&b->budget);
}

static void
scan_with(const char *script, const char *more, struct verdict *v)
{
	struct bench b;
	struct wait wait;

	bench_open(&b, script, more);
	wait_init(&wait, deadline_in(20000), 0, NULL, NULL);
	engine_scan(g_ptr_array_index(b.engines->list, 0),
	            &(struct scan_request){.message = b.m,
	                                   .objects = b.objects,
	                                   .object = g_ptr_array_index(b.objects->list, 0),
	                                   .label = "message",
	                                   .wait = &wait},
	            v);
	bench_close(&b);
}

static void
verdicts(void **state)
{
	static const struct {
		const char *script, *more;
		enum verdict_class class;
		enum reason reason;
		unsigned findings;
		const char *name;
	} rows[] = {
	    {"test -f \"$1\" && test $# = 1", "", CLASS_CLEAN, REASON_NONE, 0, NULL},
	    {"grep -q TESTMARK \"$1\" && exit 1", "", CLASS_INFECTED, REASON_NONE, 1, "unknown"},
	    {"echo $1: Bad.One FOUND; exit 1", "name_regex = ': (\\S+) FOUND$'", CLASS_INFECTED,
	     REASON_NONE, 1, "Bad.One"},
	    {"echo x: One FOUND; echo y: Two FOUND >&2; exit 1", "name_regex = ': (\\S+) FOUND'",
	     CLASS_INFECTED, REASON_NONE, 2, NULL},
	    {"printf 'a: B\\033[m\\000d FOUND\\n'; exit 1", "name_regex = ': (.*) FOUND'",
	     CLASS_INFECTED, REASON_NONE, 1, "B_[m d"},
	    {"echo something; exit 1", "name_regex = ': (\\S+) FOUND'", CLASS_INFECTED, REASON_NONE,
	     1, "unknown"},
	    {"exit 3", "", CLASS_ERROR, REASON_ENGINE_ERROR, 0, NULL},
	    {"exit 3", "clean_exit = {0, 3}", CLASS_CLEAN, REASON_NONE, 0, NULL},
	    {"exit 3", "infected_exit = {3}", CLASS_INFECTED, REASON_NONE, 1, "unknown"},
	    {"exit 1", "infected_exit = {3}", CLASS_ERROR, REASON_ENGINE_ERROR, 0, NULL},
	    {"kill -SEGV $$", "", CLASS_ERROR, REASON_ENGINE_ERROR, 0, NULL},
	    {"kill -HUP $$", "clean_exit = {0, 1, 129} infected_exit = {2}", CLASS_ERROR,
	     REASON_ENGINE_ERROR, 0, NULL},
	    {"sleep 60; exit 0", "timeout = 300ms", CLASS_ERROR, REASON_TIMEOUT, 0, NULL},
	    {"trap '' TERM HUP INT; sleep 60; exit 0", "timeout = 300ms", CLASS_ERROR,
	     REASON_TIMEOUT, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict v = {0};

		scan_with(rows[i].script, rows[i].more, &v);
		if (verdict_class(&v) != rows[i].class || v.failed != rows[i].reason ||
		    (v.findings ? v.findings->len : 0) != rows[i].findings)
			fail_msg("%s: class %s, reason %s (%s)", rows[i].script,
			         verdict_class_name(verdict_class(&v)), reason_name(v.failed),
			         v.failed_why ? v.failed_why : "");
		if (rows[i].name)
			assert_string_equal(verdict_top(&v)->name, rows[i].name);
	}
}

static void
refused(void **state)
{
	static const struct {
		const char *section, *says;
	} rows[] = {
	    {"argv = {\"/nonexistent\", \"%{path}\"}", "is no program"},
	    {"argv = {\"sh\", \"%{path}\"}", "absolute path"},
	    {"argv = {\"/bin/sh\"}", "is missing"},
	    {"argv = {\"/bin/sh\", \"--file=%{path}\"}", "an argument of its own"},
	    {"argv = {\"/bin/sh\", \"%{path}\", \"%{sender}\"}", "only %{path}"},
	    {"argv = {\"/bin/sh\", \"%{path}\"} clean_exit = {0, 1}", "cannot stand in"},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text =
		    g_strdup_printf("antivirus { command \"c\" { %s } }", rows[i].section);
		g_autoptr(GError) err = NULL;
		struct conf *conf = conf_parse(text, "test", &err);

		assert_non_null(conf);
		assert_null(engines_new(conf, NULL, true, &err));
		if (!strstr(err->message, rows[i].says) || !strstr(err->message, "test:1: command"))
			fail_msg("%s", err->message);
		conf_unref(&conf);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(ends),        cmocka_unit_test(surroundings), cmocka_unit_test(too_long),
    cmocka_unit_test(left_behind), cmocka_unit_test(floods),       cmocka_unit_test(no_program),
    cmocka_unit_test(groups),      cmocka_unit_test(verdicts),     cmocka_unit_test(refused),
    cmocka_unit_test(status_unknown),
};

int
main(void)
{
	log_open("stderr", "mail", "test", LOGLV_ERR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
