/* alert_texts: the message file, the sample, what is wrong with a file, told line by line */
#include "effect/alert_texts.h"

#include "unit.h"

static char *
file(const char *dir, const char *text)
{
	char *path = g_build_filename(dir, "messages", NULL);

	assert_true(g_file_set_contents(path, text, -1, NULL));
	return path;
}

/* The sample names every text, with the words that are built in. */
static void
test_sample(void **state)
{
	static const struct {
		unsigned number;
		const char *text;
	} all[] = {
#define TEXT(number, text) { number, text },
#include "effect/alert_texts.def"
#undef TEXT
	};
	struct alert_texts *t = alert_texts_load("etc/avmilter.messages.sample", NULL);
	g_autofree char *sample = NULL;

	(void)state;
	assert_non_null(t);
	assert_true(g_file_get_contents("etc/avmilter.messages.sample", &sample, NULL, NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		g_autofree char *line = g_strdup_printf("\n%u %s***\n", all[i].number, all[i].text);

		assert_string_equal(alert_text(t, all[i].number), all[i].text);
		assert_non_null(strstr(sample, line));
	}
	assert_string_equal(alert_text(t, 1), "");
	alert_texts_free(&t);
}

static void
test_own(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *path = file(dir, "\xef\xbb\xbf# comment\r\n1008 Grüße *** not this\r\n1001 ***\n"
					  "1009\tmany   blanks  \n\n4002");
	struct alert_texts *t = alert_texts_load(path, NULL);

	(void)state;
	assert_non_null(t);
	assert_string_equal(alert_text(t, 1008), "Grüße");
	assert_string_equal(alert_text(t, 1001), "");
	assert_string_equal(alert_text(t, 1009), "many   blanks");
	assert_string_equal(alert_text(t, 4002), "");
	assert_string_equal(alert_text(t, 1010), "Virus scanner startup alert");
	alert_texts_free(&t);
	unit_rmdir(dir);
}

static void
test_wrong(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *path = file(dir, "1008 good\nwords\n77 strange\n1008 again\n1009x\n"
					  "1010 \xff\xfe\n1011 \x07\n99999999999999999999 far\n1012 good\n");
	g_autoptr(GError) err = NULL;
	g_auto(GStrv) lines = NULL;

	(void)state;
	assert_null(alert_texts_load(path, &err));
	lines = g_strsplit(err->message, "\n", -1);
	assert_int_equal(g_strv_length(lines), 7);
	for (guint i = 0; i < 7; i++) {
		g_autofree char *begin = g_strdup_printf("%s:%u: ", path, i + 2);

		assert_true(g_str_has_prefix(lines[i], begin));
	}
	unit_rmdir(dir);
}

static void
test_unreadable(void **state)
{
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_null(alert_texts_load("/nonexistent/messages", &err));
	assert_non_null(strstr(err->message, "/nonexistent/messages"));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_sample),
	cmocka_unit_test(test_own),
	cmocka_unit_test(test_wrong),
	cmocka_unit_test(test_unreadable),
};

UNIT_RUN(tests)
