/*
 * test_worker_real - the pool over the real avmilter-scanner with a tiny database: both sides keep to proto.h
 */
#include "worker_rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define SIGNATURE	"Test-Marker"
#define MARKER		"avmilter-test-marker-3f1c77d2"	/* what the database finds */
#define MARKER_BASE64	"YXZtaWx0ZXItdGVzdC1tYXJrZXItM2YxYzc3ZDI="
#define HONEST		"Received: x\r\nSubject: x\r\n\r\nhello\r\n"
#define INFECTED	"Received: x\r\nSubject: x\r\n\r\n" MARKER "\r\n"
#define MULTIPART	"Received: x\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
#define ATTACHED	MULTIPART "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n"			\
			"Content-Type: application/octet-stream; name=\"a.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"	\
			MARKER_BASE64 "\r\n--b--\r\n"

#ifdef AVM_SANITIZED
#define SLOW 10
#else
#define SLOW 1
#endif

/* The database: one body signature for text, in the clear. */
static void
write_database(const struct rig *r, const char *text)
{
	g_autofree char *file = g_build_filename(r->orders, "test.ndb", NULL);
	g_autoptr(GString) line = g_string_new(SIGNATURE ":0:*:");

	for (const char *p = text; *p; p++)
		g_string_append_printf(line, "%02x", (unsigned char)*p);
	g_string_append_c(line, '\n');
	assert_true(g_file_set_contents(file, line->str, -1, NULL));
}

static struct rig *
make(void)
{
	struct rig *r = rig_over("../avmilter-scanner", "");

	assert_int_equal(unlink(r->orders), 0);
	assert_int_equal(mkdir(r->orders, 0755), 0);
	write_database(r, MARKER);
	r->cfg.settings.flags |= PROTO_HEURISTICS;
	return r;
}

static void
assert_class(struct rig *r, const char *text, enum verdict_class cls)
{
	AUTO(verdict_clear) struct verdict v = { 0 };

	rig_scan(r, text, 20000, &v);
	if (verdict_class(&v) != cls)
		fail_msg("%s instead of %s: %s", verdict_class_name(verdict_class(&v)), verdict_class_name(cls),
		    verdict_why(&v, verdict_class(&v)));
}

static void
assert_works(struct rig *r)
{
	assert_class(r, HONEST, CLASS_CLEAN);
	assert_class(r, INFECTED, CLASS_INFECTED);
	assert_class(r, ATTACHED, CLASS_INFECTED);
	assert_class(r, HONEST, CLASS_CLEAN);
}

static void
test_verdicts(void **state)
{
	struct rig *r = make();
	struct proto_ready info;

	(void)state;
	rig_start(r);
	rig_ready(r);
	assert_true(workers_ready_info(r->workers, &info));
	assert_true(info.signatures >= 1);
	assert_non_null(strstr(info.engine_version, "ClamAV"));
	assert_works(r);
	rig_free(r);
}

/* The parts arrive with places, names and hashes that hold. */
static void
test_objects(void **state)
{
	struct rig *r = make();
	struct wait wait = rig_wait(20000);
	struct spool *sp = rig_spool(r, ATTACHED);
	struct verdict v = { 0 };
	struct lease *l;
	struct objects *set;
	const struct object *o;
	char buf[64];

	(void)state;
	rig_start(r);
	l = workers_borrow(r->workers, &wait, NULL);
	assert_non_null(l);
	set = lease_decompose(l, sp, true, &wait, &v);
	assert_non_null(set);
	assert_int_equal(v.states, 1u << SCAN_COMPLETE);
	assert_int_equal(set->list->len, 3);
	o = g_ptr_array_index(set->list, 2);
	assert_string_equal(o->path, "2");
	assert_string_equal(o->type, "application/octet-stream");
	assert_string_equal(o->names[0], "a.bin");
	assert_int_equal(o->size, strlen(MARKER));
	assert_true(objects_read(set, o, 0, buf, o->size, NULL));
	assert_memory_equal(buf, MARKER, o->size);
	objects_free(&set);
	verdict_clear(&v);
	/* Without MIME: only the message. */
	set = lease_decompose(l, sp, false, &wait, &v);
	assert_non_null(set);
	assert_int_equal(set->list->len, 1);
	objects_free(&set);
	verdict_clear(&v);
	lease_return(&l);
	spool_free(&sp);
	rig_free(r);
}

/* Beyond each limit an honest worker says PARTIAL and never offends the front. */
static void
test_limits(void **state)
{
	struct rig *r = make();
	g_autoptr(GString) many = g_string_new(MULTIPART), large = g_string_new(MULTIPART), deep = g_string_new("Received: x\r\n"),
			   named = g_string_new(MULTIPART);

	(void)state;
	r->cfg.settings.max_file_count = 50;
	r->cfg.settings.max_extract_size = 20000;
	r->cfg.settings.max_cumulative_extract_size = 100000;
	r->cfg.settings.max_extract_depth = 5;
	for (int i = 0; i < 200; i++)
		g_string_append(many, "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n");
	for (int i = 0; i < 20; i++)
		g_string_append_printf(large, "--b\r\nContent-Type: text/plain\r\n\r\n%018000d\r\n", i);
	for (int i = 0; i < 40; i++)
		g_string_append_printf(deep, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	for (int i = 0; i < 30; i++)
		g_string_append_printf(named, "--b\r\nContent-Type: text/plain; name=\"%.*d\"\r\n"
		    "Content-Disposition: attachment; filename=\"%.*d\"\r\n\r\nhello\r\n", 20000, i, 20000, i);
	rig_start(r);
	assert_class(r, many->str, CLASS_UNSCANNABLE);
	assert_class(r, large->str, CLASS_UNSCANNABLE);
	assert_class(r, deep->str, CLASS_UNSCANNABLE);
	{
		AUTO(verdict_clear) struct verdict v = { 0 };
		struct workers_stats st;

		rig_scan(r, named->str, 20000, &v);
		print_message("# long names: %s: %s\n", verdict_class_name(verdict_class(&v)), verdict_why(&v, verdict_class(&v)));
		assert_false(v.failed == REASON_PROTOCOL);
		workers_stats(r->workers, &st);
		assert_int_equal(st.killed + st.crashed, 0);
	}
	assert_works(r);
	rig_free(r);
}

static void
test_no_engine(void **state)
{
	struct rig *r = make();
	struct wait wait = rig_wait(20000);
	struct spool *sp = rig_spool(r, ATTACHED);
	struct verdict v = { 0 };
	struct lease *l;
	struct objects *set;

	(void)state;
	r->cfg.settings.flags = 0;
	rig_start(r);
	l = workers_borrow(r->workers, &wait, NULL);
	assert_non_null(l);
	set = lease_decompose(l, sp, true, &wait, &v);
	assert_non_null(set);
	assert_int_equal(set->list->len, 3);
	verdict_clear(&v);
	lease_scan(l, g_ptr_array_index(set->list, 0), "x", &wait, &v);
	assert_false(verdict_is_clean(&v));	/* nothing can be clean without an engine */
	verdict_clear(&v);
	objects_free(&set);
	lease_return(&l);
	spool_free(&sp);
	rig_free(r);
}

static void
test_no_signatures(void **state)
{
	struct rig *r = make();
	g_autofree char *file = g_build_filename(r->orders, "test.ndb", NULL);
	struct wait wait = rig_wait(1000 * SLOW);
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_int_equal(unlink(file), 0);
	rig_start(r);
	assert_null(workers_borrow(r->workers, &wait, &err));
	print_message("# %s\n", err->message);
	assert_true(g_error_matches(err, WORKERS_ERROR, WORKERS_E_NOT_READY));
	assert_non_null(strstr(err->message, r->orders));
	/* They appear later: nobody has to do anything. */
	write_database(r, MARKER);
	assert_works(r);
	rig_free(r);
}

static void
test_reload(void **state)
{
	struct rig *r = make();
	struct workers_stats st;

	(void)state;
	rig_start(r);
	assert_works(r);
	workers_reload(r->workers);
	usleep(500 * 1000 * SLOW);
	workers_stats(r->workers, &st);
	assert_int_equal(st.generations, 1);
	write_database(r, "another marker");
	workers_reload(r->workers);
	rig_until(r, now, now.generations == 2);
	assert_class(r, INFECTED, CLASS_CLEAN);
	assert_class(r, "Received: x\r\nSubject: x\r\n\r\nanother marker\r\n", CLASS_INFECTED);
	rig_free(r);
}

struct client {
	struct rig	*r;
	pthread_t	 thread;
	atomic_bool	*stop;
	unsigned	 sent, failed, wrong;
};

static void *
send_mail(void *arg)
{
	struct client *c = arg;

	while (!atomic_load(c->stop)) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		bool bad = c->sent++ % 2;

		rig_scan(c->r, bad ? ATTACHED : HONEST, 20000, &v);
		if (verdict_class(&v) == CLASS_ERROR)
			c->failed++;
		else if (verdict_class(&v) != (bad ? CLASS_INFECTED : CLASS_CLEAN))
			c->wrong++;
	}
	return NULL;
}

/* Workers killed at random, the zygote too: only what they held fails, nothing is taken for clean. */
static void
test_kills_under_load(void **state)
{
	struct rig *r = make();
	struct client clients[8];
	atomic_bool stop = false;
	unsigned sent = 0, failed = 0, kills = 0;

	(void)state;
	r->lim.retire_messages = 40;
	r->lim.selftest_ms = 50;
	rig_start(r);
	rig_ready(r);
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
		clients[i] = (struct client){ .r = r, .stop = &stop };
		assert_int_equal(pthread_create(&clients[i].thread, NULL, send_mail, &clients[i]), 0);
	}
	for (int i = 0; i < 30; i++) {
		pid_t pids[64];
		unsigned n = rig_pick(r, i % 10 == 9, pids, G_N_ELEMENTS(pids));

		/* A zygote takes its workers with it. */
		if (n > 0 && kill(pids[(unsigned)i % n], SIGKILL) == 0)
			kills += i % 10 == 9 ? 2 : 1;
		usleep(50 * 1000);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
		pthread_join(clients[i].thread, NULL);
		assert_int_equal(clients[i].wrong, 0);
		sent += clients[i].sent;
		failed += clients[i].failed;
	}
	print_message("# %u messages, %u failed, %u could\n", sent, failed, kills);
	assert_in_range(failed, 0, kills);
	assert_in_range(sent, 10, UINT32_MAX);
	assert_works(r);
	rig_free(r);
}

/* Nothing grows: no descriptor here, no folder of a worker in the scratch folder when the pool has ended. */
static void
test_many(void **state)
{
	struct rig *r = make();
	unsigned before = 0;

	(void)state;
	r->lim.retire_messages = 50;
	rig_start(r);
	for (int i = 0; i < 1000 / SLOW; i++) {
		assert_class(r, i % 2 ? ATTACHED : HONEST, i % 2 ? CLASS_INFECTED : CLASS_CLEAN);
		if (i == 20)
			before = rig_entries("/proc/self/fd");
	}
	assert_in_range(rig_entries("/proc/self/fd"), 0, before + 4);	/* a worker more or less at the moment of the look */
	workers_free(&r->workers);
	assert_int_equal(rig_entries(r->dir), 4);	/* . .. scanner orders */
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_engine),
		cmocka_unit_test(test_no_signatures),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_kills_under_load),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("worker: the real scanner", tests, NULL, NULL);
}
