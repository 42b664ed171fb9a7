/* ask - see ask.h */
#include "scan/ask.h"

#include "conf/conf.h"
#include "scan/plan.h"
#include "scan/recall.h"
#include "scan/run.h"
#include "worker/worker.h"

static void
begin_set(struct asked *to, const struct engines *all)
{
	to->set = *all;
	to->set.list = g_ptr_array_new();
	to->copies = g_ptr_array_new_with_free_func(g_free);
}

/* A copy stands for the engine: the section of the engine itself says that nobody asks it. */
static void
add_asked(struct asked *to, const struct engine *e)
{
	struct engine *copy = g_memdup2(e, sizeof(*e));

	copy->asked = true;
	g_ptr_array_add(to->copies, copy);
	g_ptr_array_add(to->set.list, copy);
}

void
asked_one(struct asked *to, const struct engines *all, const struct engine *e)
{
	begin_set(to, all);
	add_asked(to, e);
}

void
asked_all(struct asked *to, const struct engines *all)
{
	begin_set(to, all);
	for (guint i = 0; i < all->list->len; i++) {
		struct engine *e = g_ptr_array_index(all->list, i);

		if (e->conf->enabled == ENABLED_PASSIVE)
			add_asked(to, e);
		else
			g_ptr_array_add(to->set.list, e);
	}
}

void
asked_clear(struct asked *to)
{
	g_clear_pointer(&to->set.list, g_ptr_array_unref);
	g_clear_pointer(&to->copies, g_ptr_array_unref);
}

/* Give the worker back: who asks for another one while he holds one could wait for himself. */
static void
let_go(struct ask *a)
{
	objects_free(&a->objects);
	lease_return(&a->lease);
	verdict_clear(&a->apart);
}

void
ask_clear(struct ask *a)
{
	let_go(a);
}

static const struct objects *
fail(GError **err, const char *why)
{
	g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, why);
	return NULL;
}

const struct objects *
ask_objects(struct ask *a, GError **err)
{
	if (a->objects != NULL)
		return a->objects;
	if (a->message->error != NULL)
		return fail(err, a->message->error->message);
	if (a->workers == NULL)
		return fail(err, "there are no scanning processes");
	let_go(a);
	a->lease = workers_borrow(a->workers, a->wait, err);
	if (a->lease == NULL)
		return NULL;
	a->objects = lease_decompose(a->lease, a->message->spool, true, a->wait, &a->apart);
	if (a->objects != NULL)
		return a->objects;
	fail(err, a->apart.failed_why != NULL ? a->apart.failed_why : "decomposition failed");
	let_go(a);
	return NULL;
}

void
ask_scan(struct ask *a, struct engine *e, struct scan_result *out)
{
	struct asked only;

	let_go(a);
	if (e == NULL) {
		scan_message(a->conf, a->engines, a->workers, a->message, a->wait, out);
		return;
	}
	asked_one(&only, a->engines, e);
	scan_message(a->conf, &only.set, a->workers, a->message, a->wait, out);
	asked_clear(&only);
}

/* One slot for each active engine of the set. */
static struct plan *
plan_part(const struct engines *set, const struct object *o)
{
	struct plan *p = plan_empty();

	for (guint i = 0; i < set->list->len; i++) {
		struct engine *e = g_ptr_array_index(set->list, i);

		if (engine_is_active(e))
			plan_add(p, e, o);
	}
	p->objects = 1;
	return p;
}

/* What each engine says, and all of them together. */
static void
join(const struct plan *plan, struct scan_result *out)
{
	const struct verdict nothing = { 0 };
	char hex[DIGEST_HEX];

	for (guint i = 0; i < plan->slots->len; i++) {
		struct slot *slot = g_ptr_array_index(plan->slots, i);
		struct scan_part *part = g_new0(struct scan_part, 1);

		verdict_locate(&slot->verdict, digest_hex(slot->object->sha256, hex));
		verdict_join(&out->verdict, &slot->verdict);
		part->title = g_strdup(slot->engine->title);
		part->definitions = engine_definitions(slot->engine);
		part->cls = verdict_class(&slot->verdict);
		g_ptr_array_add(out->parts, part);
	}
	if (plan->slots->len == 0)
		verdict_join(&out->verdict, &nothing);
	out->objects = plan->objects;
}

static void
scan_object(struct ask *a, struct engines *set, const struct object *o, struct scan_result *out)
{
	struct recall recall;
	struct plan *plan = plan_part(set, o);
	const struct run_context ctx = {
		.conf = a->conf,
		.engines = set,
		.message = a->message,
		.objects = a->objects,
		.lease = a->lease,
		.recall = &recall,
		.wait = a->wait,
	};

	recall_begin(&recall, set->memory, a->conf, set, a->workers, a->wait);
	recall_lease(&recall, a->lease);
	recall_slots(&recall, plan);
	run_plan(&ctx, plan);
	recall_judge(&recall, plan, &out->verdict);
	join(plan, out);
	recall_end(&recall, out);
	plan_free(&plan);
}

void
ask_scan_part(struct ask *a, uint32_t id, struct engine *e, struct scan_result *out)
{
	g_autoptr(GError) err = NULL;
	const struct objects *objects = ask_objects(a, &err);
	struct asked only;

	scan_result_begin(out);
	if (objects == NULL) {
		verdict_fail(&out->verdict, REASON_ENGINE_ERROR, "%s", err->message);
	} else if (id == 0 || id >= objects->list->len) {
		verdict_fail(&out->verdict, REASON_REFUSED, "the message has no such part");
	} else if (e == NULL) {
		scan_object(a, a->engines, g_ptr_array_index(objects->list, id), out);
	} else {
		asked_one(&only, a->engines, e);
		scan_object(a, &only.set, g_ptr_array_index(objects->list, id), out);
		asked_clear(&only);
	}
}
