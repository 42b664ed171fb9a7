/*
 * field_text - a field as it would be written, and what may be written there
 */
#include <string.h>

#include "conf/field.h"
#include "conf/structs.h"
#include "conf/value.h"

char *
field_quote(const char *text)
{
	/* Single quotes keep everything but a backslash before a quote or backslash; doubling those
	 * is safe in both. */
	bool single = strpbrk(text, "\\\"") || strstr(text, "${");
	GString *out = g_string_new(single ? "'" : "\"");

	for (const char *p = text; *p; p++) {
		if (single &&
		    (*p == '\'' || (*p == '\\' && (p[1] == '\\' || p[1] == '\'' || !p[1]))))
			g_string_append_c(out, '\\');
		g_string_append_c(out, *p);
	}
	g_string_append_c(out, single ? '\'' : '"');
	return g_string_free(out, FALSE);
}

static char *
list_text(const char *const *list)
{
	GString *out = g_string_new("{");

	for (unsigned i = 0; list[i]; i++) {
		g_autofree char *one = field_quote(list[i]);

		g_string_append_printf(out, "%s%s", i ? ", " : "", one);
	}
	g_string_append_c(out, '}');
	return g_string_free(out, FALSE);
}

static char *
set_text(const struct conf_option *o, uint64_t bits)
{
	GString *out = g_string_new("{");

	for (unsigned i = 0; o->words[i]; i++)
		if (bits & (UINT64_C(1) << i))
			g_string_append_printf(out, "%s%s", out->len > 1 ? ", " : "", o->words[i]);
	g_string_append_c(out, '}');
	return g_string_free(out, FALSE);
}

static char *
map_text(const GPtrArray *map)
{
	GString *out = g_string_new("{");

	for (unsigned i = 0; i < map->len; i++) {
		const struct conf_pair *p = g_ptr_array_index(map, i);
		g_autofree char *value = field_quote(p->value);

		g_string_append_printf(out, " %s = %s", p->name, value);
	}
	g_string_append(out, map->len ? " }" : "}");
	return g_string_free(out, FALSE);
}

static const char *
action_text(int a)
{
	if (a == CONF_ACTION_ACTION)
		return "action";
	return a == CONF_ACTION_AUTO ? "auto" : action_name((enum action)a);
}

char *
field_text(const struct conf_option *o, const void *field)
{
	switch (o->type) {
	case CONF_T_STR:
		return field_quote(*(char *const *)field);
	case CONF_T_LIST:
		return list_text(*(const char *const *const *)field);
	case CONF_T_MAP:
		return map_text(*(GPtrArray *const *)field);
	case CONF_T_BOOL:
		return g_strdup(*(const bool *)field ? "true" : "false");
	case CONF_T_NUM:
		return g_strdup_printf("%" G_GUINT64_FORMAT, *(const uint64_t *)field);
	case CONF_T_SIZE:
		return value_size_text(*(const uint64_t *)field);
	case CONF_T_TIME:
		return value_time_text((uint64_t) * (const int64_t *)field);
	case CONF_T_MODE:
		return g_strdup_printf("%#o", *(const unsigned *)field);
	case CONF_T_SET:
		return set_text(o, *(const uint64_t *)field);
	case CONF_T_ENUM:
		return g_strdup_printf("\"%s\"", o->words[*(const int *)field]);
	case CONF_T_ACTION:
		return g_strdup_printf("\"%s\"", action_text(*(const int *)field));
	}
	g_assert_not_reached();
}

static char *
words_range(const char *what, const char *const *words, const char *more)
{
	GString *out = g_string_new(what);

	for (unsigned i = 0; words[i]; i++)
		g_string_append_printf(out, "%s%s", i ? ", " : " ", words[i]);
	g_string_append(out, more);
	return g_string_free(out, FALSE);
}

static char *
action_range(const struct conf_option *o)
{
	const char *words[ACTION_COUNT + 1] = { NULL };

	for (int i = 0; i < ACTION_COUNT; i++)
		words[i] = action_name((enum action)i);
	return words_range("one of", words, o->flags & ONACTION ? ", action, auto" : "");
}

static char *
bounds(const char *what, const char *unit, char *from, char *to)
{
	char *out = g_strdup_printf("%s from %s to %s%s", what, from, to, unit);

	g_free(from);
	g_free(to);
	return out;
}

static char *
number(uint64_t n)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT, n);
}

/* What a text, or each of a list, is by its flags: that says more than its length. */
static const char *
text_kind(const struct conf_option *o)
{
	static const struct {
		unsigned flag;
		const char *one, *many;
	} kinds[] = {
		{ PATHNAME, "an absolute path", "absolute paths" },
		{ SOCKET, "a socket address", "socket addresses" },
		{ CIDRS, "an address or network", "addresses and networks" },
		{ REGEX, "a regular expression", "regular expressions" },
		{ TEMPLATE, "a reply text", "reply texts" },
		{ FIELDNAME, "the name of a header field", "names of header fields" },
		{ CODES, "a code", "codes" },
		{ CLASSES, "a class", "classes" },
		{ ENGINES, "a title", "titles" },
		{ HASHES, "a sha256 or file:PATH", "sha256 sums or file:PATH" },
		{ DATE, "a day", "days" },
		{ EXITCODES, "an exit code", "exit codes" },
		{ PATHMAP, "a pair of paths", "pairs of paths" },
		{ ADDRESS, "a mail address", "mail addresses" },
		{ HOSTPORT, "HOST:PORT", "HOST:PORT" },
		{ NOTIFY, "admin, recipient or a mail address",
		    "admin, recipient or mail addresses" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (o->flags & kinds[i].flag)
			return o->type == CONF_T_STR ? kinds[i].one : kinds[i].many;
	return o->type == CONF_T_STR ? "a text" : "texts";
}

char *
field_doc(const struct conf_option *o)
{
	g_autofree char *range = field_range(o);

	if (o->type == CONF_T_STR)
		return g_strdup_printf("%s%s", text_kind(o), o->min ? "" : ", or empty");
	if (o->type == CONF_T_LIST)
		return g_strdup_printf("a list of %s", text_kind(o));
	if (o->type == CONF_T_MAP)
		return g_strdup_printf(
		    "NAME = %s", o->flags & REGEX ? "'regular expression'" : "\"text\"");
	return g_steal_pointer(&range);
}

char *
field_range(const struct conf_option *o)
{
	switch (o->type) {
	case CONF_T_BOOL:
		return g_strdup("true or false");
	case CONF_T_NUM:
		return bounds("a number", "", number(o->min), number(o->max));
	case CONF_T_SIZE:
		return bounds(
		    "a size", " (K M G)", value_size_text(o->min), value_size_text(o->max));
	case CONF_T_TIME:
		return bounds(
		    "a time", " (ms s m h d)", value_time_text(o->min), value_time_text(o->max));
	case CONF_T_MODE:
		return g_strdup_printf(
		    "an octal mode from %#o to %#o", (unsigned)o->min, (unsigned)o->max);
	case CONF_T_ENUM:
		return words_range("one of", o->words, "");
	case CONF_T_SET:
		return words_range("some of", o->words, "");
	case CONF_T_ACTION:
		return action_range(o);
	case CONF_T_STR:
		return bounds("a text", " bytes", number(o->min), number(o->max));
	case CONF_T_LIST:
		return bounds("a list", " texts", number(o->min), number(o->max));
	case CONF_T_MAP:
		return g_strdup_printf(
		    "NAME = 'text', at most %" G_GUINT64_FORMAT " names", o->max);
	}
	g_assert_not_reached();
}
