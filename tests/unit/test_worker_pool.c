/*
 * test_worker_pool - lending: fairness, deadlines, the queue's bound, deaths at rest, retirement, self-tests, load
 */
#include "worker_rig.h"

#include <pthread.h>
#include <stdatomic.h>

#define HONEST "Subject: x\n\nhello\n"

static struct lease *
borrow(struct rig *r, int64_t ms, GError **err)
{
	struct wait wait = rig_wait(ms);

	return workers_borrow(r->workers, &wait, err);
}

static void
assert_clean(struct rig *r)
{
	AUTO(verdict_clear) struct verdict v = { 0 };

	rig_scan(r, HONEST, 5000, &v);
	if (!verdict_is_clean(&v))
		fail_msg("%s", verdict_why(&v, verdict_class(&v)));
}

struct borrower {
	struct rig	*r;
	pthread_t	 thread;
	unsigned	 place;		/* when it was served, from 1 */
	atomic_uint	*next;
};

static void *
stand_in_queue(void *arg)
{
	struct borrower *b = arg;
	struct lease *l = borrow(b->r, 10000, NULL);

	b->place = atomic_fetch_add(b->next, 1);
	lease_return(&l);
	return NULL;
}

static void
test_first_come_first_served(void **state)
{
	struct rig *r = rig_new("ready");
	struct borrower who[8];
	atomic_uint next = 1;
	struct lease *l;

	(void)state;
	r->cfg.count = 1;
	rig_start(r);
	rig_ready(r);
	l = borrow(r, 5000, NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(who); i++) {
		who[i] = (struct borrower){ .r = r, .next = &next };
		assert_int_equal(pthread_create(&who[i].thread, NULL, stand_in_queue, &who[i]), 0);
		rig_until(r, st, st.waiting == i + 1);
	}
	lease_return(&l);
	for (unsigned i = 0; i < G_N_ELEMENTS(who); i++)
		pthread_join(who[i].thread, NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(who); i++)
		assert_int_equal(who[i].place, i + 1);
	rig_free(r);
}

static void
count_tick(void *arg)
{
	++*(unsigned *)arg;
}

/* All workers out: the queue ends at the deadline, ticking, and there are never more than `count` out. */
static void
test_deadline(void **state)
{
	struct rig *r = rig_new("ready");
	struct lease *a, *b, *none;
	unsigned ticks = 0;
	struct wait wait;
	GError *err = NULL;
	int64_t begin;

	(void)state;
	rig_start(r);
	rig_ready(r);
	a = borrow(r, 5000, NULL);
	b = borrow(r, 5000, NULL);
	rig_until(r, st, st.spare == 1);
	wait_init(&wait, deadline_in(300), 50, count_tick, &ticks);
	begin = now_ms();
	none = workers_borrow(r->workers, &wait, &err);
	assert_null(none);
	assert_true(g_error_matches(err, WORKERS_ERROR, WORKERS_E_TIMEOUT));
	assert_in_range(now_ms() - begin, 299, 1000);
	assert_in_range(ticks, 3, 6);
	g_clear_error(&err);
	lease_return(&a);
	lease_return(&b);
	assert_clean(r);
	rig_free(r);
}

/* A wait that has a tick gets it while a worker is silent, too. */
static void
test_tick_while_scanning(void **state)
{
	struct rig *r = rig_new("ready");
	struct spool *sp = rig_spool(r, "HOSTILE:slow-300");
	struct verdict v = { 0 };
	unsigned ticks = 0;
	struct wait wait;
	struct lease *l;
	struct objects *set;

	(void)state;
	rig_start(r);
	rig_ready(r);
	l = borrow(r, 5000, NULL);
	wait_init(&wait, deadline_in(5000), 50, count_tick, &ticks);
	set = lease_decompose(l, sp, true, &wait, &v);
	assert_non_null(set);
	assert_in_range(ticks, 3, 7);
	verdict_clear(&v);
	objects_free(&set);
	lease_return(&l);
	spool_free(&sp);
	rig_free(r);
}

/* A wait that is cut while a worker is silent, and one that is cut in the queue, end soon. */
static void
test_cut(void **state)
{
	struct rig *r = rig_new("ready");
	struct spool *sp = rig_spool(r, "HOSTILE:hang");
	atomic_int_fast64_t cut = now_ms() + 100;
	struct verdict v = { 0 };
	struct wait wait = rig_wait(60000);
	struct lease *l, *others[2];
	int64_t begin;

	(void)state;
	rig_start(r);
	rig_ready(r);
	l = borrow(r, 5000, NULL);
	wait.cut = &cut;
	begin = now_ms();
	assert_null(lease_decompose(l, sp, true, &wait, &v));
	assert_int_equal(v.failed, REASON_TIMEOUT);
	assert_in_range(now_ms() - begin, 0, 2000);
	verdict_clear(&v);
	lease_return(&l);
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		others[i] = borrow(r, 5000, NULL);
	wait = rig_wait(60000);
	wait.cut = &cut;
	begin = now_ms();
	assert_null(workers_borrow(r->workers, &wait, NULL));
	assert_in_range(now_ms() - begin, 0, 2000);
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		lease_return(&others[i]);
	spool_free(&sp);
	rig_free(r);
}

/* A deadline that is over before the worker is asked costs no worker. */
static void
test_too_late(void **state)
{
	struct rig *r = rig_new("ready");
	struct spool *sp = rig_spool(r, HONEST);
	struct verdict v = { 0 }, one = { 0 };
	struct wait wait = rig_wait(5000), late = rig_wait(0);
	struct lease *l;
	struct objects *set;
	struct workers_stats st;

	(void)state;
	rig_start(r);
	rig_ready(r);
	l = borrow(r, 5000, NULL);
	set = lease_decompose(l, sp, true, &wait, &v);
	assert_non_null(set);
	lease_scan(l, g_ptr_array_index(set->list, 0), "x", &late, &one);
	assert_int_equal(one.failed, REASON_TIMEOUT);
	verdict_clear(&one);
	lease_scan(l, g_ptr_array_index(set->list, 0), "x", &wait, &one);
	assert_true(verdict_is_clean(&one));
	objects_free(&set);
	lease_return(&l);
	verdict_clear(&v);
	l = borrow(r, 5000, NULL);
	assert_null(lease_decompose(l, sp, true, &late, &v));
	assert_int_equal(v.failed, REASON_TIMEOUT);
	verdict_clear(&v);
	lease_return(&l);
	verdict_clear(&one);
	spool_free(&sp);
	workers_stats(r->workers, &st);
	assert_int_equal(st.killed + st.crashed, 0);
	rig_free(r);
}

static void
test_queue_bound(void **state)
{
	struct rig *r = rig_new("ready");
	struct borrower who[10];
	const uint64_t told = event_raised(EVENT_LOAD_EXCEEDED);
	atomic_uint next = 1;
	struct lease *l;
	GError *err = NULL;

	(void)state;
	r->cfg.count = 1;
	r->cfg.queue_max = 1;
	rig_start(r);
	rig_ready(r);
	l = borrow(r, 5000, NULL);
	assert_int_equal(event_raised(EVENT_LOAD_EXCEEDED), told);
	for (unsigned i = 0; i < G_N_ELEMENTS(who); i++) {
		who[i] = (struct borrower){ .r = r, .next = &next };
		assert_int_equal(pthread_create(&who[i].thread, NULL, stand_in_queue, &who[i]), 0);
	}
	rig_until(r, st, st.waiting == G_N_ELEMENTS(who));
	assert_null(borrow(r, 5000, &err));
	assert_true(g_error_matches(err, WORKERS_ERROR, WORKERS_E_BUSY));
	g_clear_error(&err);
	assert_int_equal(event_raised(EVENT_LOAD_EXCEEDED), told + 1); /* once for the whole crowd */
	lease_return(&l);
	for (unsigned i = 0; i < G_N_ELEMENTS(who); i++)
		pthread_join(who[i].thread, NULL);
	assert_clean(r);
	rig_free(r);
}

static void *
expect_stopped(void *arg)
{
	struct rig *r = arg;
	g_autoptr(GError) err = NULL;
	struct lease *l = borrow(r, 10000, &err);
	bool ok = !l && g_error_matches(err, WORKERS_ERROR, WORKERS_E_STOPPED);

	lease_return(&l);
	return ok ? r : NULL;
}

/* Ending the pool sends the waiting away. */
static void
test_stop_with_waiting(void **state)
{
	struct rig *r = rig_new("mute");
	pthread_t t[3];
	void *ok;

	(void)state;
	rig_start(r);
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, expect_stopped, r), 0);
	rig_until(r, st, st.waiting == G_N_ELEMENTS(t));
	workers_free(&r->workers);
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
		pthread_join(t[i], &ok);
		assert_ptr_equal(ok, r);
	}
	rig_free(r);
}

static unsigned
signal_workers(struct rig *r, int sig)
{
	pid_t pids[64];
	unsigned n = rig_pick(r, false, pids, G_N_ELEMENTS(pids)), hit = 0;

	for (unsigned i = 0; i < n; i++)
		hit += kill(pids[i], sig) == 0;
	return hit;
}

/* Workers that die at rest are replaced at once and cost no message. */
static void
test_killed_at_rest(void **state)
{
	struct rig *r = rig_new("ready");

	(void)state;
	rig_start(r);
	rig_ready(r);
	for (int i = 0; i < 5; i++) {
		rig_until(r, st, st.spare == 3);
		assert_int_equal(signal_workers(r, SIGKILL), 3);
		rig_until(r, st, st.crashed == 3u * (unsigned)(i + 1));
		assert_clean(r);
	}
	rig_free(r);
}

/* One that hangs at rest is found by its self-test. */
static void
test_hung_at_rest(void **state)
{
	struct rig *r = rig_new("ready");
	unsigned before;

	(void)state;
	r->lim.selftest_ms = 50;
	r->lim.selftest_timeout_ms = 100;
	rig_start(r);
	rig_ready(r);
	rig_until(r, st, st.spare == 3);
	before = signal_workers(r, SIGSTOP);
	assert_int_equal(before, 3);
	rig_until(r, st, st.killed >= before);
	assert_clean(r);
	rig_free(r);
}

/* Self-tests go on at rest and under load, and harm nobody. */
static void
test_selftests(void **state)
{
	struct rig *r = rig_new("ready");
	struct workers_stats st;

	(void)state;
	r->lim.selftest_ms = 1;
	rig_start(r);
	rig_ready(r);
	for (int i = 0; i < 500; i++)
		assert_clean(r);
	usleep(100 * 1000);
	workers_stats(r->workers, &st);
	assert_int_equal(st.killed + st.crashed, 0);
	rig_free(r);
}

static void
test_retirement(void **state)
{
	struct rig *r = rig_new("ready");
	uint64_t first = 0, last = 0;
	struct workers_stats st;

	(void)state;
	r->lim.retire_messages = 10;
	rig_start(r);
	rig_ready(r);
	for (int i = 0; i < 300; i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		uint64_t n = rig_scan(r, HONEST, 5000, &v);

		assert_true(verdict_is_clean(&v));
		first = first ? MIN(first, n) : n;
		last = MAX(last, n);
	}
	assert_in_range(last - first, 10, 60);
	workers_stats(r->workers, &st);
	assert_int_equal(st.killed + st.crashed, 0);
	rig_free(r);
}

static void
test_retirement_by_age(void **state)
{
	struct rig *r = rig_new("ready");
	uint64_t first = 0, last = 0;

	(void)state;
	r->lim.retire_ms = 50;
	rig_start(r);
	rig_ready(r);
	for (int i = 0; i < 100; i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		uint64_t n = rig_scan(r, HONEST, 5000, &v);

		assert_true(verdict_is_clean(&v));
		first = first ? MIN(first, n) : n;
		last = MAX(last, n);
		usleep(5000);
	}
	assert_in_range(last - first, 5, 80);
	rig_free(r);
}

struct suspects {
	atomic_uint_fast64_t last;
	atomic_uint	 count;
};

static void
on_suspect(void *arg, uint64_t worker)
{
	struct suspects *s = arg;

	atomic_store(&s->last, worker);
	atomic_fetch_add(&s->count, 1);
}

/* Whoever may have been taken over is named, by the number that its messages were told; the slow and the retired are not. */
static void
test_suspects(void **state)
{
	const char *bad[] = { "HOSTILE:magic", "HOSTILE:scan-segv", "HOSTILE:sandbox", "HOSTILE:die" };
	struct rig *r = rig_new("ready");
	struct suspects s = { 0 };

	(void)state;
	r->cfg.suspect = on_suspect;
	r->cfg.suspect_arg = &s;
	r->lim.retire_messages = 3;
	rig_start(r);
	rig_ready(r);
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		AUTO(verdict_clear) struct verdict v = { 0 }, slow = { 0 };
		uint64_t n = rig_scan(r, bad[i], 5000, &v);

		for (int k = 0; k < 5000 && atomic_load(&s.count) <= i; k++)
			usleep(1000);
		assert_int_equal(atomic_load(&s.last), n);
		rig_scan(r, "HOSTILE:hang", 50, &slow);
		for (int k = 0; k < 10; k++)
			assert_clean(r);
	}
	assert_int_equal(atomic_load(&s.count), G_N_ELEMENTS(bad));
	rig_free(r);
}

/* What one message of the load is, and what must come of it. */
struct kind {
	const char	*text;
	enum verdict_class cls;
};

static const struct kind kinds[] = {
	{ HONEST, CLASS_CLEAN }, { HONEST, CLASS_CLEAN }, { "Subject: x\n\nEICAR\n", CLASS_INFECTED },
	{ HONEST, CLASS_CLEAN }, { "HOSTILE:abort", CLASS_ERROR }, { HONEST, CLASS_CLEAN },
	{ "HOSTILE:limit", CLASS_UNSCANNABLE }, { "HOSTILE:scan-segv", CLASS_ERROR }, { HONEST, CLASS_CLEAN },
	{ "HOSTILE:magic", CLASS_ERROR }, { HONEST, CLASS_CLEAN }, { "HOSTILE:scan-hang", CLASS_ERROR },
	{ HONEST, CLASS_CLEAN }, { "HOSTILE:twice", CLASS_ERROR }, { HONEST, CLASS_CLEAN }, { HONEST, CLASS_CLEAN },
};

struct client {
	struct rig	*r;
	pthread_t	 thread;
	unsigned	 seed, messages, wrong;
};

static void *
send_load(void *arg)
{
	struct client *c = arg;

	for (unsigned i = 0; i < c->messages; i++) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		const struct kind *k = &kinds[(c->seed + i * 7) % G_N_ELEMENTS(kinds)];
		int64_t ms = strstr(k->text, "hang") ? 100 : 20000;

		rig_scan(c->r, k->text, ms, &v);
		/* One that waits for a worker longer than its deadline is an error as well: only for the hanging ones. */
		if (verdict_class(&v) != k->cls) {
			c->wrong++;
			print_message("# %s: %s instead of %s: %s\n", k->text, verdict_class_name(verdict_class(&v)),
			    verdict_class_name(k->cls), verdict_why(&v, verdict_class(&v)));
		}
	}
	return NULL;
}

static void
test_load_with_deaths(void **state)
{
	struct rig *r = rig_new("ready");
	struct client clients[8];
	unsigned wrong = 0;

	(void)state;
	r->cfg.count = 4;
	r->lim.retire_messages = 5;
	r->lim.selftest_ms = 10;
	rig_start(r);
	for (unsigned i = 0; i < G_N_ELEMENTS(clients); i++) {
		clients[i] = (struct client){ .r = r, .seed = i, .messages = 160 };
		assert_int_equal(pthread_create(&clients[i].thread, NULL, send_load, &clients[i]), 0);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(clients); i++) {
		pthread_join(clients[i].thread, NULL);
		wrong += clients[i].wrong;
	}
	assert_int_equal(wrong, 0);
	assert_clean(r);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_come_first_served),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_tick_while_scanning),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_queue_bound),
		cmocka_unit_test(test_stop_with_waiting),
		cmocka_unit_test(test_killed_at_rest),
		cmocka_unit_test(test_hung_at_rest),
		cmocka_unit_test(test_selftests),
		cmocka_unit_test(test_retirement),
		cmocka_unit_test(test_retirement_by_age),
		cmocka_unit_test(test_suspects),
		cmocka_unit_test(test_load_with_deaths),
	};

	return cmocka_run_group_tests_name("worker: the pool", tests, NULL, NULL);
}
