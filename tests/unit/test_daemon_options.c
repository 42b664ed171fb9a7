/*
 * daemon/options: every row of the table, what wins over the configuration, what is refused
 */
#include "unit.h"

#include "base/log.h"
#include "daemon/options.h"

static struct options o;
static char *message;
static GPtrArray *kept;		/* the words of all command lines: o borrows from them */

static bool
parse(const char *a, const char *b, const char *c)
{
	char *argv[] = { (char[]){ "avmilter" }, g_strdup(a), g_strdup(b), g_strdup(c), NULL };
	int argc = 1 + (a != NULL) + (b != NULL) + (c != NULL);
	GError *err = NULL;
	bool ok;

	for (int i = 1; i < 4; i++)
		g_ptr_array_add(kept, argv[i]);
	ok = options_parse(&o, argc, argv, &err);
	g_free(message);
	message = err != NULL ? g_strdup(err->message) : NULL;
	g_clear_error(&err);
	return ok;
}

static void
modes(void **state)
{
	static const struct {
		const char	 *word;
		enum options_mode mode;
	} rows[] = {
		{ "-n", MODE_CHECK }, { "--check", MODE_CHECK }, { "-V", MODE_VERSION }, { "--version", MODE_VERSION },
		{ "-h", MODE_HELP }, { "--help", MODE_HELP }, { "--defaults", MODE_DEFAULTS },
		{ "--defaults=man", MODE_DEFAULTS_MAN }, { "--config-dump", MODE_DUMP }, { "-f", MODE_RUN },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		assert_true(parse(rows[i].word, NULL, NULL));
		assert_int_equal(o.mode, rows[i].mode);
	}
	assert_true(parse(NULL, NULL, NULL));
	assert_int_equal(o.mode, MODE_RUN);
	assert_false(o.foreground);
	assert_false(o.config_given);
	assert_string_equal(o.config, DEFAULT_CONFIG);
}

static void
arguments(void **state)
{
	(void)state;
	assert_true(parse("-t", "mail.eml", "-vv"));
	assert_int_equal(o.mode, MODE_TEST);
	assert_string_equal(o.test_file, "mail.eml");
	assert_int_equal(o.verbose, 2);
	assert_true(parse("--socket", "inet:1@h", "--test-engines"));
	assert_string_equal(o.socket, "inet:1@h");
	assert_true(o.test_engines);
	assert_true(parse("-c/x", "-uroot:adm", "-P/run/p"));
	assert_true(o.config_given);
	assert_string_equal(o.config, "/x");
	assert_string_equal(o.user, "root:adm");
	assert_string_equal(o.pidfile, "/run/p");
}

static void
refused(void **state)
{
	static const char *const rows[] = { "--nonsense", "-x", "-c", "--socket", "stray", "--defaults=html" };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		assert_false(parse(rows[i], NULL, NULL));
		assert_non_null(strstr(message, rows[i]));
	}
}

static void
wins_over_the_configuration(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *path = g_build_filename(dir, "a.conf", NULL);
	GError *err = NULL;
	struct conf *c;

	(void)state;
	assert_true(g_file_set_contents(path, "user = \"daemon\" pid_file = \"/a\" log { level = \"warning\" }\n", -1, NULL));
	assert_true(parse("-c", path, "-v"));
	c = options_load(&o, &err);
	assert_non_null(c);
	assert_string_equal(c->user, "daemon");
	assert_string_equal(c->pid_file, "/a");
	assert_int_equal(c->log.level, LOGLV_NOTICE);
	conf_unref(&c);
	o.user = "nobody";
	o.pidfile = "/b";
	o.socket = "inet:2@127.0.0.1";
	o.verbose = 9;
	c = options_load(&o, &err);
	assert_string_equal(c->user, "nobody");
	assert_string_equal(c->pid_file, "/b");
	assert_string_equal(c->socket, "inet:2@127.0.0.1");
	assert_int_equal(c->log.level, LOGLV_DEBUG);
	conf_unref(&c);
	o.socket = "inet:nonsense";
	assert_null(options_load(&o, &err));
	assert_non_null(strstr(err->message, "inet:nonsense"));
	g_clear_error(&err);
	unit_rmdir(dir);
}

static void
a_missing_file(void **state)
{
	GError *err = NULL;
	struct conf *c;

	(void)state;
	assert_true(parse("-c", "/no/such.conf", NULL));
	assert_null(options_load(&o, &err));
	assert_non_null(strstr(err->message, "/no/such.conf"));
	g_clear_error(&err);
	o.config_given = false;		/* the default file need not exist */
	c = options_load(&o, &err);
	assert_non_null(c);
	conf_unref(&c);
}

static void
help_names_everything(void **state)
{
#define SWITCH(letter, name, argument, help) "--" name,
	static const char *const names[] = {
#include "daemon/switches.def"
	};
#undef SWITCH
	GString *text = g_string_new(NULL);

	(void)state;
	options_help(text);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		assert_non_null(strstr(text->str, names[i]));
	g_string_free(text, TRUE);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(modes), cmocka_unit_test(arguments), cmocka_unit_test(refused),
	cmocka_unit_test(wins_over_the_configuration), cmocka_unit_test(a_missing_file), cmocka_unit_test(help_names_everything),
};

static int
begin(void **state)
{
	(void)state;
	kept = g_ptr_array_new_with_free_func(g_free);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	g_ptr_array_unref(kept);
	g_free(message);
	return 0;
}

int
main(void)
{
	return cmocka_run_group_tests(tests, begin, end);
}
