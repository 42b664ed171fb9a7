/*
 * generation - one zygote and its workers, from its start until nothing of it is left
 *
 * A zygote that ends does not take a serving generation down: the workers that live serve on until
 * a new generation does, only the dead are not replaced any more.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/events.h"
#include "base/log.h"
#include "worker/pool.h"

/* So that one chatty zygote does not keep the supervisor from the others. */
#define EVENTS_AT_ONCE  256
#define NO_FORK_WAIT_MS 1000 /* after the zygote could not fork */

struct generation *
generation_start(struct workers *p, bool ask, GError **err)
{
	struct zygote *z = zygote_start(&p->cfg, ask, err);
	struct generation *g;

	if (!z)
		return NULL;
	g = g_new0(struct generation, 1);
	g->pool = p;
	g->number = ++p->next_generation;
	g->zygote = z;
	g->workers = g_ptr_array_new();
	g->born_ms = now_ms();
	g->load_by_ms = g->born_ms + p->lim.load_timeout_ms;
	g->state = GENERATION_LOADING;
	g->step = ask ? LOAD_ASKED : LOAD_UNASKED;
	g->can_fork = true;
	g_ptr_array_add(p->gens, g);
	log_info("scanner: generation %u: loading %s (pid %d)", g->number,
	    p->cfg.settings.flags & PROTO_ENGINE ? p->cfg.settings.database : "no engine",
	    (int)z->pid);
	return g;
}

void
generation_free(struct generation **gen)
{
	struct generation *g = *gen;

	*gen = NULL;
	g_ptr_array_remove(g->pool->gens, g);
	zygote_free(&g->zygote);
	g_ptr_array_unref(g->workers);
	g_free(g->failed);
	g_free(g->lost_why);
	g_free(g->complaint);
	g_free(g);
}

void
generation_set_state(struct generation *g, enum generation_state s)
{
	pthread_mutex_lock(&g->pool->mu);
	g->state = s;
	pthread_mutex_unlock(&g->pool->mu);
}

enum generation_state
generation_state(const struct generation *g)
{
	enum generation_state s;

	pthread_mutex_lock(&g->pool->mu);
	s = g->state;
	pthread_mutex_unlock(&g->pool->mu);
	return s;
}

void
generation_fail(struct generation *g, const char *fmt, ...)
{
	va_list ap;

	if (g->failed)
		return;
	va_start(ap, fmt);
	g->failed = g_strdup_vprintf(fmt, ap);
	va_end(ap);
}

void
generation_dismiss(struct generation *g, const char *why, int64_t linger_ms)
{
	if (!g->zygote || g->lost)
		return;
	g->lost = true;
	g->lost_why = g_strdup(why);
	g->linger_by_ms = now_ms() + linger_ms;
	zygote_dismiss(g->zygote);
	pthread_mutex_lock(&g->pool->mu);
	g->can_fork = false;
	pthread_mutex_unlock(&g->pool->mu);
}

unsigned
generation_tested(const struct generation *g)
{
	unsigned n = 0;

	pthread_mutex_lock(&g->pool->mu);
	for (guint i = 0; i < g->workers->len; i++) {
		const struct worker *w = g_ptr_array_index(g->workers, i);

		n += w->state == WORKER_IDLE || w->state == WORKER_LEASED ||
		    (w->state == WORKER_TESTING && !w->fresh);
	}
	pthread_mutex_unlock(&g->pool->mu);
	return n;
}

static void
hear_exit(struct generation *g, const struct proto_exit *e)
{
	log_debug("scanner: generation %u: pid %d ended: %" PRIu64 " ms of processor time, %" PRIu64
		  " KB at most",
	    g->number, e->pid, e->cpu_ms, e->maxrss_kb);
	pthread_mutex_lock(&g->pool->mu);
	for (guint i = 0; i < g->workers->len; i++) {
		struct worker *w = g_ptr_array_index(g->workers, i);

		if (w->child == e->number && w->pid == e->pid) {
			w->exit_known = true;
			w->exit_status = e->status;
		}
	}
	pthread_cond_broadcast(&g->pool->exited);
	pthread_mutex_unlock(&g->pool->mu);
}

static void
hear_ready(struct generation *g, const struct proto_ready *r)
{
	if (generation_state(g) != GENERATION_LOADING)
		return;
	g->ready = *r;
	generation_set_state(g, GENERATION_WARMING);
	log_debug(
	    "scanner: generation %u: loaded in %" PRId64 " ms", g->number, now_ms() - g->born_ms);
}

/* What was asked for is answered; anything else breaks the protocol. */
static void
hear_step(struct generation *g, enum load_step from, enum load_step to)
{
	if (g->step != from)
		generation_fail(g, "protocol: unexpected packet");
	g->step = to;
	g->load_by_ms = now_ms() + g->pool->lim.load_timeout_ms;
}

void
generation_hear(struct generation *g)
{
	struct zygote_event ev;

	for (int i = 0; i < EVENTS_AT_ONCE && g->zygote && !g->lost; i++) {
		zygote_next(g->zygote, &ev);
		switch (ev.kind) {
		case ZYGOTE_NOTHING:
			return;
		case ZYGOTE_FOUND:
			hear_step(g, LOAD_ASKED, LOAD_FOUND);
			g->found = ev.ready;
			break;
		case ZYGOTE_CHECKED:
			hear_step(g, LOAD_CHECKING, LOAD_CHECKED);
			break;
		case ZYGOTE_READY:
			hear_ready(g, &ev.ready);
			break;
		case ZYGOTE_FAILED:
			generation_fail(g, "%s", ev.text);
			break;
		case ZYGOTE_WORKER:
			g->forks -= g->forks > 0;
			g->fork_by_ms = now_ms() + g->pool->lim.fork_timeout_ms;
			g_ptr_array_add(g->workers, worker_new(g, &ev));
			break;
		case ZYGOTE_NO_WORKER:
			g->forks -= g->forks > 0;
			g->fork_at_ms = now_ms() + NO_FORK_WAIT_MS;
			g_free(g->complaint);
			g->complaint = g_strdup(ev.text);
			log_warn("scanner: generation %u: no new worker: %s", g->number, ev.text);
			break;
		case ZYGOTE_EXIT:
			hear_exit(g, &ev.exit);
			break;
		case ZYGOTE_LOST:
			generation_dismiss(g, ev.text, 0);
			break;
		}
	}
}

/* Keep count workers and one spare. */
static void
tick_forks(struct generation *g, int64_t now, int64_t *next)
{
	unsigned live;

	pthread_mutex_lock(&g->pool->mu);
	live = g->live;
	pthread_mutex_unlock(&g->pool->mu);
	if (g->forks > 0 && now >= g->fork_by_ms) {
		generation_dismiss(g, "it does not answer", 0);
		return;
	}
	if (live + g->forks <= g->pool->cfg.count && now < g->fork_at_ms)
		*next = MIN(*next, g->fork_at_ms);
	while (live + g->forks <= g->pool->cfg.count && now >= g->fork_at_ms) {
		if (!zygote_fork(g->zygote)) {
			generation_dismiss(g, "it does not listen", 0);
			return;
		}
		if (g->forks++ == 0)
			g->fork_by_ms = now + g->pool->lim.fork_timeout_ms;
	}
	if (g->forks > 0)
		*next = MIN(*next, g->fork_by_ms);
}

/* A zygote that is to end, or has ended. */
static void
tick_zygote(struct generation *g, int64_t now)
{
	char buf[ENDING_TEXT_MAX];
	int status;

	if (!zygote_ended(g->zygote, &status)) {
		if (g->lost && now >= g->linger_by_ms) {
			zygote_kill(g->zygote);
			g->linger_by_ms = INT64_MAX;
		}
		return;
	}
	generation_hear(g); /* last words */
	generation_dismiss(g, "it ended", 0);
	if (generation_state(g) == GENERATION_SERVING)
		event_raise(EVENT_CRASH,
		    "scanner: generation %u: lost its zygote (pid %d): %s (%s); the workers "
		    "that live serve on, a new one is loaded",
		    g->number, (int)g->zygote->pid, g->lost_why, ending_text(status, buf));
	if (generation_state(g) != GENERATION_DRAINING)
		generation_fail(
		    g, "the scanner ended: %s (%s)", g->lost_why, ending_text(status, buf));
	zygote_free(&g->zygote);
}

/* One idle worker at a time is due for its self-test or for retirement, when it can be spared. */
static void
tick_idle(struct generation *g, int64_t now, int64_t *next)
{
	struct workers *p = g->pool;

	pthread_mutex_lock(&p->mu);
	for (guint i = 0; i < p->idle->len; i++) {
		struct worker *w = g_ptr_array_index(p->idle, i);
		int64_t retire = w->born_ms + p->lim.retire_ms,
			test = w->tested_ms + p->lim.selftest_ms;

		if (!pool_can_spare(p, w))
			break; /* the fork or the test that is under way brings us here again */
		if (now < MIN(retire, test)) {
			*next = MIN(*next, MIN(retire, test));
			continue;
		}
		if (now >= retire)
			pool_dying(p, w, END_RETIRED);
		else
			pool_testing(p, w);
		*next = now;
		break;
	}
	pthread_mutex_unlock(&p->mu);
}

static void
tick_workers(struct generation *g, int64_t now, int64_t *next)
{
	for (guint i = 0; i < g->workers->len;) {
		struct worker *w = g_ptr_array_index(g->workers, i);
		bool done = worker_tick(w, now, next);

		if (done) {
			pthread_mutex_lock(&g->pool->mu);
			g_ptr_array_remove_index_fast(g->workers, i);
			pthread_mutex_unlock(&g->pool->mu);
			worker_free(w);
		} else
			i++;
	}
}

void
generation_tick(struct generation *g, int64_t now, int64_t *next)
{
	enum generation_state state = generation_state(g);

	if (g->zygote)
		tick_zygote(g, now);
	if ((state == GENERATION_LOADING || state == GENERATION_WARMING) && now >= g->load_by_ms)
		generation_fail(g, "not ready after %" PRId64 " ms%s%s", now - g->born_ms,
		    g->complaint ? ": " : "", g->complaint ? g->complaint : "");
	else if (state == GENERATION_LOADING || state == GENERATION_WARMING)
		*next = MIN(*next, g->load_by_ms);
	if (state == GENERATION_SERVING)
		tick_idle(g, now, next);
	tick_workers(g, now, next);
	/* After the funerals: they make room. */
	if ((state == GENERATION_WARMING || state == GENERATION_SERVING) && g->zygote && !g->lost &&
	    !g->failed)
		tick_forks(g, now, next);
	if (state == GENERATION_DRAINING && g->workers->len == 0 && g->zygote)
		generation_dismiss(g, "its work is done", g->pool->lim.linger_ms);
	/* Whoever dismissed it above: a zygote that hangs gives no sign that would bring us here again. */
	if (g->zygote && g->lost)
		*next = MIN(*next, g->linger_by_ms);
}
