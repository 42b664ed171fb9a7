/*
 * supervisor - what is due for the pool: a zygote to start, a generation to switch to or to give up
 */
#include <inttypes.h>
#include <string.h>

#include "base/events.h"
#include "base/log.h"
#include "worker/pool.h"

static void
set_error(struct workers *p, const char *text)
{
	pthread_mutex_lock(&p->mu);
	g_free(p->last_error);
	p->last_error = g_strdup(text);
	pthread_mutex_unlock(&p->mu);
}

/* A zygote is needed, not before least_ms from now: the first time then, later twice as late each
 * time. */
static void
schedule(struct workers *p, int64_t now, int64_t least_ms)
{
	p->start_at_ms = now + MAX(p->backoff_ms, least_ms);
	p->backoff_ms = CLAMP(2 * p->backoff_ms, p->lim.backoff_first_ms, p->lim.backoff_last_ms);
}

/* The coming generation will not serve. The one that serves stays; without one, or when it has lost
 * its zygote, we try again. */
static void
give_up(struct workers *p, int64_t now)
{
	struct generation *g = p->coming;
	bool again = !p->serving || !p->serving->zygote || p->serving->lost;

	p->coming = NULL;
	if (p->told_error && g_str_equal(p->told_error, g->failed))
		log_info("scanner: generation %u: still not usable: %s", g->number, g->failed);
	else
		event_raise(EVENT_UPDATE_ERROR, "scanner: generation %u is not usable: %s%s",
		    g->number, g->failed,
		    p->serving ? "; the old one serves on"
			       : "; messages are refused with 451 until one is");
	g_free(p->told_error);
	p->told_error = g_strdup(g->failed);
	set_error(p, g->failed);
	pthread_mutex_lock(&p->mu);
	p->counts.failures++;
	pthread_mutex_unlock(&p->mu);
	generation_set_state(g, GENERATION_DRAINING);
	reload_done(p, RELOADED_FAILED, g->failed);
	if (again)
		schedule(p, now, p->lim.backoff_first_ms);
}

/* A restart with the definitions of before is no update, nor is the first load. */
static void
tell_serving(struct workers *p, const struct generation *g)
{
	const struct proto_ready *r = &g->ready;
	const bool update =
	    p->served && memcmp(p->served_id, r->generation, sizeof(p->served_id)) != 0;
	g_autofree char *text = g_strdup_printf("scanner: generation %u serves: %s, %" PRIu64
						" signatures, definitions %" PRIu64,
	    g->number, *r->engine_version ? r->engine_version : "no engine", r->signatures,
	    r->definitions);

	p->served = true;
	memcpy(p->served_id, r->generation, sizeof(p->served_id));
	if (update)
		event_raise(EVENT_UPDATE, "%s", text);
	else
		log_notice("%s", text);
}

/* What serves goes, what came serves. */
static void
take_over(struct workers *p)
{
	struct generation *g = p->coming;

	p->coming = NULL;
	pthread_mutex_lock(&p->mu);
	if (p->serving)
		p->serving->state = GENERATION_DRAINING;
	p->serving = g;
	g->state = GENERATION_SERVING;
	g_ptr_array_set_size(p->idle, 0);
	for (guint i = 0; i < g->workers->len; i++) {
		struct worker *w = g_ptr_array_index(g->workers, i);

		if (w->state == WORKER_IDLE)
			g_ptr_array_add(p->idle, w);
	}
	p->counts.generations++;
	g_clear_pointer(&p->last_error, g_free);
	pool_dispatch(p);
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mu);
	g_clear_pointer(&p->told_error, g_free);
	tell_serving(p, g);
	reload_done(p, RELOADED_NEW, NULL);
}

static void
tick_coming(struct workers *p, int64_t now, int64_t *next)
{
	struct generation *g = p->coming;
	unsigned need = p->serving ? p->cfg.count : 1; /* a reload must not thin out the workers */

	if (g->failed) {
		give_up(p, now);
		return;
	}
	if (generation_state(g) == GENERATION_LOADING)
		reload_tick(p, g, now, next);
	if (p->coming == NULL || generation_state(g) != GENERATION_WARMING)
		return;
	if (!g->judged && reload_is_same(p, g->ready.generation)) {
		reload_unchanged(p, g);
		return;
	}
	g->judged = true;
	if (generation_tested(g) < need)
		return;
	take_over(p);
	*next = now; /* its timers count from here */
}

/* The serving generation may have lost its zygote, and then its last worker. */
static void
tick_serving(struct workers *p, int64_t now)
{
	struct generation *g = p->serving;

	if (g->failed) {
		set_error(p, g->failed);
		g_clear_pointer(&g->failed, g_free);
		pthread_mutex_lock(&p->mu);
		p->counts.restarts++;
		pthread_mutex_unlock(&p->mu);
		/* A steady one was lost by bad luck, any other may be lost again and again. */
		if (now - g->born_ms >= p->lim.steady_ms)
			p->backoff_ms = 0;
		if (!p->coming)
			schedule(p, now, 0);
	}
	if (g->zygote)
		return;
	pthread_mutex_lock(&p->mu);
	if (g->live == 0) {
		p->serving = NULL;
		g->state = GENERATION_DRAINING;
	}
	pthread_mutex_unlock(&p->mu);
}

/* Only where there is an engine to lose, and a database that it was made of. */
static bool
asks(const struct workers *p)
{
	return p->serving != NULL && (p->cfg.settings.flags & PROTO_ENGINE) != 0;
}

static void
tick_start(struct workers *p, int64_t now, int64_t *next)
{
	g_autoptr(GError) err = NULL;
	bool wanted;

	if (p->coming)
		return;
	pthread_mutex_lock(&p->mu);
	wanted = p->reload_wanted;
	p->reload_wanted = false;
	if (wanted)
		p->answering = p->reloads_asked;
	pthread_mutex_unlock(&p->mu);
	if (!wanted && now < p->start_at_ms) {
		*next = MIN(*next, p->start_at_ms);
		return;
	}
	p->start_at_ms = INT64_MAX;
	p->coming = generation_start(p, asks(p), &err);
	if (p->coming)
		return;
	event_raise(EVENT_UPDATE_ERROR, "%s", err->message);
	set_error(p, err->message);
	reload_done(p, RELOADED_FAILED, err->message);
	if (!p->serving || !p->serving->zygote || p->serving->lost)
		schedule(p, now, p->lim.backoff_first_ms);
	*next = MIN(*next, p->start_at_ms);
}

int64_t
supervisor_tick(struct workers *p)
{
	int64_t now = now_ms(), next = INT64_MAX;

	for (guint i = 0; i < p->gens->len; i++)
		generation_tick(g_ptr_array_index(p->gens, i), now, &next);
	if (p->coming)
		tick_coming(p, now, &next);
	if (p->serving)
		tick_serving(p, now);
	tick_start(p, now, &next);
	for (guint i = p->gens->len; i-- > 0;) {
		struct generation *g = g_ptr_array_index(p->gens, i);

		if (generation_state(g) != GENERATION_DRAINING)
			continue;
		generation_tick(g, now, &next);
		if (g->workers->len > 0 || g->zygote)
			continue;
		generation_free(&g);
		if (p->coming) /* it may have waited for this */
			next = now;
	}
	return next;
}
