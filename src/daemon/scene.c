/* scene - see scene.h */
#include "daemon/scene.h"

#include <inttypes.h>

#include "base/events.h"

static void
apply_kinds(const struct conf *conf)
{
	static const enum conf_log_kind of[EVENT_COUNT] = {
		[EVENT_CRASH] = KIND_CRASH,
		[EVENT_STARTUP] = KIND_STARTUP,
		[EVENT_SHUTDOWN] = KIND_SHUTDOWN,
		[EVENT_UPDATE] = KIND_UPDATE,
		[EVENT_UPDATE_ERROR] = KIND_UPDATE_ERROR,
		[EVENT_LOAD_EXCEEDED] = KIND_LOAD_EXCEEDED,
	};
	unsigned mask = 0;

	for (size_t i = 0; i < EVENT_COUNT; i++)
		mask |= conf_logs(conf, of[i]) ? 1u << i : 0;
	event_log_only(mask);
}

/* Called by the thread of the alerts. */
static void
look(void *arg, struct alert_scene *out)
{
	struct server *s = arg;
	AUTO(snapshot_unref) struct snapshot *snap = snapshot_slot_get(&s->milter.slot);
	struct workers *w = snap != NULL ? snapshot_workers(snap) : NULL;
	struct workers_stats st = { 0 };
	struct proto_ready ready;

	if (w == NULL)
		return;
	workers_stats(w, &st);
	out->waiting = st.waiting;
	if (workers_ready_info(w, &ready)) {
		g_autoptr(GDateTime) made = g_date_time_new_from_unix_utc(ready.definitions_time);
		g_autofree char *when =
		    made != NULL ? g_date_time_format(made, "%Y-%m-%d %H:%M:%S") : NULL;

		out->definitions = g_strdup_printf("%" PRIu64 " of %s UTC, %" PRIu64 " signatures",
		    ready.definitions, when != NULL ? when : "?", ready.signatures);
	}
}

struct alerts *
scene_alerts(struct server *s)
{
	apply_kinds(s->started);
	return alerts_new(s->started, s->milter.host, look, s);
}

void
scene_apply(struct server *s, const struct conf *conf)
{
	apply_kinds(conf);
	alerts_apply(s->alerts, conf);
}
