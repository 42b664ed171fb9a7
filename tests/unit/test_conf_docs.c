/*
 * test_conf_docs - the sample file loads as it is and with everything uncommented; what is not built yet is refused by name
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/option.h"

static struct conf *
good(const char *text)
{
	g_autoptr(GError) err = NULL;
	struct conf *c = conf_parse(text, "sample", &err);

	if (!c)
		fail_msg("refused: %s", err->message);
	return c;
}

/* #name and #} become name and }; prose, which has a blank behind the #, stays. */
static char *
uncomment(const char *text)
{
	g_autoptr(GRegex) mark = g_regex_new("^(\\t*)#([a-z}])", G_REGEX_MULTILINE, 0, NULL);

	return g_regex_replace(mark, text, -1, 0, "\\1\\2", 0, NULL);
}

static void
sample_changes_nothing(void **state)
{
	g_autoptr(GString) text = g_string_new(NULL), a = g_string_new(NULL), b = g_string_new(NULL);
	struct conf *from_sample, *empty;

	(void)state;
	conf_write_sample(text);
	from_sample = good(text->str);
	empty = good("");
	conf_write(from_sample, a);
	conf_write(empty, b);
	assert_string_equal(a->str, b->str);
	assert_null(conf_warnings(from_sample)[0]);
	conf_unref(&from_sample);
	conf_unref(&empty);
}

/* The lines of text that begin with prefix and have none of the words in them. */
static char *
lines_of(const char *text, const char *prefix)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	GString *out = g_string_new(NULL);

	for (char **l = lines; *l; l++)
		if (g_str_has_prefix(*l, prefix))
			g_string_append_printf(out, "%s\n", *l);
	return g_string_free(out, FALSE);
}

static void
sample_uncommented_has_the_defaults(void **state)
{
	static const char *const sections[] = { "socket", "user", "log.", "spool.", "header.", "quarantine.", "cache.", "alert.",
						"antivirus.clamav \"clamav\"." };
	g_autoptr(GString) text = g_string_new(NULL), a = g_string_new(NULL), b = g_string_new(NULL);
	g_autofree char *all = NULL;
	struct conf *from_sample, *empty;
	size_t n;
	const struct conf_kind *k = conf_kinds(&n);

	(void)state;
	conf_write_sample(text);
	all = uncomment(text->str);
	from_sample = good(all);
	/* antivirus.timeout is written there, and then clamav inherits it. */
	empty = good("antivirus { timeout = 10s }");
	conf_write(from_sample, a);
	conf_write(empty, b);
	for (size_t i = 0; i < G_N_ELEMENTS(sections); i++) {
		g_autofree char *x = lines_of(a->str, sections[i]), *y = lines_of(b->str, sections[i]);

		assert_true(strlen(x) > 0);
		assert_string_equal(x, y);
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(conf_engine_find(from_sample, k[i].name) != NULL, k[i].class != KIND_TEST);
	assert_int_equal(from_sample->policies->len, 1);
	conf_unref(&from_sample);
	conf_unref(&empty);
}

static void
every_option_is_in_sample_and_manual(void **state)
{
	g_autoptr(GString) sample = g_string_new(NULL), man = g_string_new(NULL);
	size_t n;
	const struct conf_option *o = conf_options(&n);

	(void)state;
	conf_write_sample(sample);
	conf_write_man(man);
	for (size_t i = 0; i < n; i++) {
		g_autofree char *line = g_strdup_printf("#%s ", o[i].name), *entry = g_strdup_printf(".B %s\n", o[i].name);

		if (conf_kind_find(o[i].section) && conf_kind_find(o[i].section)->class == KIND_TEST)
			continue;
		assert_non_null(strstr(sample->str, line));
		assert_non_null(strstr(man->str, entry));
	}
	assert_null(strstr(sample->str, "#fault \""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_changes_nothing),
		cmocka_unit_test(sample_uncommented_has_the_defaults),
		cmocka_unit_test(every_option_is_in_sample_and_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
