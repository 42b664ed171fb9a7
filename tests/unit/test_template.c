/*
 * base/template: literal text and values come apart, in order, whatever stands around them
 */
#include "unit.h"

#include "base/template.h"

/* All pieces: literals as they are, values in <>. */
static char *
pieces(const char *text, const char *marks)
{
	static const struct template_word words[] = {{"a", "1"}, {"ab", "22"}, {"none", NULL}, {"mark", "%{a}"}};
	struct template t = {text, marks, words, G_N_ELEMENTS(words)};
	GString *out = g_string_new(NULL);
	struct template_piece p;

	while (template_next(&t, &p)) {
		assert_true(p.is_value || p.len > 0);
		g_string_append_printf(out, p.is_value ? "<%.*s>" : "%.*s|", (int)p.len, p.text);
	}
	assert_false(template_next(&t, &p));
	return g_string_free(out, FALSE);
}

static void
texts(void **state)
{
	static const struct {
		const char *text, *marks, *want;
	} rows[] = {
		{"", "%", ""},
		{"plain", "%", "plain|"},
		{"%{a}", "%", "<1>"},
		{"x%{a}y%{ab}z", "%", "x|<1>y|<22>z|"},
		{"%{a}%{a}", "%", "<1><1>"},
		{"%{none}%{nosuch}%{}", "%", "<><><>"},
		{"%{A}%{a }%{abc}", "%", "<><><>"},
		/* a value is not read again */
		{"%{mark}", "%", "<%{a}>"},
		{"${a}%{a}", "%", "${a}|<1>"},
		{"${a}%{a}", "%$", "<1><1>"},
		{"100% %%{a}%", "%", "100% %|<1>%|"},
		{"%{a", "%", "%{a|"},
		{"%", "%", "%|"},
		{"%{x %{a}", "%", "<>"},
		{"} {a} %a", "%", "} {a} %a|"},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = pieces(rows[i].text, rows[i].marks);

		assert_string_equal(got, rows[i].want);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(texts),
};

UNIT_RUN(tests)
