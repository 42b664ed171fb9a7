/*
 * scan - borrow a worker, take the message apart, ask the engines, join what they say
 */
#include "scan/scan.h"

#include <string.h>

#include "conf/conf.h"
#include "engine/age.h"
#include "scan/left_out.h"
#include "scan/plan.h"
#include "scan/recall.h"
#include "scan/run.h"
#include "worker/worker.h"

/* Everything one scan holds. */
struct scan {
	const struct conf *conf;
	struct engines *engines;
	struct workers *workers;
	const struct message *m;
	struct wait *wait;
	struct lease *lease;
	struct objects *objects;
	struct plan *plan;
	struct recall recall;
	bool in_lane;
	struct scan_result *out;
};

static void
part_free(void *p)
{
	struct scan_part *part = p;

	g_free(part->title);
	g_free(part->definitions);
	g_free(part);
}

void
scan_result_begin(struct scan_result *r)
{
	*r = (struct scan_result){ .cache = "off" };
	r->parts = g_ptr_array_new_with_free_func(part_free);
}

void
scan_result_clear(struct scan_result *r)
{
	verdict_clear(&r->verdict);
	g_free(r->engines);
	g_free(r->definitions);
	g_clear_pointer(&r->parts, g_ptr_array_unref);
	g_clear_pointer(&r->files, g_ptr_array_unref);
	*r = (struct scan_result){ 0 };
}

const char *
scan_result_definitions(const struct scan_result *r, const char *title)
{
	for (guint i = 0; r->parts && i < r->parts->len; i++) {
		const struct scan_part *part = g_ptr_array_index(r->parts, i);

		if (strcmp(part->title, title) == 0)
			return part->definitions;
	}
	return NULL;
}

/* What went wrong before any engine could be asked. False when there is nothing to scan. */
static bool
check_message(struct scan *s)
{
	struct verdict *v = &s->out->verdict;

	if (s->m->headers_over)
		verdict_partial(v, REASON_LIMIT_SIZE, "the header block is larger than header_max");
	if (!s->m->error)
		return true;
	if (g_error_matches(s->m->error, SPOOL_ERROR, SPOOL_E_TOOBIG))
		verdict_partial(v, REASON_TOO_LARGE, "%s", s->m->error->message);
	else
		verdict_fail(v, REASON_SPOOL, "%s", s->m->error->message);
	return false;
}

static enum reason
borrow_reason(const GError *err)
{
	if (g_error_matches(err, WORKERS_ERROR, WORKERS_E_NOT_READY))
		return REASON_DEFINITIONS;
	return g_error_matches(err, WORKERS_ERROR, WORKERS_E_TIMEOUT) ? REASON_TIMEOUT
								      : REASON_BUSY;
}

#define QUEUE_FACTOR 10 /* queue_max raises an alert; this many times it is refused */

/* A large message waits until there are few enough others of its kind, so that small ones find a
 * worker. */
static bool
enter_lane(struct scan *s)
{
	struct memory *m = s->engines->memory;

	if (!m || s->m->size < LANE_LARGE)
		return true;
	switch (
	    lane_enter(m->large, (unsigned)s->conf->antivirus.queue_max * QUEUE_FACTOR, s->wait)) {
	case LANE_IN:
		s->in_lane = true;
		return true;
	case LANE_FULL:
		verdict_fail(&s->out->verdict, REASON_BUSY,
		    "too many large messages wait for a scanning process");
		return false;
	case LANE_TIMEOUT:
		break;
	}
	verdict_fail(&s->out->verdict, REASON_TIMEOUT,
	    "no turn among the large messages inside the deadline");
	return false;
}

/* The objects as a worker finds them. */
static bool
decompose(struct scan *s)
{
	AUTO(verdict_clear) struct verdict v = { 0 };
	g_autoptr(GError) err = NULL;
	int64_t began;

	if (!s->workers) {
		verdict_fail(
		    &s->out->verdict, REASON_ENGINE_ERROR, "there are no scanning processes");
		return false;
	}
	if (!enter_lane(s))
		return false;
	s->lease = workers_borrow(s->workers, s->wait, &err);
	if (!s->lease) {
		verdict_fail(&s->out->verdict, borrow_reason(err), "%s", err->message);
		return false;
	}
	recall_lease(&s->recall, s->lease);
	began = now_ms();
	s->objects =
	    lease_decompose(s->lease, s->m->spool, plan_wants_parts(s->engines), s->wait, &v);
	if (!s->objects && v.states == 0)
		verdict_fail(&v, REASON_UNKNOWN, "decomposition: no objects and no reason");
	if (v.states & 1u << SCAN_FAILED)
		recall_broke(&s->recall, "", v.failed, now_ms() - began,
		    s->conf->antivirus.max_extract_time);
	verdict_join(&s->out->verdict, &v);
	return s->objects != NULL;
}

/* The message as its only object: no worker sees it. */
static bool
whole_only(struct scan *s)
{
	g_autoptr(GError) err = NULL;

	s->objects = objects_new(s->m->spool, -1, 0);
	if (objects_add(s->objects, OBJECT_MESSAGE, STORE_SPOOL, 0, spool_size(s->m->spool), "",
		NULL, NULL, &err))
		return true;
	verdict_fail(&s->out->verdict, REASON_SPOOL, "%s", err->message);
	return false;
}

static void
ask_engines(struct scan *s)
{
	const struct run_context ctx = {
		.conf = s->conf,
		.engines = s->engines,
		.message = s->m,
		.objects = s->objects,
		.lease = s->lease,
		.recall = &s->recall,
		.wait = s->wait,
	};

	recall_slots(&s->recall, s->plan);
	run_plan(&ctx, s->plan);
}

/* Is the engine among those to blame? Nobody in particular means all of them. */
static bool
is_blamed(const GPtrArray *by, const char *title)
{
	for (guint i = 0; by && i < by->len; i++) {
		const char *who = g_ptr_array_index(by, i);

		if (*who == '\0' || strcmp(who, title) == 0)
			return true;
	}
	return !by;
}

/* One engine's share of a verdict that came as a whole. */
static void
share_of(const struct verdict *all, const char *title, struct verdict *v)
{
	for (guint i = 0; all->findings && i < all->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(all->findings, i);

		if (strcmp(f->engine, title) == 0)
			verdict_adopt(v, f, NULL);
	}
	if (all->states & (1u << SCAN_FAILED | 1u << SCAN_UNKNOWN) &&
	    is_blamed(all->failed_by, title))
		verdict_fail(v, all->failed, "%s", all->failed_why ? all->failed_why : "");
	if (all->states & 1u << SCAN_PARTIAL && is_blamed(all->partial_by, title))
		verdict_partial(v, all->partial, "%s", all->partial_why ? all->partial_why : "");
	if (v->states == 0 && all->states != 0)
		verdict_complete(v);
}

void
scan_result_share(struct scan_result *r)
{
	for (guint i = 0; r->parts && i < r->parts->len; i++) {
		struct scan_part *part = g_ptr_array_index(r->parts, i);
		AUTO(verdict_clear) struct verdict v = { 0 };

		share_of(&r->verdict, part->title, &v);
		part->cls = verdict_class(&v);
	}
}

/* One engine's share of the verdict, for the report. */
static struct scan_part *
part_of(const struct scan *s, struct engine *e)
{
	AUTO(verdict_clear) struct verdict v = { 0 };
	struct scan_part *part = g_new0(struct scan_part, 1);

	for (guint i = 0; s->plan && i < s->plan->slots->len; i++) {
		const struct slot *slot = g_ptr_array_index(s->plan->slots, i);

		if (slot->engine == e)
			verdict_join(&v, &slot->verdict);
	}
	if (!s->plan)
		share_of(&s->out->verdict, e->title, &v);
	part->title = g_strdup(e->title);
	part->definitions = engine_definitions(e);
	part->cls = verdict_class(&v);
	return part;
}

/* The share of an engine that took part, or NULL. */
static struct scan_part *
find_part(const struct scan *s, const struct engine *e)
{
	for (guint i = 0; i < s->out->parts->len; i++) {
		struct scan_part *part = g_ptr_array_index(s->out->parts, i);

		if (strcmp(part->title, e->title) == 0)
			return part;
	}
	return NULL;
}

/* Say of findings in a part which content it was, for rules that name it. The whole message has a
 * hash that no second one shares. */
static void
locate(struct slot *slot)
{
	char hex[DIGEST_HEX];

	if (slot->object->kind != OBJECT_MESSAGE)
		verdict_locate(&slot->verdict, digest_hex(slot->object->sha256, hex));
}

/* Join every slot; without any slot nothing is known. */
static void
join_slots(struct scan *s)
{
	const struct verdict nothing = { 0 };
	const bool untroubled = verdict_is_clean(&s->out->verdict);

	for (guint i = 0; i < s->plan->slots->len; i++) {
		struct slot *slot = g_ptr_array_index(s->plan->slots, i);

		if (slot->replaced)
			continue;
		locate(slot);
		verdict_join(&s->out->verdict, &slot->verdict);
	}
	if (s->plan->slots->len > 0)
		return;
	verdict_join(&s->out->verdict, &nothing);
	if (untroubled && s->plan->left_out > 0)
		s->out->skipped = "filters";
}

static bool
was_asked(const struct plan *plan, const struct engine *e)
{
	for (guint i = 0; i < plan->slots->len; i++)
		if (((const struct slot *)g_ptr_array_index(plan->slots, i))->engine == e)
			return true;
	return false;
}

/* The texts for header and log line: bare for one engine, by title for several. */
static void
describe(struct scan *s)
{
	g_autoptr(GString) titles = g_string_new(""), defs = g_string_new("");

	for (guint i = 0; i < s->engines->list->len; i++) {
		struct engine *e = g_ptr_array_index(s->engines->list, i);

		if (engine_is_active(e) ||
		    (engine_is_backup(e) && s->plan && was_asked(s->plan, e)))
			g_ptr_array_add(s->out->parts, part_of(s, e));
	}
	for (guint i = 0; i < s->out->parts->len; i++) {
		const struct scan_part *part = g_ptr_array_index(s->out->parts, i);

		g_string_append_printf(titles, "%s%s", i ? "," : "", part->title);
		if (!part->definitions)
			continue;
		g_string_append(defs, defs->len ? "," : "");
		if (s->out->parts->len > 1)
			g_string_append_printf(defs, "%s:", part->title);
		g_string_append(defs, part->definitions);
	}
	s->out->engines = g_strdup(titles->str);
	s->out->definitions = g_strdup(defs->str);
	if (!s->plan)
		return;
	s->out->objects = s->plan->objects;
	s->out->left_out = s->plan->left_out;
}

static void
file_free(void *p)
{
	struct scan_file *f = p;

	g_free(f->label);
	g_free(f->name);
	g_free(f);
}

/* What all engines together say about each object. */
static void
list_files(struct scan *s)
{
	g_autoptr(GHashTable) of = NULL; /* object -> struct verdict * */
	g_autoptr(GPtrArray) order = NULL;

	if (!conf_logs(s->conf, KIND_FILE_SCAN))
		return;
	of = g_hash_table_new(NULL, NULL);
	order = g_ptr_array_new();
	s->out->files = g_ptr_array_new_with_free_func(file_free);
	for (guint i = 0; i < s->plan->slots->len; i++) {
		const struct slot *slot = g_ptr_array_index(s->plan->slots, i);
		void *key = (void *)(uintptr_t)slot->object;
		struct verdict *v = g_hash_table_lookup(of, key);

		if (v == NULL) {
			v = g_new0(struct verdict, 1);
			g_hash_table_insert(of, key, v);
			g_ptr_array_add(order, key);
		}
		if (!slot->replaced)
			verdict_join(v, &slot->verdict);
	}
	for (guint i = 0; i < order->len; i++) {
		const struct object *o = g_ptr_array_index(order, i);
		struct verdict *v = g_hash_table_lookup(of, o);
		const struct finding *top = verdict_top(v);
		struct scan_file *f = g_new0(struct scan_file, 1);

		f->label = object_label(o);
		f->cls = verdict_class(v);
		f->name = g_strdup(top != NULL ? top->name : NULL);
		g_ptr_array_add(s->out->files, f);
		verdict_clear(v);
		g_free(v);
	}
}

static void
scan_anew(struct scan *s)
{
	if (!(plan_wants_worker(s->engines) ? decompose(s) : whole_only(s))) {
		recall_judge(&s->recall, NULL, &s->out->verdict);
		return;
	}
	s->plan = plan_new(s->engines, s->objects);
	ask_engines(s);
	recall_judge(&s->recall, s->plan, &s->out->verdict);
	join_slots(s);
	list_files(s);
	describe(s);
}

/* on_stale = tempfail: what an engine with old definitions says is not enough to let mail pass. Of
 * this message only, never remembered: new definitions may come at any moment. */
static void
check_age(struct scan *s)
{
	for (guint i = 0; i < s->engines->list->len; i++) {
		struct engine *e = g_ptr_array_index(s->engines->list, i);
		AUTO(verdict_clear) struct verdict v = { 0 };
		int64_t days;

		if (e->conf->on_stale != STALE_TEMPFAIL || find_part(s, e) == NULL ||
		    !age_is_stale(e, &days))
			continue;
		verdict_fail(&v, REASON_DEFINITIONS,
		    "engine %s: definitions are %" G_GINT64_FORMAT
		    " days old, more than definitions_max_age",
		    e->title, days);
		verdict_blame(&v, e->title);
		verdict_join(&s->out->verdict, &v);
	}
}

static void
release(struct scan *s)
{
	plan_free(&s->plan);
	objects_free(&s->objects);
	lease_return(&s->lease);
	if (s->in_lane)
		lane_leave(s->engines->memory->large);
	if (!s->out->engines)
		s->out->engines = g_strdup("");
	if (!s->out->definitions)
		s->out->definitions = g_strdup("");
}

/* The rest of the message is known; what its fingerprint leaves out is scanned by itself, if the
 * configuration wants that. */
static void
scan_left_out(struct scan *s)
{
	AUTO(spool_budget_free) struct spool_budget *budget = NULL;
	AUTO(message_free) struct message *small = NULL;
	AUTO(scan_result_clear) struct scan_result r = { .cache = "off" };
	struct engines forgetful = *s->engines;

	if (!s->conf->antivirus.fingerprint_scan_headers ||
	    verdict_state(&s->out->verdict) != SCAN_COMPLETE)
		return;
	budget = spool_budget_new();
	small = left_out_message(s->conf, budget, s->m);
	if (!small)
		return;
	forgetful.memory = NULL;
	scan_message(s->conf, &forgetful, s->workers, small, s->wait, &r);
	verdict_join(&s->out->verdict, &r.verdict);
}

void
scan_message(const struct conf *conf, struct engines *engines, struct workers *workers,
    const struct message *m, struct wait *wait, struct scan_result *out)
{
	struct scan s = {
		.conf = conf,
		.engines = engines,
		.workers = workers,
		.m = m,
		.wait = wait,
		.out = out,
	};

	scan_result_begin(out);
	recall_begin(&s.recall, engines->memory, conf, engines, workers, wait);
	if (check_message(&s)) {
		if (recall_message(&s.recall, m, out)) {
			scan_left_out(&s);
			describe(&s);
		} else {
			scan_anew(&s);
		}
	}
	if (out->verdict.states == 0)
		verdict_fail(&out->verdict, REASON_UNKNOWN, "nothing was established");
	recall_end(&s.recall, out);
	check_age(&s);
	release(&s);
}
