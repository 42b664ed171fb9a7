/*
 * script: every way in which a script process can lie, die or stall. What it says then does not count, the message is not made less of
 * than the configuration makes of it, the next message is served, nothing is left behind
 */
#include "fake_script.h"
#include "world.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/wait.h>

#include "script/consult.h"

#define TIME_MAX_MS 150
#define SOON_MS     2500 /* after which a message of a few hundred milliseconds has to be answered, on a busy machine */

struct rig {
	struct world w;
	struct script *script;
	struct rules *rules;
	char *dir, *self;
};

/* A script that starts like this. NULL and *err. */
static struct script *
begin(struct rig *r, const char *how, int64_t time_max_ms, GError **err)
{
	g_autofree char *path = g_build_filename(r->dir, "policy.lua", NULL), *mark = g_build_filename(r->dir, "mark", NULL);
	g_autofree char *source = g_strdup_printf("%s %s\n", how, mark);
	g_autofree char *text = g_strdup_printf("antivirus { fake \"f\" { } }\nlua { script = \"%s\" time_max = \"%" PRId64 "ms\" }\n",
	                                        path, time_max_ms);

	unlink(mark);
	assert_true(g_file_set_contents(path, source, -1, NULL));
	r->w = world_new(text);
	r->rules = rules_new(r->w.conf, NULL, NULL);
	assert_non_null(r->rules);
	return script_new(r->w.conf, r->self, "/dev/null", err);
}

static struct rig
rig_new(const char *how, int64_t time_max_ms)
{
	struct rig r = {.dir = unit_mkdir(), .self = g_file_read_link("/proc/self/exe", NULL)};
	g_autoptr(GError) err = NULL;

	r.script = begin(&r, how, time_max_ms, &err);
	if (r.script == NULL)
		fail_msg("%s", err->message);
	return r;
}

static void
rig_end(struct rig *r)
{
	script_free(&r->script);
	rules_free(&r->rules);
	world_end(&r->w);
	unit_rmdir(r->dir);
	g_free(r->self);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static unsigned
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* One message and what the script says about it. */
struct mail {
	struct message *m;
	struct facts facts;
	struct context context;
	struct wait wait;
	struct consult consult;
	struct scan_result scan;
	GError *err;
};

static void
mail_begin(struct mail *mail, struct rig *r, const char *word, int64_t ms)
{
	const struct client nobody = {0};
	g_autofree char *subject = g_strdup_printf(" HOSTILE:%s ", word);

	*mail = (struct mail){.m = message_new(r->w.budget, &r->w.lim, &nobody, "<s@x>")};
	message_add_recipient(mail->m, "<a@x>");
	message_add_recipient(mail->m, "<b@x>");
	message_add_header(mail->m, "Subject", subject);
	message_seal(mail->m);
	facts_of(mail->m, &mail->facts);
	wait_init(&mail->wait, deadline_in(ms), 0, NULL, NULL);
	mail->consult = (struct consult){
	    .script = r->script,
	    .conf = r->w.conf,
	    .engines = r->w.engines,
	    .message = mail->m,
	    .facts = &mail->facts,
	    .context = &mail->context,
	    .wait = &mail->wait,
	};
}

static void
mail_end(struct mail *mail)
{
	scan_result_clear(&mail->scan);
	consult_clear(&mail->consult);
	context_clear(&mail->context);
	facts_clear(&mail->facts);
	message_free(&mail->m);
	g_clear_error(&mail->err);
}

/* Which action comes out for the first recipient, and the second? */
static void
actions_of(struct mail *mail, struct rig *r, enum action got[2])
{
	struct outcomes o;

	policy_walk(r->rules, &mail->facts, &mail->scan.verdict, &o);
	consult_apply(&mail->consult, &mail->scan.verdict, &o);
	assert_int_equal(o.of->len, 2);
	for (guint i = 0; i < 2; i++)
		got[i] = g_array_index(o.of, struct outcome, i).action;
	outcomes_clear(&o);
}

/* The next message is served, by its own answer and no other. */
static void
assert_served(struct rig *r)
{
	enum action got[2];
	struct mail mail;

	mail_begin(&mail, r, "say-discard", 10000);
	verdict_complete(&mail.scan.verdict);
	if (!consult_after(&mail.consult, &mail.scan, &mail.err))
		fail_msg("the next message: %s", mail.err->message);
	actions_of(&mail, r, got);
	assert_int_equal(got[0], ACTION_DISCARD);
	assert_int_equal(got[1], ACTION_DISCARD);
	assert_null(context_get(&mail.context, "name"));
	mail_end(&mail);
}

struct attack {
	const char *word, *why; /* why NULL: it does no harm by itself */
};

#define BROKEN "breaks the protocol"

static const struct attack attacks[] = {
    {"die", "ended: exit status 0"},
    {"segv", "ended: SIGKILL"},
    {"close", "closed its socket"},
    {"hang", "time_max = 150 ms is used up"},
    {"stop", "time_max = 150 ms is used up"},
    {"spin", "time_max = 150 ms is used up"},
    {"late", "time_max = 150 ms is used up"},
    {"half", "shorter than a head"},
    {"empty", "script process"},
    {"oversize", "larger than a packet"},
    {"magic", "wrong magic"},
    {"version", "another version"},
    {"length", "its length"},
    {"seq-only", "time_max = 150 ms is used up"},
    {"op", BROKEN},
    {"ready", BROKEN},
    {"outcome-action", BROKEN},
    {"outcome-repair", BROKEN},
    {"outcome-recipient", BROKEN},
    {"outcome-open", BROKEN},
    {"outcome-short", BROKEN},
    {"outcome-long", BROKEN},
    {"outcome-flood", BROKEN},
    {"outcome-nowhere", "policy.lua:7: redirect needs an address"},
    {"set-open", BROKEN},
    {"set-empty", BROKEN},
    {"set-long", BROKEN},
    {"set-flood", BROKEN},
    {"ask-unknown", BROKEN},
    {"ask-open", BROKEN},
    {"ask-short", BROKEN},
    {"ask-flood", "script process"},
    {"log-flood", "time_max = 150 ms is used up"},
    {"log-drip", "time_max = 150 ms is used up"},
    {"failed-open", BROKEN},
    {"failed", "t.lua:1: why\\x0a\\x1b"},
    {"set", NULL},
    {"descriptors", NULL},
    {"twice", NULL},
    {"ahead", NULL},
    {"late-ahead", NULL},
    {"seq", NULL},
    {"old-seq", NULL},
    {"die-after", NULL},
};

static void
attack(struct rig *r, const struct attack *a)
{
	const int64_t began = now_ms();
	enum action got[2];
	struct mail mail;
	bool ok;

	mail_begin(&mail, r, a->word, 10000);
	verdict_find(&mail.scan.verdict, FINDING_INFECTED, "Evil", "o", "f");
	verdict_complete(&mail.scan.verdict);
	ok = consult_after(&mail.consult, &mail.scan, &mail.err);
	print_message("# %s: %s\n", a->word, ok ? "fine" : mail.err->message);
	assert_in_range(now_ms() - began, 0, 8000);
	assert_int_equal(ok, a->why == NULL);
	if (!ok && strstr(mail.err->message, a->why) == NULL)
		fail_msg("%s: %s", a->word, mail.err->message);
	actions_of(&mail, r, got);
	assert_int_equal(got[0], ACTION_REJECT);
	if (!ok)
		assert_null(context_get(&mail.context, "name"));
	mail_end(&mail);
	assert_served(r);
}

static void
lies(void **state)
{
	struct rig r = rig_new("honest", TIME_MAX_MS);
	unsigned before;

	(void)state;
	assert_served(&r);
	before = open_descriptors();
	for (size_t i = 0; i < G_N_ELEMENTS(attacks); i++)
		attack(&r, &attacks[i]);
	assert_int_equal(open_descriptors(), before);
	rig_end(&r);
}

/* What is decided before anything is known of the message decides nothing. */
static void
too_early(void **state)
{
	struct rig r = rig_new("honest", TIME_MAX_MS);
	struct mail mail;

	(void)state;
	mail_begin(&mail, &r, "outcome-before", 10000);
	assert_false(consult_before(&mail.consult, &mail.err));
	assert_non_null(strstr(mail.err->message, BROKEN));
	mail_end(&mail);
	assert_served(&r);
	rig_end(&r);
}

/* A question that cannot be answered is something that is missing, whether the process waits for the answer or not. */
static void
unanswered(void **state)
{
	struct rig r = rig_new("honest", TIME_MAX_MS);
	struct mail mail;

	(void)state;
	mail_begin(&mail, &r, "ask-part", 10000);
	assert_true(consult_before(&mail.consult, &mail.err));
	assert_true(consult_counts(&mail.consult));
	verdict_complete(&mail.scan.verdict);
	consult_join(&mail.consult, &mail.scan.verdict);
	assert_int_equal(verdict_class(&mail.scan.verdict), CLASS_ERROR);
	mail_end(&mail);
	assert_served(&r);
	rig_end(&r);
}

/* A process that never stops talking, or asking, holds nobody beyond the deadline of the message. */
static void
deadlines(void **state)
{
	static const char *const words[] = {"hang", "log-flood", "log-drip", "ask-flood", "outcome-flood", "set-flood"};
	struct rig r = rig_new("honest", 60000);

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		const int64_t began = now_ms();
		struct mail mail;

		mail_begin(&mail, &r, words[i], 300);
		assert_false(consult_after(&mail.consult, &mail.scan, &mail.err));
		print_message("# %s: %s, %" PRId64 " ms\n", words[i], mail.err->message, now_ms() - began);
		assert_in_range(now_ms() - began, 0, SOON_MS);
		mail_end(&mail);
		assert_served(&r);
	}
	rig_end(&r);
}

/* The end that a stop of the daemon sets is one, too; and whoever closes its socket and stays is not waited for beyond it. */
static void
cuts(void **state)
{
	static const char *const words[] = {"hang", "log-flood", "log-drip", "close"};
	struct rig r = rig_new("honest", 60000);

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		const int64_t began = now_ms();
		atomic_int_fast64_t cut = began + 300;
		struct mail mail;

		mail_begin(&mail, &r, words[i], 60000);
		mail.wait.cut = &cut;
		assert_false(consult_after(&mail.consult, &mail.scan, &mail.err));
		print_message("# %s: %s, %" PRId64 " ms\n", words[i], mail.err->message, now_ms() - began);
		assert_in_range(now_ms() - began, 0, SOON_MS);
		mail_end(&mail);
		assert_served(&r);
	}
	rig_end(&r);
}

/* What failed is not made less of, neither for all nor for one. */
static void
nothing_weaker(void **state)
{
	static const struct {
		const char *letters, *word;
		enum action first, second;
	} rows[] = {
	    {"", "say-pass", ACTION_PASS, ACTION_PASS},
	    {"", "say-reject", ACTION_REJECT, ACTION_REJECT},
	    {"", "tell-reject", ACTION_PASS, ACTION_REJECT},
	    {"i", "say-pass", ACTION_PASS, ACTION_PASS},
	    {"i", "tell-pass", ACTION_REJECT, ACTION_PASS},
	    {"P", "say-reject", ACTION_REJECT, ACTION_REJECT},
	    {"F", "say-pass", ACTION_TEMPFAIL, ACTION_TEMPFAIL},
	    {"F", "tell-pass", ACTION_TEMPFAIL, ACTION_TEMPFAIL},
	    {"F", "say-reject", ACTION_REJECT, ACTION_REJECT},
	    {"Fi", "say-pass", ACTION_REJECT, ACTION_REJECT},
	    {"Fi", "say-quarantine", ACTION_REJECT, ACTION_REJECT},
	    {"F", "tell-redirect", ACTION_TEMPFAIL, ACTION_REDIRECT},
	    {"U", "say-pass", ACTION_TEMPFAIL, ACTION_TEMPFAIL},
	};
	struct rig r = rig_new("honest", 5000);

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(verdict_clear) struct verdict nothing = {0};
		enum action got[2];
		struct mail mail;

		mail_begin(&mail, &r, rows[i].word, 10000);
		verdict_complete(&mail.scan.verdict);
		if (strchr(rows[i].letters, 'i'))
			verdict_find(&mail.scan.verdict, FINDING_INFECTED, "Evil", "o", "f");
		if (strchr(rows[i].letters, 'P'))
			verdict_partial(&mail.scan.verdict, REASON_LIMIT_SIZE, "limit");
		if (strchr(rows[i].letters, 'F'))
			verdict_fail(&mail.scan.verdict, REASON_TIMEOUT, "timeout");
		if (strchr(rows[i].letters, 'U'))
			verdict_join(&mail.scan.verdict, &nothing);
		assert_true(consult_after(&mail.consult, &mail.scan, &mail.err));
		actions_of(&mail, &r, got);
		assert_int_equal(got[0], rows[i].first);
		assert_int_equal(got[1], rows[i].second);
		mail_end(&mail);
	}
	rig_end(&r);
}

/* More recipients than are kept share one outcome: what is said of one is no reason to throw away the mail of all. */
static void
one_for_all(void **state)
{
	static const struct {
		const char *word;
		bool infected;
		enum action want;
	} rows[] = {
	    {"tell-discard", false, ACTION_PASS},     {"tell-discard", true, ACTION_REJECT}, {"tell-pass", true, ACTION_REJECT},
	    {"tell-tempfail", false, ACTION_TEMPFAIL}, {"tell-reject", false, ACTION_REJECT}, {"tell-redirect", false, ACTION_REDIRECT},
	    {"say-discard", false, ACTION_DISCARD},   {"say-pass", true, ACTION_PASS},
	};
	struct rig r = rig_new("honest", 5000);

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct outcomes o;
		struct mail mail;

		mail_begin(&mail, &r, rows[i].word, 10000);
		mail.facts.unknown = 1;
		verdict_complete(&mail.scan.verdict);
		if (rows[i].infected)
			verdict_find(&mail.scan.verdict, FINDING_INFECTED, "Evil", "o", "f");
		assert_true(consult_after(&mail.consult, &mail.scan, &mail.err));
		policy_walk(r.rules, &mail.facts, &mail.scan.verdict, &o);
		consult_apply(&mail.consult, &mail.scan.verdict, &o);
		assert_true(o.one && o.of->len == 1);
		print_message("# %s: %s\n", rows[i].word, action_name(g_array_index(o.of, struct outcome, 0).action));
		assert_int_equal(g_array_index(o.of, struct outcome, 0).action, rows[i].want);
		outcomes_clear(&o);
		mail_end(&mail);
	}
	rig_end(&r);
}

/* The first process tells whether the script can be used at all. */
static void
beginnings(void **state)
{
	static const struct attack rows[] = {
	    {"honest", NULL},
	    {"says", NULL},
	    {"none", "script process"},
	    {"unknown", "script process"},
	    {"short", "script process"},
	    {"refuses", "t.lua:1: why\\x0aforged: line"},
	    {"die", "ended: exit status 0"},
	    {"segv", "ended: SIGKILL"},
	    {"half", "shorter than a head"},
		    {"version", "another version"},
	    {"op", "script process"},
	    {"set-flood", "script process"},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rig r = {.dir = unit_mkdir(), .self = g_file_read_link("/proc/self/exe", NULL)};
		g_autoptr(GError) err = NULL;

		r.script = begin(&r, rows[i].word, TIME_MAX_MS, &err);
		print_message("# %s: %s\n", rows[i].word, err ? err->message : "fine");
		assert_int_equal(r.script != NULL, rows[i].why == NULL);
		assert_int_equal(err == NULL, rows[i].why == NULL);
		if (err != NULL && strstr(err->message, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].word, err->message);
		if (r.script != NULL)
			assert_served(&r);
		rig_end(&r);
	}
}

/* A process that is started later says nothing new about what the script can do: a hook that is gone would be one that is not asked. */
static void
later(void **state)
{
	static const char *const words[] = {"none", "fewer", "unknown", "short", "refuses", "die", "log-flood", "log-drip", "hang"};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		g_autofree char *how = g_strconcat("later-", words[i], NULL);
		struct rig r = rig_new(how, TIME_MAX_MS);

		assert_served(&r);
		for (int round = 0; round < 2; round++) {
			struct mail mail;
			int64_t began;

			if (round == 0) { /* the honest one goes */
				mail_begin(&mail, &r, "die", 500);
				assert_false(consult_after(&mail.consult, &mail.scan, &mail.err));
				mail_end(&mail);
			}
			began = now_ms();
			mail_begin(&mail, &r, "say-reject", 500);
			assert_false(consult_after(&mail.consult, &mail.scan, &mail.err));
			print_message("# later %s: %s\n", words[i], mail.err->message);
			assert_in_range(now_ms() - began, 0, SOON_MS);
			assert_true(script_has(r.script, PROTO_ON_MESSAGE) && script_has(r.script, PROTO_ON_VERDICT) &&
			            script_has(r.script, PROTO_ON_RECIPIENT));
			mail_end(&mail);
		}
		rig_end(&r);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lies),           cmocka_unit_test(too_early),  cmocka_unit_test(unanswered), cmocka_unit_test(deadlines), cmocka_unit_test(cuts),
    cmocka_unit_test(nothing_weaker), cmocka_unit_test(one_for_all), cmocka_unit_test(beginnings), cmocka_unit_test(later),
};

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], PROTO_SCRIPT_ARGUMENT) == 0)
		return fake_script();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
