/*
 * hint - what somebody probably meant by a name that is not known
 */
#include "conf/hint.h"

#include <glib.h>
#include <string.h>

#include "conf/option.h"

#define NAME_MAX_LEN	48	/* longer names are not compared */
#define NEAR		2	/* edits: two letters swapped, one wrong, one missing */

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
			unsigned same = diagonal + (g_ascii_tolower(a[i - 1]) != g_ascii_tolower(b[j - 1]));

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

/* The words that may stand in a section written as scope. Free the array, not the words. */
static const char **
names_of(const char *scope)
{
	GPtrArray *out = g_ptr_array_new();
	size_t n;
	const struct conf_option *o = conf_options(&n);
	const struct conf_section *s;
	const struct conf_kind *k;

	for (size_t i = 0; i < n; i++)
		if (conf_scope_has(scope, o[i].section))
			g_ptr_array_add(out, (gpointer)(uintptr_t)o[i].name);
	s = conf_sections(&n);
	for (size_t i = 0; i < n; i++)
		if (conf_scope_section(scope, s[i].name))
			g_ptr_array_add(out, (gpointer)(uintptr_t)s[i].name);
	k = conf_kinds(&n);
	for (size_t i = 0; i < n; i++)
		if (k[i].class != KIND_TEST && conf_scope_section(scope, k[i].name))
			g_ptr_array_add(out, (gpointer)(uintptr_t)k[i].name);
	g_ptr_array_add(out, NULL);
	return (const char **)g_ptr_array_free(out, FALSE);
}

/* The section that has an option or section called name, for "it belongs into". */
static const char *
owner_of(const char *name)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	if (conf_kind_find(name))
		return "antivirus";
	for (size_t i = 0; i < n; i++) {
		if (strcmp(o[i].name, name) != 0)
			continue;
		if (strcmp(o[i].section, "each") == 0)
			return "antivirus";
		return strcmp(o[i].section, "net") == 0 ? "the section of a network engine" : o[i].section;
	}
	return conf_section_find(name) ? "top" : NULL;
}

char *
hint_unknown(const char *scope, const char *name)
{
	g_autofree char *where = strcmp(scope, "top") == 0 ? g_strdup("outside of sections") : g_strdup_printf("in %s", scope);
	g_autofree const char **names = names_of(scope);
	const char *near = hint_word(names, name), *owner = owner_of(name);

	if (owner && strcmp(owner, "top") == 0)
		return g_strdup_printf("there is no '%.60s' %s: it stands outside of sections", name, where);
	if (owner)
		return g_strdup_printf("there is no '%.60s' %s: it belongs into %s", name, where, owner);
	if (near)
		return g_strdup_printf("there is no '%.60s' %s: write %s, if you meant that", name, where, near);
	return g_strdup_printf("there is no '%.60s' %s: take it away; avmilter.conf(5) lists what there is", name, where);
}

bool
hint_boolean(const char *text, bool *out)
{
	static const char *const yes[] = { "true", "yes", "on" }, *const no[] = { "false", "no", "off" };

	for (size_t i = 0; i < G_N_ELEMENTS(yes); i++) {
		if (g_ascii_strcasecmp(text, yes[i]) == 0 || g_ascii_strcasecmp(text, no[i]) == 0) {
			*out = g_ascii_strcasecmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}
