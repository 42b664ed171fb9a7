/*
 * recall: what a second message gets, and what it never gets, with the test engines
 */
#include "scan/recall.h"

#include <pthread.h>

#include "engine/upstream_in.h"
#include "scan/fingerprint.h"
#include "world.h"

#define WHOLE "antivirus { mime_decompose = false "

/* A world with a memory that outlives it. */
static struct world
world_with(const char *text, struct memory *memory)
{
	struct world w = world_new(text);

	w.engines->memory = memory;
	memory_apply(memory, w.conf);
	return w;
}

static struct memory *
memory_for(const char *text)
{
	struct conf *c = world_conf(text);
	struct memory *m = memory_new(c, NULL);

	assert_non_null(m);
	conf_unref(&c);
	return m;
}

/* Scan a body under a configuration; id is what each delivery writes anew. */
static void
scan_one(const char *text, struct memory *memory, const char *id, const char *body,
         struct scan_result *r)
{
	struct world w = world_with(text, memory);
	struct message *m = world_message(&w, body);
	g_autofree char *value = g_strdup_printf(" <%s@x.example>", id);
	struct message *n =
	    message_new(w.budget, &w.lim, &(struct client){.name = NULL}, m->sender);

	message_add_header(n, "Message-ID", value);
	message_add_header(n, "Subject", " same");
	message_add_body(n, body, strlen(body));
	message_seal(n);
	scan_message(w.conf, w.engines, NULL, n, &w.wait, r);
	message_free(&m);
	message_free(&n);
	world_end(&w);
}

static void
second_gets_the_same(void **state)
{
	static const struct {
		const char *body;
		bool kept;
	} rows[] = {
	    {"x", true},
	    {"FAKE:infected=V", true},
	    {"FAKE:encrypted=E FAKE:macro=M FAKE:suspicious=S", true},
	    {"FAKE:fail", false},
	    {"FAKE:partial", false},
	    {"FAKE:unknown", false},
	    {"FAKE:infected=V FAKE:fail", false},
	    {"FAKE:infected=V FAKE:partial", false},
	};
	static const char conf[] = WHOLE "fake \"f\" { } null \"n\" { } }";

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct memory *memory = memory_for(conf);
		struct scan_result a, b;

		scan_one(conf, memory, "1", rows[i].body, &a);
		scan_one(conf, memory, "2", rows[i].body, &b);
		assert_string_equal(a.cache, "miss");
		assert_string_equal(b.cache, rows[i].kept ? "hit" : "miss");
		assert_int_equal(a.verdict.states, b.verdict.states);
		assert_int_equal(verdict_items(&a.verdict), verdict_items(&b.verdict));
		assert_int_equal(a.objects, b.objects);
		assert_string_equal(a.engines, b.engines);
		assert_string_equal(a.definitions, b.definitions);
		assert_int_equal(a.parts->len, b.parts->len);
		for (guint p = 0; p < a.parts->len; p++) {
			const struct scan_part *x = g_ptr_array_index(a.parts, p),
					       *y = g_ptr_array_index(b.parts, p);

			assert_string_equal(x->title, y->title);
			assert_int_equal(x->cls, y->cls);
		}
		if (verdict_top(&a.verdict)) {
			assert_string_equal(verdict_top(&a.verdict)->name,
			                    verdict_top(&b.verdict)->name);
			assert_string_equal(verdict_top(&a.verdict)->object,
			                    verdict_top(&b.verdict)->object);
		}
		scan_result_clear(&a);
		scan_result_clear(&b);
		memory_free(&memory);
	}
}

/* Only what changes no verdict may differ between two configurations that share. */
static void
other_options_other_verdicts(void **state)
{
	static const char first[] = WHOLE "fake \"f\" { } }";
	static const struct {
		const char *conf;
		bool shared;
	} rows[] = {
	    {WHOLE "fake \"f\" { } }", true},
	    {WHOLE "on_infected = pass error_code = 421 fake \"f\" { timeout = 3s } }", true},
	    {"observe = true log { level = debug } " WHOLE "queue_max = 7 fake \"f\" { } }", true},
	    {WHOLE "fake \"g\" { } }", false},
	    {WHOLE "null \"f\" { } }", false},
	    {WHOLE "fake \"f\" { } null \"n\" { } }", false},
	    {WHOLE "fake \"f\" { max_size = 100M } }", false},
	    {WHOLE "heuristics = 3 fake \"f\" { } }", false},
	    {WHOLE "max_extract_depth = 3 fake \"f\" { } }", false},
	    {WHOLE "max_file_count = 3 fake \"f\" { } }", false},
	    {WHOLE "run = first fake \"f\" { } }", false},
	    {WHOLE "sweep = false fake \"f\" { } }", false},
	    {WHOLE "header_max = 100K fake \"f\" { } }", false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct conf *a, *b;
		uint8_t x[DIGEST_LEN], y[DIGEST_LEN];
		struct memory *memory = memory_for(first);
		struct scan_result r, s;
		g_autoptr(GError) err = NULL;

		b = conf_parse(rows[i].conf, "t", &err);
		if (!b) { /* an option that is not built yet cannot be written */
			assert_non_null(strstr(err->message, "not"));
			memory_free(&memory);
			continue;
		}
		a = world_conf(first);
		identity_options(a, x);
		identity_options(b, y);
		if (rows[i].shared)
			assert_memory_equal(x, y, DIGEST_LEN);
		else
			assert_memory_not_equal(x, y, DIGEST_LEN);
		scan_one(first, memory, "1", "x", &r);
		scan_one(rows[i].conf, memory, "2", "x", &s);
		assert_string_equal(s.cache, rows[i].shared ? "hit" : "miss");
		scan_result_clear(&r);
		scan_result_clear(&s);
		conf_unref(&a);
		conf_unref(&b);
		memory_free(&memory);
	}
}

static void
what_depends_on_more_is_never_kept(void **state)
{
	static const char *const confs[] = {
	    WHOLE "null \"n\" { } fault \"x\" { engine = \"n\" every = 2 } }",
	    WHOLE "cache_ttl_unversioned = 0 fake \"f\" { } }",
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(confs); i++) {
		struct memory *memory = memory_for(confs[i]);

		for (unsigned n = 0; n < 4; n++) {
			struct scan_result r;

			scan_one(confs[i], memory, "1", "x", &r);
			assert_string_equal(r.cache, "miss");
			scan_result_clear(&r);
		}
		memory_free(&memory);
	}
}

static void
off_is_off(void **state)
{
	static const char conf[] = WHOLE "cache_memory = 0 fake \"f\" { } }";
	struct memory *memory = memory_for(conf);
	struct scan_result r;

	(void)state;
	for (unsigned n = 0; n < 3; n++) {
		scan_one(conf, memory, "1", "x", &r);
		assert_string_equal(r.cache, "off");
		assert_true(verdict_is_clean(&r.verdict));
		scan_result_clear(&r);
	}
	scan_one(conf, memory, "1", "FAKE:infected=V", &r);
	assert_int_equal(verdict_class(&r.verdict), CLASS_INFECTED);
	scan_result_clear(&r);
	memory_free(&memory);
}

/* Counted with and without a cache; what is poison is told to others than the sender only as
 * itself. */
static void
poison(void **state)
{
	static const char *const confs[] = {
	    WHOLE "max_attempts = 2 fake \"f\" { } null \"n\" { } }",
	    WHOLE "max_attempts = 2 cache_memory = 0 fake \"f\" { } null \"n\" { } }",
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(confs); i++) {
		static const enum verdict_class want[] = {CLASS_ERROR, CLASS_UNSCANNABLE,
		                                          CLASS_UNSCANNABLE};
		struct memory *memory = memory_for(confs[i]);

		for (unsigned n = 0; n < 3; n++) {
			g_autofree char *id = g_strdup_printf("%u", n),
					*other = g_strdup_printf("other %u", n);
			struct scan_result r, clean;

			scan_one(confs[i], memory, id, "FAKE:fail=worker-died", &r);
			assert_int_equal(verdict_class(&r.verdict), want[n]);
			assert_false(verdict_is_clean(&r.verdict));
			if (n > 0)
				assert_string_equal(verdict_reason(&r.verdict, CLASS_UNSCANNABLE),
				                    "poison");
			scan_one(confs[i], memory, id, other, &clean);
			assert_true(verdict_is_clean(&clean.verdict));
			scan_result_clear(&r);
			scan_result_clear(&clean);
		}
		memory_free(&memory);
	}
}

/* What broke one engine is kept from that one only: what another finds in it is not lost. */
static void
poison_of_one_engine(void **state)
{
	static const char conf[] = WHOLE "max_attempts = 1 fake \"f\" { } fake \"g\" { } }";
	struct memory *memory = memory_for(conf);
	struct world w = world_with(conf, memory);
	struct message *m = world_message(&w, "FAKE:infected=V");
	uint8_t content[DIGEST_LEN];
	struct scan_result r;

	(void)state;
	message_seal(m);
	assert_true(fingerprint_of(m, NULL, content));
	assert_int_equal(attempts_add(memory->attempts, "f", content, REASON_WORKER_DIED), 1);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, &r);
	assert_int_equal(verdict_class(&r.verdict), CLASS_INFECTED);
	assert_string_equal(verdict_top(&r.verdict)->engine, "g");
	assert_int_equal(r.verdict.findings->len, 1);
	assert_int_equal(r.verdict.partial, REASON_POISON);
	assert_int_equal(r.verdict.partial_by->len, 1);
	assert_string_equal(g_ptr_array_index(r.verdict.partial_by, 0), "f");
	scan_result_clear(&r);
	message_free(&m);
	world_end(&w);
	memory_free(&memory);
}

#define THREADS 24

struct crowd {
	struct world *w;
	struct memory *memory;
	const char *body;
	unsigned number;
	struct scan_result r;
};

static void *
one_of_many(void *arg)
{
	struct crowd *c = arg;
	g_autofree char *id = g_strdup_printf(" <%u@x>", c->number);
	struct message *m =
	    message_new(c->w->budget, &c->w->lim, &(struct client){.name = NULL}, "<a@b>");
	struct wait wait = c->w->wait;

	message_add_header(m, "Message-ID", id);
	message_add_body(m, c->body, strlen(c->body));
	message_seal(m);
	scan_message(c->w->conf, c->w->engines, NULL, m, &wait, &c->r);
	message_free(&m);
	return NULL;
}

static void
many_at_once(void **state)
{
	static const struct {
		const char *body;
		enum verdict_class want;
		unsigned scans_max;
	} rows[] = {
	    {"FAKE:sleep=300", CLASS_CLEAN, 1},
	    {"FAKE:sleep=300 FAKE:infected=V", CLASS_INFECTED, 1},
	    {"FAKE:sleep=200 FAKE:partial", CLASS_UNSCANNABLE, 1},
	    {"FAKE:sleep=100 FAKE:fail=busy", CLASS_ERROR, 3},
	};
	static const char conf[] = WHOLE "fake \"f\" { } }";

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct memory *memory = memory_for(conf);
		struct world w = world_with(conf, memory);
		struct crowd c[THREADS];
		struct flights_stats st;
		pthread_t t[THREADS];

		for (unsigned n = 0; n < THREADS; n++) {
			c[n] = (struct crowd){
			    .w = &w, .memory = memory, .body = rows[i].body, .number = n};
			assert_int_equal(pthread_create(&t[n], NULL, one_of_many, &c[n]), 0);
		}
		for (unsigned n = 0; n < THREADS; n++) {
			pthread_join(t[n], NULL);
			assert_int_equal(verdict_class(&c[n].r.verdict), rows[i].want);
			assert_int_equal(c[n].r.objects, 1);
			scan_result_clear(&c[n].r);
		}
		flights_stats(memory->flights, &st);
		assert_true(st.led >= 1 && st.led <= rows[i].scans_max);
		assert_int_equal(st.flying + st.waiting, 0);
		world_end(&w);
		memory_free(&memory);
	}
}

/* What a server is told about the envelope belongs to what it judges. */
static void
envelope_counts_where_it_is_told(void **state)
{
	static const struct {
		const char *options;
		bool client, sender;
	} rows[] = {
	    {"", true, false},
	    {"send_client = false", false, false},
	    {"backup = true } null \"n\" {", true, false},
	    {"send_client = false request_header { X-From = \"%{sender}\" }", true, true},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *conf = g_strdup_printf(
		    WHOLE
		    "icap \"i\" { servers = \"icap://127.0.0.1:1\" service = \"avscan\" %s } }",
		    rows[i].options);
		struct world w = world_new(conf);
		static char one[] = "192.0.2.1", two[] = "192.0.2.2";
		struct message *a = message_new(w.budget, &w.lim, &(struct client){.addr = one},
		                                "<a@b>"),
			       *b = message_new(w.budget, &w.lim, &(struct client){.addr = two},
		                                "<a@b>"),
			       *c = message_new(w.budget, &w.lim, &(struct client){.addr = one},
		                                "<c@b>");
		uint8_t x[DIGEST_LEN] = {0}, y[DIGEST_LEN] = {0}, z[DIGEST_LEN] = {0};

		identity_envelope(w.engines, a, x);
		identity_envelope(w.engines, b, y);
		identity_envelope(w.engines, c, z);
		assert_int_equal(memcmp(x, y, DIGEST_LEN) != 0, rows[i].client);
		assert_int_equal(memcmp(x, z, DIGEST_LEN) != 0, rows[i].sender);
		message_free(&a);
		message_free(&b);
		message_free(&c);
		world_end(&w);
	}
}

/* What the server of that place told last; NULL = it was not asked yet. */
static void
tell(struct upstream *u, guint server, bool asked, const char *tag)
{
	struct server *s = g_ptr_array_index(u->servers, server);
	struct probe *p = asked ? probe_new() : NULL;

	if (p != NULL)
		p->tag = g_strdup(tag);
	pthread_mutex_lock(&u->mu);
	probe_unref(&s->probe);
	s->probe = p;
	pthread_mutex_unlock(&u->mu);
}

/* Decision 14: servers of one pool that scan with different definitions, that are not known yet,
 * that tell nothing. */
static void
pools_must_agree(void **state)
{
	static const struct {
		bool asked[2];
		const char *tags[2];
		enum keeping want;
	} rows[] = {
	    {{true, true}, {"27500", "27500"}, KEEP},
	    {{true, true}, {"27500", "27501"}, KEEP_NEVER},
	    {{true, true}, {"27500", NULL}, KEEP_NEVER},
	    {{true, true}, {NULL, "27500"}, KEEP_NEVER},
	    {{true, false}, {"27500", NULL}, KEEP_NEVER},
	    {{false, false}, {NULL, NULL}, KEEP_NEVER},
	    {{true, true}, {NULL, NULL}, KEEP_A_WHILE},
	};
	struct world w = world_new(
	    WHOLE "clamd \"c\" { servers = {\"unix:/nonexistent/a\", \"unix:/nonexistent/b\"} } }");
	struct engine *e = g_ptr_array_index(w.engines->list, 0);

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *tag = NULL;

		for (guint n = 0; n < 2; n++)
			tell(e->upstream, n, rows[i].asked[n], rows[i].tags[n]);
		assert_int_equal(identity_tag(e, &tag), rows[i].want);
		assert_string_equal(tag, rows[i].want == KEEP ? "27500" : "");
	}
	world_end(&w);
}

/* The part that decision 7 leaves to the administrator: a name that a strict grammar admits in a
 * volatile field. */
static void
volatile_fields_by_themselves(void **state)
{
	static const char *const confs[] = {
	    WHOLE "fake \"f\" { } }",
	    WHOLE "fingerprint_scan_headers = true fake \"f\" { } }",
	};
	static const char *const traces[] = {"harmless", "FAKE:infected=InTrace", "FAKE:fail=busy",
	                                     "other"};
	static const enum verdict_class want[][4] = {
	    {CLASS_CLEAN, CLASS_CLEAN, CLASS_CLEAN, CLASS_CLEAN},
	    {CLASS_CLEAN, CLASS_INFECTED, CLASS_ERROR, CLASS_CLEAN},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(confs); i++) {
		struct memory *memory = memory_for(confs[i]);

		for (size_t t = 0; t < G_N_ELEMENTS(traces); t++) {
			struct world w = world_with(confs[i], memory);
			struct message *m =
			    message_new(w.budget, &w.lim, &(struct client){.name = NULL}, "<a@b>");
			g_autofree char *trace = g_strdup_printf(
			    " from a (%s) by b; Fri, 20 Nov 2026 12:56:45 +0000", traces[t]);
			struct scan_result r;

			message_add_header(m, "Received", trace);
			message_add_header(m, "Subject", " same");
			message_seal(m);
			scan_message(w.conf, w.engines, NULL, m, &w.wait, &r);
			assert_string_equal(r.cache, t == 0 ? "miss" : "hit");
			assert_int_equal(verdict_class(&r.verdict), want[i][t]);
			assert_int_equal(((struct scan_part *)g_ptr_array_index(r.parts, 0))->cls,
			                 want[i][t]);
			scan_result_clear(&r);
			message_free(&m);
			world_end(&w);
		}
		memory_free(&memory);
	}
}

struct follower {
	struct world *w;
	struct memory *memory;
	struct message *m;
	struct scan_result out;
	bool answered;
	enum scan_state state;
};

static void *
follow(void *arg)
{
	struct follower *f = arg;
	struct recall r;

	recall_begin(&r, f->memory, f->w->conf, f->w->engines, NULL, &f->w->wait);
	f->answered = recall_message(&r, f->m, &f->out);
	f->state = f->out.verdict.states == 0 ? SCAN_COMPLETE : verdict_state(&f->out.verdict);
	recall_end(&r, &f->out);
	return NULL;
}

/* A leader whose message the filters left out as a whole has no verdict to share: who waited for
 * it looks for itself. A leader that knows nothing for another reason is another thing. */
static void
nothing_examined_is_not_shared(void **state)
{
	static const struct {
		unsigned left_out;
		bool answered;
	} rows[] = {{2, false}, {0, true}};
	static const char conf[] =
	    "antivirus { max_attempts = 1 mime_decompose = false fake \"f\" { } }";

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct memory *memory = memory_for(conf);
		struct world w = world_with(conf, memory);
		struct message *m = world_message(&w, "harmless");
		struct follower f = {.w = &w, .memory = memory, .m = m};
		struct scan_result out = {.left_out = rows[i].left_out};
		const struct verdict nothing = {0};
		struct flights_stats st = {0};
		struct recall r;
		pthread_t t;

		message_seal(m);
		recall_begin(&r, memory, w.conf, w.engines, NULL, &w.wait);
		assert_false(recall_message(&r, m, &out));
		assert_int_equal(pthread_create(&t, NULL, follow, &f), 0);
		while (st.waiting == 0) {
			g_usleep(1000);
			flights_stats(memory->flights, &st);
		}
		verdict_join(&out.verdict, &nothing);
		recall_end(&r, &out);
		pthread_join(t, NULL);
		assert_int_equal(f.answered, rows[i].answered);
		assert_int_equal(f.state, rows[i].answered ? SCAN_UNKNOWN : SCAN_COMPLETE);
		verdict_clear(&out.verdict);
		verdict_clear(&f.out.verdict);
		message_free(&m);
		world_end(&w);
		memory_free(&memory);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(second_gets_the_same),
    cmocka_unit_test(other_options_other_verdicts),
    cmocka_unit_test(what_depends_on_more_is_never_kept),
    cmocka_unit_test(off_is_off),
    cmocka_unit_test(poison),
    cmocka_unit_test(many_at_once),
    cmocka_unit_test(envelope_counts_where_it_is_told),
    cmocka_unit_test(pools_must_agree),
    cmocka_unit_test(volatile_fields_by_themselves),
    cmocka_unit_test(poison_of_one_engine),
    cmocka_unit_test(nothing_examined_is_not_shared),
};

UNIT_RUN(tests)
