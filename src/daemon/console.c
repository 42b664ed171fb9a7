/* console - see console.h */
#include "daemon/console.h"

#include <string.h>
#include <time.h>

#include "base/deadline.h"
#include "base/fsx.h"
#include "base/log.h"
#include "daemon/console_alert.h"
#include "daemon/console_allow.h"
#include "daemon/console_cache.h"
#include "daemon/console_explain.h"
#include "daemon/console_quarantine.h"
#include "daemon/console_selftest.h"
#include "daemon/generation.h"
#include "daemon/jsonx.h"
#include "daemon/numbers.h"
#include "daemon/server.h"
#include "daemon/testmail.h"
#include "effect/quarantine_desk.h"
#include "engine/upstream.h"
#include "message/spool.h"

#define DAY_SECONDS 86400

static struct snapshot *
current(struct server *s, GError **err)
{
	struct snapshot *snap = snapshot_slot_get(&s->milter.slot);

	if (snap == NULL)
		g_set_error(
		    err, G_FILE_ERROR, G_FILE_ERROR_AGAIN, "avmilter is starting or stopping");
	return snap;
}

static json_t *
workers_object(struct workers *w)
{
	struct workers_stats st = { 0 };
	json_t *o;

	if (w == NULL)
		return json_null();
	workers_stats(w, &st);
	o = json_object();
	put_number(o, "ready", st.ready);
	put_number(o, "busy", st.busy);
	put_number(o, "waiting", st.waiting);
	put_number(o, "spare", st.spare);
	put_number(o, "restarts", st.restarts);
	put_number(o, "killed", st.killed);
	put_number(o, "crashed", st.crashed);
	put_number(o, "generations", st.generations);
	put_number(o, "failed_generations", st.failures);
	return o;
}

static json_t *
updates_object(struct updates *u)
{
	struct updates_stats st;
	json_t *o = json_object();

	updates_stats(u, &st);
	put_number(o, "commands", st.commands);
	put_number(o, "failures", st.failures);
	put_text(o, "last_error", st.last_error != NULL ? st.last_error : "");
	put_bool(o, "stale", st.stale);
	g_free(st.last_error);
	return o;
}

static json_t *
status(void *arg, const struct control_request *rq, GError **err)
{
	struct server *s = arg;
	const struct milter *m = &s->milter;
	AUTO(snapshot_unref) struct snapshot *snap = current(s, err);
	struct proto_ready ready;
	struct workers *w;
	json_t *o;

	(void)rq;
	if (snap == NULL)
		return NULL;
	w = snapshot_workers(snap);
	o = json_object();
	put_bool(o, "serving", !atomic_load(&m->draining));
	put_bool(o, "ready", w == NULL || workers_ready_info(w, &ready));
	put_number(o, "uptime", (uint64_t)(now_ms() - s->started_ms) / 1000);
	put_text(o, "configuration", s->options->config);
	put_number(o, "configuration_number", snap->number);
	put_text(o, "socket", s->started->socket);
	put_number(o, "sessions", atomic_load(&m->sessions));
	put_number(o, "messages_in_hand", atomic_load(&m->pending));
	put_number(o, "ends_of_message", atomic_load(&m->in_eom));
	put_number(o, "spool_bytes", spool_budget_used(m->budget));
	put_number(o, "kicks", atomic_load(&m->kick.sent));
	json_object_set_new(o, "workers", workers_object(w));
	json_object_set_new(o, "updates", updates_object(s->updates));
	return o;
}

static double
average_ms(const struct stats *st, const atomic_uint_fast64_t *n)
{
	const double number = (double)atomic_load(n);

	return number > 0 ? (double)atomic_load(&st->eom_us) / number / 1000.0 : 0.0;
}

static json_t *
by_class(const struct stats *st)
{
	json_t *o = json_object();

	for (int i = 0; i < CLASS_COUNT; i++)
		put_number(
		    o, verdict_class_name((enum verdict_class)i), atomic_load(&st->classes[i]));
	return o;
}

static json_t *
by_action(const struct stats *st)
{
	json_t *o = json_object();

	for (int i = 0; i < ACTION_COUNT; i++)
		put_number(o, action_name((enum action)i), atomic_load(&st->actions[i]));
	return o;
}

static json_t *
stats_object(const struct stats *st)
{
	json_t *o = json_object();

	put_number(o, "seconds", (uint64_t)(now_ms() - atomic_load(&st->since_ms)) / 1000);
	put_number(o, "messages_checked", atomic_load(&st->messages));
	put_number(o, "parts_checked", atomic_load(&st->objects));
	put_number(o, "viruses_detected", atomic_load(&st->viruses));
	put_number(o, "viruses_cured", atomic_load(&st->answers[CLASS_INFECTED][ACTION_REPAIR]));
	put_real(o, "average_ms_per_message", average_ms(st, &st->messages));
	put_real(o, "average_ms_per_part", average_ms(st, &st->objects));
	put_number(o, "bytes", atomic_load(&st->bytes));
	put_number(o, "skipped", atomic_load(&st->skipped));
	put_number(o, "unscanned_delivered", atomic_load(&st->unscanned_delivered));
	put_number(o, "aborted", atomic_load(&st->aborted));
	put_number(o, "effects_failed", atomic_load(&st->effects_failed));
	put_number(o, "connections", atomic_load(&st->sessions));
	json_object_set_new(o, "classes", by_class(st));
	json_object_set_new(o, "actions", by_action(st));
	return o;
}

/* How many messages each rule decided something of. */
static json_t *
rules_object(struct server *s)
{
	AUTO(snapshot_unref) struct snapshot *snap = current(s, NULL);
	json_t *o = json_object();

	for (guint i = 0; snap != NULL && i < snap->rules->list->len; i++) {
		const struct rule *r = g_ptr_array_index(snap->rules->list, i);

		put_number(o, r->conf->title, atomic_load(r->hits));
	}
	return o;
}

static json_t *
stats(void *arg, const struct control_request *rq, GError **err)
{
	struct server *s = arg;
	struct stats *st = &s->milter.stats;
	json_t *o;

	if (rq->words[1] != NULL && (strcmp(rq->words[1], "reset") != 0 || !rq->may_act)) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "stats: takes nothing, or reset from root and the daemon's own user");
		return NULL;
	}
	o = stats_object(st);
	put_number(o, "spool_bytes", spool_budget_used(s->milter.budget));
	json_object_set_new(o, "engines", numbers_engines(s));
	json_object_set_new(o, "queue", numbers_queue(s));
	json_object_set_new(o, "cache", console_cache_stats(s->memory));
	json_object_set_new(o, "rules", rules_object(s));
	json_object_set_new(o, "alerts", console_alert_stats(s->alerts));
	json_object_set_new(o, "quarantine", desk_stats(atomic_load(&s->milter.quarantine)));
	if (rq->words[1] != NULL)
		stats_reset(st); /* what is shown is what was counted till now */
	return o;
}

static char *
age_text(const struct conf_engine *e, int64_t made)
{
	const int64_t age = made > 0 ? (int64_t)time(NULL) - made : -1;

	if (age < 0)
		return g_strdup("unknown age");
	if (e->definitions_max_age == 0 || age * 1000 <= e->definitions_max_age)
		return g_strdup("Up to date");
	return g_strdup_printf("%" G_GINT64_FORMAT " days old", age / DAY_SECONDS);
}

static json_t *
sandbox_object(uint32_t bits)
{
	json_t *o = json_object();

	put_bool(o, "seccomp", (bits & 1) != 0);
	put_bool(o, "landlock", (bits & 2) != 0);
	put_bool(o, "rlimits", (bits & 4) != 0);
	return o;
}

/* The servers of an engine on the network; *ready becomes true when one of them is in rotation. */
static json_t *
servers_array(struct upstream *u, bool *ready)
{
	g_autoptr(GPtrArray) stats = upstream_stats(u);
	json_t *list = json_array();

	*ready = false;
	for (guint i = 0; i < stats->len; i++) {
		const struct server_stats *st = g_ptr_array_index(stats, i);
		json_t *o = json_object();

		*ready = *ready || st->out_why == REASON_NONE;
		put_text(o, "server", st->server);
		put_text(o, "state",
		    st->out_why == REASON_NONE ? "in rotation" : reason_name(st->out_why));
		put_text(o, "version", st->version);
		put_text(o, "definitions", st->definitions);
		put_number(o, "busy", st->busy);
		put_number(o, "idle", st->idle);
		put_number(o, "served", st->served);
		put_number(o, "failed", st->failed);
		put_number(o, "connects", st->connects);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
engine_object(struct engine *e)
{
	g_autofree char *definitions = engine_definitions(e);
	const bool embedded = (e->ops->caps & ENGINE_CAP_WORKER) != 0 && e->workers != NULL;
	struct proto_ready ready = { 0 };
	bool is_ready = !embedded || workers_ready_info(e->workers, &ready);
	json_t *servers = e->upstream != NULL ? servers_array(e->upstream, &is_ready) : NULL;
	g_autofree char *age = age_text(e->conf, ready.definitions_time);
	json_t *o = json_object();

	put_text(o, "title", e->title);
	put_text(o, "kind", e->ops->name);
	put_text(o, "enabled", conf_enabled_name(e->conf->enabled));
	put_bool(o, "ready", is_ready);
	put_text(o, "definitions", definitions);
	if (servers != NULL)
		json_object_set_new(o, "servers", servers);
	if (!embedded || !is_ready)
		return o;
	put_text(o, "version", ready.engine_version);
	put_number(o, "signatures", ready.signatures);
	put_number(o, "definitions_time", (uint64_t)ready.definitions_time);
	put_text(o, "age", age);
	json_object_set_new(o, "sandbox", sandbox_object(ready.sandbox));
	return o;
}

static json_t *
engines(void *arg, const struct control_request *rq, GError **err)
{
	AUTO(snapshot_unref) struct snapshot *snap = current(arg, err);
	json_t *list;

	(void)rq;
	if (snap == NULL)
		return NULL;
	list = json_array();
	for (guint i = 0; i < snap->engines->list->len; i++)
		json_array_append_new(
		    list, engine_object(g_ptr_array_index(snap->engines->list, i)));
	return json_pack("{s:o}", "engines", list);
}

static json_t *
version(void *arg, const struct control_request *rq, GError **err)
{
	json_t *o = engines(arg, rq, err);

	if (o != NULL)
		json_object_set_new(o, "avmilter", json_string(AVM_VERSION));
	return o;
}

static json_t *
scan(void *arg, const struct control_request *rq, GError **err)
{
	struct server *s = arg;
	AUTO(snapshot_unref) struct snapshot *snap = current(s, err);

	if (snap == NULL)
		return NULL;
	if (rq->fd < 0 || rq->words[1] == NULL) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "scan: needs a label and the descriptor of a file");
		return NULL;
	}
	return testmail_scan(
	    snap, s->milter.budget, rq->fd, rq->words[1], &s->milter.cut_ms, true, err);
}

static json_t *
reload(void *arg, const struct control_request *rq, GError **err)
{
	(void)arg;
	(void)rq;
	(void)err;
	server_ask_reload();
	return json_pack("{s:s}", "reload", "asked for; the log tells how it went");
}

/* What serves now, at the end of an answer. */
static void
put_loaded(json_t *o, const struct snapshot *snap)
{
	const struct conf_engine *e = generation_embedded(snap->conf);
	struct proto_ready ready;

	if (e == NULL || snapshot_workers(snap) == NULL ||
	    !workers_ready_info(snapshot_workers(snap), &ready))
		return;
	g_autofree char *age = age_text(e, ready.definitions_time);

	put_text(o, "version", ready.engine_version);
	put_number(o, "signatures", ready.signatures);
	put_number(o, "definitions", ready.definitions);
	put_number(o, "definitions_time", (uint64_t)ready.definitions_time);
	put_text(o, "age", age);
}

static json_t *
update(void *arg, const struct control_request *rq, GError **err)
{
	struct server *s = arg;
	AUTO(snapshot_unref) struct snapshot *before = current(s, err), *after = NULL;
	const bool quiet = rq->words[1] != NULL && strcmp(rq->words[1], "-q") == 0;
	const char *outcome;
	json_t *o;

	if (before == NULL)
		return NULL;
	if ((rq->words[1] != NULL && !quiet) || generation_embedded(before->conf) == NULL) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    generation_embedded(before->conf) != NULL
			? "update: takes nothing, or -q"
			: "update: no engine of this configuration has definitions here");
		return NULL;
	}
	snapshot_unref(&before); /* a reload may happen meanwhile */
	outcome = updates_run(s->updates, quiet ? NULL : rq->say, rq->say_arg, err);
	if (outcome == NULL || (after = current(s, err)) == NULL)
		return NULL;
	o = json_pack("{s:s}", "update", outcome);
	put_loaded(o, after);
	return o;
}

static json_t *
set_log(void *arg, const struct control_request *rq, GError **err)
{
	enum log_level level;

	(void)arg;
	if (rq->words[1] == NULL || !log_level_parse(rq->words[1], &level)) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "log: \"%s\" is no level; err, warning, notice, info, debug",
		    rq->words[1] != NULL ? rq->words[1] : "");
		return NULL;
	}
	log_set_level(level);
	log_notice("log level is %s now, until the next reload", log_level_name(level));
	return json_pack("{s:s}", "level", log_level_name(level));
}

static json_t *
cache(void *arg, const struct control_request *rq, GError **err)
{
	struct server *s = arg;

	return console_cache(s->memory, rq->words + 1, rq->may_act, err);
}

static json_t *
alert(void *arg, const struct control_request *rq, GError **err)
{
	struct server *s = arg;

	return console_alert(s->alerts, rq->words + 1, &s->milter.cut_ms, err);
}

static json_t *
explain(void *arg, const struct control_request *rq, GError **err)
{
	AUTO(snapshot_unref) struct snapshot *snap = current(arg, err);

	return snap != NULL ? console_explain(snap, rq->words + 1, err) : NULL;
}

static json_t *
selftest(void *arg, const struct control_request *rq, GError **err)
{
	struct server *s = arg;
	AUTO(snapshot_unref) struct snapshot *snap = current(s, err);

	return snap != NULL
	    ? console_selftest(snap, s->milter.budget, rq->words + 1, &s->milter.cut_ms, err)
	    : NULL;
}

static json_t *
quarantine(void *arg, const struct control_request *rq, GError **err)
{
	return console_quarantine(arg, rq, err);
}

static json_t *
allow(void *arg, const struct control_request *rq, GError **err)
{
	struct server *s = arg;
	AUTO(snapshot_unref) struct snapshot *snap = current(s, err);

	json_t *o = NULL;

	if (snap != NULL)
		o = console_allow(
		    atomic_load(&s->milter.quarantine), snap->conf, rq->words + 1, time(NULL), err);
	if (o != NULL)
		log_notice("allow: %s: uid %u asked what lets it pass",
		    json_string_value(json_object_get(o, "ref")), (unsigned)rq->uid);
	return o;
}

static json_t *
top(void *arg, const struct control_request *rq, GError **err)
{
	if (rq->words[1] == NULL)
		return numbers_overview(arg, err);
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "top: takes nothing");
	return NULL;
}

const struct control_commands console_commands = {
	.status = status,
	.stats = stats,
	.top = top,
	.version = version,
	.engines = engines,
	.scan = scan,
	.reload = reload,
	.update = update,
	.log = set_log,
	.quarantine = quarantine,
	.allow = allow,
	.cache = cache,
	.alert = alert,
	.explain = explain,
	.selftest = selftest,
};
