/*
 * threadpool - a lane, threads, and a word when too many wait
 */
#include "engine/threadpool.h"

#include <glib.h>
#include <stdatomic.h>

#include "base/events.h"
#include "conf/conf.h"

#define QUEUE_FACTOR 10 /* queue_max raises an alert; this many times it is refused */

struct threadpool {
	const struct conf_threadpool *conf;
	struct lane *lane;
	struct threads *threads;
	atomic_bool crowded; /* told already */
};

struct threadpool *
threadpool_new(const struct conf_threadpool *conf)
{
	struct threadpool *p = g_new0(struct threadpool, 1);

	p->conf = conf;
	p->lane = lane_new((unsigned)conf->size);
	p->threads = threads_new((unsigned)conf->size);
	return p;
}

void
threadpool_stop(struct threadpool *p)
{
	threads_free(&p->threads);
}

void
threadpool_free(struct threadpool **pp)
{
	struct threadpool *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	threads_free(&p->threads);
	lane_free(&p->lane);
	g_free(p);
}

const char *
threadpool_name(const struct threadpool *p)
{
	return p->conf->title;
}

struct threads *
threadpool_threads(struct threadpool *p)
{
	return p->threads;
}

unsigned
threadpool_refuse_at(const struct threadpool *p)
{
	return (unsigned)p->conf->queue_max * QUEUE_FACTOR;
}

/* One more is about to wait: tell when that is more than queue_max. */
static void
tell_crowd(struct threadpool *p)
{
	struct lane_stats st;

	if (p->conf->queue_max == 0 || atomic_load(&p->crowded))
		return;
	lane_stats(p->lane, &st);
	if (st.inside < st.slots || st.waiting < p->conf->queue_max ||
	    atomic_exchange(&p->crowded, true))
		return;
	event_raise(EVENT_LOAD_EXCEEDED,
	    "threadpool %s: %u requests wait for %u places (queue_max %u); from %u on they are "
	    "answered 451",
	    p->conf->title, st.waiting + 1, st.slots, (unsigned)p->conf->queue_max,
	    threadpool_refuse_at(p));
}

enum lane_answer
threadpool_enter(struct threadpool *p, struct wait *wait)
{
	tell_crowd(p);
	return lane_enter(p->lane, threadpool_refuse_at(p), wait);
}

void
threadpool_leave(struct threadpool *p)
{
	struct lane_stats st;

	lane_leave(p->lane);
	if (!atomic_load(&p->crowded))
		return;
	lane_stats(p->lane, &st);
	if (st.waiting <= p->conf->queue_max / 2)
		atomic_store(&p->crowded, false);
}

void
threadpool_stats(struct threadpool *p, struct lane_stats *out)
{
	lane_stats(p->lane, out);
}
