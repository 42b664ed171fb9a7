/* updates - see updates.h */
#include "daemon/updates.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/deadline.h"
#include "base/events.h"
#include "base/fsx.h"
#include "base/log.h"
#include "daemon/generation.h"
#include "daemon/updates_in.h"

#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)
#define DAY_MS    ((int64_t)24 * 60 * MINUTE_MS)
/* After a poll(2) that failed (ENOMEM): it is not to become a busy loop. */
#define RETRY_US 20000

static const struct updates_clock usual = {
	.settle_ms = 5 * SECOND_MS,
	.gap_ms = MINUTE_MS,
	.look_ms = MINUTE_MS,
	.retry_ms = 10 * MINUTE_MS,
	.fetch_ms = 30 * MINUTE_MS,
	.kill_ms = 5 * SECOND_MS,
	.age_ms = MINUTE_MS,
	.tell_ms = DAY_MS,
};

struct updates *
updates_new(struct snapshot_slot *slot, unsigned hurry)
{
	struct updates *u = g_new0(struct updates, 1);
	const int64_t h = MAX(hurry, 1);

	u->slot = slot;
	u->clock = (struct updates_clock){ usual.settle_ms / h, usual.gap_ms / h, usual.look_ms / h,
		usual.retry_ms / h, usual.fetch_ms / h, usual.kill_ms / h, usual.age_ms / h,
		usual.tell_ms / h };
	u->wake = -1;
	u->settled_at = u->look_at = u->retry_at = u->interval_at = INT64_MAX;
	u->listeners = g_ptr_array_new();
	u->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	pthread_mutex_init(&u->mu, NULL);
	cond_init(&u->changed);
	return u;
}

void
updates_free(struct updates **up)
{
	struct updates *u = *up;

	*up = NULL;
	if (u == NULL)
		return;
	watch_free(&u->watch);
	g_free(u->path);
	g_free(u->command);
	g_free(u->counts.last_error);
	g_ptr_array_unref(u->listeners);
	g_hash_table_unref(u->told);
	pthread_cond_destroy(&u->changed);
	pthread_mutex_destroy(&u->mu);
	fd_close(&u->wake);
	g_free(u);
}

/* When the next update is due: at once for a folder that is empty or has not changed for longer
 * than the interval, if there is a command that may mend that. */
static int64_t
first_interval(const struct updates *u, const struct watch_look *look, int64_t now)
{
	const int64_t age =
	    look->files > 0 ? ((int64_t)time(NULL) - look->newest) * SECOND_MS : u->interval_ms;

	if (u->interval_ms == 0)
		return INT64_MAX;
	return u->command[0] != '\0' ? now + MAX(u->interval_ms - MAX(age, 0), 0)
				     : now + u->interval_ms;
}

/* Take over the settings of a snapshot that we do not know yet. */
static void
take_settings(struct updates *u, const struct conf_engine *e, int64_t now)
{
	const bool moved = g_strcmp0(u->path, e != NULL ? e->clamav.database : NULL) != 0;
	const bool other = e != NULL &&
	    (moved || u->interval_ms != e->clamav.update_interval ||
		g_strcmp0(u->command, e->clamav.update_command) != 0);
	struct watch_look look;

	g_free(u->command);
	u->command = g_strdup(e != NULL ? e->clamav.update_command : "");
	u->interval_ms = e != NULL ? e->clamav.update_interval : 0;
	if (moved) {
		g_free(u->path);
		u->path = e != NULL ? g_strdup(e->clamav.database) : NULL;
		watch_free(&u->watch);
		u->settled_at = u->look_at = u->retry_at = INT64_MAX;
	}
	if (e == NULL)
		return;
	if (u->watch == NULL)
		u->watch = watch_new(u->path);
	run_look(u, &look);
	if (moved) /* the workers load it at this moment; what changes from now on is for us to notice */
		memcpy(u->acted, look.print, sizeof(u->acted));
	u->look_at = now + u->clock.look_ms;
	if (other)
		u->interval_at = first_interval(u, &look, now);
}

static void
follow(struct updates *u, int64_t now)
{
	struct snapshot *snap = snapshot_slot_get(u->slot);

	if (snap != NULL && snap->number != u->number) {
		u->number = snap->number;
		take_settings(u, generation_embedded(snap->conf), now);
	}
	snapshot_unref(&snap);
}

static void
look_now(struct updates *u, bool told, int64_t now)
{
	struct watch_look look;

	if (run_look(u, &look) || told)
		u->settled_at = now + u->clock.settle_ms;
	u->look_at = now + u->clock.look_ms;
}

/* A change has settled. */
static bool
is_due(struct updates *u, int64_t now)
{
	struct watch_look look;

	if (now < u->settled_at || now < u->free_at)
		return false;
	u->settled_at = INT64_MAX;
	run_look(u, &look);
	return memcmp(look.print, u->acted, sizeof(u->acted)) != 0;
}

/* Nothing is under way: is something due? */
static void
tick_idle(struct updates *u, int64_t now, int64_t *next)
{
	bool wanted;

	pthread_mutex_lock(&u->mu);
	wanted = u->wanted > u->started;
	pthread_mutex_unlock(&u->mu);
	if (wanted || (u->path != NULL && now >= u->interval_at)) {
		u->interval_at = u->interval_ms > 0 ? now + u->interval_ms : INT64_MAX;
		run_begin(u, true, true, now);
	} else if (u->path != NULL && is_due(u, now)) {
		log_info("update: the files in %s have changed", u->path);
		run_begin(u, false, false, now);
	} else if (u->path != NULL && now >= u->retry_at) {
		run_begin(u, false, false, now);
	}
	if (u->stage != RUN_NONE) {
		*next = now;
		return;
	}
	*next = MIN(*next, MIN(u->interval_at, u->retry_at));
	if (u->settled_at < INT64_MAX)
		*next = MIN(*next, MAX(u->settled_at, u->free_at));
}

static void
tick_look(struct updates *u, int64_t now, int64_t *next)
{
	bool wanted;

	pthread_mutex_lock(&u->mu);
	wanted = u->look_wanted;
	u->look_wanted = false;
	pthread_mutex_unlock(&u->mu);
	if (u->watch == NULL)
		return;
	if (watch_hear(u->watch))
		look_now(u, true, now);
	else if (wanted || now >= u->look_at)
		look_now(u, false, now);
	*next = MIN(*next, u->look_at);
}

static int64_t
tick(struct updates *u)
{
	const int64_t now = now_ms();
	int64_t next = INT64_MAX;

	follow(u, now);
	tick_look(u, now, &next);
	run_tick(u, now, &next);
	age_tick(u, now, &next);
	if (u->stage == RUN_NONE)
		tick_idle(u, now, &next);
	return next;
}

static void
sleep_until(struct updates *u, int64_t next)
{
	const int64_t left = next == INT64_MAX ? -1 : MAX(next - now_ms(), 0);
	struct pollfd fds[] = {
		{ .fd = u->wake, .events = POLLIN },
		{ .fd = u->watch != NULL ? watch_fd(u->watch) : -1, .events = POLLIN },
		{ .fd = u->fetch != NULL ? fetch_output(u->fetch) : -1, .events = POLLIN },
		{ .fd = u->fetch != NULL ? fetch_pidfd(u->fetch) : -1, .events = POLLIN },
	};
	eventfd_t count;

	if (poll(fds, G_N_ELEMENTS(fds), (int)MIN(left, INT_MAX)) < 0 && errno != EINTR)
		g_usleep(RETRY_US);
	if (fds[0].revents != 0)
		eventfd_read(u->wake, &count);
}

static bool
is_stopping(struct updates *u)
{
	bool stopping;

	pthread_mutex_lock(&u->mu);
	stopping = u->stopping;
	pthread_mutex_unlock(&u->mu);
	return stopping;
}

static void *
watch_over(void *arg)
{
	struct updates *u = arg;

	while (!is_stopping(u))
		sleep_until(u, tick(u));
	run_abandon(u);
	return NULL;
}

bool
updates_start(struct updates *u, GError **err)
{
	u->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (u->wake < 0)
		return fsx_fail(err, "updates", "eventfd");
	errno = pthread_create(&u->thread, NULL, watch_over, u);
	if (errno != 0)
		return fsx_fail(err, "updates", "start a thread");
	u->started_thread = true;
	return true;
}

void
updates_stop(struct updates *u)
{
	if (u == NULL)
		return;
	pthread_mutex_lock(&u->mu);
	u->stopping = true;
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->mu);
	if (!u->started_thread)
		return;
	eventfd_write(u->wake, 1);
	pthread_join(u->thread, NULL);
	u->started_thread = false;
}

void
updates_wake(struct updates *u)
{
	if (u == NULL || u->wake < 0)
		return;
	pthread_mutex_lock(&u->mu);
	u->look_wanted = true;
	pthread_mutex_unlock(&u->mu);
	eventfd_write(u->wake, 1);
}

/* Say what has come for us. Locks: mu held, given up meanwhile. */
static void
pass_on(struct updates *u, struct listener *me, updates_say *say, void *arg)
{
	while (!g_queue_is_empty(&me->lines)) {
		g_autofree char *line = g_queue_pop_head(&me->lines);

		pthread_mutex_unlock(&u->mu);
		if (say != NULL)
			say(arg, line);
		pthread_mutex_lock(&u->mu);
	}
}

const char *
updates_run(struct updates *u, updates_say *say, void *arg, GError **err)
{
	struct listener me = { .lines = G_QUEUE_INIT };
	const char *outcome = NULL;
	uint64_t mine;

	pthread_mutex_lock(&u->mu);
	mine = u->fetching ? u->started : u->started + 1;
	u->wanted = MAX(u->wanted, mine);
	g_ptr_array_add(u->listeners, &me);
	eventfd_write(u->wake, 1);
	while (u->done < mine && !u->stopping) {
		pass_on(u, &me, say, arg);
		if (u->done < mine && !u->stopping && g_queue_is_empty(&me.lines))
			pthread_cond_wait(&u->changed, &u->mu);
	}
	pass_on(u, &me, say, arg);
	if (u->done >= mine)
		outcome = u->outcome;
	if (outcome == NULL)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "update: %s",
		    u->done < mine                     ? "avmilter is stopping"
			: u->counts.last_error != NULL ? u->counts.last_error
						       : "failed");
	g_ptr_array_remove(u->listeners, &me);
	pthread_mutex_unlock(&u->mu);
	return outcome;
}

void
updates_stats(struct updates *u, struct updates_stats *out)
{
	pthread_mutex_lock(&u->mu);
	*out = u->counts;
	out->last_error = g_strdup(u->counts.last_error);
	pthread_mutex_unlock(&u->mu);
}
