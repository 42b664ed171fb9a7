/*
 * deadline - points in monotonic time, and waiting that keeps the MTA informed
 *
 * Every blocking call takes a deadline or a struct wait, never a bare timeout. A child deadline is the earlier of the
 * parent's and its own. A wall clock that jumps changes nothing here.
 */
#ifndef AVM_BASE_DEADLINE_H
#define AVM_BASE_DEADLINE_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct deadline {
	int64_t	 at_ms;	/* CLOCK_MONOTONIC */
};

/* Monotonic now, in milliseconds. */
int64_t	 now_ms(void);

struct deadline deadline_in(int64_t ms);
struct deadline deadline_min(struct deadline a, struct deadline b);
/* Milliseconds left, never negative. */
int64_t	 deadline_left(struct deadline d);
bool	 deadline_passed(struct deadline d);

/*
 * The patience of one message: until when, and whom to tell meanwhile that we still work (smfi_progress). The tick runs
 * in the waiting thread, at least every tick_ms, with no lock held.
 */
struct wait {
	struct deadline	 dl;
	void		(*tick)(void *arg);	/* NULL: nobody to tell */
	void		*arg;
	int64_t		 tick_ms;
	int64_t		 next_tick_ms;		/* set by wait_init() and wait_*() */
	const atomic_int_fast64_t *cut;		/* an earlier end that another thread may set at any time (monotonic ms); NULL: none */
};

/* w->cut starts as NULL; whoever sets it does so before the first wait. A cut is seen within 250 ms. */
void	 wait_init(struct wait *w, struct deadline dl, int64_t tick_ms, void (*tick)(void *), void *arg);

/* A wait with an earlier end for one step of the same message: w with its deadline cut to d. Shares the tick schedule by
 * value, so use it for one step only and go back to w after it. */
struct wait wait_until(const struct wait *w, struct deadline d);

/* poll(2) until something is ready or the deadline passes, ticking on the way. Returns poll's count, 0 at the deadline, -1
 * with errno (never EINTR). */
int	 wait_poll(struct wait *w, struct pollfd *fds, nfds_t n);

/* Wait once on a condition made by cond_init(); the caller loops over its predicate. Locks: *mu is held on entry and on
 * return, and given up around a tick. Returns false when the deadline has passed. */
bool	 wait_cond(struct wait *w, pthread_cond_t *cond, pthread_mutex_t *mu);

/* A condition variable on CLOCK_MONOTONIC, as wait_cond() needs it. */
void	 cond_init(pthread_cond_t *cond);

#endif
