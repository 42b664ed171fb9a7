/*
 * hint - what somebody probably meant by a name that is not known
 */
#include "conf/hint.h"

#include <glib.h>
#include <string.h>

#include "conf/option.h"

#define NAME_MAX_LEN 48 /* longer names are not compared */
#define NEAR         2  /* edits: two letters swapped, one wrong, one missing */

/* Edits from a to b (Levenshtein), or more than NEAR. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_LEN + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > NAME_MAX_LEN || lb > NAME_MAX_LEN)
		return NEAR + 1;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned up = row[j];
			unsigned same =
			    diagonal + (g_ascii_tolower(a[i - 1]) != g_ascii_tolower(b[j - 1]));

			row[j] = MIN(same, MIN(up, row[j - 1]) + 1);
			diagonal = up;
		}
	}
	return row[lb];
}

const char *
hint_word(const char *const *words, const char *written)
{
	const char *best = NULL;
	unsigned nearest = NEAR + 1;

	for (; *words; words++) {
		unsigned d = distance(*words, written);

		if (d < nearest && d < strlen(*words)) {
			nearest = d;
			best = *words;
		}
	}
	return best;
}

/* The words that may stand in a section written as scope: const char *, NULL at the end. */
static GArray *
names_of(const char *scope)
{
	GArray *out = g_array_new(TRUE, FALSE, sizeof(const char *));
	size_t n;
	const struct conf_option *o = conf_options(&n);
	const struct conf_section *s;
	const struct conf_kind *k;

	for (size_t i = 0; i < n; i++)
		if (conf_scope_has(scope, o[i].section))
			g_array_append_val(out, o[i].name);
	s = conf_sections(&n);
	for (size_t i = 0; i < n; i++)
		if (conf_scope_section(scope, s[i].name))
			g_array_append_val(out, s[i].name);
	k = conf_kinds(&n);
	for (size_t i = 0; i < n; i++)
		if (k[i].class != KIND_TEST && conf_scope_section(scope, k[i].name))
			g_array_append_val(out, k[i].name);
	return out;
}

/* As a reader would call the section of a row. */
static const char *
shown_section(const char *section)
{
	if (strcmp(section, "each") == 0)
		return "antivirus";
	return strcmp(section, "net") == 0 ? "the section of a network engine" : section;
}

/* The sections that have an option called name: "antivirus or cache"; NULL when there is none. Free
 * with g_free(). */
static char *
owners_of(const char *name)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);
	g_autoptr(GString) out = g_string_new(NULL);

	if (conf_kind_find(name))
		return g_strdup("antivirus");
	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].name, name) == 0 && strcmp(o[i].section, "top") != 0)
			g_string_append_printf(
			    out, "%s%s", out->len ? " or " : "", shown_section(o[i].section));
	return out->len ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

char *
hint_unknown(const char *scope, const char *name)
{
	g_autofree char *where = strcmp(scope, "top") == 0 ? g_strdup("outside of sections")
							   : g_strdup_printf("in %s", scope);
	g_autoptr(GArray) names = names_of(scope);
	g_autofree char *owners = owners_of(name);
	const char *near = hint_word((const char *const *)(const void *)names->data, name);

	if (conf_option_find("top", name) || conf_scope_section("top", name))
		return g_strdup_printf(
		    "there is no '%.60s' %s: it stands outside of sections", name, where);
	if (owners)
		return g_strdup_printf(
		    "there is no '%.60s' %s: it belongs into %s", name, where, owners);
	if (near)
		return g_strdup_printf(
		    "there is no '%.60s' %s: write %s, if you meant that", name, where, near);
	return g_strdup_printf(
	    "there is no '%.60s' %s: take it away; avmilter.conf(5) lists what there is", name,
	    where);
}

bool
hint_boolean(const char *text, bool *out)
{
	static const char *const yes[] = { "true", "yes", "on" },
				 *const no[] = { "false", "no", "off" };

	for (size_t i = 0; i < G_N_ELEMENTS(yes); i++) {
		if (g_ascii_strcasecmp(text, yes[i]) == 0 || g_ascii_strcasecmp(text, no[i]) == 0) {
			*out = g_ascii_strcasecmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}
