/*
 * metrics: histograms and their bounds, labels from hostile places, the ring of the last 24 hours, scores that outlive
 * configurations
 */
#include "base/prom.h"

#include "unit.h"

#include <pthread.h>

#include "engine/score.h"
#include "milter/history.h"

static void
bounds(void **state)
{
	static const struct {
		int64_t us;
		unsigned first; /* bound that holds it */
	} table[] = {
		{ -5, 0 },
		{ 0, 0 },
		{ 1000, 0 },
		{ 1001, 1 },
		{ 240000000, HISTOGRAM_BOUNDS - 1 },
		{ 240000001, HISTOGRAM_BOUNDS },
		{ INT64_MAX / 2, HISTOGRAM_BOUNDS },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct histogram h = { 0 };
		struct histogram_view v;

		histogram_add(&h, table[i].us);
		histogram_read(&h, &v);
		for (unsigned b = 0; b <= HISTOGRAM_BOUNDS; b++)
			assert_int_equal(v.at_most[b], b >= table[i].first);
		assert_int_equal(v.sum_us, MAX(table[i].us, 0));
	}
	for (unsigned b = 1; b < HISTOGRAM_BOUNDS; b++)
		assert_true(g_ascii_strtod(histogram_bound(b), NULL) >
		    g_ascii_strtod(histogram_bound(b - 1), NULL));
	assert_string_equal(histogram_bound(HISTOGRAM_BOUNDS), "+Inf");
}

static void
mean(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	assert_true(histogram_mean_ms(&h) == 0);
	histogram_add(&h, 1000);
	histogram_add(&h, 3000);
	assert_true(histogram_mean_ms(&h) == 2.0);
	histogram_reset(&h);
	assert_true(histogram_mean_ms(&h) == 0);
}

static void
text(void **state)
{
	GString *out = g_string_new(NULL);

	(void)state;
	prom_head(out, "m_total", "counter", "What it is.");
	prom_sample(out, "m_total", 3, NULL);
	prom_sample(out, "m_total", 0.5, "a", "q\"b\\c\nd", "e", "bad\xff", NULL);
	assert_string_equal(out->str,
	    "# HELP m_total What it is.\n# TYPE m_total counter\nm_total 3\n"
	    "m_total{a=\"q\\\"b\\\\c\\nd\",e=\"bad\xef\xbf\xbd\"} 0.5\n");
	g_string_free(out, TRUE);
}

static void
histogram_text(void **state)
{
	GString *out = g_string_new(NULL);
	struct histogram h = { 0 };

	(void)state;
	histogram_add(&h, 1500000);
	prom_histogram(out, "t", &h, "engine", "x");
	assert_non_null(strstr(out->str, "t_bucket{le=\"1\",engine=\"x\"} 0\n"));
	assert_non_null(strstr(out->str, "t_bucket{le=\"2.5\",engine=\"x\"} 1\n"));
	assert_non_null(strstr(out->str, "t_bucket{le=\"+Inf\",engine=\"x\"} 1\n"));
	assert_non_null(strstr(out->str, "t_sum{engine=\"x\"} 1.5\nt_count{engine=\"x\"} 1\n"));
	g_string_truncate(out, 0);
	prom_histogram(out, "t", &h, NULL, NULL);
	assert_non_null(strstr(out->str, "t_bucket{le=\"+Inf\"} 1\nt_sum 1.5\nt_count 1\n"));
	g_string_free(out, TRUE);
}

static uint32_t
sum(const struct history_view *v)
{
	uint32_t n = 0;

	for (int i = 0; i < HISTORY_SLOTS; i++)
		for (int k = 0; k < HISTORY_KINDS; k++)
			n += v->count[i][k];
	return n;
}

static void
day(void **state)
{
	static struct history h;
	struct history_view v;
	const int64_t start = 5 * HISTORY_SLOT_MS + 17;

	(void)state;
	history_init(&h);
	history_read(&h, 0, &v); /* a machine that has just been started */
	assert_int_equal(sum(&v), 0);
	history_add(&h, CLASS_INFECTED, start);
	history_add(&h, HISTORY_SKIPPED, start + HISTORY_SLOT_MS);
	history_read(&h, start + HISTORY_SLOT_MS, &v);
	assert_int_equal(v.count[HISTORY_SLOTS - 1][HISTORY_SKIPPED], 1);
	assert_int_equal(v.count[HISTORY_SLOTS - 2][CLASS_INFECTED], 1);
	assert_int_equal(sum(&v), 2);
	/* The oldest one that is still shown, and gone ten minutes later. */
	history_read(&h, start + (HISTORY_SLOTS - 1) * (int64_t)HISTORY_SLOT_MS, &v);
	assert_int_equal(v.count[0][CLASS_INFECTED], 1);
	assert_int_equal(v.count[1][HISTORY_SKIPPED], 1);
	history_read(&h, start + HISTORY_SLOTS * (int64_t)HISTORY_SLOT_MS, &v);
	assert_int_equal(sum(&v), 1);
	/* A slot is used again: what was in it is a day old. */
	history_add(&h, CLASS_CLEAN, start + HISTORY_SLOTS * (int64_t)HISTORY_SLOT_MS);
	history_read(&h, start + HISTORY_SLOTS * (int64_t)HISTORY_SLOT_MS, &v);
	assert_int_equal(v.count[HISTORY_SLOTS - 1][CLASS_CLEAN], 1);
	assert_int_equal(v.count[HISTORY_SLOTS - 1][CLASS_INFECTED], 0);
	assert_int_equal(sum(&v), 2);
	history_clear(&h);
}

static void
findings(void **state)
{
	static struct history h;
	struct history_view v;

	(void)state;
	history_init(&h);
	for (int i = 0; i < HISTORY_FINDINGS + 3; i++)
		history_note(&h, &(struct history_finding){ .when = i });
	history_read(&h, 0, &v);
	assert_int_equal(v.findings, HISTORY_FINDINGS);
	for (int i = 0; i < HISTORY_FINDINGS; i++)
		assert_int_equal(v.finding[i].when, HISTORY_FINDINGS + 2 - i);
	history_clear(&h);
}

static void
scores(void **state)
{
	struct score *a = score_of("one"), *b = score_of("two");

	(void)state;
	assert_ptr_equal(score_of("one"), a);
	assert_ptr_not_equal(a, b);
	score_message(a, CLASS_INFECTED, false);
	score_message(a, CLASS_INFECTED, true);
	score_message(a, CLASS_CLEAN, true);
	atomic_fetch_add(&a->objects[CLASS_ERROR], 2);
	atomic_fetch_add(&a->objects[CLASS_CLEAN], 1);
	assert_int_equal(atomic_load(&a->messages), 3);
	assert_int_equal(atomic_load(&a->viruses), 2);
	assert_int_equal(atomic_load(&a->cured), 1);
	assert_int_equal(score_asked(a), 3);
	assert_int_equal(score_asked(b), 0);
	score_reset_all();
	assert_int_equal(atomic_load(&a->messages) + score_asked(a), 0);
	assert_ptr_equal(score_of("one"), a);
}

#define CROWD	8
#define TITLES	5

static void *
ask_for_all(void *arg)
{
	struct score **got = arg;

	for (int i = 0; i < TITLES; i++) {
		char title[8];

		g_snprintf(title, sizeof(title), "t%d", i);
		got[i] = score_of(title);
	}
	return NULL;
}

static void
crowd(void **state)
{
	struct score *got[CROWD][TITLES];
	pthread_t threads[CROWD];

	(void)state;
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_for_all, got[i]), 0);
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < CROWD; i++)
		assert_memory_equal(got[i], got[0], sizeof(got[0]));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(bounds),
	cmocka_unit_test(mean),
	cmocka_unit_test(text),
	cmocka_unit_test(histogram_text),
	cmocka_unit_test(day),
	cmocka_unit_test(findings),
	cmocka_unit_test(scores),
	cmocka_unit_test(crowd),
};

UNIT_RUN(tests)
