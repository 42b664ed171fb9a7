/*
 * script, in the end of a message: a stop of the daemon that ends a hook is answered 451, like one that ends a scan
 */
#include "fakemta.h"

#include "fake_script.h"
#include "unit.h"

#include "base/deadline.h"
#include "base/log.h"
#include "engine/engine.h"
#include "script/script.h"

static struct milter world;
static char *dir;

/* Whatever fails may pass: only the stop keeps it back. */
static void
use_script(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *path = g_build_filename(dir, "policy.lua", NULL), *source = g_strdup_printf("honest %s/mark\n", dir);
	g_autofree char *text = g_strdup_printf("antivirus { file_base = \"/tmp\" mime_decompose = false fake \"f\" { } on_error = pass }\n"
	                                        "lua { script = \"%s\" time_max = 20s }\n"
	                                        "quarantine { directory = \"%s\" }\n",
	                                        path, dir);
	g_autoptr(GError) err = NULL;
	struct conf *conf = conf_parse(text, "test.conf", &err);
	struct snapshot *snap;

	if (conf == NULL)
		fail_msg("%s", err->message);
	assert_true(g_file_set_contents(path, source, -1, NULL));
	snap = snapshot_new(1, conf, NULL, engines_new(conf, NULL, true, NULL), rules_new(conf, NULL, NULL));
	snap->script = script_new(conf, self, "/dev/null", &err);
	if (snap->script == NULL)
		fail_msg("%s", err->message);
	snapshot_slot_set(&world.slot, snap);
}

static int
setup(void **state)
{
	(void)state;
	log_set_level(LOGLV_ERR);
	dir = unit_mkdir();
	assert_true(milter_init(&world, &fake_ops, NULL, NULL));
	milter_use(&world);
	use_script();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(atomic_load(&world.in_eom), 0);
	assert_int_equal(spool_budget_used(world.budget), 0);
	milter_clear(&world);
	unit_rmdir(dir);
	return 0;
}

static sfsistat
answer(struct fake *f, const char *word)
{
	g_autofree char *name = g_strconcat("HOSTILE:", word, NULL);

	fake_connect(f, name, "192.0.2.1");
	return fake_message(f, "Q1", "hello\r\n");
}

static void
what_it_says_is_done(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);

	(void)state;
	assert_int_equal(answer(f, "honest"), SMFIS_CONTINUE);
	fake_free(f);
	f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	assert_int_equal(answer(f, "die"), SMFIS_CONTINUE); /* class error, which may pass here */
	assert_non_null(strstr(f->said->str, "X-Virus-Status: Error (script)"));
	fake_free(f);
}

static void *
cut_soon(void *arg)
{
	g_usleep(300 * 1000);
	milter_cut(arg);
	return NULL;
}

static void
a_cut_ends_a_hook(void **state)
{
	struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
	const int64_t begin = now_ms();
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, cut_soon, &world), 0);
	assert_int_equal(answer(f, "hang-after"), SMFIS_TEMPFAIL);
	assert_true(now_ms() - begin < 5000);
	pthread_join(t, NULL);
	fake_free(f);
}

#define THREADS 6
#define ROUNDS	25

struct talker {
	pthread_t thread;
	unsigned number, wrong;
};

/* Honest and other messages in turn; asserts are not for threads. */
static void *
talk(void *arg)
{
	static const struct {
		const char *word, *status;
		sfsistat answer;
	} rows[] = {
		{ "say-reject", NULL, SMFIS_REJECT },
		{ "twice", "X-Virus-Status: Clean", SMFIS_CONTINUE },
		{ "say-discard", NULL, SMFIS_DISCARD },
		{ "ahead", "X-Virus-Status: Clean", SMFIS_CONTINUE },
		{ "say-tempfail", NULL, SMFIS_TEMPFAIL },
		{ "die", "X-Virus-Status: Error (script)", SMFIS_CONTINUE },
		{ "say-pass", "X-Virus-Status: Clean", SMFIS_CONTINUE },
		{ "failed", "X-Virus-Status: Error (script)", SMFIS_CONTINUE },
		{ "die-after", "X-Virus-Status: Clean", SMFIS_CONTINUE },
	};
	struct talker *t = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const unsigned row = (t->number * 5 + i) % (unsigned)G_N_ELEMENTS(rows);
		struct fake *f = fake_new(FAKE_ACTIONS, FAKE_STEPS);
		const sfsistat got = answer(f, rows[row].word);

		if (got != rows[row].answer || (rows[row].status != NULL && strstr(f->said->str, rows[row].status) == NULL)) {
			print_message("# %s: %d, %s\n", rows[row].word, (int)got, f->said->str);
			t->wrong++;
		}
		fake_free(f);
	}
	return NULL;
}

/* Whatever the processes of some messages do, every other message gets the answer to itself. */
static void
many_at_once(void **state)
{
	struct talker all[THREADS] = { 0 };

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		all[i].number = i;
		assert_int_equal(pthread_create(&all[i].thread, NULL, talk, &all[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(all[i].thread, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(all[i].wrong, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(what_it_says_is_done, setup, teardown),
	cmocka_unit_test_setup_teardown(many_at_once, setup, teardown),
	cmocka_unit_test_setup_teardown(a_cut_ends_a_hook, setup, teardown),
};

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], PROTO_SCRIPT_ARGUMENT) == 0)
		return fake_script();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
