/* ignore - see ignore.h */
#include "policy/ignore.h"

#include <string.h>
#include <time.h>

#include "base/log.h"
#include "policy/rules.h"
#include "policy/whitelist.h"

#define SHOWN_MAX 400

struct ignores {
	const struct conf *conf; /* borrowed from the rules */
	GPtrArray *lists;        /* of struct whitelist *, each file once */
};

static void
drop_list(void *p)
{
	struct whitelist *w = p;

	whitelist_unref(&w);
}

static struct whitelist *
find_list(const struct ignores *i, const char *path)
{
	for (guint n = 0; i && n < i->lists->len; n++) {
		struct whitelist *w = g_ptr_array_index(i->lists, n);

		if (strcmp(whitelist_path(w), path) == 0)
			return w;
	}
	return NULL;
}

struct ignores *
ignores_new(const struct conf *conf, const struct ignores *old, GError **err)
{
	struct ignores *i = g_new0(struct ignores, 1);

	i->conf = conf;
	i->lists = g_ptr_array_new_with_free_func(drop_list);
	for (guint n = 0; n < conf->engines->len; n++) {
		const struct conf_engine *e = g_ptr_array_index(conf->engines, n);
		struct whitelist *w;

		if (!*e->whitelist || find_list(i, e->whitelist))
			continue;
		w = whitelist_new(e->whitelist, find_list(old, e->whitelist), err);
		if (!w) {
			ignores_free(&i);
			return NULL;
		}
		g_ptr_array_add(i->lists, w);
	}
	return i;
}

void
ignores_free(struct ignores **ip)
{
	struct ignores *i = *ip;

	*ip = NULL;
	if (!i)
		return;
	g_ptr_array_unref(i->lists);
	g_free(i);
}

/* One message's look into the lists. */
struct look {
	const struct ignores *ignores;
	const struct facts *facts;
	int64_t now;
};

/* The list that holds for the findings of an engine, to be given back; NULL = none. What no engine in
 * particular found is never ignored. */
static struct whitelist_list *
list_of(const struct look *l, const char *engine, const char **path)
{
	const struct conf_engine *e = conf_engine_find(l->ignores->conf, engine);
	struct whitelist *w = e ? find_list(l->ignores, e->whitelist) : NULL;

	*path = w ? whitelist_path(w) : NULL;
	return w ? whitelist_now(w) : NULL;
}

static void
note_use(struct whitelist_entry *e, const char *path, const struct finding *f, const char *rcpt)
{
	const uint64_t uses = __atomic_add_fetch(&e->uses, 1, __ATOMIC_RELAXED);
	g_autoptr(GString) name = g_string_new(NULL), object = g_string_new(NULL),
			   to = g_string_new(NULL);

	log_esc(name, f->name, strlen(f->name), SHOWN_MAX);
	log_esc(object, f->object, strlen(f->object), SHOWN_MAX);
	if (rcpt)
		log_esc(to, rcpt, strlen(rcpt), SHOWN_MAX);
	log_notice(
	    "ignored: class=%s virus=\"%s\" object=\"%s\" engine=%s%s%s list=%s:%u uses=%" G_GUINT64_FORMAT,
	    finding_kind_name(f->kind), name->str, object->str, f->engine, rcpt ? " to=" : "",
	    to->str, path, e->line, (guint64)uses);
}

/* Every recipient is known and has an entry for it, or there is one for everybody. */
static bool
holds_for_all(const struct look *l, const struct whitelist_list *list, const struct finding *f,
    const char *path)
{
	const struct facts *facts = l->facts;
	struct whitelist_entry *e = whitelist_find(list, f, facts->sender, NULL, l->now);

	if (e) {
		note_use(e, path, f, NULL);
		return true;
	}
	if (!whitelist_by_recipient(list) || facts->unknown > 0 || facts->recipients->len == 0)
		return false;
	for (guint i = 0; i < facts->recipients->len; i++)
		if (!whitelist_find(
			list, f, facts->sender, g_ptr_array_index(facts->recipients, i), l->now))
			return false;
	for (guint i = 0; i < facts->recipients->len; i++) {
		const char *rcpt = g_ptr_array_index(facts->recipients, i);

		e = whitelist_find(list, f, facts->sender, rcpt, l->now);
		if (e)
			note_use(e, path, f, rcpt);
	}
	return true;
}

static bool
is_ignored(const struct finding *f, void *arg)
{
	const struct look *l = arg;
	const char *path;
	struct whitelist_list *list = list_of(l, f->engine, &path);
	bool ignored;

	if (!list)
		return false;
	ignored = holds_for_all(l, list, f, path);
	whitelist_list_unref(&list);
	return ignored;
}

void
ignore_findings(const struct rules *r, const struct facts *f, struct scan_result *out)
{
	struct look l = { r->ignores, f, time(NULL) };

	if (r->ignores->lists->len == 0 || !out->verdict.findings)
		return;
	out->ignored = verdict_forget(&out->verdict, is_ignored, &l);
	if (out->ignored == 0)
		return;
	/* Another host's list may say otherwise: no seal. */
	out->plan_known = false;
	scan_result_share(out);
}

void
ignore_items(const struct ignores *i, const struct facts *f, GPtrArray *items)
{
	const struct look l = { i, f, time(NULL) };

	for (guint n = 0; i->lists->len > 0 && n < items->len; n++) {
		struct item *it = g_ptr_array_index(items, n);
		const char *path;
		struct whitelist_list *list =
		    it->finding && it->finding->listed ? list_of(&l, it->engine, &path) : NULL;

		for (guint k = 0; list && whitelist_by_recipient(list) && k < f->recipients->len;
		     k++) {
			const char *rcpt = g_ptr_array_index(f->recipients, k);
			struct whitelist_entry *e =
			    whitelist_find(list, it->finding, f->sender, rcpt, l.now);

			if (!e)
				continue;
			item_ignore_for(it, rcpt);
			note_use(e, path, it->finding, rcpt);
		}
		whitelist_list_unref(&list);
	}
}
