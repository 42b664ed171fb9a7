/*
 * test_worker_generation - loading, reloading, failing to load, losing the zygote: mail waits or is served, never lost
 */
#include "worker_rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define HONEST "Subject: x\n\nhello\n"

static void
assert_clean(struct rig *r)
{
	AUTO(verdict_clear) struct verdict v = { 0 };

	rig_scan(r, HONEST, 10000, &v);
	if (!verdict_is_clean(&v))
		fail_msg("%s", verdict_why(&v, verdict_class(&v)));
}

static unsigned
serving(struct rig *r)
{
	struct proto_ready info;

	return workers_ready_info(r->workers, &info) ? info.generation[0] : 0;
}

static void
test_waits_while_loading(void **state)
{
	struct rig *r = rig_new("slow-300");
	int64_t begin = now_ms();
	struct proto_ready info;

	(void)state;
	rig_start(r);
	assert_int_equal(serving(r), 0);
	assert_clean(r);
	assert_in_range(now_ms() - begin, 300, 5000);
	assert_true(workers_ready_info(r->workers, &info));
	assert_int_equal(info.generation[31], 1);
	assert_string_equal(info.engine_version, "Hostile 1");
	rig_free(r);
}

/* Every way of not becoming ready: refused at the deadline with the cause, and ready as soon as the cause is gone. */
static void
test_not_ready(void **state)
{
	const struct { const char *mode, *text; } table[] = {
		{ "failed", "no signatures in here\\x0a" },
		{ "exit", "exit status 5" },
		{ "ready-exit", "exit status 4" },
		{ "garbage", "the scanner ended" },
		{ "open-version", "unexpected packet" },
		{ "selftest-fail", "self-test: hostile" },
		{ "selftest-die", "self-test: it" },
		{ "selftest-lie", "self-test: unexpected packet" },
		{ "selftest-hang", "no answer in time" },
		{ "no-fork", "cannot fork" },
		{ "mute", "not ready after" },
		{ "missing-file-for-orders", NULL },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct rig *r = rig_new(table[i].mode);
		g_autoptr(GError) err = NULL, err2 = NULL;
		struct wait wait, again;

		if (!table[i].text)
			unlink(r->orders);
		r->lim.load_timeout_ms = 700;
		r->lim.selftest_timeout_ms = 100;
		rig_start(r);
		rig_until(r, st, st.failures > 0);
		wait = rig_wait(100);
		again = rig_wait(1);
		assert_null(workers_borrow(r->workers, &wait, &err));
		print_message("# %s: %s\n", table[i].mode, err->message);
		assert_true(g_error_matches(err, WORKERS_ERROR, WORKERS_E_NOT_READY));
		assert_non_null(strstr(err->message, r->orders));
		assert_non_null(strstr(err->message, table[i].text ? table[i].text : "exit status 7"));
		assert_false(workers_wait_ready(r->workers, &again, &err2));
		assert_int_equal(serving(r), 0);
		rig_order(r, "ready", 3);
		assert_clean(r);
		assert_int_equal(serving(r), 3);
		rig_free(r);
	}
}

static void
test_no_program(void **state)
{
	struct rig *r = rig_new("ready");
	g_autoptr(GError) err = NULL;

	(void)state;
	r->cfg.scanner_path = "/nonexistent/avmilter-scanner";
	assert_null(workers_new(&r->cfg, &err));
	assert_non_null(strstr(err->message, "/nonexistent/avmilter-scanner"));
	assert_non_null(strstr(err->message, "scanner_path"));
	rig_free(r);
}

/* How often the word stands in the file; 0 when there is none. */
static unsigned
count_in(const char *path, const char *word)
{
	g_autofree char *text = NULL;
	unsigned n = 0;

	if (g_file_get_contents(path, &text, NULL, NULL))
		for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
			n++;
	return n;
}

/* Until it stands there so often. */
static void
assert_comes(const char *path, const char *word, unsigned times)
{
	const int64_t end = now_ms() + 20000;

	while (count_in(path, word) < times && now_ms() < end)
		g_usleep(1000);
	assert_int_equal(count_in(path, word), times);
}

/* A worker writes a line. */
static void
say(struct rig *r)
{
	AUTO(verdict_clear) struct verdict v = { 0 };

	rig_scan(r, "Subject: x\n\nHOSTILE:say\n", 10000, &v);
	assert_true(verdict_is_clean(&v));
}

/* What the scanner writes goes to a file of its own when one is named. */
static void
test_log_file(void **state)
{
	struct rig *r = rig_new("ready");
	g_autofree char *log = g_build_filename(r->dir, "scanner.log", NULL);

	(void)state;
	r->cfg.scanner_log = log;
	rig_start(r);
	rig_ready(r);
	assert_comes(log, "to stderr", 1);
	rig_free(r);
}

/* A worker that was there before its log was moved away writes to the new one; into our own where there can be none. */
static void
test_log_file_moves(void **state)
{
	struct rig *r = rig_new("ready");
	g_autofree char *log = g_build_filename(r->dir, "scanner.log", NULL);
	g_autofree char *old = g_strconcat(log, ".1", NULL), *own = g_build_filename(r->dir, "own", NULL);

	(void)state;
	r->cfg.scanner_log = log;
	rig_start(r);
	rig_ready(r);
	say(r);
	assert_comes(log, "\nsaid\\x1b[31m\n", 1);
	assert_int_equal(rename(log, old), 0);
	say(r);
	assert_comes(log, "said", 1);
	assert_int_equal(count_in(old, "said"), 1);
	assert_int_equal(serving(r), 1);
	/* where the file cannot be made the line is not lost */
	assert_int_equal(rename(log, old), 0);
	assert_int_equal(mkdir(log, 0700), 0);
	assert_true(log_open(own, "mail", "avmilter", LOGLV_INFO, NULL));
	say(r);
	assert_comes(own, "scanner: said\\x1b[31m\n", 1);
	assert_true(log_open("stderr", "mail", "avmilter", LOGLV_INFO, NULL));
	assert_int_equal(count_in(own, "scanner.log: open scanner_log: "), 1);
	assert_int_equal(count_in(own, "scanner: "), 2);
	rig_free(r);
}

/* A scanner whose log cannot be written is not started; the error names the file. */
static void
test_log_file_fails(void **state)
{
	struct rig *r = rig_new("ready");
	g_autoptr(GError) err = NULL;

	(void)state;
	r->cfg.scanner_log = "/nonexistent/scanner.log";
	assert_null(workers_new(&r->cfg, &err));
	assert_non_null(strstr(err->message, "/nonexistent/scanner.log: open scanner_log: "));
	rig_free(r);
}

static void
test_reload(void **state)
{
	struct rig *r = rig_new("ready");
	struct wait wait = rig_wait(5000);
	struct lease *old;
	struct objects *set;
	struct verdict v = { 0 };
	struct spool *sp;

	(void)state;
	rig_start(r);
	rig_ready(r);
	assert_int_equal(serving(r), 1);
	old = workers_borrow(r->workers, &wait, NULL);
	rig_order(r, "slow-100", 2);
	workers_reload(r->workers);
	assert_clean(r);
	assert_int_equal(serving(r), 1);
	rig_until(r, st, st.generations == 2);
	assert_int_equal(serving(r), 2);
	/* A lease of the old generation goes on. */
	sp = rig_spool(r, HONEST);
	set = lease_decompose(old, sp, true, &wait, &v);
	assert_non_null(set);
	assert_true(verdict_is_clean(&v));
	objects_free(&set);
	spool_free(&sp);
	verdict_clear(&v);
	assert_clean(r);
	lease_return(&old);
	/* Then nothing of the old one is left: zygote, two workers, a spare. */
	for (int i = 0; i < 5000 && rig_processes(r, NULL, 0) != 4; i++)
		usleep(1000);
	assert_int_equal(rig_processes(r, NULL, 0), 4);
	rig_free(r);
}

/* The same definitions again: nothing changes. A broken set: the old one serves on. */
static void
test_reload_in_vain(void **state)
{
	struct rig *r = rig_new("ready");
	const char *broken[] = { "failed", "exit", "selftest-fail", "no-fork", "mute" };
	const uint64_t updates = event_raised(EVENT_UPDATE), errors = event_raised(EVENT_UPDATE_ERROR);
	struct workers_stats st;

	(void)state;
	r->lim.load_timeout_ms = 500;
	rig_start(r);
	rig_ready(r);
	workers_reload(r->workers);
	for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
		for (int k = 0; k < 60; k++) {
			assert_clean(r);
			usleep(10 * 1000);
		}
		assert_int_equal(serving(r), 1);
		rig_order(r, broken[i], 9);
		workers_reload(r->workers);
	}
	usleep(700 * 1000);
	assert_clean(r);
	workers_stats(r->workers, &st);
	assert_int_equal(st.generations, 1);
	assert_int_equal(st.restarts, 0);
	assert_int_equal(event_raised(EVENT_UPDATE), updates);
	assert_true(st.failures >= 4);
	assert_true(event_raised(EVENT_UPDATE_ERROR) >= errors + st.failures); /* each broken in a way of its own */
	rig_order(r, "ready", 4);
	workers_reload(r->workers);
	rig_until(r, now, now.generations == 2);
	assert_int_equal(serving(r), 4);
	for (int i = 0; i < 1000 && event_raised(EVENT_UPDATE) == updates; i++)
		usleep(1000); /* raised when the switch is done */
	assert_int_equal(event_raised(EVENT_UPDATE), updates + 1);
	rig_free(r);
}

struct client {
	struct rig	*r;
	pthread_t	 thread;
	atomic_bool	*stop;
	unsigned	 sent, wrong;
	int64_t		 worst_ms;
};

static void *
send_honest(void *arg)
{
	struct client *c = arg;

	while (!atomic_load(c->stop)) {
		AUTO(verdict_clear) struct verdict v = { 0 };
		int64_t begin = now_ms();

		rig_scan(c->r, HONEST, 10000, &v);
		c->sent++;
		c->worst_ms = MAX(c->worst_ms, now_ms() - begin);
		if (!verdict_is_clean(&v)) {
			c->wrong++;
			print_message("# not clean: %s\n", verdict_why(&v, verdict_class(&v)));
		}
	}
	return NULL;
}

static void
start_clients(struct rig *r, struct client *c, size_t n, atomic_bool *stop)
{
	for (size_t i = 0; i < n; i++) {
		c[i] = (struct client){ .r = r, .stop = stop };
		assert_int_equal(pthread_create(&c[i].thread, NULL, send_honest, &c[i]), 0);
	}
}

static void
end_clients(struct client *c, size_t n, atomic_bool *stop)
{
	unsigned sent = 0, wrong = 0;
	int64_t worst = 0;

	atomic_store(stop, true);
	for (size_t i = 0; i < n; i++) {
		pthread_join(c[i].thread, NULL);
		sent += c[i].sent;
		wrong += c[i].wrong;
		worst = MAX(worst, c[i].worst_ms);
	}
	print_message("# %u messages, %u wrong, the slowest %d ms\n", sent, wrong, (int)worst);
	assert_int_equal(wrong, 0);
	assert_in_range(sent, 10, UINT32_MAX);
}

static void
test_reload_under_load(void **state)
{
	struct rig *r = rig_new("ready");
	struct client clients[4];
	atomic_bool stop = false;

	(void)state;
	rig_start(r);
	rig_ready(r);
	start_clients(r, clients, G_N_ELEMENTS(clients), &stop);
	for (unsigned i = 2; i < 22; i++) {
		rig_order(r, "ready", i);
		workers_reload(r->workers);
		rig_until(r, st, st.generations == i);
		assert_int_equal(serving(r), i);
	}
	end_clients(clients, G_N_ELEMENTS(clients), &stop);
	rig_free(r);
}

/* Kill the only zygote; wait until there is but one. */
static void
kill_zygote(struct rig *r)
{
	pid_t zygote[2];
	int k = 0;

	while (rig_pick(r, true, zygote, 2) != 1 && k++ < 5000)
		usleep(1000);
	assert_int_equal(kill(zygote[0], SIGKILL), 0);
}

/* The workers of a dead zygote serve until the next generation does. */
static void
test_zygote_killed_under_load(void **state)
{
	struct rig *r = rig_new("ready");
	struct client clients[4];
	atomic_bool stop = false;
	struct workers_stats end;

	(void)state;
	rig_start(r);
	rig_ready(r);
	start_clients(r, clients, G_N_ELEMENTS(clients), &stop);
	for (unsigned i = 1; i <= 5; i++) {
		kill_zygote(r);
		rig_until(r, st, st.generations == i + 1);
	}
	end_clients(clients, G_N_ELEMENTS(clients), &stop);
	workers_stats(r->workers, &end);
	assert_int_equal(end.restarts, 5);
	rig_free(r);
}

/* A zygote that hangs is found when a worker is needed. */
static void
test_zygote_hung(void **state)
{
	struct rig *r = rig_new("ready");
	pid_t zygote;

	(void)state;
	r->lim.fork_timeout_ms = 200;
	r->lim.retire_messages = 5;
	rig_start(r);
	rig_ready(r);
	rig_until(r, st, st.spare == 3);
	assert_int_equal(rig_pick(r, true, &zygote, 1), 1);
	assert_int_equal(kill(zygote, SIGSTOP), 0);
	for (int i = 0; i < 100; i++) {
		assert_clean(r);
		usleep(10 * 1000);
	}
	rig_until(r, st, st.generations == 2 && st.restarts == 1);
	rig_free(r);
}

/* No descriptor left for new workers: those that live stay, the zygote is not blamed, and it passes by itself. */
static void
test_out_of_descriptors(void **state)
{
	enum { LOW = 32 };
	struct rig *r = rig_new("ready");
	struct rlimit old, tight;
	struct workers_stats st;
	int hogs[LOW], n = 0;
	pid_t pid;

	(void)state;
	/* Everything below LOW is taken, so that the pool's own lie above it: a limit of LOW then forbids new ones only. */
	while ((hogs[n] = dup(STDERR_FILENO)) < LOW)
		n++;
	close(hogs[n]);
	rig_start(r);
	rig_until(r, now, now.spare == 3);
	assert_clean(r);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	tight.rlim_cur = LOW;
	assert_int_equal(rig_pick(r, false, &pid, 1), 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	kill(pid, SIGKILL);
	rig_until(r, now, now.crashed == 1);
	usleep(300 * 1000);
	workers_stats(r->workers, &st);
	assert_int_equal(st.spare, 2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_clean(r);
	rig_until(r, now, now.spare == 3);
	workers_stats(r->workers, &st);
	assert_int_equal(st.restarts, 0);
	assert_int_equal(st.generations, 1);
	while (n > 0)
		close(hogs[--n]);
	rig_free(r);
}

/* Zygote and workers gone together: messages wait for the next generation. */
static void
test_all_killed(void **state)
{
	struct rig *r = rig_new("ready");
	pid_t pids[64];

	(void)state;
	rig_start(r);
	for (int i = 0; i < 5; i++) {
		unsigned n;

		rig_until(r, st, st.spare == 3);
		n = rig_processes(r, pids, G_N_ELEMENTS(pids));
		assert_int_equal(n, 4);
		rig_kill(pids, n);
		assert_clean(r);
	}
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_while_loading),
		cmocka_unit_test(test_not_ready),
		cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_log_file),
		cmocka_unit_test(test_log_file_moves),
		cmocka_unit_test(test_log_file_fails),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_in_vain),
		cmocka_unit_test(test_reload_under_load),
		cmocka_unit_test(test_zygote_killed_under_load),
		cmocka_unit_test(test_zygote_hung),
		cmocka_unit_test(test_out_of_descriptors),
		cmocka_unit_test(test_all_killed),
	};

	return cmocka_run_group_tests_name("worker: generations", tests, NULL, NULL);
}
