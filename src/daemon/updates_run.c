/*
 * updates_run - one run: the command, then the workers
 */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/deadline.h"
#include "base/events.h"
#include "base/fsx.h"
#include "base/log.h"
#include "daemon/updates_in.h"

#define MIB (1024 * 1024)
/* Free space that a fetch needs, by the size of what is there: freshclam writes new files beside the old ones. */
#define SPACE_FACTOR 2
/* How often a load is asked whether it is done. */
#define LOADING_LOOK_MS 100
/* A listener that does not listen. */
#define LINES_KEPT 1000
#define SECOND_MS  1000.0

bool
run_look(struct updates *u, struct watch_look *out)
{
	bool changed;

	watch_look(u->watch, out);
	changed = memcmp(out->print, u->seen, sizeof(u->seen)) != 0;
	memcpy(u->seen, out->print, sizeof(u->seen));
	return changed;
}

/* A line of progress, for the log and for whoever listens. */
static void
say(void *arg, const char *line)
{
	struct updates *u = arg;

	log_info("update: %s", line);
	pthread_mutex_lock(&u->mu);
	for (guint i = 0; i < u->listeners->len; i++) {
		struct listener *l = g_ptr_array_index(u->listeners, i);

		if (l->lines.length < LINES_KEPT)
			g_queue_push_tail(&l->lines, g_strdup(line));
	}
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->mu);
}

/* Something failed; the run goes on with what is left of it. */
static void
note_error(struct updates *u, const char *text)
{
	g_autofree char *before = u->error;

	u->error = before != NULL ? g_strdup_printf("%s; %s", before, text) : g_strdup(text);
}

static void
fail_fetch(struct updates *u, const char *text)
{
	event_raise(EVENT_UPDATE_ERROR, "update: %s", text);
	note_error(u, text);
}

static bool
has_space(struct updates *u)
{
	g_autofree char *text = NULL;
	struct watch_look look;
	struct statvfs fs;
	uint64_t free_bytes;

	watch_look(u->watch, &look);
	if (statvfs(watch_folder(u->watch), &fs) != 0)
		return true; /* the command will say what is wrong with the folder */
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes >= SPACE_FACTOR * look.bytes)
		return true;
	text = g_strdup_printf("%s: %" PRIu64 " MB are free and %" PRIu64
			       " MB needed (%d times the definitions): update_command is not run; "
			       "make room there",
	    watch_folder(u->watch), free_bytes / MIB, SPACE_FACTOR * look.bytes / MIB,
	    SPACE_FACTOR);
	fail_fetch(u, text);
	return false;
}

static void
begin_fetch(struct updates *u, int64_t now)
{
	g_autoptr(GError) err = NULL;

	pthread_mutex_lock(&u->mu);
	u->counts.commands++;
	pthread_mutex_unlock(&u->mu);
	log_info("update: running %s", u->command);
	u->fetch = fetch_start(u->command, say, u, &err);
	u->fetch_began = now;
	u->fetch_until = now + u->clock.fetch_ms;
	u->fetch_late = false;
	if (u->fetch == NULL)
		fail_fetch(u, err->message);
}

static void
set_stage(struct updates *u, enum run_stage stage)
{
	u->stage = stage;
	pthread_mutex_lock(&u->mu);
	u->fetching = stage == RUN_FETCHING && u->numbered;
	pthread_mutex_unlock(&u->mu);
}

static void
finish(struct updates *u, const char *outcome)
{
	set_stage(u, RUN_NONE);
	snapshot_unref(&u->snap);
	pthread_mutex_lock(&u->mu);
	u->counts.failures += u->error != NULL;
	g_free(u->counts.last_error);
	u->counts.last_error = g_steal_pointer(&u->error);
	u->outcome = u->counts.last_error == NULL ? outcome : NULL;
	if (u->numbered)
		u->done = u->started;
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->mu);
	u->numbered = false;
}

static void
begin_load(struct updates *u, int64_t now)
{
	struct watch_look look;

	run_look(u, &look);
	memcpy(u->acted, look.print, sizeof(u->acted));
	u->settled_at = u->retry_at = INT64_MAX;
	u->free_at = now + u->clock.gap_ms;
	u->snap = snapshot_slot_get(u->slot);
	if (u->snap == NULL || snapshot_workers(u->snap) == NULL) {
		note_error(u, "no engine of this configuration has definitions here");
		finish(u, NULL);
		return;
	}
	set_stage(u, RUN_LOADING);
	u->ticket = workers_reload(snapshot_workers(u->snap));
}

void
run_begin(struct updates *u, bool fetch, bool numbered, int64_t now)
{
	g_clear_pointer(&u->error, g_free);
	u->numbered = numbered;
	if (numbered) {
		pthread_mutex_lock(&u->mu);
		u->started++;
		u->wanted = MAX(u->wanted, u->started);
		pthread_mutex_unlock(&u->mu);
	}
	if (fetch && u->command[0] != '\0' && has_space(u))
		begin_fetch(u, now);
	if (u->fetch != NULL)
		set_stage(u, RUN_FETCHING);
	else
		begin_load(u, now);
}

static void
end_fetch(struct updates *u, const char *why, int64_t now)
{
	const double took = (double)(now - u->fetch_began) / SECOND_MS;
	g_autofree char *text = NULL;

	fetch_free(&u->fetch);
	if (why == NULL) {
		log_notice("update: %s ended well after %.1f s", u->command, took);
	} else {
		text = g_strdup_printf("%s: %s%s after %.1f s", u->command,
		    u->fetch_late ? "took too long: " : "", why, took);
		fail_fetch(u, text);
	}
	begin_load(u, now);
}

static void
tick_fetch(struct updates *u, int64_t now, int64_t *next)
{
	g_autofree char *why = NULL;

	fetch_read(u->fetch);
	if (fetch_ended(u->fetch, &why)) {
		end_fetch(u, why, now);
		return;
	}
	if (now >= u->fetch_until) {
		fetch_signal(u->fetch, u->fetch_late ? SIGKILL : SIGTERM);
		u->fetch_late = true;
		u->fetch_until = now + u->clock.kill_ms;
	}
	*next = MIN(*next, u->fetch_until);
}

static void
tick_load(struct updates *u, int64_t now, int64_t *next)
{
	g_autoptr(GError) err = NULL;
	g_autofree char *text = NULL;
	enum reload_outcome outcome;
	struct wait none;

	wait_init(&none, deadline_in(0), LOADING_LOOK_MS, NULL, NULL);
	if (!workers_reload_wait(
		snapshot_workers(u->snap), u->ticket, &none, &outcome, &text, &err)) {
		*next = MIN(*next, now + LOADING_LOOK_MS);
		return;
	}
	if (outcome == RELOADED_FAILED) {
		u->retry_at = now + u->clock.retry_ms;
		note_error(u, text != NULL ? text : "the definitions could not be loaded");
	}
	finish(u, outcome == RELOADED_NEW ? "loaded" : "unchanged");
}

void
run_tick(struct updates *u, int64_t now, int64_t *next)
{
	if (u->stage == RUN_FETCHING)
		tick_fetch(u, now, next);
	if (u->stage == RUN_LOADING)
		tick_load(u, now, next);
}

void
run_abandon(struct updates *u)
{
	fetch_free(&u->fetch);
	snapshot_unref(&u->snap);
	g_clear_pointer(&u->error, g_free);
	u->stage = RUN_NONE;
}
