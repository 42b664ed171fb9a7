/*
 * plan - pairs of engines and objects by the configuration
 */
#include "scan/plan.h"

#include <inttypes.h>
#include <string.h>

#include "conf/conf.h"

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

/* Does a filter of the section keep this part from the engine? The whole message knows no filter.
 */
static bool
is_filtered(const struct conf_engine *conf, const struct object *o)
{
	const char *type = o->type ? o->type : "text/plain"; /* RFC 2045 5.2 */

	if (o->kind == OBJECT_MESSAGE)
		return false;
	return (!conf->scan_text_mime && g_str_has_prefix(type, "text/")) ||
	    (!conf->scan_image_mime && g_str_has_prefix(type, "image/"));
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

/* Slots of one engine. seen[i] counts the engines that see object i. */
static void
plan_engine(struct plan *p, struct engine *e, const struct objects *objects, unsigned *seen)
{
	guint before = p->slots->len;
	bool filtered = false;

	for (guint i = 0; i < objects->list->len; i++) {
		const struct object *o = g_ptr_array_index(objects->list, i);

		if (!is_wanted(e->conf, o))
			continue;
		if (is_filtered(e->conf, o)) {
			filtered = true;
			continue;
		}
		plan_add(p, e, o);
		seen[i]++;
	}
	if (p->slots->len == before && !filtered && objects->list->len > 0) {
		plan_add(p, e, g_ptr_array_index(objects->list, 0));
		seen[0]++;
	}
}

/* No engine sees it, and not because the engines look at the whole or at the parts only. */
static bool
is_left_out(const struct engines *engines, const struct object *o)
{
	for (guint i = 0; i < engines->list->len; i++) {
		const struct engine *e = g_ptr_array_index(engines->list, i);

		if (engine_is_active(e) && is_wanted(e->conf, o) && is_filtered(e->conf, o))
			return true;
	}
	return false;
}

struct plan *
plan_new(const struct engines *engines, const struct objects *objects)
{
	struct plan *p = g_new0(struct plan, 1);
	g_autofree unsigned *seen = g_new0(unsigned, objects->list->len + 1);

	p->slots = g_ptr_array_new_with_free_func(slot_free);
	for (guint i = 0; i < engines->list->len; i++) {
		struct engine *e = g_ptr_array_index(engines->list, i);

		if (engine_is_active(e))
			plan_engine(p, e, objects, seen);
	}
	for (guint i = 0; i < objects->list->len; i++) {
		const struct object *o = g_ptr_array_index(objects->list, i);

		p->objects += seen[i] > 0;
		p->left_out += seen[i] == 0 && is_left_out(engines, o);
	}
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
