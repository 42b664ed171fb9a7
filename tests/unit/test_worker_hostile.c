/*
 * test_worker_hostile - every way in which a worker can lie, die or hang: the message is never clean, the front lives,
 * the next message is served, nothing is left behind
 */
#include "worker_rig.h"

struct attack {
	const char	*word;
	enum scan_state	 state;
	enum reason	 reason;
	const char	*text;		/* part of the explanation, or NULL */
};

#define PROTOCOL(word) { word, SCAN_FAILED, REASON_PROTOCOL, "protocol" }
#define DIED(word, text) { word, SCAN_FAILED, REASON_WORKER_DIED, text }

/* While it decomposes. */
static const struct attack decompositions[] = {
	PROTOCOL("offset"), PROTOCOL("size"), PROTOCOL("wrap"), PROTOCOL("spool-size"), PROTOCOL("order"),
	PROTOCOL("kind"), PROTOCOL("second-message"), PROTOCOL("store"), PROTOCOL("names"), PROTOCOL("names-missing"),
	PROTOCOL("tail"), PROTOCOL("flood"), PROTOCOL("overlap"), PROTOCOL("cumulative"), PROTOCOL("message-size"),
	PROTOCOL("open-string"), PROTOCOL("path"), PROTOCOL("short-object"), PROTOCOL("no-message"), PROTOCOL("busy"),
	PROTOCOL("seal"), PROTOCOL("magic"), PROTOCOL("version"), PROTOCOL("length"), PROTOCOL("seq"),
	PROTOCOL("old-seq"), PROTOCOL("oversize"), PROTOCOL("three-bytes"), PROTOCOL("op"), PROTOCOL("ready"),
	PROTOCOL("descriptors"), PROTOCOL("many-descriptors"), PROTOCOL("twice"),
	PROTOCOL("hints-nothing"), PROTOCOL("hints-unknown"), PROTOCOL("hints-twice"), PROTOCOL("hints-short"), PROTOCOL("hints-long"),
	{ "truncate", SCAN_FAILED, REASON_ENGINE_ERROR, "hostile" },
	{ "empty", SCAN_FAILED, REASON_WORKER_DIED, NULL },
	DIED("no-done", "exit status 0"), DIED("die-after", "exit status 0"),
};

/* While it decomposes, and with "scan-" before it while it scans. */
static const struct attack everywhere[] = {
	PROTOCOL("unknown"), PROTOCOL("state"), PROTOCOL("reason"), PROTOCOL("inconsistent"), PROTOCOL("no-reason"),
	PROTOCOL("open-text"), PROTOCOL("short-done"), PROTOCOL("finding"), PROTOCOL("finding-none"),
	PROTOCOL("finding-open"), PROTOCOL("finding-flood"),
	{ "limit", SCAN_PARTIAL, REASON_LIMIT_SIZE, "hostile" },
	{ "failed", SCAN_FAILED, REASON_ENGINE_ERROR, "hostile" },
	DIED("die", "exit status 0"), DIED("abort", "SIGABRT"), DIED("segv", "SIGSEGV"),
	DIED("sandbox", "SIGSYS (sandbox)"), DIED("close", "died"),
	{ "hang", SCAN_FAILED, REASON_TIMEOUT, "no answer in time" },
	{ "stop", SCAN_FAILED, REASON_TIMEOUT, "no answer in time" },
	{ "spin", SCAN_PARTIAL, REASON_LIMIT_TIME, "max_extract_time" },
};

static const struct attack scans[] = {
	PROTOCOL("scan-seq"), PROTOCOL("scan-object"), PROTOCOL("scan-twice"), DIED("scan-die-after", "exit status 0"),
	{ "scan-rewrite", SCAN_FAILED, REASON_ENGINE_ERROR, "hostile" },
	PROTOCOL("scan-cover-short"), PROTOCOL("scan-cover-nothing"), PROTOCOL("scan-cover-itself"), PROTOCOL("scan-cover-order"),
	PROTOCOL("scan-cover-again"), PROTOCOL("scan-cover-others"), PROTOCOL("scan-cover-unasked"),
	PROTOCOL("scan-cover-found"), PROTOCOL("scan-cover-found-first"), PROTOCOL("scan-cover-limit"), PROTOCOL("scan-cover-failed"),
};

static void
assert_served(struct rig *r)
{
	AUTO(verdict_clear) struct verdict good = { 0 }, bad = { 0 };

	rig_scan(r, "Subject: x\n\nhello\n", 5000, &good);
	assert_true(verdict_is_clean(&good));
	rig_scan(r, "Subject: x\n\nEICAR\n", 5000, &bad);
	assert_int_equal(verdict_class(&bad), CLASS_INFECTED);
	assert_string_equal(verdict_top(&bad)->name, "Eicar");
	assert_string_equal(verdict_top(&bad)->object, "message/a.zip/x.com");
	assert_string_equal(verdict_top(&bad)->engine, "clamav");
}

static void
attack(struct rig *r, const char *prefix, const struct attack *a)
{
	AUTO(verdict_clear) struct verdict v = { 0 };
	g_autofree char *text = g_strdup_printf("Subject: x\n\nHOSTILE:%s%s\n%01000d\n", prefix, a->word, 0);
	enum verdict_class cls = a->state == SCAN_PARTIAL ? CLASS_UNSCANNABLE : CLASS_ERROR;
	const char *why;
	int64_t ms = a->reason == REASON_TIMEOUT ? 200 : 20000, begin = now_ms();

	rig_scan(r, text, ms, &v);
	print_message("# %s%s: %s: %s\n", prefix, a->word, verdict_reason(&v, cls), verdict_why(&v, cls));
	assert_false(verdict_is_clean(&v));
	assert_int_equal(verdict_state(&v), a->state);
	assert_int_equal(a->state == SCAN_PARTIAL ? v.partial : v.failed, a->reason);
	why = verdict_why(&v, cls);
	if (a->text)
		assert_non_null(strstr(why, a->text));
	assert_in_range(now_ms() - begin, 0, 15000);
	assert_served(r);
}

static struct rig *
make(void)
{
	struct rig *r = rig_new("ready");

	r->cfg.settings.max_extract_time_ms = 100;
	rig_start(r);
	rig_ready(r);
	assert_served(r);
	return r;
}

static void
test_decompositions(void **state)
{
	struct rig *r = make();

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(decompositions); i++)
		attack(r, "", &decompositions[i]);
	rig_free(r);
}

static void
test_everywhere(void **state)
{
	struct rig *r = make();

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(everywhere); i++) {
		attack(r, "", &everywhere[i]);
		attack(r, "scan-", &everywhere[i]);
	}
	rig_free(r);
}

static void
test_scans(void **state)
{
	struct rig *r = make();

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(scans); i++)
		attack(r, "", &scans[i]);
	rig_free(r);
}

/* Asked where a part lies, a worker can say nothing that leads out of the message. */
static void
test_places(void **state)
{
	static const struct attack rows[] = {
		{ "honest", SCAN_COMPLETE, REASON_NONE, NULL },
		PROTOCOL("place-outside"), PROTOCOL("place-order"), PROTOCOL("place-kind"), PROTOCOL("place-short"),
		PROTOCOL("place-object"), PROTOCOL("place-nowhere"), PROTOCOL("place-twice"), PROTOCOL("place-unknown"),
		PROTOCOL("place-state"), PROTOCOL("place-failed"), PROTOCOL("place-finding"),
		DIED("place-die", "exit status 0"), DIED("place-segv", "SIGSEGV"),
		{ "place-hang", SCAN_FAILED, REASON_TIMEOUT, "no answer in time" },
	};
	struct rig *r = make();

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct attack *a = &rows[i];
		AUTO(verdict_clear) struct verdict v = { 0 }, first = { 0 };
		g_autofree char *text = g_strdup_printf("Subject: x\n\nHOSTILE:%s\n", a->word);
		struct wait wait = rig_wait(a->reason == REASON_TIMEOUT ? 200 : 20000);
		struct spool *sp = rig_spool(r, text);
		struct lease *l = workers_borrow(r->workers, &wait, NULL);
		struct objects *set = lease_decompose_placed(l, sp, &wait, &first);
		struct proto_place at = { 0 };
		bool ok;

		assert_non_null(set);
		ok = lease_place(l, g_ptr_array_index(set->list, 1), &wait, &at, &v);
		assert_int_equal(ok, a->state == SCAN_COMPLETE);
		if (ok)
			assert_int_equal(at.end, spool_size(sp));
		else
			assert_int_equal(v.failed, a->reason);
		objects_free(&set);
		lease_return(&l);
		spool_free(&sp);
		assert_served(r);
	}
	rig_free(r);
}

/* Nor is a message asked that was not taken apart for it. */
static void
test_no_places(void **state)
{
	struct rig *r = make();
	struct wait wait = rig_wait(5000);
	struct spool *sp = rig_spool(r, "Subject: x\n\nhello\n");
	AUTO(verdict_clear) struct verdict v = { 0 }, first = { 0 };
	struct lease *l = workers_borrow(r->workers, &wait, NULL);
	struct objects *set = lease_decompose(l, sp, true, &wait, &first);
	struct proto_place at;

	(void)state;
	assert_false(lease_place(l, g_ptr_array_index(set->list, 1), &wait, &at, &v));
	assert_int_equal(v.failed, REASON_ENGINE_ERROR);
	objects_free(&set);
	lease_return(&l);
	spool_free(&sp);
	assert_served(r);
	rig_free(r);
}

/* What an honest worker lists arrives whole: places, strings, hashes of our own. */
static void
test_honest(void **state)
{
	struct rig *r = make();
	struct wait wait = rig_wait(5000);
	struct spool *sp = rig_spool(r, "Subject: x\n\nhello\n");
	AUTO(verdict_clear) struct verdict v = { 0 };
	struct lease *l = workers_borrow(r->workers, &wait, NULL);
	struct objects *set = lease_decompose(l, sp, true, &wait, &v);
	const struct object *o;
	uint8_t sha[DIGEST_LEN];
	char buf[64];

	(void)state;
	assert_non_null(set);
	assert_int_equal(set->list->len, 3);
	assert_int_equal(v.states, 1u << SCAN_COMPLETE);
	o = g_ptr_array_index(set->list, 0);
	assert_int_equal(o->size, spool_size(sp));
	assert_memory_equal(o->sha256, spool_digest(sp, NULL), DIGEST_LEN);
	o = g_ptr_array_index(set->list, 1);
	assert_int_equal(o->store, STORE_ARENA);
	assert_string_equal(o->path, "1");
	assert_string_equal(o->type, "text/plain");
	assert_string_equal(o->names[0], "a.txt");
	assert_null(o->names[1]);
	assert_true(objects_read(set, o, 0, buf, o->size, NULL));
	assert_int_equal(o->size, strlen("decoded by the worker, HOSTILE or not"));
	assert_memory_equal(buf, "decoded by the worker, HOSTILE or not", o->size);
	digest_of(buf, o->size, sha);
	assert_memory_equal(sha, o->sha256, DIGEST_LEN);
	objects_free(&set);
	lease_return(&l);
	assert_null(l);
	lease_return(&l);
	spool_free(&sp);
	rig_free(r);
}

static void
scan_one(struct lease *l, const struct objects *set, guint id)
{
	struct wait wait = rig_wait(5000);
	AUTO(verdict_clear) struct verdict v = { 0 };

	lease_scan(l, g_ptr_array_index(set->list, id), "clamav", &wait, &v);
	assert_true(verdict_is_clean(&v));
}

static unsigned
covered(const struct lease *l, const struct objects *set)
{
	unsigned bits = 0;

	for (guint i = 0; i < set->list->len; i++)
		bits |= (unsigned)lease_covers(l, g_ptr_array_index(set->list, i)) << i;
	return bits;
}

/* What is covered is known after the scan of the whole, and only until the next one. */
static void
test_cover(void **state)
{
	struct rig *r = make();
	struct wait wait = rig_wait(5000);
	struct spool *sp = rig_spool(r, "HOSTILE:scan-cover-honest"), *plain = rig_spool(r, "hello");
	AUTO(verdict_clear) struct verdict v = { 0 };
	struct lease *l = workers_borrow(r->workers, &wait, NULL);
	struct objects *set = lease_decompose(l, sp, true, &wait, &v), *other;

	(void)state;
	assert_int_equal(covered(l, set), 0);
	scan_one(l, set, 1);
	assert_int_equal(covered(l, set), 0);
	scan_one(l, set, 0);
	assert_int_equal(covered(l, set), 6);
	scan_one(l, set, 2);
	assert_int_equal(covered(l, set), 6);
	other = lease_decompose(l, plain, true, &wait, &v);
	assert_int_equal(covered(l, set), 0);
	scan_one(l, other, 0);
	assert_int_equal(covered(l, other), 0);
	objects_free(&other);
	objects_free(&set);
	lease_return(&l);
	spool_free(&plain);
	spool_free(&sp);
	rig_free(r);
}

/* A lease whose worker was killed says why again and again, and touches nobody. */
static void
test_dead_lease(void **state)
{
	struct rig *r = make();
	struct wait wait = rig_wait(5000);
	struct spool *sp = rig_spool(r, "HOSTILE:scan-abort");
	AUTO(verdict_clear) struct verdict v = { 0 };
	struct lease *l = workers_borrow(r->workers, &wait, NULL);
	struct objects *set = lease_decompose(l, sp, true, &wait, &v);

	(void)state;
	for (int i = 0; i < 3; i++) {
		AUTO(verdict_clear) struct verdict one = { 0 };

		lease_scan(l, g_ptr_array_index(set->list, 0), "clamav", &wait, &one);
		assert_int_equal(one.failed, REASON_WORKER_DIED);
		assert_non_null(strstr(one.failed_why, "SIGABRT"));
		assert_served(r);
	}
	assert_null(lease_decompose(l, sp, true, &wait, &v));
	assert_int_equal(v.failed, REASON_WORKER_DIED);
	objects_free(&set);
	lease_return(&l);
	spool_free(&sp);
	assert_served(r);
	rig_free(r);
}

/* max_extract_time is for one object: an honest worker may take it, and the second of grace, for each. */
static void
test_time_is_for_one_object(void **state)
{
	struct rig *r = rig_new("ready");
	AUTO(verdict_clear) struct verdict v = { 0 };

	(void)state;
	r->cfg.settings.max_extract_time_ms = 50;
	rig_start(r);
	rig_scan(r, "HOSTILE:burn-300", 60000, &v);
	assert_true(verdict_is_clean(&v));
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cover),
		cmocka_unit_test(test_honest),
		cmocka_unit_test(test_decompositions),
		cmocka_unit_test(test_everywhere),
		cmocka_unit_test(test_scans),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_no_places),
		cmocka_unit_test(test_dead_lease),
		cmocka_unit_test(test_time_is_for_one_object),
	};

	return cmocka_run_group_tests_name("worker: a hostile scanner", tests, NULL, NULL);
}
