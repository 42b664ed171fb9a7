/* item - see item.h */
#include "policy/item.h"

#include <string.h>

#define BIT(n) (1u << (unsigned)(n))

static void
item_free(void *p)
{
	struct item *it = p;

	g_ptr_array_unref(it->symbols);
	g_ptr_array_unref(it->maybe);
	g_clear_pointer(&it->ignored_for, g_hash_table_unref);
	g_free(it);
}

/* Rspamd's habit: CLAMAV_VIRUS, CLAMAV_VIRUS_FAIL, _ENCRYPTED, _MACRO (P4). */
static const char *
symbol_suffix(enum verdict_class c)
{
	switch (c) {
	case CLASS_ERROR:
	case CLASS_UNSCANNABLE:
		return "_FAIL";
	case CLASS_ENCRYPTED:
		return "_ENCRYPTED";
	case CLASS_MACRO:
		return "_MACRO";
	default:
		return "";
	}
}

static struct item *
add(GPtrArray *to, const struct conf *conf, enum verdict_class c, const struct finding *f,
    const char *engine)
{
	const struct conf_engine *sec = engine[0] ? conf_engine_find(conf, engine) : NULL;
	struct item *it = g_new0(struct item, 1);

	it->cls = c;
	it->finding = f;
	it->engine = engine;
	it->symbols = g_ptr_array_new_with_free_func(g_free);
	it->maybe = g_ptr_array_new_with_free_func(g_free);
	if (sec && c != CLASS_CLEAN)
		g_ptr_array_add(it->symbols, g_strconcat(sec->symbol, symbol_suffix(c), NULL));
	g_ptr_array_add(to, it);
	return it;
}

/* States that are not COMPLETE, by whose they are. */
static void
add_state(GPtrArray *to, const struct conf *conf, enum verdict_class c, const GPtrArray *by)
{
	if (!by || by->len == 0)
		add(to, conf, c, NULL, "");
	for (guint i = 0; by && i < by->len; i++)
		add(to, conf, c, NULL, g_ptr_array_index(by, i));
}

/* Findings beyond those that were kept: of which engine is forgotten, so each could have been it. */
static void
add_unkept(GPtrArray *to, const struct conf *conf, const struct verdict *v)
{
	for (unsigned k = FINDING_MACRO; k <= FINDING_INFECTED; k++) {
		const enum verdict_class c = finding_class((enum finding_kind)k);

		if (!(v->kinds & BIT(k)))
			continue;
		add(to, conf, c, NULL, "")->vague = true;
		for (guint i = 0; v->more && i < conf->engines->len; i++) {
			const struct conf_engine *e = g_ptr_array_index(conf->engines, i);

			add(to, conf, c, NULL, e->title)->vague = true;
		}
	}
}

GPtrArray *
items_new(const struct conf *conf, const struct verdict *v)
{
	const unsigned classes = verdict_items(v);
	GPtrArray *items = g_ptr_array_new_with_free_func(item_free);

	if (verdict_is_clean(v)) {
		add(items, conf, CLASS_CLEAN, NULL, "");
		return items;
	}
	for (guint i = 0; v->findings && i < v->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(v->findings, i);

		add(items, conf, finding_class(f->kind), f, f->engine);
	}
	if (v->more || (v->kinds && !v->findings))
		add_unkept(items, conf, v);
	if (classes & BIT(CLASS_UNSCANNABLE))
		add_state(items, conf, CLASS_UNSCANNABLE, v->partial_by);
	if (classes & BIT(CLASS_ERROR))
		add_state(items, conf, CLASS_ERROR, v->failed_by);
	return items;
}

void
item_ignore_for(struct item *it, const char *rcpt)
{
	if (!it->ignored_for)
		it->ignored_for = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_add(it->ignored_for, g_strdup(rcpt));
}

bool
item_ignored(const struct item *it, const char *rcpt)
{
	return rcpt && it->ignored_for && g_hash_table_contains(it->ignored_for, rcpt);
}
