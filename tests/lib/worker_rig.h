/*
 * worker_rig - a pool over hostile_scanner, messages for it, and a look for what is left behind
 */
#ifndef TESTS_WORKER_RIG_H
#define TESTS_WORKER_RIG_H

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib.h>

#include "base/events.h"
#include "base/fsx.h"
#include "base/log.h"
#include "message/spool.h"
#include "worker/pool.h"

#define MAYBE_UNUSED __attribute__((unused))

struct rig {
	char		*dir, *orders, *scanner;
	struct workers	*workers;
	struct workers_conf cfg;
	struct pool_limits lim;
	struct spool_budget *budget;
	struct spool_limits spool;
	unsigned	 fds, threads;	/* before */
};

/* Entries of a folder of /proc. */
MAYBE_UNUSED static unsigned
rig_entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* Processes of this rig: their command is its own link to the scanner. pids may be NULL. */
MAYBE_UNUSED static unsigned
rig_processes(const struct rig *r, pid_t *pids, unsigned max)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL) {
		g_autofree char *path = g_strdup_printf("/proc/%s/cmdline", e->d_name);
		g_autofree char *line = NULL;

		if (!g_ascii_isdigit(e->d_name[0]) || !g_file_get_contents(path, &line, NULL, NULL))
			continue;
		if (!g_str_equal(line, r->scanner))
			continue;
		if (n < max)
			pids[n] = (pid_t)strtol(e->d_name, NULL, 10);
		n++;
	}
	closedir(d);
	return n;
}

MAYBE_UNUSED static void
rig_order(const struct rig *r, const char *mode, unsigned generation)
{
	g_autofree char *text = g_strdup_printf("%s %u", mode, generation);

	assert_true(g_file_set_contents(r->orders, text, -1, NULL));
}

/* The folder of this test program. */
MAYBE_UNUSED static char *
rig_here(void)
{
	g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);

	return g_path_get_dirname(exe);
}

MAYBE_UNUSED static void *
rig_nothing(void *arg)
{
	return arg;
}

/* A rig without a pool yet, over the program at that place beside this test: change cfg and lim, then rig_start(). */
MAYBE_UNUSED static struct rig *
rig_over(const char *program, const char *mode)
{
	struct rig *r = g_new0(struct rig, 1);
	g_autofree char *here = rig_here();
	g_autofree char *real = g_build_filename(here, program, NULL);
	pthread_t first;

	/* The first thread of a sanitized program brings one of the sanitizer's along. */
	assert_int_equal(pthread_create(&first, NULL, rig_nothing, NULL), 0);
	pthread_join(first, NULL);
	r->fds = rig_entries("/proc/self/fd");
	r->threads = rig_entries("/proc/self/task");
	r->dir = g_dir_make_tmp("worker-rig-XXXXXX", NULL);
	assert_non_null(r->dir);
	r->orders = g_build_filename(r->dir, "orders", NULL);
	r->scanner = g_build_filename(r->dir, "scanner", NULL);
	assert_int_equal(symlink(real, r->scanner), 0);
	rig_order(r, mode, 1);
	r->budget = spool_budget_new();
	r->spool = (struct spool_limits){ .memory_max = 1 << 20, .total_max = 1 << 28, .file_base = r->dir };
	r->cfg.settings = (struct proto_settings){ .flags = PROTO_ENGINE, .max_extract_size = 1 << 20,
		.max_cumulative_extract_size = 1 << 20, .max_file_count = 1000, .max_extract_time_ms = 60000,
		.max_extract_depth = 10, .header_max = 1 << 18 };
	g_strlcpy(r->cfg.settings.database, r->orders, PROTO_PATH_MAX);
	g_strlcpy(r->cfg.settings.scratch, r->dir, PROTO_PATH_MAX);
	r->cfg.scanner_path = r->scanner;
	r->cfg.scanner_log = "";
	r->cfg.count = 2;
	r->lim = pool_limits_default;
	r->lim.backoff_first_ms = 20;
	r->lim.backoff_last_ms = 100;
	return r;
}

MAYBE_UNUSED static void
rig_start(struct rig *r)
{
	g_autoptr(GError) err = NULL;

	r->workers = workers_new_limits(&r->cfg, &r->lim, &err);
	if (!r->workers)
		fail_msg("%s", err->message);
}

MAYBE_UNUSED static struct wait
rig_wait(int64_t ms)
{
	struct wait w;

	wait_init(&w, deadline_in(ms), 1000, NULL, NULL);
	return w;
}

MAYBE_UNUSED static void
rig_ready(struct rig *r)
{
	struct wait w = rig_wait(10000);
	g_autoptr(GError) err = NULL;

	if (!workers_wait_ready(r->workers, &w, &err))
		fail_msg("%s", err->message);
}

MAYBE_UNUSED static struct spool *
rig_spool(const struct rig *r, const char *text)
{
	struct spool *sp = spool_new(r->budget, &r->spool);

	/* No assertions: threads call this. */
	if (!spool_append(sp, text, strlen(text), NULL) || !spool_seal(sp, NULL))
		abort();
	return sp;
}

/* One message from end to end: all objects, joined. Any thread. Returns lease_worker(), 0 = none. */
MAYBE_UNUSED static uint64_t
rig_scan(struct rig *r, const char *text, int64_t ms, struct verdict *v)
{
	struct wait wait = rig_wait(ms);
	AUTO(spool_free) struct spool *sp = rig_spool(r, text);
	AUTO(objects_free) struct objects *set = NULL;
	AUTO(lease_return) struct lease *l = NULL;
	g_autoptr(GError) err = NULL;

	l = workers_borrow(r->workers, &wait, &err);
	if (!l) {
		verdict_fail(v, REASON_BUSY, "%s", err->message);
		return 0;
	}
	set = lease_decompose(l, sp, true, &wait, v);
	for (guint i = 0; set && i < set->list->len; i++) {
		AUTO(verdict_clear) struct verdict one = { 0 };

		lease_scan(l, g_ptr_array_index(set->list, i), "clamav", &wait, &one);
		verdict_join(v, &one);
	}
	return lease_worker(l);
}

/* State letter and parent of a process, as /proc/PID/stat has them; false when it is gone. */
MAYBE_UNUSED static bool
rig_stat(pid_t pid, char *state, int *parent)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid), *line = NULL;
	const char *at;

	if (!g_file_get_contents(path, &line, NULL, NULL))
		return false;
	at = strrchr(line, ')');
	return at && sscanf(at + 1, " %c %d", state, parent) == 2;
}

/* True when a process is gone or a zombie without threads: its descriptors are closed then, which an empty command line does
 * not say, nor a first thread that is a zombie while a sanitizer's second one still ends. */
MAYBE_UNUSED static bool
rig_dead(pid_t pid)
{
	g_autofree char *tasks = g_strdup_printf("/proc/%d/task", (int)pid);
	char state;
	int parent;

	return !rig_stat(pid, &state, &parent) || ((state == 'Z' || state == 'X') && rig_entries(tasks) <= 3);
}

/* The zygotes of the rig are our own children, its workers are not. Returns how many pids there are. */
MAYBE_UNUSED static unsigned
rig_pick(const struct rig *r, bool zygotes, pid_t *pids, unsigned max)
{
	pid_t all[64];
	unsigned n = MIN(rig_processes(r, all, G_N_ELEMENTS(all)), G_N_ELEMENTS(all)), found = 0;
	char state;
	int parent;

	for (unsigned i = 0; i < n; i++)
		if (rig_stat(all[i], &state, &parent) && (parent == getpid()) == zygotes && found < max)
			pids[found++] = all[i];
	return found;
}

/* Kill and wait until nothing runs there any more. */
MAYBE_UNUSED static void
rig_kill(const pid_t *pids, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(kill(pids[i], SIGKILL), 0);
	for (unsigned i = 0; i < n; i++)
		for (int k = 0; k < 5000 && !rig_dead(pids[i]); k++)
			usleep(1000);
}

/* The hostile scanner, told how to start. */
MAYBE_UNUSED static struct rig *
rig_new(const char *mode)
{
	return rig_over("tools/hostile_scanner", mode);
}

/* Wait until a condition about the pool's figures holds, at most ten seconds. */
#define rig_until(r, st, condition)								\
	do {											\
		int64_t rig_end = now_ms() + 10000;						\
		struct workers_stats st;							\
		for (;;) {									\
			workers_stats((r)->workers, &st);					\
			if (condition)								\
				break;								\
			if (now_ms() > rig_end)							\
				fail_msg("never true: %s", #condition);				\
			usleep(1000);								\
		}										\
	} while (0)

/* End the pool; nothing may be left. */
MAYBE_UNUSED static void
rig_free(struct rig *r)
{
	workers_free(&r->workers);
	assert_int_equal(rig_processes(r, NULL, 0), 0);
	assert_int_equal(rig_entries("/proc/self/task"), r->threads);
	assert_int_equal(rig_entries("/proc/self/fd"), r->fds);
	assert_int_equal(spool_budget_used(r->budget), 0);
	spool_budget_free(&r->budget);
	assert_true(fsx_remove_tree(r->dir, NULL));
	g_free(r->dir);
	g_free(r->orders);
	g_free(r->scanner);
	g_free(r);
}

#endif
