/*
 * deadline - monotonic time, and waiting that ticks
 */
#include "base/deadline.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#define MS_PER_S  1000
#define NS_PER_MS 1000000
#define CUT_MS    250 /* how often a wait that can be cut looks whether it was */

int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * MS_PER_S + ts.tv_nsec / NS_PER_MS;
}

struct deadline
deadline_in(int64_t ms)
{
	int64_t now = now_ms();

	return (struct deadline){ .at_ms = ms > INT64_MAX - now ? INT64_MAX : now + ms };
}

struct deadline
deadline_min(struct deadline a, struct deadline b)
{
	return a.at_ms <= b.at_ms ? a : b;
}

int64_t
deadline_left(struct deadline d)
{
	int64_t now = now_ms();

	return d.at_ms > now ? d.at_ms - now : 0;
}

bool
deadline_passed(struct deadline d)
{
	return deadline_left(d) == 0;
}

void
wait_init(struct wait *w, struct deadline dl, int64_t tick_ms, void (*tick)(void *), void *arg)
{
	*w = (struct wait){ .dl = dl, .tick = tick, .arg = arg, .tick_ms = tick_ms };
	w->next_tick_ms = tick ? now_ms() + tick_ms : INT64_MAX;
}

struct wait
wait_until(const struct wait *w, struct deadline d)
{
	struct wait cut = *w;

	cut.dl = deadline_min(w->dl, d);
	return cut;
}

/* Tick if it is time. */
static void
tick_if_due(struct wait *w)
{
	if (!w->tick || now_ms() < w->next_tick_ms)
		return;
	w->tick(w->arg);
	w->next_tick_ms = now_ms() + w->tick_ms;
}

/* Take over the earlier end that somebody else has set, if so. */
static void
obey_cut(struct wait *w)
{
	int64_t at = w->cut ? atomic_load(w->cut) : INT64_MAX;

	if (at < w->dl.at_ms)
		w->dl.at_ms = at;
}

/* The next moment at which a waiting thread must look around: its end, its tick, or whether it was cut. */
static int64_t
next_stop(struct wait *w)
{
	int64_t stop;

	obey_cut(w);
	stop = w->tick && w->next_tick_ms < w->dl.at_ms ? w->next_tick_ms : w->dl.at_ms;
	if (w->cut && stop > now_ms() + CUT_MS)
		stop = now_ms() + CUT_MS;
	return stop;
}

int
wait_poll(struct wait *w, struct pollfd *fds, nfds_t n)
{
	for (;;) {
		int64_t left = deadline_left((struct deadline){ .at_ms = next_stop(w) });
		int rc = poll(fds, n, left > INT_MAX ? INT_MAX : (int)left);

		if (rc > 0 || (rc < 0 && errno != EINTR))
			return rc;
		tick_if_due(w);
		obey_cut(w);
		if (deadline_passed(w->dl))
			return 0;
	}
}

bool
wait_cond(struct wait *w, pthread_cond_t *cond, pthread_mutex_t *mu)
{
	int64_t stop;
	struct timespec ts;

	if (w->tick && now_ms() >= w->next_tick_ms) {
		pthread_mutex_unlock(mu);
		tick_if_due(w);
		pthread_mutex_lock(mu);
		/* What the caller waits for may have happened meanwhile: let it look before it
		 * sleeps. */
		return !deadline_passed(w->dl);
	}
	if (deadline_passed(w->dl))
		return false;
	stop = next_stop(w);
	ts.tv_sec = stop / MS_PER_S;
	ts.tv_nsec = (long)(stop % MS_PER_S) * NS_PER_MS;
	pthread_cond_timedwait(cond, mu, &ts);
	obey_cut(w);
	return !deadline_passed(w->dl);
}

void
cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}
