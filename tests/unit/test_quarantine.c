/*
 * quarantine: what is kept is kept whole and survives a crash at every step, and nothing goes before its time
 */
#include "effect/quarantine.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <utime.h>

#include "base/auto.h"
#include "effect/quarantine_desk.h"
#include "effect/quarantine_in.h"
#include "steps.h"
#include "world.h"

struct store {
	struct world w;
	char *dir;
	struct quarantine *q;
	struct scan_result scan;
	struct decision decision;
	struct message *m;
};

#define BODY "hello\r\n.dot\r\n\xff\x01 bytes\r\n"
static const char mail[] = "Subject: test\r\n\r\n" BODY;

/* A store in a folder of its own; more goes into quarantine { }. */
static void
begin(struct store *s, const char *more)
{
	char *base = unit_mkdir();
	g_autofree char *text = g_strdup_printf(
	    "antivirus { action = quarantine null \"n\" { } } quarantine { directory = \"%s/q\" %s }", base, more);

	*s = (struct store){.w = world_new(text), .dir = base};
	s->decision.action = s->decision.would = ACTION_QUARANTINE;
	s->decision.cls = CLASS_INFECTED;
	verdict_complete(&s->scan.verdict);
	verdict_find(&s->scan.verdict, FINDING_INFECTED, "Eicar", "a.zip/x", "n");
}

static void
open_store(struct store *s)
{
	g_autoptr(GError) err = NULL;

	s->q = quarantine_open(s->w.conf, &err);
	if (s->q == NULL)
		fail_msg("%s", err->message);
}

static void
reopen(struct store *s)
{
	quarantine_close(&s->q);
	open_store(s);
}

static void
end(struct store *s)
{
	quarantine_close(&s->q);
	message_free(&s->m);
	verdict_clear(&s->scan.verdict);
	world_end(&s->w);
	unit_rmdir(s->dir);
}

static struct message *
make_mail(struct store *s, const char *body, const char *sender)
{
	static char name[] = "mx.example", addr[] = "192.0.2.1";
	const struct client client = {.name = name, .addr = addr};
	struct message *m = message_new(s->w.budget, &s->w.lim, &client, sender);

	message_add_recipient(m, "<c@example>");
	message_add_recipient(m, "<d\xfc@example>");
	message_add_header(m, "Subject", " test");
	message_add_body(m, body, strlen(body));
	message_seal(m);
	return m;
}

static bool
keep(struct store *s, struct message *m, struct quarantine_kept *kept, GError **err)
{
	const struct quarantine_case c = {.conf = s->w.conf,
	                                  .message = m,
	                                  .scan = &s->scan,
	                                  .decision = &s->decision,
	                                  .host = "mx.test"};

	return quarantine_keep(s->q, &c, kept, err);
}

/* Keep a mail of its own; its ref is in *kept. */
static void
keep_one(struct store *s, const char *body, struct quarantine_kept *kept)
{
	struct message *m = make_mail(s, body, "<a@example>");
	g_autoptr(GError) err = NULL;

	if (!keep(s, m, kept, &err))
		fail_msg("%s", err->message);
	message_free(&m);
}

static struct quarantine_stats
stats_of(struct store *s)
{
	struct quarantine_stats st;

	quarantine_stats(s->q, &st);
	return st;
}

static char *
file_of(const struct store *s, const char *ref, const char *name)
{
	return g_strdup_printf("%s/q/%s/%s", s->dir, ref, name);
}

static void
assert_message(const struct store *s, const char *ref, const char *want, size_t len)
{
	g_autofree char *path = file_of(s, ref, "message"), *got = NULL;
	gsize n;

	assert_true(g_file_get_contents(path, &got, &n, NULL));
	assert_int_equal(n, len);
	assert_memory_equal(got, want, len);
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* The number of names in the folder: nothing half-made may stand there. */
static unsigned
names_in(const struct store *s)
{
	g_autofree char *path = g_build_filename(s->dir, "q", NULL);
	GDir *d = g_dir_open(path, 0, NULL);
	unsigned n = 0;

	while (d != NULL && g_dir_read_name(d) != NULL)
		n++;
	if (d != NULL)
		g_dir_close(d);
	return n;
}

static void
whole_and_private(void **state)
{
	struct quarantine_kept kept;
	g_autofree char *path = NULL, *about = NULL, *folder = NULL;
	struct store s;
	json_t *o;

	(void)state;
	begin(&s, "");
	open_store(&s);
	keep_one(&s, BODY, &kept);
	assert_false(kept.again);
	assert_message(&s, kept.ref, mail, sizeof(mail) - 1);
	path = file_of(&s, kept.ref, "message");
	about = file_of(&s, kept.ref, "about.json");
	folder = file_of(&s, kept.ref, "");
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(mode_of(about), 0600);
	assert_int_equal(mode_of(folder), 0700);
	o = json_load_file(about, 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "ref")), kept.ref);
	assert_string_equal(json_string_value(json_object_get(o, "sender")), "<a@example>");
	assert_string_equal(json_string_value(json_array_get(json_object_get(o, "recipients"), 0)), "<c@example>");
	/* no UTF-8: the bytes themselves */
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(json_object_get(o, "recipients"), 1), "bytes")),
	    "3c64fc406578616d706c653e");
	assert_string_equal(json_string_value(json_object_get(o, "class")), "infected");
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(json_object_get(o, "findings"), 0), "name")), "Eicar");
	json_decref(o);
	assert_int_equal(names_in(&s), 1);
	end(&s);
}

static void
found_again_after_a_restart(void **state)
{
	struct quarantine_kept a, b;
	struct quarantine_stats st;
	struct store s;

	(void)state;
	begin(&s, "");
	open_store(&s);
	keep_one(&s, "one\r\n", &a);
	keep_one(&s, "two\r\n", &b);
	st = stats_of(&s);
	assert_int_equal(st.entries, 2);
	assert_int_equal(st.kept, 2);
	reopen(&s);
	assert_int_equal(stats_of(&s).entries, 2);
	assert_int_equal(stats_of(&s).held, 2);
	assert_int_equal(stats_of(&s).bytes, st.bytes);
	end(&s);
}

static void
the_same_mail_is_one_entry(void **state)
{
	struct quarantine_kept a, b, c;
	struct message *other;
	struct store s;

	(void)state;
	begin(&s, "");
	open_store(&s);
	keep_one(&s, "one\r\n", &a);
	keep_one(&s, "one\r\n", &b);
	assert_true(b.again);
	assert_string_equal(a.ref, b.ref);
	reopen(&s);
	keep_one(&s, "one\r\n", &b);
	assert_true(b.again);
	assert_string_equal(a.ref, b.ref);
	/* another sender: another mail */
	other = make_mail(&s, "one\r\n", "<b@example>");
	assert_true(keep(&s, other, &c, NULL));
	assert_false(c.again);
	message_free(&other);
	assert_int_equal(stats_of(&s).entries, 2);
	end(&s);
}

/* Its journal grows with each repetition, and nothing else bounds it: at some time another entry is begun. */
static void
a_flood_of_one_mail_is_bounded(void **state)
{
	struct quarantine_kept a, b, c;
	struct store s;

	(void)state;
	begin(&s, "");
	open_store(&s);
	keep_one(&s, "one\r\n", &a);
	quarantine_lock(s.q);
	index_find(s.q, a.ref)->again = QUARANTINE_AGAIN_MAX - 1;
	quarantine_unlock(s.q);
	keep_one(&s, "one\r\n", &b);
	assert_string_equal(a.ref, b.ref);
	keep_one(&s, "one\r\n", &b);
	assert_false(b.again);
	keep_one(&s, "one\r\n", &c);
	assert_true(c.again);
	assert_string_equal(b.ref, c.ref);
	assert_int_equal(stats_of(&s).entries, 2);
	end(&s);
}

/* An administrator took the folder away by hand: the mail is not there, whatever the index says. */
static void
nothing_is_promised_for_a_vanished_entry(void **state)
{
	struct quarantine_kept a, b;
	g_autofree char *path = NULL;
	struct store s;

	(void)state;
	begin(&s, "");
	open_store(&s);
	keep_one(&s, "one\r\n", &a);
	path = file_of(&s, a.ref, "");
	assert_true(fsx_remove_tree(path, NULL));
	keep_one(&s, "one\r\n", &b);
	assert_false(b.again);
	assert_message(&s, b.ref, "Subject: test\r\n\r\none\r\n", 22);
	end(&s);
}

static void
full_is_refused(void **state)
{
	static const struct {
		const char *when;
		unsigned code;
	} rows[] = {{"reject", 550}, {"tempfail", 451}};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *more = g_strdup_printf("max_size = 4K when_full = %s", rows[i].when);
		g_autofree char *big = g_strnfill(8192, 'x');
		struct quarantine_kept kept;
		g_autoptr(GError) err = NULL, large = NULL;
		struct message *m;
		struct store s;
		unsigned n = 0;

		begin(&s, more);
		open_store(&s);
		while (err == NULL && n < 100) {
			g_autofree char *body = g_strdup_printf("%u\r\n", n);

			m = make_mail(&s, body, "<a@example>");
			n += keep(&s, m, &kept, &err);
			message_free(&m);
		}
		assert_true(n >= 1 && n < 5);
		assert_true(g_error_matches(err, QUARANTINE_ERROR, QUARANTINE_E_FULL));
		assert_int_equal(quarantine_refusal(s.w.conf, err), rows[i].code);
		assert_int_equal(stats_of(&s).entries, n);
		assert_int_equal(stats_of(&s).refused, 1);
		assert_int_equal(names_in(&s), n);
		m = make_mail(&s, big, "<a@example>");
		assert_false(keep(&s, m, &kept, &large));
		assert_true(g_error_matches(large, QUARANTINE_ERROR, QUARANTINE_E_TOOBIG));
		assert_int_equal(quarantine_refusal(s.w.conf, large), rows[i].code);
		message_free(&m);
		end(&s);
	}
}

static void
oldest_makes_room_when_told_so(void **state)
{
	struct quarantine_kept kept[20];
	struct store s;

	(void)state;
	begin(&s, "max_size = 8K when_full = oldest");
	open_store(&s);
	for (unsigned i = 0; i < G_N_ELEMENTS(kept); i++) {
		g_autofree char *body = g_strdup_printf("%u\r\n", i);

		keep_one(&s, body, &kept[i]);
		assert_true(stats_of(&s).bytes <= 8192);
	}
	assert_int_equal(stats_of(&s).kept, G_N_ELEMENTS(kept));
	assert_int_equal(stats_of(&s).entries + stats_of(&s).removed, G_N_ELEMENTS(kept));
	/* the youngest are those that stay */
	for (unsigned i = 0; i < G_N_ELEMENTS(kept); i++) {
		g_autofree char *path = file_of(&s, kept[i].ref, "message");

		assert_int_equal(g_file_test(path, G_FILE_TEST_EXISTS), i >= stats_of(&s).removed);
	}
	end(&s);
}

/* As if it had come so long ago. */
static void
make_older(const struct store *s, const char *ref, int64_t seconds)
{
	g_autofree char *path = file_of(s, ref, "about.json");
	json_t *o = json_load_file(path, 0, NULL);

	json_object_set_new(o, "time", json_integer(quarantine_now() - seconds));
	assert_int_equal(json_dump_file(o, path, 0), 0);
	json_decref(o);
}

static void
old_ones_expire(void **state)
{
	struct quarantine_kept a, b, c;
	struct store s;

	(void)state;
	begin(&s, "keep = 1d");
	open_store(&s);
	keep_one(&s, "old\r\n", &a);
	keep_one(&s, "young\r\n", &b);
	keep_one(&s, "old, but came again\r\n", &c);
	keep_one(&s, "old, but came again\r\n", &c);
	quarantine_close(&s.q);
	make_older(&s, a.ref, 86400 + 5);
	make_older(&s, b.ref, 86400 - 60);
	make_older(&s, c.ref, 86400 * 20);
	open_store(&s);
	retire_expired(s.q); /* its own thread may have been there first, and be at it still */
	for (unsigned i = 0; i < 10000 && stats_of(&s).removed == 0; i++)
		g_usleep(1000);
	assert_int_equal(stats_of(&s).entries, 2);
	assert_int_equal(stats_of(&s).removed, 1);
	assert_int_equal(names_in(&s), 2);
	assert_non_null(index_find(s.q, b.ref));
	assert_non_null(index_find(s.q, c.ref));
	end(&s);
}

/* Whatever stands where a removal wants to put the entry. */
static char *
block_removal(const struct store *s, const char *ref)
{
	g_autofree char *name = g_strconcat("gone.", ref, NULL);
	g_autofree char *path = g_build_filename(s->dir, "q", name, NULL);
	char *inner = g_build_filename(path, "x", NULL);

	assert_int_equal(mkdir(path, 0700) | mkdir(inner, 0700), 0);
	return inner;
}

/* How often the word stands in the log of this test. */
static unsigned
count_logged(const char *path, const char *word)
{
	g_autofree char *text = NULL;
	unsigned n = 0;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
		n++;
	return n;
}

/* One that cannot be removed is told once, and keeps no other; when it can, it goes. */
static void
stuck_one_keeps_no_other(void **state)
{
	struct quarantine_kept kept[4];
	g_autofree char *log = NULL, *inner = NULL, *line = NULL;
	struct store s;

	(void)state;
	begin(&s, "keep = 1d");
	open_store(&s);
	log = g_build_filename(s.dir, "log", NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(kept); i++) {
		g_autofree char *body = g_strdup_printf("%u\r\n", i);

		keep_one(&s, body, &kept[i]);
	}
	inner = block_removal(&s, kept[0].ref);
	quarantine_lock(s.q);
	for (unsigned i = 0; i < 3; i++)
		index_find(s.q, kept[i].ref)->when -= 86400 + 5;
	quarantine_unlock(s.q);
	assert_true(log_open(log, "mail", "avmilter", LOGLV_INFO, NULL));
	assert_int_equal(retire_expired(s.q), 2);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(retire_expired(s.q), 0);
	assert_int_equal(stats_of(&s).entries, 2);
	assert_non_null(index_find(s.q, kept[0].ref));
	assert_non_null(index_find(s.q, kept[3].ref));
	line = g_strconcat(kept[0].ref, " is older than keep", NULL);
	assert_int_equal(count_logged(log, line), 1);
	assert_int_equal(count_logged(log, " is older than keep"), 3);
	assert_int_equal(count_logged(log, " err: "), 1);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(retire_expired(s.q), 1);
	assert_int_equal(count_logged(log, "could be removed now"), 1);
	assert_true(log_open("stderr", "mail", "avmilter", LOGLV_ERR, NULL));
	assert_int_equal(stats_of(&s).entries, 1);
	end(&s);
}

/* Nor does it keep others from making room. */
static void
stuck_one_makes_others_go(void **state)
{
	struct quarantine_kept first, next;
	g_autofree char *inner = NULL;
	struct store s;

	(void)state;
	begin(&s, "max_size = 8K when_full = oldest");
	open_store(&s);
	keep_one(&s, "first\r\n", &first);
	inner = block_removal(&s, first.ref);
	for (unsigned i = 0; i < 20; i++) {
		g_autofree char *body = g_strdup_printf("%u\r\n", i);

		keep_one(&s, body, &next);
		assert_true(stats_of(&s).bytes <= 8192);
	}
	assert_non_null(index_find(s.q, first.ref));
	assert_non_null(index_find(s.q, next.ref));
	assert_int_equal(rmdir(inner), 0);
	end(&s);
}

static void
keep_zero_is_for_ever(void **state)
{
	struct quarantine_kept a;
	struct store s;

	(void)state;
	begin(&s, "keep = 0");
	open_store(&s);
	keep_one(&s, "old\r\n", &a);
	quarantine_close(&s.q);
	make_older(&s, a.ref, 86400 * 10000);
	open_store(&s);
	assert_int_equal(retire_expired(s.q), 0);
	assert_int_equal(stats_of(&s).entries, 1);
	end(&s);
}

static void
one_daemon_one_folder(void **state)
{
	g_autoptr(GError) err = NULL;
	struct store s;

	(void)state;
	begin(&s, "");
	open_store(&s);
	assert_null(quarantine_open(s.w.conf, &err));
	assert_non_null(strstr(err->message, "another avmilter"));
	end(&s);
}

static void
damage_is_shown_and_not_removed(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{\"ref\": \"aaaaaaaaaa\"}"};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct quarantine_kept a;
		g_autofree char *path = NULL;
		struct store s;

		begin(&s, "");
		open_store(&s);
		keep_one(&s, "one\r\n", &a);
		quarantine_close(&s.q);
		path = file_of(&s, a.ref, "about.json");
		assert_true(g_file_set_contents(path, texts[i], -1, NULL));
		open_store(&s);
		assert_int_equal(index_find(s.q, a.ref)->state, QUARANTINE_DAMAGED);
		assert_message(&s, a.ref, "Subject: test\r\n\r\none\r\n", 22);
		end(&s);
	}
}

static void
a_message_that_was_cut_is_damaged(void **state)
{
	struct quarantine_kept a;
	g_autofree char *path = NULL;
	struct store s;

	(void)state;
	begin(&s, "");
	open_store(&s);
	keep_one(&s, "one\r\n", &a);
	path = file_of(&s, a.ref, "message");
	assert_int_equal(truncate(path, 3), 0);
	reopen(&s);
	assert_int_equal(index_find(s.q, a.ref)->state, QUARANTINE_DAMAGED);
	end(&s);
}

static void
a_mail_that_is_not_whole_is_not_kept(void **state)
{
	struct quarantine_kept kept;
	g_autoptr(GError) err = NULL;
	struct message *m;
	struct store s;

	(void)state;
	begin(&s, "");
	open_store(&s);
	s.w.lim.spool.message_max = 100;
	m = make_mail(&s, "a body of more than one hundred bytes, which is the limit here for the sake of this test, and then some\r\n", "<a@example>");
	assert_non_null(m->error);
	assert_false(keep(&s, m, &kept, &err));
	assert_true(g_error_matches(err, QUARANTINE_ERROR, QUARANTINE_E_TOOBIG));
	assert_int_equal(stats_of(&s).entries, 0);
	message_free(&m);
	end(&s);
}

static void
without_a_store_nothing_is_kept(void **state)
{
	struct quarantine_kept kept;
	g_autoptr(GError) err = NULL;
	struct message *m;
	struct store s;

	(void)state;
	begin(&s, "");
	m = make_mail(&s, "x", "<>");
	assert_false(keep(&s, m, &kept, &err));
	assert_int_equal(quarantine_refusal(s.w.conf, err), 451);
	message_free(&m);
	end(&s);
}

static void
needed(void **state)
{
	static const struct {
		const char *text;
		bool yes;
	} rows[] = {
	    {"", false},
	    {"antivirus { action = quarantine }", true},
	    {"antivirus { on_macro = quarantine }", true},
	    {"antivirus { clamav \"c\" { on_infected = quarantine } }", true},
	    {"antivirus { action = quarantine } quarantine { mta_hold = true }", false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct conf *c = world_conf(rows[i].text);

		if (quarantine_needed(c) != rows[i].yes)
			fail_msg("%s", rows[i].text);
		conf_unref(&c);
	}
}

static void
prepare_child(void *arg)
{
	struct store *s = arg;

	open_store(s);
	s->m = make_mail(s, BODY, "<a@example>");
}

static void
keep_in_child(void *arg, int say)
{
	struct store *s = arg;
	struct quarantine_kept kept;

	steps_say(say, keep(s, s->m, &kept, NULL) ? kept.ref : "failed");
}

/* Nothing but whole entries, and those that were promised. */
static void
assert_consistent(struct store *s, const char *said)
{
	open_store(s);
	assert_int_equal(names_in(s), stats_of(s).entries);
	for (const GList *l = s->q->order.head; l != NULL; l = l->next) {
		const struct entry *e = l->data;

		assert_int_equal(e->state, QUARANTINE_HELD);
		assert_message(s, e->ref, mail, sizeof(mail) - 1);
	}
	if (said[0] != '\0' && strcmp(said, "failed") != 0)
		assert_non_null(index_find(s->q, said));
	quarantine_close(&s->q);
}

static void
killed_at_every_step(void **state)
{
	char said[STEPS_SAID] = "";
	enum steps_end rc = STEPS_KILLED;
	struct quarantine_kept kept;
	unsigned n, without = 0, with = 0;
	struct store s;

	(void)state;
	for (n = 1; rc == STEPS_KILLED; n++) {
		begin(&s, "");
		rc = steps_run(&(struct steps){prepare_child, keep_in_child, &s}, n, 0, said);
		if (rc == STEPS_NOT_PERMITTED) {
			end(&s);
			skip();
		}
		assert_consistent(&s, said);
		open_store(&s);
		*(stats_of(&s).entries > 0 ? &with : &without) += 1;
		/* the sender tries again: one entry, whatever was there */
		keep_one(&s, BODY, &kept);
		assert_int_equal(stats_of(&s).entries, 1);
		end(&s);
	}
	assert_string_not_equal(said, "");
	assert_true(n > 15 && without > 10 && with > 2);
}

static void
failing_at_every_step(void **state)
{
	static const int errors[] = {ENOSPC, EIO};
	unsigned failures = 0;

	(void)state;
#if !defined(__x86_64__)
	skip();
#endif
	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
		enum steps_end rc = STEPS_KILLED;
		char said[STEPS_SAID];

		for (unsigned n = 1; rc == STEPS_KILLED && n < 500; n++) {
			struct store s;

			begin(&s, "");
			rc = steps_run(&(struct steps){prepare_child, keep_in_child, &s}, n, errors[i], said);
			if (rc == STEPS_NOT_PERMITTED) {
				end(&s);
				skip();
			}
			assert_string_not_equal(said, "");
			failures += strcmp(said, "failed") == 0;
			assert_consistent(&s, said);
			end(&s);
		}
	}
	assert_true(failures > 10);
}

struct crowd {
	struct store *s;
	unsigned number;
};

#define CROWD 8
#define EACH  12

static void *
keep_many(void *arg)
{
	const struct crowd *c = arg;

	for (unsigned i = 0; i < EACH; i++) {
		struct quarantine_kept kept;
		g_autofree char *body = g_strdup_printf("%u\r\n", c->number % 2 ? i : c->number * 1000 + i);
		struct quarantine_stats st;

		keep_one(c->s, body, &kept);
		quarantine_stats(c->s->q, &st);
		retire_expired(c->s->q);
	}
	return NULL;
}

static void
many_at_once(void **state)
{
	struct crowd crowd[CROWD];
	pthread_t threads[CROWD];
	struct quarantine_stats st;
	uint64_t bytes;
	struct store s;

	(void)state;
	begin(&s, "");
	open_store(&s);
	for (unsigned i = 0; i < CROWD; i++) {
		crowd[i] = (struct crowd){&s, i};
		assert_int_equal(pthread_create(&threads[i], NULL, keep_many, &crowd[i]), 0);
	}
	for (unsigned i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	st = stats_of(&s);
	assert_int_equal(st.kept + st.again, CROWD * EACH);
	assert_int_equal(st.entries, st.kept);
	bytes = st.bytes;
	reopen(&s);
	st = stats_of(&s);
	assert_int_equal(st.entries, st.held);
	assert_int_equal(st.bytes, bytes);
	end(&s);
}

struct looker {
	struct store *s;
	char ref[QUARANTINE_REF_MAX + 1];
	atomic_bool gone;
};

static void *
show_until_gone(void *arg)
{
	struct looker *l = arg;

	while (!atomic_load(&l->gone)) {
		json_t *o = desk_show(l->s->q, l->ref, NULL);

		json_decref(o);
	}
	return NULL;
}

/* Somebody looks at an entry while it goes: he sees it or does not. */
static void
shown_while_it_goes(void **state)
{
	struct looker l;
	struct store s;

	(void)state;
	begin(&s, "");
	open_store(&s);
	l.s = &s;
	for (unsigned i = 0; i < 200; i++) {
		g_autofree char *body = g_strdup_printf("%u\r\n", i);
		struct quarantine_kept kept;
		g_autoptr(GError) err = NULL;
		pthread_t looker;

		keep_one(&s, body, &kept);
		g_strlcpy(l.ref, kept.ref, sizeof(l.ref));
		atomic_store(&l.gone, false);
		assert_int_equal(pthread_create(&looker, NULL, show_until_gone, &l), 0);
		while (!desk_delete(s.q, kept.ref, "test", &err)) {
			assert_true(g_error_matches(err, QUARANTINE_ERROR, QUARANTINE_E_BUSY));
			g_clear_error(&err);
		}
		atomic_store(&l.gone, true);
		pthread_join(looker, NULL);
	}
	assert_int_equal(stats_of(&s).entries, 0);
	end(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(whole_and_private),
    cmocka_unit_test(found_again_after_a_restart),
    cmocka_unit_test(the_same_mail_is_one_entry),
    cmocka_unit_test(a_flood_of_one_mail_is_bounded),
    cmocka_unit_test(shown_while_it_goes),
    cmocka_unit_test(nothing_is_promised_for_a_vanished_entry),
    cmocka_unit_test(full_is_refused),
    cmocka_unit_test(oldest_makes_room_when_told_so),
    cmocka_unit_test(old_ones_expire),
    cmocka_unit_test(stuck_one_keeps_no_other),
    cmocka_unit_test(stuck_one_makes_others_go),
    cmocka_unit_test(keep_zero_is_for_ever),
    cmocka_unit_test(one_daemon_one_folder),
    cmocka_unit_test(damage_is_shown_and_not_removed),
    cmocka_unit_test(a_message_that_was_cut_is_damaged),
    cmocka_unit_test(a_mail_that_is_not_whole_is_not_kept),
    cmocka_unit_test(without_a_store_nothing_is_kept),
    cmocka_unit_test(needed),
    cmocka_unit_test(killed_at_every_step),
    cmocka_unit_test(failing_at_every_step),
    cmocka_unit_test(many_at_once),
};

UNIT_RUN(tests)
