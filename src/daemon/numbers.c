/* numbers - see numbers.h */
#include "daemon/numbers.h"

#include <time.h>

#include "base/deadline.h"
#include "daemon/console.h"
#include "daemon/jsonx.h"
#include "daemon/server.h"
#include "engine/score.h"
#include "engine/threadpool.h"

#define US_PER_MS        1000.0
#define SECONDS_PER_SLOT (HISTORY_SLOT_MS / 1000)

static double
per(double us, uint64_t n)
{
	return n > 0 ? us / (double)n / US_PER_MS : 0.0;
}

static json_t *
score_object(const struct score *s)
{
	const uint64_t covered = atomic_load(&s->covered), asked = score_asked(s);
	const uint64_t messages = atomic_load(&s->messages);
	const double us = (double)atomic_load(&s->scan.sum_us);
	json_t *o = json_object();

	put_number(o, "messages_checked", messages);
	put_number(o, "parts_checked", asked + covered);
	put_number(o, "parts_covered", covered);
	put_number(o, "viruses_detected", atomic_load(&s->viruses));
	put_number(o, "viruses_cured", atomic_load(&s->cured));
	put_number(o, "failures", atomic_load(&s->objects[CLASS_ERROR]));
	put_real(o, "average_ms_per_message", per(us, messages));
	put_real(o, "average_ms_per_part", per(us, asked + covered));
	return o;
}

json_t *
numbers_engines(struct server *s)
{
	AUTO(snapshot_unref) struct snapshot *snap = snapshot_slot_get(&s->milter.slot);
	json_t *o = json_object();

	for (guint i = 0; snap != NULL && i < snap->engines->list->len; i++) {
		const struct engine *e = g_ptr_array_index(snap->engines->list, i);

		json_object_set_new(o, e->title, score_object(e->score));
	}
	return o;
}

json_t *
numbers_queue(struct server *s)
{
	AUTO(snapshot_unref) struct snapshot *snap = snapshot_slot_get(&s->milter.slot);
	struct workers *w = snap != NULL ? snapshot_workers(snap) : NULL;
	struct workers_stats st = { 0 };
	json_t *o = json_object(), *pools = json_object();

	if (w != NULL)
		workers_stats(w, &st);
	put_number(o, "waiting", st.waiting);
	for (guint i = 0; snap != NULL && i < snap->engines->pools->len; i++) {
		struct threadpool *p = g_ptr_array_index(snap->engines->pools, i);
		struct lane_stats lane;
		json_t *one = json_object();

		threadpool_stats(p, &lane);
		put_number(one, "places", lane.slots);
		put_number(one, "inside", lane.inside);
		put_number(one, "waiting", lane.waiting);
		json_object_set_new(pools, threadpool_name(p), one);
	}
	json_object_set_new(o, "threadpools", pools);
	return o;
}

static json_t *
slots_array(const struct history_view *v)
{
	json_t *list = json_array();

	for (int i = 0; i < HISTORY_SLOTS; i++) {
		json_t *slot = json_array();

		for (int k = 0; k < HISTORY_KINDS; k++)
			json_array_append_new(slot, json_integer(v->count[i][k]));
		json_array_append_new(list, slot);
	}
	return list;
}

static json_t *
findings_array(const struct history_view *v)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < v->findings; i++) {
		const struct history_finding *f = &v->finding[i];
		json_t *o = json_object();

		put_number(o, "when", (uint64_t)f->when);
		put_text(o, "class", verdict_class_name(f->cls));
		put_text(o, "action", action_name(f->action));
		put_text(o, "id", f->id);
		put_text(o, "name", f->name);
		put_text(o, "engine", f->engine);
		json_array_append_new(list, o);
	}
	return list;
}

json_t *
numbers_history(struct server *s)
{
	struct history_view *v = g_new(struct history_view, 1);
	json_t *o = json_object(), *kinds = json_array();

	history_read(&s->milter.stats.history, now_ms(), v);
	for (unsigned i = 0; i < HISTORY_KINDS; i++)
		json_array_append_new(kinds, json_string(stats_result_word(i)));
	put_number(o, "slot_seconds", SECONDS_PER_SLOT);
	put_number(o, "slot_began", (uint64_t)(time(NULL) - now_ms() % HISTORY_SLOT_MS / 1000));
	json_object_set_new(o, "kinds", kinds);
	json_object_set_new(o, "slots", slots_array(v));
	json_object_set_new(o, "findings", findings_array(v));
	g_free(v);
	return o;
}

json_t *
numbers_overview(struct server *s, GError **err)
{
	char *const words[] = { NULL, NULL };
	const struct control_request rq = { .words = words, .fd = -1, .uid = (uid_t)-1 };
	json_t *o = json_object(), *engines;
	json_t *status = console_commands.status(s, &rq, err);

	engines = status != NULL ? console_commands.engines(s, &rq, err) : NULL;
	if (engines == NULL) {
		json_decref(status);
		json_decref(o);
		return NULL;
	}
	put_text(o, "avmilter", AVM_VERSION);
	put_number(o, "time", (uint64_t)time(NULL));
	json_object_set_new(o, "status", status);
	json_object_set_new(o, "stats", console_commands.stats(s, &rq, err));
	json_object_set(o, "engines", json_object_get(engines, "engines"));
	json_decref(engines);
	json_object_set_new(o, "history", numbers_history(s));
	return o;
}
