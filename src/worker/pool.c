/*
 * pool - lending workers to sessions, first come first served, and taking them back
 */
#include "worker/pool.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/events.h"

#define MINUTE_MS (60 * 1000)
/* For the EXIT of a worker whose socket has closed: tearing down 541 MB takes 13 ms. */
#define CAUSE_WAIT_MS 300
#define QUEUE_FACTOR  10 /* queue_max raises an alert; this many times it is refused */

G_DEFINE_QUARK(avm_workers_error, workers_error)

const struct pool_limits pool_limits_default = {
	.retire_messages = 1000,
	.retire_ms = 10 * MINUTE_MS,
	.selftest_ms = MINUTE_MS,
	.selftest_timeout_ms = 20 * 1000,
	.load_timeout_ms = 10 * MINUTE_MS,
	.fork_timeout_ms = 10 * 1000,
	.backoff_first_ms = 1000,
	.backoff_last_ms = 30 * 1000,
	.steady_ms = MINUTE_MS,
	.clear_ms = MINUTE_MS,
	.linger_ms = 2000,
};

void
pool_wake(struct workers *p)
{
	eventfd_write(p->wake, 1);
}

void
pool_wait_back(struct wait *wait, const struct wait *step, struct deadline own)
{
	wait->next_tick_ms = step->next_tick_ms;
	/* Earlier than both that it was made of: somebody has cut the message's. */
	if (step->dl.at_ms < wait->dl.at_ms && step->dl.at_ms < own.at_ms)
		wait->dl = step->dl;
}

void
pool_dispatch(struct workers *p)
{
	while (!p->stopping && p->idle->len > 0 && p->busy < p->cfg.count &&
	    !g_queue_is_empty(&p->waiters)) {
		struct waiter *who = g_queue_pop_head(&p->waiters);

		/* The last one used: its caches are warm. */
		who->got = g_ptr_array_steal_index(p->idle, p->idle->len - 1);
		who->got->state = WORKER_LEASED;
		p->busy++;
		pthread_cond_signal(&who->cond);
	}
	if (p->waiters.length <= p->cfg.queue_max / 2)
		p->crowded = false;
}

/* What the state that a worker leaves means for the sums. Locks: mu held. */
static void
leave(struct workers *p, struct worker *w)
{
	if (w->state == WORKER_LEASED)
		p->busy--;
	else if (w->state == WORKER_IDLE)
		g_ptr_array_remove(p->idle, w);
	else if (w->state == WORKER_TESTING && !w->fresh)
		w->gen->testing--;
}

void
pool_idle(struct workers *p, struct worker *w)
{
	leave(p, w);
	w->state = WORKER_IDLE;
	if (w->gen == p->serving)
		g_ptr_array_add(p->idle, w);
	pool_dispatch(p);
}

void
pool_dying(struct workers *p, struct worker *w, const char *end)
{
	leave(p, w);
	w->state = WORKER_DYING;
	w->end = end;
	w->gen->live--;
	pool_dispatch(p);
}

void
pool_testing(struct workers *p, struct worker *w)
{
	leave(p, w);
	w->state = WORKER_TESTING;
	w->gen->testing++;
	pool_dispatch(p);
}

bool
pool_can_spare(const struct workers *p, const struct worker *w)
{
	return w->gen->can_fork && w->gen->live > p->cfg.count && w->gen->testing == 0;
}

/* Put what a session sees as an error into words. Locks: mu held. */
static void
set_error(const struct workers *p, enum workers_error code, GError **err)
{
	const char *place =
	    p->cfg.settings.flags & PROTO_ENGINE ? p->cfg.settings.database : p->cfg.scanner_path;

	switch (code) {
	case WORKERS_E_BUSY:
		g_set_error(err, WORKERS_ERROR, (gint)code,
		    "scanner: %u messages wait already (queue_max)", p->waiters.length);
		return;
	case WORKERS_E_TIMEOUT:
		g_set_error(err, WORKERS_ERROR, (gint)code,
		    "scanner: no worker was free in time (%u workers, %u messages waiting)",
		    p->cfg.count, p->waiters.length);
		return;
	case WORKERS_E_STOPPED:
		g_set_error(err, WORKERS_ERROR, (gint)code, "scanner: avmilter is stopping");
		return;
	case WORKERS_E_NOT_READY:
		if (p->last_error && strstr(p->last_error, place))
			place = "its settings";
		g_set_error(err, WORKERS_ERROR, (gint)code, "scanner: not ready with %s: %s", place,
		    p->last_error ? p->last_error : "still loading");
	}
}

/* Stand in the queue until a worker is handed over. Locks: mu held. */
static struct worker *
queue(struct workers *p, struct wait *wait, bool first, GError **err)
{
	struct waiter me = { .got = NULL };

	cond_init(&me.cond);
	if (first)
		g_queue_push_head(&p->waiters, &me);
	else
		g_queue_push_tail(&p->waiters, &me);
	pool_dispatch(p);
	while (!me.got && !p->stopping)
		if (!wait_cond(wait, &me.cond, &p->mu))
			break;
	pthread_cond_destroy(&me.cond);
	if (me.got && !p->stopping)
		return me.got;
	if (me.got)
		pool_idle(p, me.got);
	g_queue_remove(&p->waiters, &me);
	set_error(p,
	    p->stopping      ? WORKERS_E_STOPPED
		: p->serving ? WORKERS_E_TIMEOUT
			     : WORKERS_E_NOT_READY,
	    err);
	return NULL;
}

/* One more is about to wait: tell when that is more than queue_max. Locks: mu held, left while it is told. */
static void
tell_crowd(struct workers *p)
{
	const unsigned waiting = p->waiters.length;

	if (p->cfg.queue_max == 0 || p->crowded || waiting < p->cfg.queue_max)
		return;
	p->crowded = true;
	pthread_mutex_unlock(&p->mu);
	event_raise(EVENT_LOAD_EXCEEDED,
	    "scanner: %u messages wait for %u workers (queue_max %u); from %u on they are answered "
	    "451",
	    waiting + 1, p->cfg.count, p->cfg.queue_max, QUEUE_FACTOR * p->cfg.queue_max);
	pthread_mutex_lock(&p->mu);
}

/* The next worker, or NULL and *err. Locks: none held. */
static struct worker *
take_next(struct workers *p, struct wait *wait, bool first, GError **err)
{
	struct worker *w = NULL;

	pthread_mutex_lock(&p->mu);
	p->visitors++;
	tell_crowd(p);
	if (p->cfg.queue_max > 0 && !first && p->waiters.length >= QUEUE_FACTOR * p->cfg.queue_max)
		set_error(p, WORKERS_E_BUSY, err);
	else
		w = queue(p, wait, first, err);
	if (--p->visitors == 0 && p->stopping)
		pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mu);
	return w;
}

struct worker *
pool_take(struct workers *p, struct wait *wait, GError **err)
{
	struct worker *w;
	bool again = false;

	/* One that died or spoke up while it was idle costs nobody a message. */
	while ((w = take_next(p, wait, again, err)) != NULL && !packet_quiet(w->sock)) {
		worker_kill(w);
		pool_lose(p, w, END_IDLE);
		again = true;
	}
	return w;
}

void
pool_give(struct workers *p, struct worker *w)
{
	int64_t now = now_ms();
	bool wake = true;

	pthread_mutex_lock(&p->mu);
	w->messages++;
	if (w->doubtful)
		w->tested_ms = now - p->lim.selftest_ms;
	w->doubtful = false;
	if (w->gen->state != GENERATION_SERVING)
		pool_dying(p, w, END_REPLACED);
	else if (w->dead)
		pool_dying(p, w, NULL);
	else if (!pool_can_spare(p, w))
		wake = false;
	else if (w->messages >= p->lim.retire_messages || now - w->born_ms >= p->lim.retire_ms)
		pool_dying(p, w, END_RETIRED);
	else if (now - w->tested_ms >= p->lim.selftest_ms)
		pool_testing(p, w);
	else
		wake = false;
	if (!wake)
		pool_idle(p, w);
	pthread_mutex_unlock(&p->mu);
	if (wake)
		pool_wake(p);
}

void
pool_lose(struct workers *p, struct worker *w, const char *end)
{
	pthread_mutex_lock(&p->mu);
	w->pinned = !end;
	if (end)
		p->counts.killed++;
	else
		p->counts.crashed++;
	pool_dying(p, w, end);
	pthread_mutex_unlock(&p->mu);
	pool_wake(p);
}

const char *
pool_cause(struct workers *p, struct worker *w, struct wait *wait, char buf[ENDING_TEXT_MAX])
{
	struct deadline own = deadline_in(CAUSE_WAIT_MS);
	struct wait brief = wait_until(wait, own);
	const char *text = "cause not known";

	pthread_mutex_lock(&p->mu);
	while (!w->exit_known && wait_cond(&brief, &p->exited, &p->mu))
		;
	if (w->exit_known)
		text = ending_text(w->exit_status, buf);
	w->pinned = false;
	pthread_mutex_unlock(&p->mu);
	pool_wait_back(wait, &brief, own);
	pool_wake(p);
	return text;
}
