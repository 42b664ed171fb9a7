/* filter - see filter.h */
#include "engine/filter.h"

#include <string.h>

#include "base/regex.h"
#include "conf/conf.h"

struct filter {
	const struct conf_engine *conf;
	GPtrArray *regexes;     /* of struct regex * */
	GHashTable *extensions; /* set of char *, lower case, without dot */
	bool bare;              /* names without an extension are asked for */
	bool by_extension;
};

static void
free_regex(void *p)
{
	struct regex *r = p;

	regex_free(&r);
}

/* An extension as somebody wrote it, with or without dot. Empty = files without one. */
static void
add_extension(struct filter *f, const char *text)
{
	g_autofree char *copy = g_ascii_strdown(text, -1);
	const char *plain = g_strstrip(copy);

	plain += *plain == '.';
	f->by_extension = true;
	if (*plain)
		g_hash_table_add(f->extensions, g_strdup(plain));
	else
		f->bare = true;
}

/* IMail's form: ".com;.doc;;", where ;; are the files without an extension. */
static bool
add_list(struct filter *f, const char *list, GError **err)
{
	g_auto(GStrv) words = g_strsplit(list, ";", -1);

	if (!*list)
		return true;
	for (char **w = words; *w; w++)
		if (*g_strstrip(*w))
			add_extension(f, *w);
	if (strstr(list, ";;"))
		add_extension(f, "");
	if (f->by_extension)
		return true;
	g_set_error(err, CONF_ERROR, CONF_E_INVALID,
	    "extension_list = \"%s\" names no extension; write \".com;.doc;;\" (;; = files without "
	    "one), or \"\" for all files",
	    list);
	return false;
}

static bool
add_regexes(struct filter *f, const GPtrArray *pairs, GError **err)
{
	for (guint i = 0; i < pairs->len; i++) {
		const struct conf_pair *pair = g_ptr_array_index(pairs, i);
		struct regex *r = regex_new(pair->value, err);

		if (!r) {
			g_prefix_error(err, "mime_parts_filter_regex: %s: ", pair->name);
			return false;
		}
		g_ptr_array_add(f->regexes, r);
	}
	return true;
}

struct filter *
filter_new(const struct conf_engine *conf, GError **err)
{
	struct filter *f = g_new0(struct filter, 1);

	f->conf = conf;
	f->regexes = g_ptr_array_new_with_free_func(free_regex);
	f->extensions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < conf->mime_parts_filter_ext->len; i++) {
		const struct conf_pair *pair = g_ptr_array_index(conf->mime_parts_filter_ext, i);

		add_extension(f, pair->value);
	}
	if (!add_list(f, conf->extension_list, err) ||
	    !add_regexes(f, conf->mime_parts_filter_regex, err))
		filter_free(&f);
	return f;
}

void
filter_free(struct filter **fp)
{
	struct filter *f = *fp;

	*fp = NULL;
	if (!f)
		return;
	g_ptr_array_unref(f->regexes);
	g_hash_table_unref(f->extensions);
	g_free(f);
}

bool
filter_chooses(const struct filter *f)
{
	return f->by_extension || f->regexes->len > 0 || !f->conf->scan_text_mime ||
	    !f->conf->scan_image_mime;
}

/* Is it declared as such, and do its bytes say so too? What nobody knows is none; SVG is a document, which can
 * hold scripts. */
static bool
is_image(const struct candidates *c)
{
	return g_str_has_prefix(c->declared, "image/") && !c->obscure &&
	    g_str_has_prefix(c->detected.type, "image/") &&
	    !g_str_has_suffix(c->detected.type, "+xml");
}

static bool
matches(const struct filter *f, const char *subject)
{
	for (guint i = 0; i < f->regexes->len; i++)
		if (regex_match(g_ptr_array_index(f->regexes, i), subject) != REGEX_NO)
			return true;
	return false;
}

static bool
asked_by_regex(const struct filter *f, const struct candidates *c)
{
	if (f->regexes->len == 0)
		return false;
	if (matches(f, c->declared) || matches(f, c->detected.type))
		return true;
	for (guint i = 0; i < c->names->len; i++)
		if (matches(f, g_ptr_array_index(c->names, i)))
			return true;
	return false;
}

static bool
asked_by_extension(const struct filter *f, const struct candidates *c)
{
	GHashTableIter it;
	void *key;

	if (!f->by_extension)
		return false;
	if (f->bare && c->bare)
		return true;
	g_hash_table_iter_init(&it, c->extensions);
	while (g_hash_table_iter_next(&it, &key, NULL))
		if (g_hash_table_contains(f->extensions, key))
			return true;
	return false;
}

bool
filter_wants(const struct filter *f, const struct candidates *c)
{
	if (!f->conf->scan_text_mime && c->textual && !c->obscure)
		return false;
	if (!f->conf->scan_image_mime && is_image(c))
		return false;
	if (!f->by_extension && f->regexes->len == 0)
		return true;
	return c->obscure || asked_by_regex(f, c) || asked_by_extension(f, c);
}
