/*
 * reload - a new configuration under a running daemon
 *
 * A broken file changes nothing. Keys that only a restart can change are named and wait for it.
 * Mail in hand ends under the snapshot that it began with. When the scanning processes have to be
 * started anew, the old snapshot serves until the new ones have loaded, so that no mail waits for
 * it.
 */
#include "base/deadline.h"
#include "base/log.h"
#include "daemon/folders.h"
#include "daemon/generation.h"
#include "daemon/notify.h"
#include "daemon/scene.h"
#include "daemon/server.h"
#include "daemon/store.h"
#include "daemon/web.h"

/* How often a reload that does not get ready is complained about. */
#define REPORT_MS 60000

static void
log_lines(enum log_level level, const char *prefix, char *const *lines)
{
	for (; lines != NULL && *lines != NULL; lines++)
		if ((*lines)[0] != '\0')
			log_msg(level, "%s%s", prefix, *lines);
}

static void
log_error_lines(const char *prefix, const GError *err)
{
	g_auto(GStrv) lines = g_strsplit(err->message, "\n", -1);

	log_lines(LOGLV_ERR, prefix, lines);
}

static void
put_in_use(struct server *s, struct snapshot *snap)
{
	const unsigned number = snap->number;

	log_set_level((enum log_level)snap->conf->log.level);
	scene_apply(s, snap->conf);
	memory_apply(s->memory, snap->conf);
	quarantine_apply(atomic_load(&s->milter.quarantine), snap->conf);
	snapshot_slot_set(&s->milter.slot, snap);
	web_apply(s, snap->conf);
	log_notice("configuration %u of %s is in use", number, s->options->config);
	updates_wake(s->updates);
	notify_ready("serving");
}

static void
forget_next(struct server *s)
{
	if (s->next != NULL)
		log_notice("configuration %u is replaced before it came into use", s->next->number);
	snapshot_unref(&s->next);
}

static struct snapshot *
build(struct server *s, bool *fresh)
{
	g_autoptr(GError) err = NULL;
	struct snapshot *old = snapshot_slot_get(&s->milter.slot), *snap = NULL;
	const struct heritage from = { s->latest, old, s->next, s->memory };
	struct conf *conf = options_load(s->options, &err);

	if (conf != NULL) {
		g_auto(GStrv) restart = conf_needs_restart(s->started, conf);

		log_lines(LOGLV_WARNING, "reload: needs a restart: ", restart);
		log_lines(LOGLV_WARNING, "reload: ", conf_warnings(conf));
		if (folders_make(conf, s->identity, &err) && store_open(s, conf, &err))
			snap = generation_build(
			    conf_ref(conf), &from, s->options->test_engines, fresh, &err);
		conf_unref(&conf);
	}
	if (snap == NULL) {
		log_error_lines("reload: ", err);
		log_err("reload: the configuration in use stays, correct %s and send HUP again",
		    s->options->config);
	}
	snapshot_unref(&old);
	return snap;
}

void
server_reload(struct server *s)
{
	struct snapshot *snap;
	bool fresh = false;

	log_notice("reload: reading %s", s->options->config);
	notify_reloading();
	log_reopen();
	snap = build(s, &fresh);
	if (snap == NULL) {
		notify_ready("serving; the last reload failed, see the log");
		return;
	}
	s->latest = snap->number;
	forget_next(s);
	if (!fresh) {
		put_in_use(s, snap);
		return;
	}
	s->next = snap;
	s->next_report_ms = now_ms() + REPORT_MS;
	log_notice("reload: configuration %u waits for its scanning processes, the old one serves "
		   "meanwhile",
	    snap->number);
	notify_ready("serving; new scanning processes load");
}

bool
server_tend(struct server *s)
{
	struct proto_ready ready;

	if (s->next == NULL)
		return false;
	if (workers_ready_info(snapshot_workers(s->next), &ready)) {
		struct snapshot *snap = s->next;

		s->next = NULL;
		put_in_use(s, snap);
		return false;
	}
	if (now_ms() >= s->next_report_ms) {
		g_autoptr(GError) err = NULL;
		struct wait none;

		s->next_report_ms = now_ms() + REPORT_MS;
		wait_init(&none, deadline_in(0), REPORT_MS, NULL, NULL);
		if (!workers_wait_ready(snapshot_workers(s->next), &none, &err))
			log_err(
			    "reload: configuration %u still waits for its scanning processes: %s",
			    s->next->number, err->message);
	}
	return true;
}
