/*
 * test_conf_source - files: include, globs, depth, lines across files, what is no file
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fsx.h"
#include "conf/conf.h"
#include "conf/source.h"

static char *dir;

static int
setup(void **state)
{
	(void)state;
	dir = g_dir_make_tmp("conf-XXXXXX", NULL);
	return dir ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	fsx_remove_tree(dir, NULL);
	g_clear_pointer(&dir, g_free);
	return 0;
}

static void
put(const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(dir, name, NULL), *folder = g_path_get_dirname(path);

	assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
	assert_true(g_file_set_contents(path, text, -1, NULL));
}

static struct conf *
load(GError **err)
{
	g_autofree char *path = g_build_filename(dir, "main.conf", NULL);

	return conf_load(path, err);
}

static struct conf *
good(void)
{
	g_autoptr(GError) err = NULL;
	struct conf *c = load(&err);

	if (!c)
		fail_msg("refused: %s", err->message);
	return c;
}

/* The message, with the folder's name cut out. */
static void
refused(const char *error)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(GString) message = NULL;
	g_autofree char *prefix = g_strdup_printf("%s/", dir);

	assert_null(load(&err));
	message = g_string_new(err->message);
	g_string_replace(message, prefix, "", 0);
	assert_string_equal(message->str, error);
}

static void
include_is_relative_to_the_includer(void **state)
{
	struct conf *c;

	(void)state;
	put("main.conf", "user = a\ninclude(\"sub/one.conf\")\nlog { include('sub/log.conf') clean = no }\n");
	put("sub/one.conf", "include(\"two.conf\")\n");
	put("sub/two.conf", "drain_time = 5s");
	put("sub/log.conf", "level = debug\n");
	c = good();
	assert_string_equal(c->user, "a");
	assert_int_equal(c->drain_time, 5000);
	assert_int_equal(c->log.level, LEVEL_DEBUG);
	assert_false(c->log.clean);
	conf_unref(&c);
}

static void
globs_come_in_order_and_may_be_many(void **state)
{
	struct conf *c;

	(void)state;
	put("main.conf", "antivirus { include(\"conf.d/*.conf\") }\ninclude(\"nothing/*.conf\")\n");
	for (unsigned i = 0; i < 20; i++) {
		g_autofree char *name = g_strdup_printf("conf.d/%02u.conf", 19 - i), *text = NULL;

		text = g_strdup_printf("fake \"f%02u\" { }\n", 19 - i);
		put(name, text);
	}
	put("conf.d/not-this", "bad = 1\n");
	c = good();
	assert_int_equal(c->engines->len, 20);
	for (unsigned i = 0; i < 20; i++) {
		const struct conf_engine *e = g_ptr_array_index(c->engines, i);
		g_autofree char *name = g_strdup_printf("f%02u", i), *file = g_strdup_printf("%s/conf.d/%02u.conf", dir, i);

		assert_string_equal(e->title, name);
		assert_string_equal(e->file, file);
		assert_int_equal(e->line, 1);
	}
	conf_unref(&c);
}

static void
errors_name_the_file_they_are_in(void **state)
{
	(void)state;
	put("main.conf", "# c\n# c\nlog {\n include(\"a.conf\")\n}\nbad = 1\n");
	put("a.conf", "/* c\n c */ level = x\n");
	refused("main.conf:6: there is no 'bad' outside of sections: take it away; avmilter.conf(5) lists what there is\n"
		"a.conf:2: log.level 'x': write one of err, warning, notice, info, debug");
}

static void
duplicates_are_seen_across_files(void **state)
{
	g_autofree char *want = g_strdup_printf("a.conf:1: user is written twice, first in main.conf:1: keep one of them");

	(void)state;
	put("main.conf", "user = a\ninclude(\"a.conf\")\n");
	put("a.conf", "user = b\n");
	refused(want);
}

static void
braces_are_balanced_in_each_file(void **state)
{
	(void)state;
	put("main.conf", "include(\"a.conf\")\nuser = x\n");
	put("a.conf", "\nlog {\n level = info\n");
	refused("a.conf:2: { is never closed: write } where this section or list ends");
	put("main.conf", "log {\ninclude(\"a.conf\")\n}\n");
	put("a.conf", "level = info }\n");
	refused("a.conf:1: } without {: take it away, or write the { that it should close");
}

static void
what_cannot_be_included_is_told_where_it_stands(void **state)
{
	(void)state;
	put("main.conf", "\ninclude(\"missing.conf\")\n");
	refused("main.conf:2: include: missing.conf cannot be read: No such file or directory");
	put("sub/x", "");
	put("main.conf", "\n\ninclude(\"sub\")\n");
	refused("main.conf:3: include: sub is not a file");
	put("main.conf", "include(\"main.conf\")\n");
	refused("main.conf:1: include: more than 5 files deep; does main.conf include itself?");
	put("main.conf", "include(\"many/*\")\n");
	for (unsigned i = 0; i < SOURCE_FILES_MAX; i++) {
		g_autofree char *name = g_strdup_printf("many/%03u", i);

		put(name, "");
	}
	{
		struct conf *c = good();

		conf_unref(&c);
	}
	put("many/one-more", "");
	refused("main.conf:1: more than 100 files are included");
}

static void
five_files_deep_is_allowed(void **state)
{
	struct conf *c;

	(void)state;
	put("main.conf", "include(\"1\")");
	put("1", "include(\"2\")");
	put("2", "include(\"3\")");
	put("3", "include(\"4\")");
	put("4", "include(\"5\")");
	put("5", "user = deep");
	c = good();
	assert_string_equal(c->user, "deep");
	conf_unref(&c);
	put("5", "include(\"6\")");
	put("6", "user = deeper");
	refused("5:1: include: more than 5 files deep; does 6 include itself?");
}

static void
a_file_that_is_none(void **state)
{
	g_autoptr(GError) err = NULL;
	g_autofree char *path = g_build_filename(dir, "no.conf", NULL), *want = NULL, *pipe = g_build_filename(dir, "fifo", NULL);

	(void)state;
	assert_null(conf_load(path, &err));
	assert_true(g_error_matches(err, CONF_ERROR, CONF_E_FILE));
	want = g_strdup_printf("%s: cannot be read: No such file or directory", path);
	assert_string_equal(err->message, want);
	g_clear_error(&err);
	assert_null(conf_load(dir, &err));
	assert_non_null(strstr(err->message, "is not a file"));
	g_clear_error(&err);
	/* Opening a pipe that nobody writes to must not hang a reload. */
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_null(conf_load(pipe, &err));
	assert_non_null(strstr(err->message, "is not a file"));
}

static void
binary_and_huge_files_are_refused(void **state)
{
	g_autofree char *path = g_build_filename(dir, "main.conf", NULL), *huge = g_strnfill(SOURCE_SIZE_MAX + 1, '#');

	(void)state;
	assert_true(g_file_set_contents(path, "user = x\nlog\0{ }", 16, NULL));
	refused("main.conf:2: a NUL byte: this is not a text file");
	put("main.conf", huge);
	refused("main.conf: is larger than 4 MiB: this is no configuration");
}

static void
a_file_that_everybody_may_write_is_told(void **state)
{
	g_autofree char *path = g_build_filename(dir, "main.conf", NULL), *want = NULL;
	struct conf *c;

	(void)state;
	put("main.conf", "user = a\n");
	assert_int_equal(chmod(path, 0666), 0);
	c = good();
	want = g_strdup_printf("%s: everybody may write this file: chmod o-w", path);
	assert_string_equal(conf_warnings(c)[0], want);
	assert_null(conf_warnings(c)[1]);
	conf_unref(&c);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(include_is_relative_to_the_includer),
		TEST(globs_come_in_order_and_may_be_many),
		TEST(errors_name_the_file_they_are_in),
		TEST(duplicates_are_seen_across_files),
		TEST(braces_are_balanced_in_each_file),
		TEST(what_cannot_be_included_is_told_where_it_stands),
		TEST(five_files_deep_is_allowed),
		TEST(a_file_that_is_none),
		TEST(a_file_that_everybody_may_write_is_told),
		TEST(binary_and_huge_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
