/*
 * deadline: arithmetic at the edges, ticks while polling and while waiting on a condition, signals
 * are not an end
 */
#include "base/deadline.h"

#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static void
count(void *arg)
{
	++*(int *)arg;
}

static void
edges(void **state)
{
	struct deadline never = deadline_in(INT64_MAX), now = deadline_in(0),
			past = deadline_in(-5);

	(void)state;
	assert_int_equal(never.at_ms, INT64_MAX);
	assert_true(deadline_left(never) > 0);
	assert_false(deadline_passed(never));
	assert_true(deadline_passed(now));
	assert_int_equal(deadline_left(past), 0);
	assert_int_equal(deadline_min(never, now).at_ms, now.at_ms);
	assert_int_equal(deadline_min(now, never).at_ms, now.at_ms);
}

static void
until_only_cuts(void **state)
{
	struct wait w, cut;

	(void)state;
	wait_init(&w, deadline_in(1000), 0, NULL, NULL);
	cut = wait_until(&w, deadline_in(100000));
	assert_int_equal(cut.dl.at_ms, w.dl.at_ms);
	cut = wait_until(&w, deadline_in(10));
	assert_true(cut.dl.at_ms < w.dl.at_ms);
}

static void
poll_ticks(void **state)
{
	struct wait w;
	int ticks = 0;
	int64_t begun = now_ms(), took;

	(void)state;
	wait_init(&w, deadline_in(120), 20, count, &ticks);
	assert_int_equal(wait_poll(&w, NULL, 0), 0);
	took = now_ms() - begun;
	assert_in_range(took, 119, 2000);
	assert_in_range(ticks, 1, 6);
}

static void
poll_ready(void **state)
{
	struct wait w;
	int p[2];
	struct pollfd fd;

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	fd = (struct pollfd){.fd = p[0], .events = POLLIN};
	/* What is ready is seen even when the time is over. */
	wait_init(&w, deadline_in(0), 0, NULL, NULL);
	assert_int_equal(wait_poll(&w, &fd, 1), 1);
	assert_true(fd.revents & POLLIN);
	close(p[0]);
	close(p[1]);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

static void
poll_survives_signals(void **state)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	struct wait w;
	int64_t begun = now_ms();

	(void)state;
	sigaction(SIGALRM, &sa, NULL);
	ualarm(10000, 10000);
	wait_init(&w, deadline_in(100), 0, NULL, NULL);
	assert_int_equal(wait_poll(&w, NULL, 0), 0);
	ualarm(0, 0);
	assert_true(now_ms() - begun >= 99);
}

struct gate {
	pthread_mutex_t mu;
	pthread_cond_t cond;
	bool open;
};

static void *
opener(void *arg)
{
	struct gate *g = arg;

	usleep(30000);
	pthread_mutex_lock(&g->mu);
	g->open = true;
	pthread_cond_signal(&g->cond);
	pthread_mutex_unlock(&g->mu);
	return NULL;
}

/* A tick must find the mutex free: it takes it. */
static void
tick_locks(void *arg)
{
	struct gate *g = arg;

	assert_int_equal(pthread_mutex_lock(&g->mu), 0);
	pthread_mutex_unlock(&g->mu);
}

static void
cond_wakes(void **state)
{
	struct gate g = {.mu = PTHREAD_MUTEX_INITIALIZER};
	struct wait w;
	pthread_t t;
	bool in_time = true;

	(void)state;
	cond_init(&g.cond);
	wait_init(&w, deadline_in(5000), 5, tick_locks, &g);
	assert_int_equal(pthread_create(&t, NULL, opener, &g), 0);
	pthread_mutex_lock(&g.mu);
	while (!g.open && in_time)
		in_time = wait_cond(&w, &g.cond, &g.mu);
	assert_true(g.open);
	assert_true(in_time);
	pthread_mutex_unlock(&g.mu);
	pthread_join(t, NULL);
	pthread_cond_destroy(&g.cond);
}

static void
cond_ends(void **state)
{
	struct gate g = {.mu = PTHREAD_MUTEX_INITIALIZER};
	struct wait w;
	int ticks = 0;
	int64_t begun = now_ms();

	(void)state;
	cond_init(&g.cond);
	wait_init(&w, deadline_in(80), 10, count, &ticks);
	pthread_mutex_lock(&g.mu);
	while (wait_cond(&w, &g.cond, &g.mu))
		;
	pthread_mutex_unlock(&g.mu);
	assert_in_range(now_ms() - begun, 79, 2000);
	assert_true(ticks >= 1);
	pthread_cond_destroy(&g.cond);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(edges),
    cmocka_unit_test(until_only_cuts),
    cmocka_unit_test(poll_ticks),
    cmocka_unit_test(poll_ready),
    cmocka_unit_test(poll_survives_signals),
    cmocka_unit_test(cond_wakes),
    cmocka_unit_test(cond_ends),
};

UNIT_RUN(tests)
