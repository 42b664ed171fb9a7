/*
 * plan - pairs of engines and objects by the configuration
 */
#include "scan/plan.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "engine/filter.h"

#define HIDDEN    "0." /* paths of what the sweep has found */
#define SHOWN_MAX 200  /* bytes of a name in the log */

static void
slot_free(void *p)
{
	struct slot *s = p;

	verdict_clear(&s->verdict);
	g_free(s);
}

bool
plan_wants_parts(const struct engines *engines)
{
	for (guint i = 0; i < engines->list->len; i++) {
		const struct engine *e = g_ptr_array_index(engines->list, i);

		if (engine_is_active(e) && e->conf->mime_decompose)
			return true;
	}
	return false;
}

bool
plan_wants_worker(const struct engines *engines)
{
	for (guint i = 0; i < engines->list->len; i++) {
		const struct engine *e = g_ptr_array_index(engines->list, i);

		if (engine_is_active(e) && engine_caps(e) & ENGINE_CAP_WORKER)
			return true;
	}
	return plan_wants_parts(engines);
}

/* The objects of a plan while it is made, with what filters want to know of them. */
struct making {
	const struct objects *objects;
	struct candidates **candidates; /* by object; made when somebody asks */
	unsigned *seen;                 /* engines that see it */
};

/* Does a filter of the section keep this part from the engine? The whole message knows no filter, and
 * neither does hidden content: what a mail program makes of it, name included, nobody knows. */
static bool
is_filtered(const struct engine *e, const struct making *m, guint number)
{
	const struct object *o = g_ptr_array_index(m->objects->list, number);

	if (o->kind == OBJECT_MESSAGE || g_str_has_prefix(o->path, HIDDEN) ||
	    !filter_chooses(e->filter))
		return false;
	if (!m->candidates[number])
		m->candidates[number] = candidates_new(m->objects, o);
	return !filter_wants(e->filter, m->candidates[number]);
}

static bool
is_wanted(const struct conf_engine *conf, const struct object *o)
{
	return o->kind == OBJECT_MESSAGE ? conf->scan_whole : conf->mime_decompose;
}

void
plan_add(struct plan *p, struct engine *e, const struct object *o)
{
	struct slot *s = g_new0(struct slot, 1);
	g_autofree char *label = NULL;

	s->engine = e;
	s->object = o;
	g_ptr_array_add(p->slots, s);
	if (e->conf->max_size == 0 || o->size <= e->conf->max_size)
		return;
	label = object_label(o);
	verdict_partial(&s->verdict, REASON_TOO_LARGE,
	    "engine %s: %s has %" PRIu64 " bytes, max_size is %" PRIu64, e->title, label, o->size,
	    e->conf->max_size);
	verdict_blame(&s->verdict, e->title);
	s->done = true;
}

bool
plan_has(const struct plan *p, const struct engine *e, const struct object *o)
{
	for (guint i = 0; i < p->slots->len; i++) {
		const struct slot *s = g_ptr_array_index(p->slots, i);

		if (s->engine == e && s->object == o)
			return true;
	}
	return false;
}

/* Slots of one engine. */
static void
plan_engine(struct plan *p, struct engine *e, const struct making *m)
{
	const GPtrArray *list = m->objects->list;
	guint before = p->slots->len;
	bool filtered = false;

	for (guint i = 0; i < list->len; i++) {
		const struct object *o = g_ptr_array_index(list, i);

		if (!is_wanted(e->conf, o))
			continue;
		if (is_filtered(e, m, i)) {
			filtered = true;
			continue;
		}
		plan_add(p, e, o);
		m->seen[i]++;
	}
	if (p->slots->len == before && !filtered && list->len > 0) {
		plan_add(p, e, g_ptr_array_index(list, 0));
		m->seen[0]++;
	}
}

/* No engine sees it, and not because the engines look at the whole or at the parts only. */
static bool
is_left_out(const struct engines *engines, const struct making *m, guint number)
{
	for (guint i = 0; i < engines->list->len; i++) {
		const struct engine *e = g_ptr_array_index(engines->list, i);

		if (engine_is_active(e) &&
		    is_wanted(e->conf, g_ptr_array_index(m->objects->list, number)) &&
		    is_filtered(e, m, number))
			return true;
	}
	return false;
}

/* Nobody examines it: that has to be found in the log. */
static void
tell_left_out(const struct making *m, guint number)
{
	const struct object *o = g_ptr_array_index(m->objects->list, number);
	const struct candidates *c = m->candidates[number];
	g_autofree char *label = object_label(o);
	g_autoptr(GString) shown = g_string_new(NULL), type = g_string_new(NULL);

	log_esc(shown, label, strlen(label), SHOWN_MAX);
	log_esc(type, c->declared, strlen(c->declared), SHOWN_MAX);
	log_info("left out by filters: object=\"%s\" part=%s type=\"%s\" detected=%s size=%" PRIu64,
	    shown->str, o->path, type->str, c->detected.type, o->size);
}

struct plan *
plan_empty(void)
{
	struct plan *p = g_new0(struct plan, 1);

	p->slots = g_ptr_array_new_with_free_func(slot_free);
	return p;
}

struct plan *
plan_new(const struct engines *engines, const struct objects *objects)
{
	const guint n = objects->list->len;
	struct plan *p = plan_empty();
	const struct making m = { objects, g_new0(struct candidates *, n + 1),
		g_new0(unsigned, n + 1) };

	for (guint i = 0; i < engines->list->len; i++) {
		struct engine *e = g_ptr_array_index(engines->list, i);

		if (engine_is_active(e))
			plan_engine(p, e, &m);
	}
	for (guint i = 0; i < n; i++) {
		p->objects += m.seen[i] > 0;
		if (m.seen[i] == 0 && is_left_out(engines, &m, i)) {
			p->left_out++;
			tell_left_out(&m, i);
		}
	}
	for (guint i = 0; i < n; i++)
		candidates_free(&m.candidates[i]);
	g_free(m.candidates);
	g_free(m.seen);
	return p;
}

void
plan_free(struct plan **p)
{
	if (!*p)
		return;
	g_ptr_array_unref((*p)->slots);
	g_free(*p);
	*p = NULL;
}
