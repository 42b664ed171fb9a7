/*
 * run - slots to engines
 */
#include "scan/run.h"

#include <pthread.h>
#include <stdatomic.h>

#include "conf/conf.h"
#include "engine/threadpool.h"
#include "scan/recall.h"
#include "worker/worker.h"

#define HELPERS_MAX 8 /* threads of the pool for one message */

/* One engine is asked about one object. */
struct question {
	const struct run_context *ctx;
	struct slot *slot;
	const char *label;
	struct wait *wait;
};

static void
ask(void *arg)
{
	const struct question *q = arg;
	const struct scan_request rq = {
		.message = q->ctx->message,
		.objects = q->ctx->objects,
		.object = q->slot->object,
		.label = q->label,
		.lease = q->ctx->lease,
		.wait = q->wait,
	};

	engine_scan(q->slot->engine, &rq, &q->slot->verdict);
}

static void
run_slot(const struct run_context *ctx, struct slot *slot, struct wait *wait)
{
	g_autofree char *label = object_label(slot->object);
	struct question q = { ctx, slot, label, wait };

	if (ctx->recall)
		recall_scan(ctx->recall, slot, label, wait, ask, &q);
	else
		ask(&q);
}

/* What the worker's engine has examined with the whole message it need not see again. Nothing of
 * that is remembered: among other parts the same bytes may mean something else. */
static void
cover_slots(const struct run_context *ctx, const struct plan *plan, const struct slot *whole)
{
	if (whole->object->kind != OBJECT_MESSAGE || !ctx->lease ||
	    !(engine_caps(whole->engine) & ENGINE_CAP_WORKER) || !verdict_is_clean(&whole->verdict))
		return;
	for (guint i = 0; i < plan->slots->len; i++) {
		struct slot *slot = g_ptr_array_index(plan->slots, i);

		if (slot->done || slot->engine != whole->engine ||
		    !lease_covers(ctx->lease, slot->object))
			continue;
		verdict_complete(&slot->verdict);
		engine_covered(slot->engine);
		slot->done = true;
	}
}

/* run = "first": a finding that is not passed decides, the rest need not be asked. */
static bool
is_decisive(const struct slot *slot)
{
	/* It may be ignored. */
	if (*slot->engine->conf->whitelist)
		return false;
	for (guint i = 0; slot->verdict.findings && i < slot->verdict.findings->len; i++) {
		const struct finding *f = g_ptr_array_index(slot->verdict.findings, i);

		if (engine_class_action(slot->engine->conf, finding_class(f->kind)) != ACTION_PASS)
			return true;
	}
	return false;
}

/* What was not asked is not known: PARTIAL, so that a rule which lets the finding pass still meets
 * it. */
static void
leave_slot(struct slot *slot)
{
	verdict_partial(&slot->verdict, REASON_NOT_SCANNED,
	    "engine %s: not asked after the first finding (run = \"first\")", slot->engine->title);
	verdict_blame(&slot->verdict, slot->engine->title);
	slot->done = true;
}

static void
run_first(const struct run_context *ctx, struct plan *plan)
{
	bool decided = false;

	for (guint i = 0; i < plan->slots->len; i++) {
		struct slot *slot = g_ptr_array_index(plan->slots, i);

		if (slot->done)
			continue;
		if (decided) {
			leave_slot(slot);
			continue;
		}
		run_slot(ctx, slot, ctx->wait);
		slot->done = true;
		cover_slots(ctx, plan, slot);
		decided = is_decisive(slot);
	}
}

/*
 * Slots that several threads take from. Held by each of them; the last frees it. A thread that
 * comes too late finds no slot left and touches nothing but the batch itself.
 */
struct batch {
	const struct run_context *ctx; /* valid while a slot is open */
	struct threadpool *pool;       /* that serves all their engines */
	GPtrArray *slots;              /* of struct slot *, not owned; never changed */
	struct wait quiet;             /* the message's wait for those who need not tick */
	atomic_uint next;
	atomic_int refs;
	pthread_mutex_t mu; /* guards open */
	pthread_cond_t changed;
	guint open; /* slots that nobody has finished */
};

static struct batch *
batch_new(const struct run_context *ctx, struct threadpool *pool)
{
	struct batch *b = g_new0(struct batch, 1);

	b->ctx = ctx;
	b->pool = pool;
	b->quiet = *ctx->wait;
	b->quiet.tick = NULL;
	b->quiet.next_tick_ms = INT64_MAX;
	b->slots = g_ptr_array_new();
	atomic_init(&b->refs, 1);
	pthread_mutex_init(&b->mu, NULL);
	cond_init(&b->changed);
	return b;
}

static void
batch_unref(struct batch *b)
{
	if (atomic_fetch_sub(&b->refs, 1) > 1)
		return;
	g_ptr_array_unref(b->slots);
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->mu);
	g_free(b);
}

static void
finish_one(struct batch *b)
{
	pthread_mutex_lock(&b->mu);
	if (--b->open == 0)
		pthread_cond_signal(&b->changed);
	pthread_mutex_unlock(&b->mu);
}

/* Take slots until none is left. wait NULL: a helper, which has nobody to tell that it works. */
static void
take_slots(struct batch *b, struct wait *wait)
{
	unsigned i;

	while ((i = atomic_fetch_add(&b->next, 1)) < b->slots->len) {
		struct wait quiet = b->quiet;

		run_slot(b->ctx, g_ptr_array_index(b->slots, i), wait ? wait : &quiet);
		finish_one(b);
	}
}

static void
help(void *arg)
{
	struct batch *b = arg;

	take_slots(b, NULL);
	batch_unref(b);
}

static void
call_helpers(struct batch *b, guint wanted)
{
	struct threads *pool = threadpool_threads(b->pool);

	for (guint i = 0; i < MIN(wanted, HELPERS_MAX); i++) {
		atomic_fetch_add(&b->refs, 1);
		if (!threads_submit(pool, help, b)) {
			batch_unref(b);
			return;
		}
	}
}

/* Everybody's slot must be finished, also past the deadline: the threads use what is ours. They
 * stop by themselves then. */
static void
wait_for_helpers(struct batch *b, struct wait *wait)
{
	pthread_mutex_lock(&b->mu);
	while (b->open > 0)
		if (!wait_cond(wait, &b->changed, &b->mu) && b->open > 0)
			pthread_cond_wait(&b->changed, &b->mu);
	pthread_mutex_unlock(&b->mu);
}

/* The batch for the engines of a pool, made when it is the first of them. */
static struct batch *
batch_for(const struct run_context *ctx, GPtrArray *batches, struct threadpool *pool)
{
	for (guint i = 0; i < batches->len; i++) {
		struct batch *b = g_ptr_array_index(batches, i);

		if (b->pool == pool)
			return b;
	}
	g_ptr_array_add(batches, batch_new(ctx, pool));
	return g_ptr_array_index(batches, batches->len - 1);
}

/* Slots that threads may share, by pool; the rest is the session's own. True when there is a rest. */
static bool
share_out(const struct run_context *ctx, struct plan *plan, GPtrArray *batches)
{
	bool rest = false;

	for (guint i = 0; i < plan->slots->len; i++) {
		struct slot *slot = g_ptr_array_index(plan->slots, i);

		if (slot->done)
			continue;
		if (engine_is_parallel(slot->engine))
			g_ptr_array_add(batch_for(ctx, batches, slot->engine->pool)->slots, slot);
		else
			rest = true;
	}
	return rest;
}

static void
run_own(const struct run_context *ctx, struct plan *plan)
{
	for (guint i = 0; i < plan->slots->len; i++) {
		struct slot *slot = g_ptr_array_index(plan->slots, i);

		if (slot->done || engine_is_parallel(slot->engine))
			continue;
		run_slot(ctx, slot, ctx->wait);
		slot->done = true;
		cover_slots(ctx, plan, slot);
	}
}

static void
run_all(const struct run_context *ctx, struct plan *plan)
{
	g_autoptr(GPtrArray) batches = g_ptr_array_new();
	bool rest = share_out(ctx, plan, batches);

	for (guint i = 0; i < batches->len; i++) {
		struct batch *b = g_ptr_array_index(batches, i);

		b->open = b->slots->len;
		/* One slot of the first is for us, if we have nothing else to do. */
		call_helpers(b, b->slots->len - (i == 0 && !rest ? 1 : 0));
	}
	if (rest)
		run_own(ctx, plan);
	for (guint i = 0; i < batches->len; i++)
		take_slots(g_ptr_array_index(batches, i), ctx->wait);
	for (guint i = 0; i < batches->len; i++) {
		struct batch *b = g_ptr_array_index(batches, i);

		wait_for_helpers(b, ctx->wait);
		for (guint k = 0; k < b->slots->len; k++)
			((struct slot *)g_ptr_array_index(b->slots, k))->done = true;
		batch_unref(b);
	}
}

static bool
has_failed(const struct verdict *v)
{
	return v->states == 0 || (v->states & (1u << SCAN_FAILED | 1u << SCAN_UNKNOWN)) != 0;
}

/* A failure that found something stands as it is. */
static bool
needs_backup(const struct verdict *v)
{
	return has_failed(v) && v->kinds == 0;
}

/* Has somebody examined this object in place of slot? A backup that saw part of it, or none because
 * it is too large for it, has no answer that could stand for the one that is missing. */
static bool
is_replaced(const struct plan *plan, const struct slot *slot)
{
	for (guint i = 0; i < plan->slots->len; i++) {
		const struct slot *other = g_ptr_array_index(plan->slots, i);

		if (other->object == slot->object && engine_is_backup(other->engine) &&
		    other->verdict.states == 1u << SCAN_COMPLETE)
			return true;
	}
	return false;
}

/* Hand e every object that a primary engine failed on and no other backup has answered. */
static void
step_in(const struct run_context *ctx, struct plan *plan, struct engine *e)
{
	guint n = plan->slots->len;

	for (guint i = 0; i < n; i++) {
		const struct slot *slot = g_ptr_array_index(plan->slots, i);

		if (!engine_is_backup(slot->engine) && needs_backup(&slot->verdict) &&
		    !is_replaced(plan, slot) && !plan_has(plan, e, slot->object))
			plan_add(plan, e, slot->object);
	}
	run_all(ctx, plan);
}

static void
run_backups(const struct run_context *ctx, struct plan *plan)
{
	guint n = plan->slots->len;

	for (guint i = 0; i < ctx->engines->list->len; i++) {
		struct engine *e = g_ptr_array_index(ctx->engines->list, i);

		if (engine_is_backup(e))
			step_in(ctx, plan, e);
	}
	for (guint i = 0; i < n; i++) {
		struct slot *slot = g_ptr_array_index(plan->slots, i);

		slot->replaced = needs_backup(&slot->verdict) && is_replaced(plan, slot);
	}
}

void
run_plan(const struct run_context *ctx, struct plan *plan)
{
	if (ctx->conf->antivirus.run == RUN_FIRST)
		run_first(ctx, plan);
	else
		run_all(ctx, plan);
	run_backups(ctx, plan);
}
