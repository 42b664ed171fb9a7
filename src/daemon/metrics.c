/* metrics - see metrics.h */
#include "daemon/metrics.h"

#include <time.h>

#include "base/deadline.h"
#include "base/events.h"
#include "base/prom.h"
#include "daemon/server.h"
#include "engine/age.h"
#include "engine/score.h"
#include "engine/threadpool.h"
#include "engine/upstream.h"
#include "message/spool.h"

#define MS_PER_S 1000.0

/* What the samples are made from, taken once. */
struct source {
	GString *out;
	const char *name; /* of the metric at hand */
	struct server *server;
	const struct stats *stats;
	struct snapshot *snap; /* NULL while starting or stopping */
	struct workers_stats workers;
	struct cache_stats cache;
	struct updates_stats updates;
	struct quarantine_stats quarantine;
	bool workers_ready;
};

#define SAMPLE(s, value, ...) prom_sample((s)->out, (s)->name, (double)(value), ##__VA_ARGS__, NULL)

static void
put_build(const struct source *s)
{
	SAMPLE(s, 1, "version", AVM_VERSION);
}

static void
put_uptime(const struct source *s)
{
	SAMPLE(s, (double)(now_ms() - s->server->started_ms) / MS_PER_S);
}

static void
put_ready(const struct source *s)
{
	SAMPLE(s, s->snap != NULL && s->workers_ready && !atomic_load(&s->server->milter.draining));
}

/* What never happened is left out, but for what a rule of an alert would ask for. */
static void
put_messages(const struct source *s)
{
	for (unsigned r = 0; r < STATS_RESULTS; r++)
		for (unsigned a = 0; a < ACTION_COUNT; a++) {
			const uint64_t n = atomic_load(&s->stats->answers[r][a]);

			if (n > 0 || (r == CLASS_CLEAN && a == ACTION_PASS) ||
			    (r == CLASS_INFECTED && a == ACTION_REJECT))
				SAMPLE(s, n, "class", stats_result_word(r), "action",
				    action_name((enum action)a));
		}
}

static void
put_bytes(const struct source *s)
{
	SAMPLE(s, atomic_load(&s->stats->bytes));
}

static void
put_skipped(const struct source *s)
{
	for (unsigned i = 0; i < STATS_SKIPS; i++)
		SAMPLE(s, atomic_load(&s->stats->skips[i]), "why", stats_skip_word(i));
}

static void
put_unscanned(const struct source *s)
{
	SAMPLE(s, atomic_load(&s->stats->unscanned_delivered));
}

static void
put_aborted(const struct source *s)
{
	SAMPLE(s, atomic_load(&s->stats->aborted));
}

static void
put_effects(const struct source *s)
{
	SAMPLE(s, atomic_load(&s->stats->effects_failed));
}

static void
put_eom(const struct source *s)
{
	prom_histogram(s->out, s->name, &s->stats->eom, NULL, NULL);
}

static void
put_objects(const struct source *s)
{
	for (const struct score *e = score_first(); e != NULL; e = e->next) {
		for (int i = 0; i < CLASS_COUNT; i++)
			SAMPLE(s, atomic_load(&e->objects[i]), "engine", e->title, "result",
			    verdict_class_name((enum verdict_class)i));
		SAMPLE(s, atomic_load(&e->covered), "engine", e->title, "result", "covered");
	}
}

static void
put_engine_messages(const struct source *s)
{
	for (const struct score *e = score_first(); e != NULL; e = e->next)
		SAMPLE(s, atomic_load(&e->messages), "engine", e->title);
}

static void
put_engine_viruses(const struct source *s)
{
	for (const struct score *e = score_first(); e != NULL; e = e->next)
		SAMPLE(s, atomic_load(&e->viruses), "engine", e->title);
}

static void
put_scan(const struct source *s)
{
	for (const struct score *e = score_first(); e != NULL; e = e->next)
		prom_histogram(s->out, s->name, &e->scan, "engine", e->title);
}

static void
put_servers(const struct source *s, const struct engine *e)
{
	g_autoptr(GPtrArray) servers = upstream_stats(e->upstream);

	for (guint i = 0; i < servers->len; i++) {
		const struct server_stats *st = g_ptr_array_index(servers, i);

		SAMPLE(s, st->out_why == REASON_NONE, "engine", e->title, "server", st->server);
	}
}

static void
put_engine_up(const struct source *s)
{
	for (guint i = 0; s->snap != NULL && i < s->snap->engines->list->len; i++) {
		const struct engine *e = g_ptr_array_index(s->snap->engines->list, i);

		if (e->upstream != NULL)
			put_servers(s, e);
		else
			SAMPLE(s, !(engine_caps(e) & ENGINE_CAP_WORKER) || s->workers_ready,
			    "engine", e->title, "server", "embedded");
	}
}

static void
put_definitions(const struct source *s)
{
	for (guint i = 0; s->snap != NULL && i < s->snap->engines->list->len; i++) {
		struct engine *e = g_ptr_array_index(s->snap->engines->list, i);
		const int64_t made = age_made(e);

		if (made > 0)
			SAMPLE(s, (int64_t)time(NULL) - made, "engine", e->title);
	}
}

static void
put_updates(const struct source *s)
{
	SAMPLE(s, s->updates.commands);
}

static void
put_updates_failed(const struct source *s)
{
	SAMPLE(s, s->updates.failures);
}

static void
put_cache(const struct source *s)
{
	static const char *const levels[CACHE_LEVELS] = { "message", "object" };
	struct cache_redis_stats redis;

	for (int i = 0; i < CACHE_LEVELS; i++) {
		SAMPLE(s, s->cache.hits[i], "tier", "memory", "level", levels[i], "result", "hit");
		SAMPLE(
		    s, s->cache.misses[i], "tier", "memory", "level", levels[i], "result", "miss");
	}
	if (s->server->memory->redis == NULL)
		return;
	cache_redis_stats(s->server->memory->redis, &redis);
	SAMPLE(s, redis.hits, "tier", "redis", "level", "any", "result", "hit");
	SAMPLE(s, redis.misses, "tier", "redis", "level", "any", "result", "miss");
	SAMPLE(s, redis.failed + redis.skipped, "tier", "redis", "level", "any", "result", "error");
}

static void
put_cache_entries(const struct source *s)
{
	SAMPLE(s, s->cache.clean, "kind", "clean");
	SAMPLE(s, s->cache.findings, "kind", "findings");
}

static void
put_cache_bytes(const struct source *s)
{
	SAMPLE(s, s->cache.bytes);
}

/* The i-th threadpool with its numbers; false behind the last. */
static bool
pool_at(const struct source *s, guint i, const char **name, struct lane_stats *st)
{
	if (s->snap == NULL || i >= s->snap->engines->pools->len)
		return false;
	*name = threadpool_name(g_ptr_array_index(s->snap->engines->pools, i));
	threadpool_stats(g_ptr_array_index(s->snap->engines->pools, i), st);
	return true;
}

static void
put_queue(const struct source *s)
{
	uint64_t n = s->workers.waiting;
	struct lane_stats st;
	const char *name;

	for (guint i = 0; pool_at(s, i, &name, &st); i++)
		n += st.waiting;
	SAMPLE(s, n);
}

static void
put_pool_places(const struct source *s)
{
	struct lane_stats st;
	const char *name;

	for (guint i = 0; pool_at(s, i, &name, &st); i++)
		SAMPLE(s, st.slots, "pool", name);
}

static void
put_pool_busy(const struct source *s)
{
	struct lane_stats st;
	const char *name;

	for (guint i = 0; pool_at(s, i, &name, &st); i++)
		SAMPLE(s, st.inside, "pool", name);
}

static void
put_pool_waiting(const struct source *s)
{
	struct lane_stats st;
	const char *name;

	for (guint i = 0; pool_at(s, i, &name, &st); i++)
		SAMPLE(s, st.waiting, "pool", name);
}

static void
put_workers(const struct source *s)
{
	SAMPLE(s, s->workers.busy, "state", "busy");
	SAMPLE(s, s->workers.spare, "state", "idle");
}

static void
put_restarts(const struct source *s)
{
	SAMPLE(s, s->workers.crashed, "cause", "crashed");
	SAMPLE(s, s->workers.killed, "cause", "killed");
	SAMPLE(s, s->workers.restarts, "cause", "zygote");
}

static void
put_sessions(const struct source *s)
{
	SAMPLE(s, atomic_load(&s->server->milter.sessions));
}

static void
put_in_hand(const struct source *s)
{
	SAMPLE(s, atomic_load(&s->server->milter.pending));
}

static void
put_spool(const struct source *s)
{
	SAMPLE(s, spool_budget_used(s->server->milter.budget));
}

static void
put_quarantine(const struct source *s)
{
	SAMPLE(s, s->quarantine.held, "state", "held");
	SAMPLE(s, s->quarantine.entries - s->quarantine.held, "state", "other");
}

static void
put_quarantine_bytes(const struct source *s)
{
	SAMPLE(s, s->quarantine.bytes);
}

static void
put_rules(const struct source *s)
{
	for (guint i = 0; s->snap != NULL && i < s->snap->rules->list->len; i++) {
		const struct rule *r = g_ptr_array_index(s->snap->rules->list, i);

		SAMPLE(s, atomic_load(r->hits), "rule", r->conf->title);
	}
}

static void
put_events(const struct source *s)
{
	for (int i = 0; i < EVENT_COUNT; i++)
		SAMPLE(s, event_raised((enum event_kind)i), "kind", event_name((enum event_kind)i));
}

static const struct {
	const char *name, *type, *help;
	void (*put)(const struct source *s);
} metrics[] = {
#define METRIC(function, name, type, help) { "avmilter_" name, #type, help, put_##function },
#include "daemon/metrics.def"
#undef METRIC
};

static void
take(struct source *s)
{
	struct quarantine *q = atomic_load(&s->server->milter.quarantine);
	struct workers *w = s->snap != NULL ? snapshot_workers(s->snap) : NULL;
	struct proto_ready ready;

	s->stats = &s->server->milter.stats;
	s->workers_ready = w == NULL || workers_ready_info(w, &ready);
	if (w != NULL)
		workers_stats(w, &s->workers);
	cache_stats(s->server->memory->cache, &s->cache);
	updates_stats(s->server->updates, &s->updates);
	if (q != NULL)
		quarantine_stats(q, &s->quarantine);
}

GString *
metrics_text(struct server *server)
{
	AUTO(snapshot_unref) struct snapshot *snap = snapshot_slot_get(&server->milter.slot);
	struct source s = { .out = g_string_new(NULL), .server = server, .snap = snap };

	take(&s);
	for (size_t i = 0; i < G_N_ELEMENTS(metrics); i++) {
		s.name = metrics[i].name;
		prom_head(s.out, s.name, metrics[i].type, metrics[i].help);
		metrics[i].put(&s);
	}
	g_free(s.updates.last_error);
	return s.out;
}
