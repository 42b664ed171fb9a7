/* testmail - see testmail.h */
#include "daemon/testmail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fsx.h"
#include "base/log.h"
#include "daemon/folders.h"
#include "daemon/generation.h"
#include "daemon/jsonx.h"
#include "daemon/mailfile.h"
#include "daemon/privileges.h"
#include "effect/stamp.h"
#include "policy/context_note.h"
#include "policy/ignore.h"
#include "policy/policy.h"
#include "scan/ask.h"
#include "script/consult.h"

#define TICK_MS 60000

static struct message *
new_message(const struct conf *conf, struct spool_budget *b)
{
	const struct client nobody = { .name = (char[]){ "localhost" },
		.helo = (char[]){ "localhost" } };
	const struct message_limits lim = {
	    .spool =
		{
		    .memory_max = conf->spool.memory_max,
		    .message_max = conf->spool.message_max,
		    .total_max = conf->spool.total_max,
		    .file_base = conf->antivirus.file_base,
		},
	    .header_max = conf->antivirus.header_max,
	};

	return message_new(b, &lim, &nobody, "<>");
}

static json_t *
findings(const struct scan_result *r)
{
	const struct verdict *v = &r->verdict;
	json_t *list = json_array();

	for (guint i = 0; v->findings != NULL && i < v->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(v->findings, i);
		json_t *o = json_object();

		put_text(o, "class", verdict_class_name(finding_class(f->kind)));
		put_text(o, "name", f->name != NULL ? f->name : "");
		put_text(o, "object", f->object);
		put_text(o, "engine", f->engine);
		put_text(o, "definitions", scan_result_definitions(r, f->engine));
		json_array_append_new(list, o);
	}
	return list;
}

static int
exit_code(const struct verdict *v)
{
	if (verdict_is_clean(v))
		return TESTMAIL_CLEAN;
	return verdict_top(v) != NULL ? TESTMAIL_FOUND : TESTMAIL_ERROR;
}

char *
testmail_reply(const struct conf *conf, const struct decision *d)
{
	switch (d->action) {
	case ACTION_REJECT:
		return g_strdup_printf("550 5.7.1 %s", d->reply != NULL ? d->reply : "");
	case ACTION_TEMPFAIL:
		return g_strdup_printf("%u %u.7.1 %s", d->error_code, d->error_code / 100,
		    d->reply != NULL ? d->reply : "");
	case ACTION_DISCARD:
		return g_strdup("250 (accepted and thrown away)");
	case ACTION_QUARANTINE:
		return g_strdup(conf->quarantine.mta_hold ? "250 (accepted and put on hold)"
							  : "250 (accepted and quarantined)");
	case ACTION_REDIRECT:
		return g_strdup("250 (accepted for another address)");
	default:
		return g_strdup("250");
	}
}

static json_t *
describe(const struct conf *conf, const struct message *m, const struct scan_result *r,
    const struct decision *d, const char *label, int64_t ms)
{
	g_autofree char *reply = testmail_reply(conf, d), *status = stamp_status(&r->verdict, NULL);
	const enum verdict_class cls = verdict_class(&r->verdict);
	json_t *o = json_object();

	put_text(o, "file", label);
	put_text(o, "verdict", verdict_class_name(cls));
	put_text(o, "state", scan_state_name(verdict_state(&r->verdict)));
	put_text(o, "reason", verdict_reason(&r->verdict, cls));
	put_text(o, "why", verdict_why(&r->verdict, cls));
	put_text(o, "action", action_name(d->action));
	put_text(o, "reply", reply);
	put_text(o, "status", status);
	put_text(o, "engines", r->engines);
	put_text(o, "definitions", r->definitions);
	put_number(o, "objects", r->objects);
	put_number(o, "size", m->size);
	put_real(o, "delay", (double)ms / 1000.0);
	put_number(o, "code", (uint64_t)exit_code(&r->verdict));
	json_object_set_new(o, "findings", findings(r));
	return o;
}

/* One message and what it is judged by. */
struct test {
	const struct snapshot *snap;
	const struct message *m;
	const struct facts *facts;
	struct wait *wait;
};

static void
note_script(struct scan_result *r, GError **why)
{
	if (*why != NULL)
		verdict_fail(&r->verdict, REASON_SCRIPT, "%s", (*why)->message);
	g_clear_error(why);
}

static void
decide(const struct test *t, struct consult *script, struct scan_result *r, struct decision *d)
{
	struct outcomes o;
	g_autoptr(GError) why = NULL;

	if (r->verdict.failed != REASON_SCRIPT && !consult_after(script, r, &why))
		note_script(r, &why);
	consult_join(script, &r->verdict);
	policy_walk(t->snap->rules, t->facts, &r->verdict, &o);
	consult_apply(script, &r->verdict, &o);
	policy_settle(t->snap->rules, t->m, &r->verdict, &o, d);
	outcomes_clear(&o);
}

/* Scan and decide as for mail; what would keep it from being scanned is not asked. */
static void
judge(const struct test *t, bool passive, struct scan_result *r, struct decision *d)
{
	const struct snapshot *snap = t->snap;
	struct context context = { 0 };
	struct asked all;
	g_autoptr(GError) why = NULL;
	struct consult script = {
		.script = snap->script,
		.conf = snap->conf,
		.engines = snap->engines,
		.workers = snapshot_workers(snap),
		.message = t->m,
		.facts = t->facts,
		.context = &context,
		.wait = t->wait,
	};

	(void)consult_before(&script, &why);
	asked_all(&all, snap->engines);
	scan_message(
	    snap->conf, passive ? &all.set : snap->engines, script.workers, t->m, t->wait, r);
	asked_clear(&all);
	context_note(&context, snap->conf, r);
	ignore_findings(snap->rules, t->facts, r);
	if (r->skipped == NULL) {
		consult_join(&script, &r->verdict);
		note_script(r, &why);
		decide(t, &script, r, d);
	}
	consult_clear(&script);
	context_clear(&context);
}

json_t *
testmail_scan(const struct snapshot *snap, struct spool_budget *b, int fd, const char *label,
    const atomic_int_fast64_t *cut, bool passive, GError **err)
{
	const int64_t begin = now_ms();
	AUTO(message_free) struct message *m = new_message(snap->conf, b);
	g_autofree char *name = g_utf8_make_valid(label, -1);
	struct scan_result r = { 0 };
	struct decision d = { 0 };
	struct facts facts;
	struct wait wait;
	json_t *out;

	if (!mailfile_read(fd, m, err))
		return NULL;
	message_seal(m);
	wait_init(&wait, deadline_in(snap->conf->antivirus.message_time_max), TICK_MS, NULL, NULL);
	wait.cut = cut;
	facts_of(m, &facts);
	judge(&(struct test){ snap, m, &facts, &wait }, passive, &r, &d);
	facts_clear(&facts);
	out = describe(snap->conf, m, &r, &d, name, now_ms() - begin);
	decision_clear(&d);
	scan_result_clear(&r);
	return out;
}

static void
append_row(GString *out, const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		g_string_append_printf(out, "%-12s %s\n", key, value);
}

char *
testmail_text(const json_t *r)
{
	static const char *const rows[] = { "verdict", "state", "reason", "why", "action", "reply",
		"engines", "definitions" };
	GString *out = g_string_new(NULL);
	const json_t *f;
	size_t i;

	append_row(out, "file", json_string_value(json_object_get(r, "file")));
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		append_row(out, rows[i], json_string_value(json_object_get(r, rows[i])));
	g_string_append_printf(
	    out, "%-12s %s\n", "header", json_string_value(json_object_get(r, "status")));
	g_string_append_printf(out, "%-12s %" JSON_INTEGER_FORMAT "\n", "objects",
	    json_integer_value(json_object_get(r, "objects")));
	g_string_append_printf(out, "%-12s %" JSON_INTEGER_FORMAT "\n", "size",
	    json_integer_value(json_object_get(r, "size")));
	g_string_append_printf(
	    out, "%-12s %.3f s\n", "time", json_real_value(json_object_get(r, "delay")));
	json_array_foreach (json_object_get(r, "findings"), i, f) {
		const char *definitions = json_string_value(json_object_get(f, "definitions"));

		g_string_append_printf(out, "%-12s %s %s in %s (engine %s%s%s)\n", "finding",
		    json_string_value(json_object_get(f, "class")),
		    json_string_value(json_object_get(f, "name")),
		    json_string_value(json_object_get(f, "object")),
		    json_string_value(json_object_get(f, "engine")),
		    definitions != NULL ? ", definitions " : "",
		    definitions != NULL ? definitions : "");
	}
	return g_string_free(out, FALSE);
}

/* As root we do what the daemon does: become the configured user, after the file is open. */
static bool
become_user(const struct conf *conf, GError **err)
{
	AUTO(identity_free) struct identity *id = NULL;

	if (geteuid() != 0)
		return folders_make(conf, NULL, err);
	id = identity_find(conf->user, err);
	return id != NULL && folders_make(conf, id, err) && privileges_drop(id, err);
}

static json_t *
scan_file(const struct options *o, int fd, GError **err)
{
	AUTO(snapshot_unref) struct snapshot *snap = NULL;
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	struct conf *conf = options_load(o, err);
	bool fresh;

	if (conf == NULL)
		return NULL;
	if (o->verbose > 0)
		log_set_level((enum log_level)conf->log.level);
	else if (!log_open("/dev/null", conf->log.facility, conf->log.ident, LOGLV_ERR,
		     NULL)) /* what matters is in our own output */
		log_set_level(LOGLV_ERR);
	if (!become_user(conf, err)) {
		conf_unref(&conf);
		return NULL;
	}
	snap = generation_build(conf, &(struct heritage){ 0 }, o->test_engines, &fresh, err);
	if (snap == NULL)
		return NULL;
	if (fresh &&
	    !generation_wait_loaded(
		snapshot_workers(snap), snap->conf->antivirus.message_time_max, err))
		return NULL;
	return testmail_scan(snap, b, fd, o->test_file, NULL, false, err);
}

int
testmail_run(const struct options *o)
{
	const bool from_stdin = strcmp(o->test_file, "-") == 0;
	AUTO(fd_close)
	int fd = from_stdin ? dup(STDIN_FILENO) : open(o->test_file, O_RDONLY | O_CLOEXEC);
	g_autoptr(GError) err = NULL;
	g_autofree char *text = NULL;
	json_t *result = NULL;
	int code;

	if (fd < 0)
		fsx_fail(&err, o->test_file, "open");
	else
		result = scan_file(o, fd, &err);
	if (result == NULL) {
		fprintf(stderr, "avmilter: %s\n", err->message);
		return TESTMAIL_ERROR;
	}
	text = testmail_text(result);
	fputs(text, stdout);
	code = (int)json_integer_value(json_object_get(result, "code"));
	json_decref(result);
	return fflush(stdout) == 0 ? code : TESTMAIL_ERROR;
}
