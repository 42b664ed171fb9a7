/*
 * lane: never more inside than there are places, first come first served, nobody is lost
 */
#include "base/lane.h"

#include <pthread.h>
#include <stdatomic.h>

#include "unit.h"

#define THREADS 32

struct world {
	struct lane *l;
	atomic_uint inside, most, served, timeouts;
	int64_t patience_ms;
	int hold_us;
};

static void *
visit(void *arg)
{
	struct world *w = arg;
	struct wait wait;

	for (unsigned i = 0; i < 20; i++) {
		unsigned now, most;

		wait_init(&wait, deadline_in(w->patience_ms), 1000, NULL, NULL);
		if (lane_enter(w->l, 0, &wait) != LANE_IN) {
			atomic_fetch_add(&w->timeouts, 1);
			continue;
		}
		now = atomic_fetch_add(&w->inside, 1) + 1;
		most = atomic_load(&w->most);
		while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now))
			continue;
		g_usleep((gulong)w->hold_us);
		atomic_fetch_add(&w->served, 1);
		atomic_fetch_sub(&w->inside, 1);
		lane_leave(w->l);
	}
	return NULL;
}

static void
run(struct world *w, unsigned slots)
{
	pthread_t t[THREADS];
	struct lane_stats st;

	w->l = lane_new(slots);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, visit, w), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	lane_stats(w->l, &st);
	assert_int_equal(st.inside + st.waiting, 0);
	assert_int_equal(w->served + w->timeouts, THREADS * 20);
	assert_true(w->most <= slots);
	lane_free(&w->l);
}

static void
bounded_and_complete(void **state)
{
	struct world w = {.patience_ms = 60000, .hold_us = 200};

	(void)state;
	run(&w, 3);
	assert_int_equal(w.timeouts, 0);
	assert_int_equal(w.most, 3);
}

static void
who_gives_up_leaves_no_trace(void **state)
{
	struct world w = {.patience_ms = 5, .hold_us = 3000};

	(void)state;
	run(&w, 1);
	assert_true(w.timeouts > 0);
	assert_true(w.served > 0);
}

struct turn {
	struct lane *l;
	atomic_uint *order;
	unsigned mine, got;
};

static void *
take_turn(void *arg)
{
	struct turn *t = arg;
	struct wait wait;

	wait_init(&wait, deadline_in(60000), 1000, NULL, NULL);
	assert_int_equal(lane_enter(t->l, 0, &wait), LANE_IN);
	t->got = atomic_fetch_add(t->order, 1);
	lane_leave(t->l);
	return NULL;
}

static void
first_come_first_served(void **state)
{
	struct lane *l = lane_new(1);
	struct turn turns[8];
	atomic_uint order = 0;
	struct wait wait;
	pthread_t t[8];

	(void)state;
	wait_init(&wait, deadline_in(60000), 1000, NULL, NULL);
	assert_int_equal(lane_enter(l, 0, &wait), LANE_IN);
	for (unsigned i = 0; i < 8; i++) {
		struct lane_stats st;

		turns[i] = (struct turn){.l = l, .order = &order, .mine = i};
		assert_int_equal(pthread_create(&t[i], NULL, take_turn, &turns[i]), 0);
		do {
			g_usleep(500);
			lane_stats(l, &st);
		} while (st.waiting < i + 1);
	}
	/* The ninth is one too many. */
	assert_int_equal(lane_enter(l, 8, &wait), LANE_FULL);
	lane_leave(l);
	for (unsigned i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(turns[i].got, i);
	lane_free(&l);
	assert_null(l);
}

static void
more_places_let_more_in(void **state)
{
	struct lane *l = lane_new(1);
	atomic_uint order = 0;
	struct turn turn = {.l = l, .order = &order};
	struct wait wait;
	pthread_t t;

	(void)state;
	wait_init(&wait, deadline_in(60000), 1000, NULL, NULL);
	assert_int_equal(lane_enter(l, 0, &wait), LANE_IN);
	assert_int_equal(pthread_create(&t, NULL, take_turn, &turn), 0);
	lane_resize(l, 2);
	pthread_join(t, NULL);
	lane_leave(l);
	lane_free(&l);
	assert_int_equal(lane_slots(1), 1);
	assert_int_equal(lane_slots(2), 1);
	assert_int_equal(lane_slots(8), 7);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bounded_and_complete),
    cmocka_unit_test(who_gives_up_leaves_no_trace),
    cmocka_unit_test(first_come_first_served),
    cmocka_unit_test(more_places_let_more_in),
};

UNIT_RUN(tests)
