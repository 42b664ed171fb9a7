/*
 * engine - the set of engines of a configuration, and one scan through one of them
 */
#include "engine/engine.h"

#include <string.h>

#include "base/lane.h"
#include "conf/conf.h"
#include "engine/dispatch.h"
#include "engine/filter.h"
#include "engine/score.h"
#include "engine/threadpool.h"
#include "engine/upstream.h"
#include "message/lf.h"

#define ENGINE(name) extern const struct engine_ops engine_##name;
#include "engine/engines.def"
#undef ENGINE

static const struct engine_ops *const table[] = {
#define ENGINE(name) &engine_##name,
#include "engine/engines.def"
#undef ENGINE
};

const struct engine_ops *
engine_ops_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

unsigned
engine_caps(const struct engine *e)
{
	return e->inner ? engine_caps(e->inner) | ENGINE_CAP_TEST : e->ops->caps;
}

enum action
engine_class_action(const struct conf_engine *e, enum verdict_class c)
{
	switch (c) {
	case CLASS_CLEAN:
		return ACTION_PASS;
	case CLASS_MACRO:
		return (enum action)e->on_macro;
	case CLASS_ENCRYPTED:
		return (enum action)e->on_encrypted;
	case CLASS_SUSPICIOUS:
		return (enum action)e->on_suspicious;
	case CLASS_UNSCANNABLE:
		return (enum action)e->on_unscannable;
	case CLASS_BLOCKED:
		return (enum action)e->on_blocked;
	case CLASS_EVASION:
		return (enum action)e->on_evasion;
	case CLASS_INFECTED:
		return (enum action)e->on_infected;
	case CLASS_ERROR:
		break;
	}
	return (enum action)e->on_error;
}

bool
engine_is_backup(const struct engine *e)
{
	return e->upstream && e->conf->net.backup && e->conf->enabled == ENABLED_YES && !e->asked;
}

bool
engine_is_active(const struct engine *e)
{
	return e->asked || (e->conf->enabled == ENABLED_YES && !engine_is_backup(e));
}

char *
engine_definitions(struct engine *e)
{
	char *text;

	if (e->inner)
		return engine_definitions(e->inner);
	if (e->ops->definitions)
		text = e->ops->definitions(e);
	else
		text = e->upstream ? upstream_definitions(e->upstream) : NULL;
	for (char *p = text; p && *p; p++)
		if (!g_ascii_isalnum(*p) && !strchr("._+/-", *p))
			*p = '_';
	return text;
}

static void
engine_free(void *p)
{
	struct engine *e = p;

	upstream_free(&e->upstream);
	lane_free(&e->gate);
	filter_free(&e->filter);
	if (e->ops && e->ops->fini)
		e->ops->fini(e);
	if (e->inner)
		engine_free(e->inner);
	g_free(e);
}

/* "FILE:LINE: ..."; the implicit section stands in no file. */
static void
refuse(GError **err, const struct conf_engine *sec, const char *what)
{
	g_autofree char *place =
	    sec->file[0] ? g_strdup_printf("%s:%u: ", sec->file, sec->line) : g_strdup("");

	g_set_error(
	    err, CONF_ERROR, CONF_E_INVALID, "%s%s \"%s\": %s", place, sec->kind, sec->title, what);
}

/* Titles on the way from a fault to what it wraps: a ring would never end. */
#define WRAP_MAX 8

static struct engine *engine_new(const struct engines *set, const struct conf_engine *sec,
    struct workers *w, bool test_mode, unsigned depth, GError **err);

/* The engine that a fault section names. */
static struct engine *
wrapped(const struct engines *set, const struct conf_engine *sec, struct workers *w, unsigned depth,
    GError **err)
{
	const struct conf_engine *target = conf_engine_find(set->conf, sec->fault.engine);
	g_autofree char *what = NULL;

	if (!target || depth >= WRAP_MAX) {
		what = g_strdup_printf(target ? "engine = \"%s\" leads back to itself"
					      : "there is no engine section \"%s\" to wrap",
		    sec->fault.engine);
		refuse(err, sec, what);
		return NULL;
	}
	return engine_new(set, target, w, true, depth + 1, err);
}

/* Compile its filters. */
static bool
make_filter(struct engine *e, GError **err)
{
	e->filter = filter_new(e->conf, err);
	if (!e->filter)
		g_prefix_error(err, "%s:%u: %s \"%s\": ", e->conf->file, e->conf->line,
		    e->conf->kind, e->title);
	return e->filter != NULL;
}

/* Give the engine what it needs of its own; one on the network gets its servers. */
static bool
begin(struct engine *e, const struct engine_ops *ops, GError **err)
{
	e->ops = ops;
	if (ops->init && !ops->init(e, err)) {
		g_prefix_error(
		    err, "%s:%u: %s \"%s\": ", e->conf->file, e->conf->line, ops->name, e->title);
		e->ops = NULL; /* what was not begun is not ended */
		return false;
	}
	if (ops->caps & ENGINE_CAP_LOCAL)
		return true;
	e->upstream = upstream_new(e, err);
	return e->upstream != NULL;
}

/* Checked by conf/rules.c: it is there. */
static struct threadpool *
find_pool(const struct engines *set, const char *name)
{
	for (guint i = 0; i < set->pools->len; i++) {
		struct threadpool *pool = g_ptr_array_index(set->pools, i);

		if (strcmp(threadpool_name(pool), name) == 0)
			return pool;
	}
	g_assert_not_reached();
}

static struct engine *
engine_new(const struct engines *set, const struct conf_engine *sec, struct workers *w,
    bool test_mode, unsigned depth, GError **err)
{
	const struct engine_ops *ops = engine_ops_find(sec->kind);
	struct engine *e;

	if (!ops) {
		refuse(err, sec, "this build has no such engine");
		return NULL;
	}
	if (ops->caps & ENGINE_CAP_TEST && !test_mode) {
		refuse(err, sec, "only for tests; start with --test-engines or remove the section");
		return NULL;
	}
	e = g_new0(struct engine, 1);
	e->conf = sec;
	e->title = sec->title;
	e->score = score_of(sec->title);
	e->workers = w;
	e->all = set->conf;
	e->pool = find_pool(set, sec->pool);
	if (sec->max_concurrency > 0)
		e->gate = lane_new((unsigned)sec->max_concurrency);
	if (strcmp(sec->kind, "fault") == 0 && !(e->inner = wrapped(set, sec, w, depth, err))) {
		g_free(e);
		return NULL;
	}
	if (!make_filter(e, err) || !begin(e, ops, err)) {
		engine_free(e);
		return NULL;
	}
	return e;
}

/* What a fault wraps is asked through it only. */
static bool
is_wrapped(const struct conf *conf, const struct conf_engine *sec)
{
	for (guint i = 0; i < conf->engines->len; i++) {
		const struct conf_engine *other = g_ptr_array_index(conf->engines, i);

		if (strcmp(other->kind, "fault") == 0 && other->enabled != ENABLED_NO &&
		    strcmp(other->fault.engine, sec->title) == 0)
			return true;
	}
	return false;
}

/* Does the chain of wrappers that begins here never end? Then the section is built, which says so.
 */
static bool
is_ring(const struct conf *conf, const struct conf_engine *sec)
{
	for (unsigned i = 0; i <= WRAP_MAX; i++) {
		if (strcmp(sec->kind, "fault") != 0)
			return false;
		sec = conf_engine_find(conf, sec->fault.engine);
		if (!sec)
			return false;
	}
	return true;
}

/* Somebody must be there to step in for. */
static bool
check_backups(const struct engines *set, GError **err)
{
	const struct engine *backup = NULL;

	for (guint i = 0; i < set->list->len; i++) {
		const struct engine *e = g_ptr_array_index(set->list, i);

		if (engine_is_active(e))
			return true;
		if (engine_is_backup(e))
			backup = e;
	}
	if (backup)
		refuse(err, backup->conf, "backup = true, but there is no engine to step in for");
	return !backup;
}

static void
pool_free(void *p)
{
	struct threadpool *pool = p;

	threadpool_free(&pool);
}

/* Every pool of the configuration; an engine names one of them. */
static void
make_pools(struct engines *set)
{
	set->pools = g_ptr_array_new_with_free_func(pool_free);
	for (guint i = 0; i < set->conf->threadpools->len; i++)
		g_ptr_array_add(
		    set->pools, threadpool_new(g_ptr_array_index(set->conf->threadpools, i)));
}

struct engines *
engines_new(const struct conf *conf, struct workers *workers, bool test_mode, GError **err)
{
	struct engines *set = g_new0(struct engines, 1);

	set->conf = conf_ref(conf);
	set->list = g_ptr_array_new_with_free_func(engine_free);
	make_pools(set);
	for (guint i = 0; i < conf->engines->len; i++) {
		const struct conf_engine *sec = g_ptr_array_index(conf->engines, i);
		struct engine *e;

		if (sec->enabled == ENABLED_NO || (is_wrapped(conf, sec) && !is_ring(conf, sec)))
			continue;
		e = engine_new(set, sec, workers, test_mode, 0, err);
		if (!e) {
			engines_free(&set);
			return NULL;
		}
		g_ptr_array_add(set->list, e);
	}
	if (!check_backups(set, err))
		engines_free(&set);
	return set;
}

void
engines_start(struct engines *set)
{
	for (guint i = 0; i < set->list->len; i++) {
		struct engine *e = g_ptr_array_index(set->list, i);

		if (e->upstream)
			upstream_start(e->upstream);
	}
}

struct engine *
engines_find(const struct engines *set, const char *title)
{
	for (guint i = 0; i < set->list->len; i++) {
		struct engine *e = g_ptr_array_index(set->list, i);

		if (strcmp(e->title, title) == 0)
			return e;
	}
	return NULL;
}

void
engines_free(struct engines **set)
{
	if (!*set)
		return;
	for (guint i = 0; i < (*set)->pools->len; i++)
		threadpool_stop(g_ptr_array_index((*set)->pools, i));
	g_ptr_array_unref((*set)->list);
	g_ptr_array_unref((*set)->pools);
	conf_unref(&(*set)->conf);
	g_free(*set);
	*set = NULL;
}

/* An engine in process gets its own timeout here; for those on the network dispatch does it for
 * each server. */
static void
scan_locally(struct engine *e, const struct scan_request *rq, struct verdict *v)
{
	struct wait own = wait_until(rq->wait, deadline_in(e->conf->timeout));
	struct scan_request mine = *rq;

	mine.wait = &own;
	e->ops->scan(e, NULL, &mine, v);
	rq->wait->next_tick_ms = own.next_tick_ms;
}

bool
engine_is_parallel(const struct engine *e)
{
	return e->upstream || e->ops->caps & ENGINE_CAP_PARALLEL;
}

static void
no_turn(struct engine *e, const struct scan_request *rq, const char *what, struct verdict *v)
{
	verdict_fail(
	    v, REASON_BUSY, "engine %s: no turn for %s in time (%s)", e->title, rq->label, what);
}

/* One object, the turn taken. */
static void
scan_now(struct engine *e, const struct scan_request *rq, struct verdict *v)
{
	const int64_t begin_us = g_get_monotonic_time();

	if (e->upstream)
		dispatch_scan(e, rq, v);
	else
		scan_locally(e, rq, v);
	histogram_add(&e->score->scan, g_get_monotonic_time() - begin_us);
}

/* Wait for the pool's turn. */
static void
scan_in_pool(struct engine *e, const struct scan_request *rq, struct verdict *v)
{
	switch (threadpool_enter(e->pool, rq->wait)) {
	case LANE_IN:
		scan_now(e, rq, v);
		threadpool_leave(e->pool);
		return;
	case LANE_FULL:
		verdict_fail(v, REASON_BUSY,
		    "engine %s: too many requests wait in threadpool %s (queue_max)", e->title,
		    threadpool_name(e->pool));
		return;
	case LANE_TIMEOUT:
		no_turn(e, rq, "threadpool", v);
	}
}

/* Wait for the engine's own turn first: who waits for it holds no place that another engine could use. */
static void
scan_in_turn(struct engine *e, const struct scan_request *rq, struct verdict *v)
{
	if (!e->gate) {
		scan_in_pool(e, rq, v);
	} else if (lane_enter(e->gate, threadpool_refuse_at(e->pool), rq->wait) == LANE_IN) {
		scan_in_pool(e, rq, v);
		lane_leave(e->gate);
	} else {
		no_turn(e, rq, "max_concurrency", v);
	}
}

/* use_wire_rep = false: the whole message with other line ends. A worker, which has the message already,
 * does that itself. */
static void
scan_lines(struct engine *e, const struct scan_request *rq, struct verdict *v)
{
	struct scan_request mine = *rq;
	g_autoptr(GError) err = NULL;
	struct objects *lf;

	if (e->conf->use_wire_rep || rq->object->kind != OBJECT_MESSAGE ||
	    engine_caps(e) & ENGINE_CAP_WORKER) {
		scan_in_turn(e, rq, v);
		return;
	}
	lf = lf_objects(rq->objects, rq->object, e->all->antivirus.file_base, &err);
	if (!lf) {
		verdict_fail(
		    v, REASON_SPOOL, "engine %s: %s in LF: %s", e->title, rq->label, err->message);
		return;
	}
	mine.objects = lf;
	mine.object = g_ptr_array_index(lf->list, 0);
	scan_in_turn(e, &mine, v);
	objects_free(&lf);
}

void
engine_scan(struct engine *e, const struct scan_request *rq, struct verdict *v)
{
	if (deadline_passed(rq->wait->dl))
		verdict_fail(
		    v, REASON_TIMEOUT, "engine %s: no time was left for %s", e->title, rq->label);
	else if (e->inner)
		scan_now(e, rq, v); /* the turn is that of the engine inside */
	else
		scan_lines(e, rq, v);
	if (v->states == 0)
		verdict_fail(
		    v, REASON_UNKNOWN, "engine %s: said nothing about %s", e->title, rq->label);
	verdict_blame(v, e->title);
	atomic_fetch_add(&e->score->objects[verdict_class(v)], 1);
}

void
engine_covered(struct engine *e)
{
	atomic_fetch_add(&e->score->covered, 1);
}
