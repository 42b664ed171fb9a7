/*
 * test_conf_values - numbers, times, sizes; every option at, below and above its range, from options.def itself
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "conf/check.h"
#include "conf/field.h"
#include "conf/option.h"
#include "conf/value.h"

#define NONE UINT64_MAX

static void
numbers_are_strict(void **state)
{
	static const struct {
		const char *text;
		uint64_t number, time, size, mode;
	} t[] = {
		{ "0", 0, 0, 0, 0 }, { "10", 10, 10000, 10, 8 }, { "010", 10, 10000, 10, 8 }, { "", NONE, NONE, NONE, NONE },
		{ "-1", NONE, NONE, NONE, NONE }, { "+1", NONE, NONE, NONE, NONE }, { "0x10", NONE, NONE, NONE, NONE },
		{ "1e3", NONE, NONE, NONE, NONE }, { " 1", NONE, NONE, NONE, NONE }, { "1 ", NONE, NONE, NONE, NONE },
		{ "5.0", NONE, 5000, 5, NONE }, { "1.5s", NONE, 1500, NONE, NONE }, { "1.5S", NONE, 1500, NONE, NONE },
		{ "250ms", NONE, 250, NONE, NONE }, { "2m", NONE, 120000, 2097152, NONE }, { "2H", NONE, 7200000, NONE, NONE },
		{ "1d", NONE, 86400000, NONE, NONE }, { "1.5K", NONE, NONE, 1536, NONE }, { "1g", NONE, NONE, 1073741824, NONE },
		{ "5 s", NONE, NONE, NONE, NONE }, { ".5s", NONE, NONE, NONE, NONE }, { "5.s", NONE, NONE, NONE, NONE },
		{ "1KB", NONE, NONE, NONE, NONE }, { "1ss", NONE, NONE, NONE, NONE }, { "888", 888, 888000, 888, NONE },
		{ "0660", 660, 660000, 660, 0660 },
		/* Nothing that is not zero becomes zero. */
		{ "0.4ms", NONE, NONE, NONE, NONE }, { "0.0001", NONE, NONE, NONE, NONE }, { "0.001", NONE, 1, NONE, NONE },
		/* The edge of 64 bits. */
		{ "18446744073709551615", UINT64_MAX, NONE, NONE, NONE }, { "18446744073709551616", NONE, NONE, NONE, NONE },
		{ "99999999999999999999999", NONE, NONE, NONE, NONE }, { "17179869184g", NONE, NONE, NONE, NONE },
		{ "1.0000000", NONE, NONE, NONE, NONE },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
		uint64_t n;

		/* UINT64_MAX itself is a number: told apart by the return value. */
		n = 7;
		assert_int_equal(value_number(t[i].text, &n), t[i].number != NONE || strcmp(t[i].text, "18446744073709551615") == 0);
		assert_true(n == (t[i].number != NONE ? t[i].number : n));
		n = NONE;
		assert_int_equal(value_time(t[i].text, &n), t[i].time != NONE);
		assert_true(n == t[i].time);
		n = NONE;
		assert_int_equal(value_size(t[i].text, &n), t[i].size != NONE);
		assert_true(n == t[i].size);
		n = NONE;
		assert_int_equal(value_mode(t[i].text, &n), t[i].mode != NONE);
		assert_true(n == t[i].mode);
	}
}

static void
texts_of_numbers_read_back(void **state)
{
	static const uint64_t t[] = { 0, 1, 999, 1000, 1500, 60000, 61000, 3600000, 86400000, 90000000, 1024, 1536, 1048576, 4294967294 };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
		g_autofree char *time = value_time_text(t[i]), *size = value_size_text(t[i]);
		uint64_t n;

		assert_true(value_time(time, &n));
		assert_true(n == t[i]);
		assert_true(value_size(size, &n));
		assert_true(n == t[i]);
	}
}

/* Room for a field of any type, at rest and as a value. */
union any {
	char	*text;
	char	**list;
	uint64_t number;
	int64_t	 time;
	unsigned mode;
	int	 word;
	bool	 yes;
};

static bool
takes(const struct conf_option *o, const char *text)
{
	union any field = { 0 };
	g_autofree char *why = NULL;
	bool good = field_set(o, &field, &text, 1, &why);

	assert_int_equal(good, why == NULL);
	field_clear(o, &field);
	return good;
}

static char *
written(const struct conf_option *o, uint64_t n)
{
	switch (o->type) {
	case CONF_T_TIME:
		return g_strdup_printf("%" G_GUINT64_FORMAT "ms", n);
	case CONF_T_MODE:
		return g_strdup_printf("%o", (unsigned)n);
	default:
		return g_strdup_printf("%" G_GUINT64_FORMAT, n);
	}
}

static void
check_number(const struct conf_option *o)
{
	g_autofree char *min = written(o, o->min), *max = written(o, o->max), *above = written(o, o->max + 1);

	assert_true(o->min <= o->max);
	assert_true(takes(o, min));
	assert_true(takes(o, max));
	assert_false(takes(o, above));
	if (o->min > 0) {
		g_autofree char *below = written(o, o->min - 1);

		assert_false(takes(o, below));
	}
	assert_false(takes(o, "-1"));
	assert_false(takes(o, ""));
	assert_false(takes(o, "x"));
}

static void
check_words(const struct conf_option *o)
{
	for (unsigned i = 0; o->words[i]; i++)
		assert_true(takes(o, o->words[i]));
	assert_false(takes(o, "no-such-word"));
	assert_false(takes(o, ""));
}

/* Texts without a form of their own: any length inside the range. */
static void
check_length(const struct conf_option *o)
{
	g_autofree char *max = g_strnfill(o->max, 'x'), *above = g_strnfill(o->max + 1, 'x');

	if (o->flags & (PATHNAME | COMMANDLINE))
		max[0] = above[0] = '/';
	assert_true(o->max > 0);
	assert_false(takes(o, above));
	if (!(o->flags & (SOCKET | DATE | ADDRESS | HOSTPORT)))
		assert_true(takes(o, max));
	assert_int_equal(takes(o, ""), o->min == 0);
	if (!(o->flags & REGEX))
		assert_false(takes(o, "\x01"));
}

static void
check_list(const struct conf_option *o)
{
	const char *one = o->flags & CIDRS ? "10.0.0.1" : o->flags & CODES ? "P1" : o->flags & CLASSES ? "infected"
			  : o->flags & HASHES ? "file:/x" : o->flags & EXITCODES ? "7" : o->flags & PATHMAP ? "/a=b"
			  : o->flags & (ADDRESS | NOTIFY) ? "a@b" : "x";
	g_autofree const char **many = g_new(const char *, o->max + 1);
	union any field = { 0 };
	g_autofree char *too_many = NULL, *empty = NULL, *too_few = NULL;

	for (uint64_t i = 0; i <= o->max; i++)
		many[i] = one;
	assert_true(field_set(o, &field, many, (unsigned)o->max, &too_many));
	assert_int_equal(g_strv_length(field.list), o->max);
	assert_false(field_set(o, &field, many, (unsigned)o->max + 1, &too_many));
	assert_int_equal(field_set(o, &field, many, 0, &too_few), o->min == 0);
	many[0] = "";
	assert_false(field_set(o, &field, many, 1, &empty));
	field_clear(o, &field);
}

static void
every_option_keeps_its_range(void **state)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	(void)state;
	assert_true(n > 150);
	for (size_t i = 0; i < n; i++, o++) {
		switch (o->type) {
		case CONF_T_NUM: case CONF_T_SIZE: case CONF_T_TIME: case CONF_T_MODE:
			check_number(o);
			break;
		case CONF_T_ENUM: case CONF_T_SET:
			check_words(o);
			break;
		case CONF_T_BOOL:
			assert_true(takes(o, "yes") && takes(o, "OFF") && takes(o, "true"));
			assert_false(takes(o, "1") || takes(o, "0") || takes(o, ""));
			break;
		case CONF_T_ACTION:
			assert_true(takes(o, "reject") && takes(o, "pass") && takes(o, "tempfail"));
			assert_int_equal(takes(o, "action"), !!(o->flags & ONACTION));
			assert_false(takes(o, "bounce") || takes(o, ""));
			break;
		case CONF_T_STR:
			check_length(o);
			break;
		case CONF_T_LIST:
			check_list(o);
			break;
		case CONF_T_MAP:
			break;
		}
	}
}

static void
every_default_is_in_its_range(void **state)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	(void)state;
	for (size_t i = 0; i < n; i++, o++) {
		if (o->type == CONF_T_LIST || o->type == CONF_T_SET || o->type == CONF_T_MAP)
			continue;	/* loading "" asserts these */
		if (!takes(o, o->def))
			fail_msg("%s.%s: default '%s' is refused", o->section, o->name, o->def);
	}
}

static void
every_row_has_words_for_the_manual(void **state)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		g_autofree char *range = field_range(&o[i]), *doc = field_doc(&o[i]);

		assert_non_null(conf_section_find(o[i].section));
		assert_true(strlen(o[i].help) > 8);
		assert_true(g_ascii_isalnum(o[i].help[0]) || g_str_has_prefix(o[i].help, "NAME"));
		assert_false(g_str_has_suffix(o[i].help, "."));
		assert_true(strlen(range) > 5 && strlen(doc) > 5);
		for (size_t j = i + 1; j < n; j++)
			assert_false(strcmp(o[i].name, o[j].name) == 0 && strcmp(o[i].section, o[j].section) == 0);
	}
}

struct form {
	unsigned    flag;
	const char *text;
	bool	    good;
};

static void
forms_are_checked(void **state)
{
	static const struct form t[] = {
		{ PATHNAME, "", true }, { PATHNAME, "/x", true }, { PATHNAME, "x", false },
		{ SOCKET, "", true }, { SOCKET, "unix:/x", true }, { SOCKET, "inet:25@127.0.0.1", true }, { SOCKET, "inet:", false },
		{ CIDRS, "10.0.0.0/8", true }, { CIDRS, "10.0.0.0/33", false }, { CIDRS, "10.0.0", false }, { CIDRS, "::1/128", true },
		{ CIDRS, "::1/129", false }, { CIDRS, "!10.1.1.1", true }, { CIDRS, "host", false }, { CIDRS, "10.0.0.0/", false },
		{ REGEX, "^a\\.b$", true }, { REGEX, "(", false }, { REGEX, "", true }, { REGEX, "a\tb", true },
		{ TEMPLATE, "no %{virus} %{ref}", true }, { TEMPLATE, "%{nope}", false }, { TEMPLATE, "%{virus", false },
		{ TEMPLATE, "100%", true }, { TEMPLATE, "%{}", false }, { TEMPLATE, "a\nb", false },
		{ FIELDNAME, "X-Virus", true }, { FIELDNAME, "X Virus", false }, { FIELDNAME, "X:", false }, { FIELDNAME, "", true },
		{ FIELDNAME, "X\xc3\xa4", false },
		{ CODES, "P1", true }, { CODES, "-BND_2231", true }, { CODES, "-DEPTH_2", false }, { CODES, "p1", false }, { CODES, "-", false }, { CODES, "A-B", false },
		{ CLASSES, "infected", true }, { CLASSES, "clean", true }, { CLASSES, "malware", false },
		{ HASHES, "file:/x", true }, { HASHES, "file:x", false }, { HASHES, "abc", false },
		{ HASHES, "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f", true },
		{ HASHES, "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0g", false },
		{ DATE, "", true }, { DATE, "2027-01-31", true }, { DATE, "2027-02-30", false }, { DATE, "2027-1-1", false },
		{ DATE, "20270131", false }, { DATE, "soon", false },
		{ EXITCODES, "0", true }, { EXITCODES, "255", true }, { EXITCODES, "256", false }, { EXITCODES, "-1", false },
		{ PATHMAP, "/a=/b", true }, { PATHMAP, "/a=d:\\b", true }, { PATHMAP, "a=/b", false }, { PATHMAP, "/a", false },
		{ PATHMAP, "/a=", false },
		{ TEMPLATE, "${VIRUS} by ${SCANNER}", true }, { TEMPLATE, "${virus}", false }, { TEMPLATE, "$5", true },
		{ ADDRESS, "", true }, { ADDRESS, "a@b", true }, { ADDRESS, "a@b@c", true }, { ADDRESS, "a", false },
		{ ADDRESS, "@b", false }, { ADDRESS, "a@", false }, { ADDRESS, "<a@b>", false }, { ADDRESS, "a b@c", false },
		{ COMMANDLINE, "", true }, { COMMANDLINE, "/usr/bin/freshclam --datadir='/a b'", true }, { COMMANDLINE, "freshclam", false },
		{ COMMANDLINE, "/x 'y", false }, { COMMANDLINE, "   ", false },
		{ NOTIFY, "admin", true }, { NOTIFY, "recipient", true }, { NOTIFY, "a@b", true }, { NOTIFY, "sender", false },
		{ HOSTPORT, "", true }, { HOSTPORT, "h:25", true }, { HOSTPORT, "[::1]:25", true }, { HOSTPORT, "::1:25", false },
		{ HOSTPORT, "h", false }, { HOSTPORT, "h:0", false }, { HOSTPORT, "h:65536", false }, { HOSTPORT, ":25", false },
		{ HOSTPORT, "unix:/s", false }, { HOSTPORT | UNIXPATH, "unix:/s", true }, { HOSTPORT | UNIXPATH, "unix:s", false },
		{ 0, "any \"thing\" at all", true }, { 0, "a\rb", false }, { 0, "a\x7f", false },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
		struct conf_option o = { .flags = t[i].flag };
		g_autofree char *why = check_text(&o, t[i].text);

		if (!why != t[i].good)
			fail_msg("%x '%s': %s", t[i].flag, t[i].text, why ? why : "accepted");
	}
}

static void
fields_copy_compare_and_read_back(void **state)
{
	static const struct {
		enum conf_type type;
		unsigned n;
		const char *values[2], *text;
	} t[] = {
		{ CONF_T_STR, 1, { "a \"b\" \\ 'c'" }, "'a \"b\" \\ \\'c\\''" },
		{ CONF_T_STR, 1, { "it's" }, "\"it's\"" },
		{ CONF_T_STR, 1, { "${X}" }, "'${X}'" },
		{ CONF_T_STR, 1, { "end\\" }, "'end\\\\'" },
		{ CONF_T_LIST, 2, { "a", "b" }, "{\"a\", \"b\"}" },
		{ CONF_T_LIST, 0, { NULL }, "{}" },
		{ CONF_T_BOOL, 1, { "on" }, "true" },
		{ CONF_T_NUM, 1, { "12" }, "12" },
		{ CONF_T_SIZE, 1, { "1024" }, "1K" },
		{ CONF_T_TIME, 1, { "120" }, "2m" },
		{ CONF_T_MODE, 1, { "640" }, "0640" },
		{ CONF_T_ACTION, 1, { "discard" }, "\"discard\"" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
		struct conf_option o = { .name = "x", .type = t[i].type, .max = 1000 * 1000 };
		union any a = { 0 }, b = { 0 };
		g_autofree char *why = NULL, *text = NULL;

		if (!field_set(&o, &a, t[i].values, t[i].n, &why))
			fail_msg("%s", why);
		field_finish(&o, &a);
		field_finish(&o, &b);
		field_copy(&o, &b, &a);
		assert_true(field_equal(&o, &a, &b));
		text = field_text(&o, &b);
		assert_string_equal(text, t[i].text);
		field_clear(&o, &a);
		field_clear(&o, &b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(texts_of_numbers_read_back),
		cmocka_unit_test(every_option_keeps_its_range),
		cmocka_unit_test(every_default_is_in_its_range),
		cmocka_unit_test(every_row_has_words_for_the_manual),
		cmocka_unit_test(forms_are_checked),
		cmocka_unit_test(fields_copy_compare_and_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
