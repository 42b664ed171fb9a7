/*
 * The pool: fail-over, rotation and return, giving up, poison, limits, idle connections; no failure
 * of a server ever reads as clean, and none is seen while another server can answer
 */
#include "engine/dispatch.h"

#include "fake_clamd.h"
#include "fake_icap.h"
#include "unit.h"

#include "base/log.h"
#include "conf/conf.h"
#include "engine/upstream.h"

#define VERSION                                                                                    \
	"ClamAV 1.4.6/27500/Thu Dec 26 09:38:26 2024| COMMANDS: PING FILDES INSTREAM IDSESSION"
#define OLD_VERSION "ClamAV 0.95| COMMANDS: PING"
#define OPTIONS                                                                                    \
	"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nService: c-icap\r\nISTag: \"T1\"\r\nAllow: "       \
	"204\r\n"                                                                                  \
	"Encapsulated: null-body=0\r\n\r\n"
#define NOTHING "ICAP/1.0 204 No Content\r\nISTag: \"T1\"\r\nEncapsulated: null-body=0\r\n\r\n"

static const struct play ok = {.answer = "OK", .len = 3};
static const struct play hang = {.stall = true};
static const struct play lose = {.cut = SIZE_MAX, .answer = "", .len = 0};
static const struct play drop = {.drop = true};

#define SERVERS_MAX 8

#ifdef AVM_SANITIZED
#define SLOW 5
#else
#define SLOW 1
#endif
#define SILENCE_MS (300 * SLOW)

/* Servers, the engine over them, and a message. */
struct bench {
	struct fake fake[SERVERS_MAX];
	char dead[SERVERS_MAX][64];
	unsigned fakes, deads;
	GString *servers;
	struct conf *conf;
	struct engines *engines;
	struct engine *e;
	struct spool_budget *budget;
	struct message *m;
	struct objects *objects;
};

static void
add(struct bench *b, const char *address)
{
	if (!b->servers)
		b->servers = g_string_new(NULL);
	g_string_append_printf(b->servers, "%s\"%s\"", b->servers->len ? ", " : "", address);
}

static struct fake *
add_fake(struct bench *b, const struct fake_protocol *protocol, const struct play *play,
         const char *options)
{
	struct fake *f = &b->fake[b->fakes++];

	f->protocol = protocol;
	f->play = *play;
	f->options = options;
	f->tcp = true;
	fake_start(f);
	add(b, f->address);
	return f;
}

/* An address where nobody listens. */
static void
add_dead(struct bench *b)
{
	struct fake f = {.tcp = true};

	fake_listen_tcp(&f);
	close(f.listen_fd);
	add(b, f.address);
}

static void
begin(struct bench *b, const char *kind, const char *more)
{
	struct message_limits lim = {
	    .spool = {.memory_max = 1 << 20, .total_max = 16 << 20, .file_base = "/tmp"},
	    .header_max = 65536};
	struct client client = {0};
	g_autoptr(GError) err = NULL;
	g_autofree char *text = g_strdup_printf(
	    "antivirus { mime_decompose = no %s \"e\" { servers = {%s} read_write_time = %dms "
	    "connect_time = "
	    "1s timeout = 10s fail_retry_time = 1s busy_retry_time = 300ms %s } }",
	    kind, b->servers->str, SILENCE_MS, more);

	b->conf = conf_parse(text, "test", &err);
	if (!b->conf)
		fail_msg("%s", err->message);
	b->engines = engines_new(b->conf, NULL, true, &err);
	assert_non_null(b->engines);
	b->e = g_ptr_array_index(b->engines->list, 0);
	b->budget = spool_budget_new();
	b->m = message_new(b->budget, &lim, &client, "<a@b>");
	message_add_header(b->m, "Subject", " x");
	message_add_body(b->m, "hello", 5);
	message_seal(b->m);
	b->objects = objects_new(b->m->spool, -1, 0);
	assert_non_null(objects_add(b->objects, OBJECT_MESSAGE, STORE_SPOOL, 0,
	                            spool_size(b->m->spool), "", NULL, NULL, NULL));
}

static void
end(struct bench *b)
{
	engines_free(&b->engines);
	conf_unref(&b->conf);
	objects_free(&b->objects);
	message_free(&b->m);
	spool_budget_free(&b->budget);
	for (unsigned i = 0; i < b->fakes; i++)
		fake_stop(&b->fake[i]);
	g_string_free(b->servers, TRUE);
}

static void
scan_for(struct bench *b, int64_t ms, struct verdict *v)
{
	struct wait wait;
	struct scan_request rq = {.message = b->m,
	                          .objects = b->objects,
	                          .object = g_ptr_array_index(b->objects->list, 0),
	                          .label = "message",
	                          .wait = &wait};

	wait_init(&wait, deadline_in(ms), 0, NULL, NULL);
	engine_scan(b->e, &rq, v);
}

static void
expect_clean(struct bench *b, const char *what)
{
	AUTO(verdict_clear) struct verdict v = {0};

	scan_for(b, 10000, &v);
	if (!verdict_is_clean(&v))
		fail_msg("%s: %s", what, v.failed_why ? v.failed_why : "?");
}

static void
expect_failed(struct bench *b, enum reason reason)
{
	AUTO(verdict_clear) struct verdict v = {0};

	scan_for(b, 10000, &v);
	if (verdict_class(&v) != CLASS_ERROR || v.failed != reason)
		fail_msg("class %s, %s: %s", verdict_class_name(verdict_class(&v)),
		         reason_name(v.failed), v.failed_why);
}

/* Whose it was is told, so that the section's own action holds (decision 110). */
static void
blames_the_engine(void **state)
{
	static const struct play limit = {.answer = "INSTREAM size limit exceeded. ERROR", .len = 36};
	AUTO(verdict_clear) struct verdict failed = {0}, partial = {0};
	struct bench b = {0}, c = {0};

	(void)state;
	add_dead(&b);
	begin(&b, "clamd", "");
	scan_for(&b, 10000, &failed);
	assert_int_equal(failed.failed_by->len, 1);
	assert_string_equal(g_ptr_array_index(failed.failed_by, 0), "e");
	end(&b);
	add_fake(&c, &fake_clamd, &limit, VERSION);
	begin(&c, "clamd", "");
	scan_for(&c, 10000, &partial);
	assert_int_equal(verdict_class(&partial), CLASS_UNSCANNABLE);
	assert_int_equal(partial.partial_by->len, 1);
	assert_string_equal(g_ptr_array_index(partial.partial_by, 0), "e");
	end(&c);
}

/* The standing of server i: REASON_NONE = in rotation. */
static enum reason
out_why(struct bench *b, unsigned i)
{
	g_autoptr(GPtrArray) stats = upstream_stats(b->e->upstream);

	return ((const struct server_stats *)g_ptr_array_index(stats, i))->out_why;
}

static void
others_answer(void **state)
{
	struct bench b = {0};

	(void)state;
	add_dead(&b);
	add_fake(&b, &fake_clamd, &hang, VERSION);
	add_fake(&b, &fake_clamd, &drop, VERSION);
	add_fake(&b, &fake_clamd, &ok, VERSION);
	begin(&b, "clamd", "");
	for (int i = 0; i < 20; i++)
		expect_clean(&b, "one of four answers");
	assert_int_equal(out_why(&b, 3), REASON_NONE);
	end(&b);
}

static void
all_dead(void **state)
{
	struct bench b = {0};

	(void)state;
	add_dead(&b);
	add_dead(&b);
	begin(&b, "clamd", "");
	for (int i = 0; i < 5; i++) /* also when all are out: they are tried anyway */
		expect_failed(&b, REASON_UNREACHABLE);
	end(&b);
}

static void
gives_up_after_five(void **state)
{
	static const struct play busy = {.answer = "ICAP/1.0 506 Server too busy\r\n\r\n",
	                                 .len = 32};
	struct bench b = {0};
	int objects = 0;

	(void)state;
	for (int i = 0; i < 7; i++)
		add_fake(&b, &fake_icap, &busy, OPTIONS);
	begin(&b, "icap", "");
	expect_failed(&b, REASON_BUSY);
	for (int i = 0; i < 7; i++)
		objects += atomic_load(&b.fake[i].objects);
	assert_int_equal(objects, 5);
	end(&b);
}

static void
two_lost_connections(void **state)
{
	struct bench b = {0};
	int objects = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		add_fake(&b, &fake_clamd, &lose, OLD_VERSION);
	begin(&b, "clamd", "");
	expect_failed(&b, REASON_LOST);
	for (int i = 0; i < 4; i++)
		objects += atomic_load(&b.fake[i].objects);
	assert_int_equal(objects, 2);
	end(&b);
}

/* Out when it dies, not asked meanwhile, back when it lives again. */
static void
out_and_back(void **state)
{
	struct bench b = {0};
	struct fake *f;
	int before, waited = 0;

	(void)state;
	f = add_fake(&b, &fake_clamd, &lose, OLD_VERSION);
	add_fake(&b, &fake_clamd, &ok, VERSION);
	begin(&b, "clamd", "");
	for (int i = 0; i < 10; i++)
		expect_clean(&b, "the other one answers");
	assert_int_equal(out_why(&b, 0), REASON_LOST);
	assert_int_equal(atomic_load(&f->objects), 1);
	f->healed = ok;
	atomic_store(&f->is_healed, true);
	while (out_why(&b, 0) != REASON_NONE && waited++ < 400 * SLOW)
		g_usleep(10000);
	assert_int_equal(out_why(&b, 0), REASON_NONE);
	before = atomic_load(&f->objects);
	for (int i = 0; i < 4; i++)
		expect_clean(&b, "both answer");
	assert_true(atomic_load(&f->objects) > before);
	end(&b);
}

static void
a_hung_server_costs_one_wait(void **state)
{
	struct bench b = {0};
	int64_t begun;

	(void)state;
	add_fake(&b, &fake_clamd, &hang, VERSION);
	add_fake(&b, &fake_clamd, &ok, VERSION);
	begin(&b, "clamd", "");
	begun = now_ms();
	for (int i = 0; i < 20; i++)
		expect_clean(&b, "the other one answers");
	assert_true(now_ms() - begun < 3 * SILENCE_MS); /* read_write_time once, not twenty times */
	assert_int_equal(out_why(&b, 0), REASON_TIMEOUT);
	end(&b);
}

/* The message's own end is no fault of the server. */
static void
short_of_time(void **state)
{
	struct bench b = {0};
	AUTO(verdict_clear) struct verdict v = {0};

	(void)state;
	add_fake(&b, &fake_clamd, &hang, VERSION);
	begin(&b, "clamd", "");
	scan_for(&b, 50, &v);
	assert_int_equal(v.failed, REASON_TIMEOUT);
	assert_int_equal(out_why(&b, 0), REASON_NONE);
	end(&b);
}

static void
no_license(void **state)
{
	static const struct play none = {.answer = "ICAP/1.0 558 no license\r\n\r\n", .len = 27};
	static const struct play clean = {.answer = NOTHING, .len = sizeof(NOTHING) - 1};
	struct bench b = {0};

	(void)state;
	add_fake(&b, &fake_icap, &none, OPTIONS);
	add_fake(&b, &fake_icap, &clean, OPTIONS);
	begin(&b, "icap", "");
	for (int i = 0; i < 6; i++)
		expect_clean(&b, "the licensed one answers");
	assert_int_equal(out_why(&b, 0), REASON_NO_LICENSE);
	assert_int_equal(atomic_load(&b.fake[0].objects), 1);
	end(&b);
}

static void *
scan_many(void *arg)
{
	for (int i = 0; i < 25; i++)
		expect_clean(arg, "under load");
	return NULL;
}

/* Eight clients, four servers of which one is dead, one hangs, one loses connections: every answer
 * is right. */
static void
under_load(void **state)
{
	pthread_t t[8];
	struct bench b = {0};

	(void)state;
	add_dead(&b);
	add_fake(&b, &fake_clamd, &hang, VERSION);
	add_fake(&b, &fake_clamd, &ok, VERSION);
	add_fake(&b, &fake_clamd, &ok, VERSION);
	begin(&b, "clamd", "max_connections = 3");
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, scan_many, &b), 0);
	for (size_t i = 0; i < G_N_ELEMENTS(t); i++)
		pthread_join(t[i], NULL);
	assert_true(atomic_load(&b.fake[1].objects) > 0 && atomic_load(&b.fake[2].objects) > 0);
	end(&b);
}

/* A server that closes a session after each answer: nobody notices, and nothing is counted against
 * it. */
static bool
never_stays(struct fake_conn *c)
{
	return !c->session || c->commands == 0;
}

static void
reused_connection_dies(void **state)
{
	static const struct fake_protocol once = {
	    .request = fake_clamd_request, .begin = fake_clamd_begin, .stays = never_stays};
	struct bench b = {0};

	(void)state;
	add_fake(&b, &once, &ok, VERSION);
	begin(&b, "clamd", "");
	for (int i = 0; i < 30; i++)
		expect_clean(&b, "a new connection");
	assert_int_equal(out_why(&b, 0), REASON_NONE);
	end(&b);
}

static void
definitions(void **state)
{
	struct bench b = {0};
	char *d = NULL;

	(void)state;
	add_fake(&b, &fake_clamd, &ok, "ClamAV 1.4.6/999/x");
	add_fake(&b, &fake_clamd, &ok, "ClamAV 1.4.6/27500/x");
	begin(&b, "clamd", "");
	upstream_start(b.e->upstream);
	for (int i = 0; i < 300 && g_strcmp0(d, "27500") != 0; i++) {
		g_free(d);
		g_usleep(10000);
		d = engine_definitions(b.e);
	}
	assert_string_equal(d, "27500"); /* the newest that the pool knows, as numbers compare */
	g_free(d);
	end(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(others_answer),       cmocka_unit_test(all_dead),
    cmocka_unit_test(gives_up_after_five), cmocka_unit_test(two_lost_connections),
    cmocka_unit_test(out_and_back),        cmocka_unit_test(a_hung_server_costs_one_wait),
    cmocka_unit_test(short_of_time),       cmocka_unit_test(no_license),
    cmocka_unit_test(under_load),          cmocka_unit_test(reused_connection_dies),
    cmocka_unit_test(definitions),         cmocka_unit_test(blames_the_engine),
};

int
main(void)
{
	log_open("stderr", "mail", "test", LOGLV_ERR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
