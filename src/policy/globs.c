/* globs - see globs.h */
#include "policy/globs.h"

#include <string.h>

#include "policy/facts.h"

#define FILE_PREFIX "file:"
#define FILE_MAX    (16 * 1024 * 1024)

struct globs {
	enum globs_kind kind;
	GHashTable *exact;   /* set of char * */
	GPtrArray *patterns; /* of char * */
};

bool
glob_match(const char *p, const char *s)
{
	const char *star = NULL, *back = s;

	while (*s) {
		if (*p == '*') {
			star = ++p;
			back = s;
		} else if (*p == *s || *p == '?') {
			p++;
			s++;
		} else if (star) {
			/* The last star takes one byte more; earlier ones need not change. */
			p = star;
			s = ++back;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

static void
add(struct globs *g, const char *text)
{
	char *low = g->kind == GLOBS_ADDRESSES ? facts_address(text) : g_ascii_strdown(text, -1);

	if (strpbrk(low, "*?"))
		g_ptr_array_add(g->patterns, low);
	else
		g_hash_table_add(g->exact, low);
}

static bool
add_file(struct globs *g, const char *path, GError **err)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, err))
		return false;
	if (len > FILE_MAX || memchr(text, '\0', len)) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "%s: is no list: larger than %d bytes, or not a text", path, FILE_MAX);
		return false;
	}
	lines = g_strsplit(text, "\n", -1);
	for (char **l = lines; *l; l++) {
		(*l)[strcspn(*l, "#")] = '\0';
		g_strstrip(*l);
		if (**l)
			add(g, *l);
	}
	return true;
}

struct globs *
globs_new(char *const *texts, enum globs_kind kind, GError **err)
{
	struct globs *g = g_new0(struct globs, 1);

	g->kind = kind;
	g->exact = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g->patterns = g_ptr_array_new_with_free_func(g_free);
	for (; *texts; texts++) {
		if (!g_str_has_prefix(*texts, FILE_PREFIX "/"))
			add(g, *texts);
		else if (!add_file(g, *texts + strlen(FILE_PREFIX), err)) {
			globs_free(&g);
			return NULL;
		}
	}
	return g;
}

void
globs_free(struct globs **gp)
{
	struct globs *g = *gp;

	*gp = NULL;
	if (!g)
		return;
	g_hash_table_unref(g->exact);
	g_ptr_array_unref(g->patterns);
	g_free(g);
}

bool
globs_empty(const struct globs *g)
{
	return g_hash_table_size(g->exact) == 0 && g->patterns->len == 0;
}

bool
globs_match(const struct globs *g, const char *subject)
{
	g_autofree char *low = g_ascii_strdown(subject, -1);
	const char *domain = g->kind == GLOBS_ADDRESSES ? strrchr(low, '@') : NULL;

	if (g_hash_table_contains(g->exact, low) ||
	    (domain && g_hash_table_contains(g->exact, domain + 1)))
		return true;
	for (guint i = 0; i < g->patterns->len; i++)
		if (glob_match(g_ptr_array_index(g->patterns, i), low))
			return true;
	return false;
}
