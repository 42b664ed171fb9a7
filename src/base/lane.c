/*
 * lane - who waits, and who is called next
 */
#include "base/lane.h"

#include <glib.h>
#include <pthread.h>

/* One message that waits; lives on its thread's stack. */
struct place {
	pthread_cond_t called;
	bool in;
};

struct lane {
	pthread_mutex_t mu; /* guards everything below and every struct place */
	unsigned slots, inside;
	GQueue waiting; /* of struct place *, first come first */
};

unsigned
lane_slots(unsigned workers)
{
	return workers > 1 ? workers - 1 : 1;
}

struct lane *
lane_new(unsigned slots)
{
	struct lane *l = g_new0(struct lane, 1);

	g_assert(slots > 0);
	pthread_mutex_init(&l->mu, NULL);
	g_queue_init(&l->waiting);
	l->slots = slots;
	return l;
}

void
lane_free(struct lane **lp)
{
	struct lane *l = *lp;

	if (l == NULL)
		return;
	g_assert(l->inside == 0 && g_queue_is_empty(&l->waiting));
	pthread_mutex_destroy(&l->mu);
	g_free(l);
	*lp = NULL;
}

/* Locks: l->mu. Let in who has waited longest, while there is room. */
static void
call_next(struct lane *l)
{
	while (l->inside < l->slots && !g_queue_is_empty(&l->waiting)) {
		struct place *p = g_queue_pop_head(&l->waiting);

		p->in = true;
		l->inside++;
		pthread_cond_signal(&p->called);
	}
}

void
lane_resize(struct lane *l, unsigned slots)
{
	g_assert(slots > 0);
	pthread_mutex_lock(&l->mu);
	l->slots = slots;
	call_next(l);
	pthread_mutex_unlock(&l->mu);
}

enum lane_answer
lane_enter(struct lane *l, unsigned waiting_max, struct wait *w)
{
	struct place me = { .in = false };
	bool full, in_time = true;

	cond_init(&me.called);
	pthread_mutex_lock(&l->mu);
	full = waiting_max > 0 && g_queue_get_length(&l->waiting) >= waiting_max;
	if (!full) {
		g_queue_push_tail(&l->waiting, &me);
		call_next(l);
		while (!me.in && in_time)
			in_time = wait_cond(w, &me.called, &l->mu);
		if (!me.in)
			g_queue_remove(&l->waiting, &me);
	}
	pthread_mutex_unlock(&l->mu);
	pthread_cond_destroy(&me.called);
	if (full)
		return LANE_FULL;
	return me.in ? LANE_IN : LANE_TIMEOUT;
}

void
lane_leave(struct lane *l)
{
	pthread_mutex_lock(&l->mu);
	g_assert(l->inside > 0);
	l->inside--;
	call_next(l);
	pthread_mutex_unlock(&l->mu);
}

void
lane_stats(struct lane *l, struct lane_stats *out)
{
	pthread_mutex_lock(&l->mu);
	*out = (struct lane_stats){
		.slots = l->slots,
		.inside = l->inside,
		.waiting = g_queue_get_length(&l->waiting),
	};
	pthread_mutex_unlock(&l->mu);
}
