/* console - see console.h */
#include "daemon/console.h"

#include <string.h>
#include <time.h>

#include "base/deadline.h"
#include "base/fsx.h"
#include "base/log.h"
#include "daemon/server.h"
#include "daemon/testmail.h"
#include "message/spool.h"

#define DAY_SECONDS 86400

static struct snapshot *
current(struct server *s, GError **err)
{
	struct snapshot *snap = snapshot_slot_get(&s->milter.slot);

	if (snap == NULL)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_AGAIN, "avmilter is starting or stopping");
	return snap;
}

static json_t *
count(const atomic_uint_fast64_t *n)
{
	return json_integer((json_int_t)atomic_load(n));
}

static json_t *
workers_object(struct workers *w)
{
	struct workers_stats st = { 0 };

	if (w == NULL)
		return json_null();
	workers_stats(w, &st);
	return json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I}", "ready", (int)st.ready, "busy", (int)st.busy, "waiting", (int)st.waiting,
	    "spare", (int)st.spare, "restarts", (json_int_t)st.restarts, "killed", (json_int_t)st.killed, "crashed", (json_int_t)st.crashed,
	    "generations", (json_int_t)st.generations);
}

static json_t *
status(void *arg, const struct control_request *rq, GError **err)
{
	struct server *s = arg;
	AUTO(snapshot_unref) struct snapshot *snap = current(s, err);
	struct proto_ready ready;
	const struct workers *w = snap != NULL ? snapshot_workers(snap) : NULL;

	(void)rq;
	if (snap == NULL)
		return NULL;
	return json_pack("{s:b, s:b, s:b, s:I, s:s, s:i, s:s, s:i, s:i, s:i, s:I, s:I, s:o}",
	    "serving", !atomic_load(&s->milter.draining),
	    "ready", w == NULL || workers_ready_info(snapshot_workers(snap), &ready),
	    "draining", atomic_load(&s->milter.draining),
	    "uptime", (json_int_t)((now_ms() - s->started_ms) / 1000),
	    "configuration", s->options->config,
	    "configuration_number", (int)snap->number,
	    "socket", s->started->socket,
	    "sessions", (int)atomic_load(&s->milter.sessions),
	    "messages_in_hand", (int)atomic_load(&s->milter.pending),
	    "ends_of_message", (int)atomic_load(&s->milter.in_eom),
	    "spool_bytes", (json_int_t)spool_budget_used(s->milter.budget),
	    "kicks", (json_int_t)atomic_load(&s->milter.kick.sent),
	    "workers", workers_object(snapshot_workers(snap)));
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
		json_object_set_new(o, verdict_class_name((enum verdict_class)i), count(&st->classes[i]));
	return o;
}

static json_t *
by_action(const struct stats *st)
{
	json_t *o = json_object();

	for (int i = 0; i < ACTION_COUNT; i++)
		json_object_set_new(o, action_name((enum action)i), count(&st->actions[i]));
	return o;
}

static json_t *
stats(void *arg, const struct control_request *rq, GError **err)
{
	struct server *s = arg;
	struct stats *st = &s->milter.stats;

	if (rq->words[1] != NULL) {
		if (strcmp(rq->words[1], "reset") != 0 || !rq->may_act) {
			g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "stats: takes nothing, or reset from root and the daemon's own user");
			return NULL;
		}
		stats_reset(st);
	}
	return json_pack("{s:I, s:o, s:o, s:o, s:i, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "seconds", (json_int_t)((now_ms() - atomic_load(&st->since_ms)) / 1000),
	    "messages_checked", count(&st->messages),
	    "parts_checked", count(&st->objects),
	    "viruses_detected", count(&st->viruses),
	    "viruses_cured", 0,	/* action repair is not there yet, and is refused in the configuration */
	    "average_ms_per_message", average_ms(st, &st->messages),
	    "average_ms_per_part", average_ms(st, &st->objects),
	    "bytes", count(&st->bytes),
	    "skipped", count(&st->skipped),
	    "aborted", count(&st->aborted),
	    "effects_failed", count(&st->effects_failed),
	    "connections", count(&st->sessions),
	    "classes", by_class(st),
	    "actions", by_action(st));
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
engine_object(struct engine *e)
{
	g_autofree char *definitions = e->ops->definitions != NULL ? e->ops->definitions(e) : NULL;
	struct proto_ready ready = { 0 };
	const bool embedded = (e->ops->caps & ENGINE_CAP_WORKER) != 0 && e->workers != NULL;
	const bool is_ready = !embedded || workers_ready_info(e->workers, &ready);
	g_autofree char *age = age_text(e->conf, ready.definitions_time);
	json_t *o = json_pack("{s:s, s:s, s:s, s:b, s:s?}", "title", e->title, "kind", e->ops->name, "enabled",
	    conf_enabled_name(e->conf->enabled), "ready", is_ready, "definitions", definitions);

	if (!embedded || !is_ready)
		return o;
	json_object_set_new(o, "version", json_string(ready.engine_version));
	json_object_set_new(o, "signatures", json_integer((json_int_t)ready.signatures));
	json_object_set_new(o, "definitions_time", json_integer((json_int_t)ready.definitions_time));
	json_object_set_new(o, "age", json_string(age));
	json_object_set_new(o, "sandbox", json_pack("{s:b, s:b, s:b}", "seccomp", ready.sandbox & 1u, "landlock", ready.sandbox & 2u, "rlimits",
	    ready.sandbox & 4u));
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
		json_array_append_new(list, engine_object(g_ptr_array_index(snap->engines->list, i)));
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
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "scan: needs a label and the descriptor of a file");
		return NULL;
	}
	return testmail_scan(snap, s->milter.budget, rq->fd, rq->words[1], err);
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

static json_t *
update(void *arg, const struct control_request *rq, GError **err)
{
	AUTO(snapshot_unref) struct snapshot *snap = current(arg, err);

	(void)rq;
	if (snap == NULL)
		return NULL;
	if (snapshot_workers(snap) == NULL) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "update: no engine of this configuration has definitions here");
		return NULL;
	}
	workers_reload(snapshot_workers(snap));
	return json_pack("{s:s}", "update", "the definitions are loaded beside those in use; the log tells how it went");
}

static json_t *
set_log(void *arg, const struct control_request *rq, GError **err)
{
	enum log_level level;

	(void)arg;
	if (rq->words[1] == NULL || !log_level_parse(rq->words[1], &level)) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "log: \"%s\" is no level; err, warning, notice, info, debug",
		    rq->words[1] != NULL ? rq->words[1] : "");
		return NULL;
	}
	log_set_level(level);
	log_notice("log level is %s now, until the next reload", log_level_name(level));
	return json_pack("{s:s}", "level", log_level_name(level));
}

const struct control_commands console_commands = {
	.status = status,
	.stats = stats,
	.version = version,
	.engines = engines,
	.scan = scan,
	.reload = reload,
	.update = update,
	.log = set_log,
};
