/* symbols - see symbols.h */
#include "policy/symbols.h"

#include <string.h>

#include "base/regex.h"
#include "policy/item.h"

struct pattern {
	const char *name; /* of the configuration */
	struct regex *regex;
	bool fail;
};

struct symbols {
	GHashTable *by_engine; /* title (of the configuration) -> GPtrArray of struct pattern * */
};

static void
pattern_free(void *p)
{
	struct pattern *one = p;

	regex_free(&one->regex);
	g_free(one);
}

static bool
compile(GPtrArray *to, const struct conf_engine *e, const GPtrArray *pairs, bool fail, GError **err)
{
	for (guint i = 0; i < pairs->len; i++) {
		const struct conf_pair *pair = g_ptr_array_index(pairs, i);
		struct regex *r = regex_new(pair->value, err);
		struct pattern *p;

		if (!r) {
			g_prefix_error(err, "%s:%u: %s \"%s\": %s: %s: ", e->file, e->line, e->kind,
			    e->title, fail ? "patterns_fail" : "patterns", pair->name);
			return false;
		}
		p = g_new0(struct pattern, 1);
		*p = (struct pattern){ .name = pair->name, .regex = r, .fail = fail };
		g_ptr_array_add(to, p);
	}
	return true;
}

struct symbols *
symbols_new(const struct conf *conf, GError **err)
{
	struct symbols *s = g_new0(struct symbols, 1);

	s->by_engine =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
	for (guint i = 0; i < conf->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(conf->engines, i);
		GPtrArray *list = g_ptr_array_new_with_free_func(pattern_free);

		g_hash_table_insert(s->by_engine, e->title, list);
		if (!compile(list, e, e->patterns, false, err) ||
		    !compile(list, e, e->patterns_fail, true, err)) {
			symbols_free(&s);
			return NULL;
		}
	}
	return s;
}

void
symbols_free(struct symbols **sp)
{
	struct symbols *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	g_hash_table_unref(s->by_engine);
	g_free(s);
}

static void
add(GPtrArray *to, const char *name)
{
	if (!g_ptr_array_find_with_equal_func(to, name, g_str_equal, NULL))
		g_ptr_array_add(to, g_strdup(name));
}

static void
ask(const struct pattern *p, struct item *it, const struct verdict *v)
{
	const bool failed = it->cls == CLASS_ERROR || it->cls == CLASS_UNSCANNABLE;
	const char *subjects[2] = { NULL, NULL };
	enum regex_answer best = REGEX_NO;

	if (it->finding) {
		subjects[0] = it->finding->name;
	} else if (failed) {
		subjects[0] = verdict_reason(v, it->cls);
		subjects[1] = verdict_why(v, it->cls);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++)
		if (subjects[i])
			best = MAX(best, regex_match(p->regex, subjects[i]));
	if (best == REGEX_YES)
		add(it->symbols, p->name);
	else if (best == REGEX_UNKNOWN)
		add(it->maybe, p->name);
}

void
symbols_add(const struct symbols *s, const struct verdict *v, GPtrArray *items)
{
	for (guint i = 0; i < items->len; i++) {
		struct item *it = g_ptr_array_index(items, i);
		const GPtrArray *list = g_hash_table_lookup(s->by_engine, it->engine);

		for (guint k = 0; list && k < list->len; k++) {
			const struct pattern *p = g_ptr_array_index(list, k);

			if (p->fail == (it->finding == NULL))
				ask(p, it, v);
		}
	}
}
