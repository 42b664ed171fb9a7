/*
 * flight: 64 threads, one scan; failing leaders are followed by exactly one; no thread stays behind
 */
#include "scan/flight.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "unit.h"

#define THREADS 64

struct world {
	struct flights *fs;
	uint8_t key[DIGEST_LEN];
	pthread_barrier_t start;
	atomic_uint scans, scanning, most, answers, clean, failed, poison, timeouts;
	unsigned fail_first; /* so many leaders fail */
	int64_t patience_ms;
	int scan_ms;
	int slow_ms; /* of the first scan */
	unsigned most_wanted;
};

static void
scan(struct world *w, struct verdict *v)
{
	unsigned n = atomic_fetch_add(&w->scans, 1), now = atomic_fetch_add(&w->scanning, 1) + 1,
		 most = atomic_load(&w->most);

	while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now))
		continue;
	g_usleep((gulong)(n == 0 && w->slow_ms ? w->slow_ms : w->scan_ms) * 1000);
	if (n < w->fail_first)
		verdict_fail(v, REASON_WORKER_DIED, "died");
	else
		verdict_complete(v);
	atomic_fetch_sub(&w->scanning, 1);
}

static void *
client(void *arg)
{
	struct world *w = arg;
	AUTO(verdict_clear) struct verdict v = {0};
	struct flight *f;
	struct flight_counts counts = {0};
	struct wait wait;
	enum flight_role role;

	pthread_barrier_wait(&w->start);
	wait_init(&wait, deadline_in(w->patience_ms), 1000, NULL, NULL);
	role = flight_join(w->fs, w->key, &wait, &f, &v, &counts);
	if (role == FLIGHT_LEADER) {
		scan(w, &v);
		flight_land(w->fs, &f, &v, (struct flight_counts){7, 2});
		assert_null(f);
	} else {
		assert_null(f);
	}
	atomic_fetch_add(&w->answers, role == FLIGHT_ANSWER);
	atomic_fetch_add(&w->timeouts, role == FLIGHT_TIMEOUT);
	atomic_fetch_add(&w->clean, verdict_is_clean(&v));
	atomic_fetch_add(&w->failed, verdict_state(&v) == SCAN_FAILED);
	return NULL;
}

static struct world *
run(unsigned attempts, unsigned fail_first, int64_t patience_ms, int scan_ms, int64_t patience)
{
	struct world *w = g_new0(struct world, 1);
	pthread_t t[THREADS];

	w->fs = flights_new(attempts, patience);
	w->fail_first = fail_first;
	w->patience_ms = patience_ms;
	w->scan_ms = scan_ms;
	w->slow_ms = patience < 60000 ? 3000 : 0;
	w->most_wanted = patience < 60000 ? 2 : 1;
	pthread_barrier_init(&w->start, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, client, w), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	return w;
}

static void
done(struct world *w)
{
	struct flights_stats s;

	flights_stats(w->fs, &s);
	assert_int_equal(s.flying, 0);
	assert_int_equal(s.waiting, 0);
	assert_int_equal(atomic_load(&w->most), w->most_wanted);
	flights_free(&w->fs);
	pthread_barrier_destroy(&w->start);
	g_free(w);
}

static void
many_ask_one_scans(void **state)
{
	struct world *w = run(3, 0, 30000, 500, 60000);

	(void)state;
	assert_int_equal(w->scans, 1);
	assert_int_equal(w->answers, THREADS - 1);
	assert_int_equal(w->clean, THREADS);
	done(w);
}

static void
one_follower_takes_over(void **state)
{
	struct world *w = run(3, 1, 30000, 500, 60000);
	struct flights_stats s;

	(void)state;
	flights_stats(w->fs, &s);
	assert_int_equal(w->scans, 2);
	assert_int_equal(s.promoted, 1);
	assert_int_equal(w->failed, 1);
	assert_int_equal(w->clean, THREADS - 1);
	done(w);
}

static void
poison_is_not_tried_by_all(void **state)
{
	struct world *w = run(3, THREADS, 30000, 300, 60000);

	(void)state;
	assert_int_equal(w->scans, 3);
	assert_int_equal(w->failed, THREADS);
	assert_int_equal(w->clean, 0);
	done(w);
}

/* Followers do not wait longer than their own patience, and what they give up is not given away. */
static void
followers_keep_their_deadline(void **state)
{
	struct world *w = run(3, 0, 200, 2000, 60000);

	(void)state;
	assert_int_equal(w->scans, 1);
	assert_int_equal(w->clean, 1);
	assert_int_equal(w->timeouts, THREADS - 1);
	done(w);
}

/* A leader that hangs is not waited for by all: a second one scans, everybody else has its answer
 * long before the first. */
static void
silent_leader_is_overtaken(void **state)
{
	struct world *w = run(3, 0, 30000, 50, 300);
	struct flights_stats s;

	(void)state;
	flights_stats(w->fs, &s);
	assert_int_equal(w->scans, 2);
	assert_int_equal(s.promoted, 1);
	assert_int_equal(w->clean, THREADS);
	assert_int_equal(w->answers, THREADS - 2);
	done(w);
}

static void
count_tick(void *arg)
{
	++*(unsigned *)arg;
}

static void *
late_leader(void *arg)
{
	struct world *w = arg;
	struct verdict v = {0};
	struct flight *f;
	struct flight_counts counts = {0};
	struct wait wait;

	wait_init(&wait, deadline_in(10000), 1000, NULL, NULL);
	assert_int_equal(flight_join(w->fs, w->key, &wait, &f, &v, &counts), FLIGHT_LEADER);
	pthread_barrier_wait(&w->start);
	g_usleep(300 * 1000);
	verdict_complete(&v);
	verdict_find(&v, FINDING_INFECTED, "Eicar", "a.com", "clamav");
	flight_land(w->fs, &f, &v, (struct flight_counts){7, 2});
	verdict_clear(&v);
	return NULL;
}

/* A follower speaks to its MTA while it waits, and gets the findings too. */
static void
followers_tick(void **state)
{
	struct world w = {.fs = flights_new(1, 60000)};
	struct verdict v = {0};
	struct flight *f;
	struct flight_counts counts = {0};
	struct wait wait;
	unsigned ticks = 0;
	pthread_t t;

	(void)state;
	pthread_barrier_init(&w.start, NULL, 2);
	assert_int_equal(pthread_create(&t, NULL, late_leader, &w), 0);
	pthread_barrier_wait(&w.start);
	wait_init(&wait, deadline_in(10000), 20, count_tick, &ticks);
	assert_int_equal(flight_join(w.fs, w.key, &wait, &f, &v, &counts), FLIGHT_ANSWER);
	assert_true(ticks >= 3);
	assert_int_equal(verdict_class(&v), CLASS_INFECTED);
	assert_string_equal(verdict_top(&v)->object, "a.com");
	assert_int_equal(counts.objects, 7);
	assert_int_equal(counts.left_out, 2);
	pthread_join(t, NULL);
	verdict_clear(&v);
	flights_free(&w.fs);
	pthread_barrier_destroy(&w.start);
}

/* A leader that brings nothing at all leaves nobody with a clean verdict. */
static void
nothing_is_not_clean(void **state)
{
	struct flights *fs = flights_new(1, 60000);
	uint8_t key[DIGEST_LEN] = {1};
	struct verdict v = {0};
	struct flight *f;
	struct flight_counts counts = {0};
	struct wait wait;

	(void)state;
	wait_init(&wait, deadline_in(1000), 1000, NULL, NULL);
	assert_int_equal(flight_join(fs, key, &wait, &f, &v, &counts), FLIGHT_LEADER);
	flight_land(fs, &f, NULL, (struct flight_counts){7, 2});
	assert_int_equal(flight_join(fs, key, &wait, &f, &v, &counts), FLIGHT_LEADER);
	flight_land(fs, &f, &v, (struct flight_counts){7, 2});
	flight_land(fs, &f, &v, (struct flight_counts){7, 2});
	flights_free(&fs);
}

/* Many keys, random failures, short deadlines: no crash, no leak, no wrong answer. */
struct storm {
	struct flights *fs;
	unsigned seed;
};

static void *
storm_client(void *arg)
{
	struct storm *s = arg;
	struct rnd r = rnd_new(s->seed);

	for (unsigned i = 0; i < 300; i++) {
		AUTO(verdict_clear) struct verdict v = {0};
		uint8_t key[DIGEST_LEN] = {(uint8_t)rnd_below(&r, 4)};
		struct flight *f;
		struct flight_counts counts = {0};
		struct wait wait;

		wait_init(&wait, deadline_in(rnd_below(&r, 4)), 1, NULL, NULL);
		switch (flight_join(s->fs, key, &wait, &f, &v, &counts)) {
		case FLIGHT_LEADER:
			if (rnd_below(&r, 3) == 0)
				g_usleep(rnd_below(&r, 2000));
			if (rnd_below(&r, 2))
				verdict_fail(&v, REASON_TIMEOUT, "late");
			else
				verdict_find(&v, FINDING_INFECTED, "x", key[0] == 0 ? "0" : "other",
				             "e"),
				    verdict_complete(&v);
			flight_land(s->fs, &f, &v, (struct flight_counts){7, 2});
			break;
		case FLIGHT_ANSWER:
			assert_int_not_equal(v.states, 0);
			assert_false(verdict_is_clean(&v));
			if (verdict_top(&v))
				assert_string_equal(verdict_top(&v)->object,
				                    key[0] == 0 ? "0" : "other");
			break;
		case FLIGHT_TIMEOUT:
			assert_int_equal(v.states, 0);
		}
	}
	return NULL;
}

static void
storm(void **state)
{
	struct storm s[16];
	struct flights *fs = flights_new(2, 2);
	struct flights_stats stats;
	pthread_t t[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		s[i] = (struct storm){.fs = fs, .seed = i + 1};
		assert_int_equal(pthread_create(&t[i], NULL, storm_client, &s[i]), 0);
	}
	for (unsigned i = 0; i < 16; i++)
		pthread_join(t[i], NULL);
	flights_stats(fs, &stats);
	assert_int_equal(stats.led + stats.followed + stats.timeouts, 16 * 300);
	flights_free(&fs);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(many_ask_one_scans),         cmocka_unit_test(one_follower_takes_over),
    cmocka_unit_test(poison_is_not_tried_by_all), cmocka_unit_test(followers_keep_their_deadline),
    cmocka_unit_test(silent_leader_is_overtaken), cmocka_unit_test(followers_tick),
    cmocka_unit_test(nothing_is_not_clean),       cmocka_unit_test(storm),
};

UNIT_RUN(tests)
