/*
 * threadpool, max_concurrency: never more at a time than allowed, in the order of coming, each pool
 * by itself; a crowd is told once and refused at ten times queue_max
 */
#include "engine/threadpool.h"

#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/events.h"
#include "base/log.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "scan/run.h"

#define THREADS 12
#define LONG_MS 20000

static struct conf *
conf_of(const char *text)
{
	g_autoptr(GError) err = NULL;
	struct conf *c = conf_parse(text, "test", &err);

	if (!c)
		fail_msg("%s", err->message);
	return c;
}

struct crowd {
	struct threadpool *pool;
	pthread_t threads[64];
	unsigned count;
	atomic_uint in, full, late, order;
	unsigned seen[64]; /* the place in the order, by coming */
};

struct visitor {
	struct crowd *c;
	unsigned number;
	int64_t patience_ms;
};

static void *
visit(void *arg)
{
	struct visitor *v = arg;
	struct crowd *c = v->c;
	struct wait w;

	wait_init(&w, deadline_in(v->patience_ms), 0, NULL, NULL);
	switch (threadpool_enter(c->pool, &w)) {
	case LANE_IN:
		c->seen[v->number] = atomic_fetch_add(&c->order, 1);
		atomic_fetch_add(&c->in, 1);
		threadpool_leave(c->pool);
		break;
	case LANE_FULL:
		atomic_fetch_add(&c->full, 1);
		break;
	case LANE_TIMEOUT:
		atomic_fetch_add(&c->late, 1);
	}
	g_free(v);
	return NULL;
}

/* One more comes; returns when it waits, or has been sent away. */
static void
come(struct crowd *c, int64_t patience_ms)
{
	struct visitor *v = g_new(struct visitor, 1);
	struct lane_stats before, now;

	*v = (struct visitor){c, c->count, patience_ms};
	threadpool_stats(c->pool, &before);
	assert_int_equal(pthread_create(&c->threads[c->count++], NULL, visit, v), 0);
	do {
		g_usleep(500);
		threadpool_stats(c->pool, &now);
	} while (now.waiting == before.waiting && atomic_load(&c->full) == 0);
}

static void
crowds(void **state)
{
	struct conf *conf = conf_of("threadpool \"x\" { size = 1 queue_max = 2 }");
	struct crowd c = {.pool = threadpool_new(conf_threadpool_find(conf, "x"))};
	uint64_t told = event_raised(EVENT_LOAD_EXCEEDED);
	struct wait w;

	(void)state;
	wait_init(&w, deadline_in(LONG_MS), 0, NULL, NULL);
	assert_int_equal(threadpool_enter(c.pool, &w), LANE_IN);
	come(&c, LONG_MS);
	come(&c, LONG_MS);
	assert_int_equal(event_raised(EVENT_LOAD_EXCEEDED), told);
	for (int i = 0; i < 18; i++)
		come(&c, LONG_MS);
	assert_int_equal(event_raised(EVENT_LOAD_EXCEEDED), told + 1);
	assert_int_equal(atomic_load(&c.full), 0);
	come(&c, LONG_MS); /* the 21st */
	threadpool_leave(c.pool);
	for (unsigned i = 0; i < c.count; i++)
		pthread_join(c.threads[i], NULL);
	assert_int_equal(atomic_load(&c.full), 1);
	assert_int_equal(atomic_load(&c.in), 20);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(c.seen[i], i);
	/* The crowd is gone: the next one is news. */
	assert_int_equal(threadpool_enter(c.pool, &w), LANE_IN);
	c.count = 0;
	atomic_store(&c.full, 0);
	for (int i = 0; i < 3; i++)
		come(&c, 1000);
	assert_int_equal(event_raised(EVENT_LOAD_EXCEEDED), told + 2);
	for (unsigned i = 0; i < c.count; i++)
		pthread_join(c.threads[i], NULL);
	assert_int_equal(atomic_load(&c.late), 3);
	threadpool_leave(c.pool);
	threadpool_free(&c.pool);
	conf_unref(&conf);
}

static void
defaults(void **state)
{
	struct conf *conf =
	    conf_of("antivirus { queue_max = 7 clamav \"a\" { workers = 33 } clamd \"b\" { servers = "
	            "\"h:1\" } command \"c\" { argv = {\"/bin/sh\", \"%{path}\"} pool = \"x\" } } "
	            "threadpool \"x\" { }");
	const struct conf_threadpool *x = conf_threadpool_find(conf, "x");

	(void)state;
	assert_string_equal(conf_engine_find(conf, "a")->pool, "CPU");
	assert_string_equal(conf_engine_find(conf, "b")->pool, "IO");
	assert_string_equal(conf_engine_find(conf, "c")->pool, "x");
	assert_int_equal(conf_threadpool_find(conf, "CPU")->size, 33);
	assert_int_equal(conf_threadpool_find(conf, "IO")->size, 64);
	assert_int_equal(x->queue_max, 7);
	assert_in_range(x->size, 1, 1024);
	conf_unref(&conf);
}

/* Engines that are scripts; each run leaves a file while it runs, and exits 9 when it sees more of them than may be. */
struct bench {
	char *dir;
	struct conf *conf;
	struct engines *engines;
	struct spool_budget *budget;
	struct message *m;
	struct objects *objects;
	atomic_uint bad, busy;
};

static void
write_script(const struct bench *b, const char *name, unsigned most, const char *pause)
{
	g_autofree char *path = g_build_filename(b->dir, name, NULL);
	g_autofree char *text = g_strdup_printf(
	    "#!/bin/sh\nmkdir -p %s/%s.d; : > %s/%s.d/$$\nset -- %s/%s.d/*\n"
	    "sleep %s; rm %s/%s.d/$$\ntest $# -le %u || exit 9\n",
	    b->dir, name, b->dir, name, b->dir, name, pause, b->dir, name, most);

	assert_true(g_file_set_contents(path, text, -1, NULL));
	assert_int_equal(chmod(path, 0755), 0);
}

static void
bench_open(struct bench *b, const char *template)
{
	struct message_limits lim = {
	    .spool = {.memory_max = 1 << 20, .total_max = 16 << 20, .file_base = "/tmp"},
	    .header_max = 65536};
	struct client client = {0};
	g_autoptr(GString) text = g_string_new(template);
	g_autoptr(GError) err = NULL;

	g_string_replace(text, "@", b->dir, 0);
	b->conf = conf_of(text->str);
	b->engines = engines_new(b->conf, NULL, true, &err);
	if (!b->engines)
		fail_msg("%s", err->message);
	b->budget = spool_budget_new();
	b->m = message_new(b->budget, &lim, &client, "<a@b>");
	message_add_body(b->m, "x\r\n", 3);
	message_seal(b->m);
	b->objects = objects_new(b->m->spool, -1, 0);
	for (int i = 0; i < 4; i++)
		assert_non_null(objects_add(b->objects, OBJECT_MESSAGE, STORE_SPOOL, 0,
		                            spool_size(b->m->spool), "", NULL, NULL, NULL));
}

static void
bench_close(struct bench *b)
{
	g_autofree char *command = g_strdup_printf("rm -r %s", b->dir);

	engines_free(&b->engines);
	conf_unref(&b->conf);
	objects_free(&b->objects);
	message_free(&b->m);
	spool_budget_free(&b->budget);
	assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
	g_free(b->dir);
}

static void *
scan_message_of(void *arg)
{
	struct bench *b = arg;
	struct wait wait;
	struct run_context ctx = {.conf = b->conf,
	                          .engines = b->engines,
	                          .message = b->m,
	                          .objects = b->objects,
	                          .wait = &wait};
	struct plan *plan = plan_new(b->engines, b->objects);

	wait_init(&wait, deadline_in(LONG_MS), 0, NULL, NULL);
	run_plan(&ctx, plan);
	for (guint i = 0; i < plan->slots->len; i++) {
		const struct slot *s = g_ptr_array_index(plan->slots, i);

		if (s->verdict.failed == REASON_BUSY)
			atomic_fetch_add(&b->busy, 1);
		else if (!verdict_is_clean(&s->verdict))
			atomic_fetch_add(&b->bad, 1);
	}
	plan_free(&plan);
	return NULL;
}

static void
scan_messages(struct bench *b, unsigned n)
{
	pthread_t t[THREADS];

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&t[i], NULL, scan_message_of, b), 0);
	for (unsigned i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

#define COMMAND(name, more)                                                                        \
	"command \"" name "\" { argv = {\"@/" name "\", \"%{path}\"} timeout = 15s " more " } "
#define CONF(more) "antivirus { mime_decompose = no file_base = \"@\" " more " } "

static void
gates(void **state)
{
	struct bench b = {.dir = unit_mkdir()};

	(void)state;
	write_script(&b, "two", 2, "0.05");
	write_script(&b, "three", 3, "0.05");
	bench_open(&b, CONF(COMMAND("two", "max_concurrency = 2 pool = \"big\"")
	                        COMMAND("three", "pool = \"small\""))
	                   "threadpool \"big\" { size = 20 } threadpool \"small\" { size = 3 }");
	scan_messages(&b, 4);
	assert_int_equal(atomic_load(&b.bad), 0);
	assert_int_equal(atomic_load(&b.busy), 0);
	bench_close(&b);
}

/* Two engines that share a pool share its places. */
static void
shared(void **state)
{
	struct bench b = {.dir = unit_mkdir()};

	(void)state;
	write_script(&b, "s", 2, "0.05");
	bench_open(&b, "antivirus { mime_decompose = no file_base = \"@\" "
	               "command \"a\" { argv = {\"@/s\", \"%{path}\"} pool = \"p\" timeout = 15s } "
	               "command \"b\" { argv = {\"@/s\", \"%{path}\"} pool = \"p\" timeout = 15s } } "
	               "threadpool \"p\" { size = 2 }");
	scan_messages(&b, 3);
	assert_int_equal(atomic_load(&b.bad), 0);
	bench_close(&b);
}

/* One message uses the places that are free; a pool that is taken does not hold up another. */
static void
apart(void **state)
{
	struct bench b = {.dir = unit_mkdir()};
	int64_t began;
	struct wait w;
	struct threadpool *slow;

	(void)state;
	write_script(&b, "fast", 8, "0.3");
	write_script(&b, "slow", 1, "0.01");
	bench_open(&b, CONF(COMMAND("fast", "pool = \"f\"") COMMAND("slow", "pool = \"s\""))
	                   "threadpool \"f\" { size = 8 } threadpool \"s\" { size = 1 queue_max = 1 }");
	slow = ((struct engine *)g_ptr_array_index(b.engines->list, 1))->pool;
	assert_string_equal(threadpool_name(slow), "s");
	wait_init(&w, deadline_in(LONG_MS), 0, NULL, NULL);
	assert_int_equal(threadpool_enter(slow, &w), LANE_IN);
	began = now_ms();
	w = wait_until(&w, deadline_in(1500));
	{
		struct run_context ctx = {.conf = b.conf,
		                          .engines = b.engines,
		                          .message = b.m,
		                          .objects = b.objects,
		                          .wait = &w};
		struct plan *plan = plan_new(b.engines, b.objects);
		unsigned clean = 0, late = 0;

		run_plan(&ctx, plan);
		for (guint i = 0; i < plan->slots->len; i++) {
			const struct slot *s = g_ptr_array_index(plan->slots, i);

			clean += verdict_is_clean(&s->verdict);
			late += s->verdict.failed == REASON_BUSY ||
				s->verdict.failed == REASON_TIMEOUT; /* no time for the rest */
		}
		assert_int_equal(clean, plan->slots->len / 2);
		assert_int_equal(late, plan->slots->len / 2);
		plan_free(&plan);
	}
	assert_in_range(now_ms() - began, 1400, 10000);
	threadpool_leave(slow);
	bench_close(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(crowds), cmocka_unit_test(defaults), cmocka_unit_test(gates),
    cmocka_unit_test(shared), cmocka_unit_test(apart),
};

int
main(void)
{
	log_open("stderr", "mail", "test", LOGLV_ERR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
