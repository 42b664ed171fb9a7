/* server - see server.h */
#include "daemon/server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/events.h"
#include "base/fsx.h"
#include "base/log.h"
#include "base/net.h"
#include "daemon/console.h"
#include "daemon/folders.h"
#include "daemon/generation.h"
#include "daemon/notify.h"
#include "daemon/scene.h"
#include "daemon/socket.h"
#include "daemon/store.h"
#include "daemon/web.h"
#include "effect/seal.h"
#include "milter/control_thread.h"

/* How long libmilter's thread may take to start, and how often that is looked at. */
#define START_MS 10000
#define POLL_MS  20
#define LOOK_US  2000

#define MS_PER_SECOND 1000

static bool
open_control(struct server *s, GError **err)
{
	const struct conf_control *c = &s->started->control;
	AUTO(endpoint_free) struct endpoint *e = NULL;
	gid_t group;
	int fd;

	if (c->socket[0] == '\0')
		return true;
	e = endpoint_parse(c->socket, err);
	if (e == NULL)
		return false;
	if (e->family != ENDPOINT_UNIX) {
		g_set_error(err, SOCKET_ERROR, SOCKET_E_FAILED,
		    "control.socket = \"%s\": must be a unix socket, unix:PATH", c->socket);
		return false;
	}
	if (!socket_group(c->group, &group, err))
		return false;
	fd = socket_open_unix(e->path, s->identity->uid, group, c->mode, err);
	if (fd < 0)
		return false;
	s->control = control_new(fd, e->path);
	return true;
}

static int
fault_code(const GError *err)
{
	if (g_error_matches(err, SOCKET_ERROR, SOCKET_E_BUSY))
		return EX_UNAVAILABLE;
	return EX_OSERR;
}

/* Lines that spare the operator a look into the manual. */
static void
log_advice(const struct conf *conf)
{
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);

	socket_advice(conf, notes, warnings);
	for (guint i = 0; i < notes->len; i++)
		log_notice("%s", (const char *)g_ptr_array_index(notes, i));
	for (guint i = 0; i < warnings->len; i++)
		log_warn("%s", (const char *)g_ptr_array_index(warnings, i));
	for (char *const *w = conf_warnings(conf); *w != NULL; w++)
		log_warn("%s", *w);
}

/* Root has made the log file; after a logrotate the user must be able to open it again. */
static void
own_log_file(const struct server *s)
{
	const char *path = s->started->log.target;
	AUTO(fd_close) int fd = -1;
	struct stat st;

	if (path[0] != '/' || geteuid() != 0 || s->identity->uid == 0)
		return;
	fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    st.st_nlink != 1)
		return;
	if (fchown(fd, s->identity->uid, s->identity->gid) != 0)
		log_warn(
		    "%s: cannot be given to user %s, who will not be able to open it again: %s",
		    path, s->identity->name, g_strerror(errno));
}

int
server_open(struct server *s, const struct options *o, struct conf *conf, GError **err)
{
	AUTO(endpoint_free) struct endpoint *own = NULL;

	memset(s, 0, sizeof(*s));
	s->options = o;
	s->started = conf;
	s->started_ms = now_ms();
	own = endpoint_parse(conf->socket, err);
	if (own == NULL)
		return EX_CONFIG;
	if (!milter_init(&s->milter, &mta_libmilter, own, err))
		return EX_CONFIG;
	s->identity = identity_for_process(conf->user, err);
	if (s->identity == NULL)
		return EX_NOUSER;
	own_log_file(s);
	if (s->identity->uid == 0)
		log_warn("user = \"root\": nothing stands between a fault of this program and the "
			 "whole machine");
	if (!folders_make(conf, s->identity, err))
		return EX_CANTCREAT;
	if (!milter_register(&s->milter) ||
	    !socket_open_milter(conf, s->identity, &s->socket_file, err) || !open_control(s, err))
		return *err != NULL ? fault_code(*err) : EX_SOFTWARE;
	if (conf->pid_file[0] != '\0') {
		s->pidfile = pidfile_take(conf->pid_file, err);
		if (s->pidfile == NULL)
			return EX_CANTCREAT;
	}
	s->memory = memory_new(conf, err);
	if (s->memory == NULL)
		return EX_CONFIG;
	if (conf->seal.key_file[0] != '\0') {
		s->milter.seal = seal_new(conf->seal.key_file, err);
		if (s->milter.seal == NULL)
			return EX_CONFIG;
	}
	s->alerts = s->milter.alerts = scene_alerts(s);
	s->updates = updates_new(&s->milter.slot, o->test_clock);
	log_advice(conf);
	return EX_OK;
}

static void *
run_milter(void *arg)
{
	struct server *s = arg;
	int rc = smfi_main();

	atomic_store(&s->milter_ended, true);
	if (rc != MI_SUCCESS)
		log_err("libmilter has ended by itself, see syslog");
	return NULL;
}

static bool
start_milter(struct server *s, GError **err)
{
	const int rc = pthread_create(&s->milter_thread, NULL, run_milter, s);

	if (rc != 0) {
		errno = rc;
		return fsx_fail(err, "libmilter", "start a thread");
	}
	s->milter_started = true;
	for (unsigned i = 0; !control_thread_prevented() && !atomic_load(&s->milter_ended) &&
	     i < START_MS * 1000 / LOOK_US;
	     i++)
		g_usleep(LOOK_US);
	if (!control_thread_prevented())
		log_err("libmilter has a signal thread of its own here: two signals in quick "
			"succession may stop this daemon");
	return true;
}

static const char *
plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

/*
 * GLib makes the number of an error domain, and a lock of its own, at their first use, in a way
 * that is harmless but that ThreadSanitizer cannot see through. Used once here, before the first
 * thread.
 */
static void
prepare_errors(void)
{
	const GQuark domains[] = { SPOOL_ERROR, WORKERS_ERROR, CONF_ERROR, SOCKET_ERROR,
		G_FILE_ERROR, NET_ERROR, QUARANTINE_ERROR };

	for (size_t i = 0; i < G_N_ELEMENTS(domains); i++)
		g_error_free(g_error_new_literal(domains[i], 0, ""));
}

int
server_start(struct server *s, GError **err)
{
	struct snapshot *snap;
	unsigned engines;
	bool fresh;

	prepare_errors();
	if (!privileges_drop(s->identity, err))
		return EX_NOPERM;
	if (!memory_start(s->memory, s->started, err))
		return EX_CONFIG;
	if (!store_open(s, s->started, err))
		return EX_CANTCREAT;
	snap = generation_build(conf_ref(s->started), &(struct heritage){ .memory = s->memory },
	    s->options->test_engines, &fresh, err);
	if (snap == NULL)
		return EX_CONFIG;
	if (!s->started->antivirus.enabled || snap->active == 0)
		log_warn("no engine is enabled: every mail passes, marked as skipped");
	engines = snap->active;
	if (!alerts_start(s->alerts, err)) {
		snapshot_unref(&snap);
		return EX_OSERR;
	}
	s->latest = snap->number;
	snapshot_slot_set(&s->milter.slot, snap);
	if (!start_milter(s, err) || !updates_start(s->updates, err))
		return EX_OSERR;
	if (s->control != NULL && !control_start(s->control, &console_commands, s, err))
		return EX_OSERR;
	web_apply(s, s->started);
	event_raise(EVENT_STARTUP, "avmilter %s starts as user %s on %s, %u engine%s", AVM_VERSION,
	    s->identity->name, s->started->socket, engines, plural(engines));
	notify_ready("serving");
	return EX_OK;
}

/* Messages whose end was sent before the signal may still be on their way through libmilter: serve
 * on that long. */
#define LATE_MS 200
/* After drain_time, for the answers to go out. */
#define CUT_WAIT_MS 3000
/* For alerts, before the mail in hand is finished and after it. */
#define ALERTS_MS      5000
#define ALERTS_REST_MS 1000

/* A short wait; true when INT says that it has lasted long enough. */
static bool
told_to_hurry(void)
{
	const struct timespec t = { .tv_nsec = POLL_MS * 1000000L };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	return sigtimedwait(&set, NULL, &t) == SIGINT;
}

/* Wait till the deadline, or, when asked for, till nothing is in hand. True when somebody is in a
 * hurry. */
static bool
await(struct server *s, struct deadline dl, bool until_drained)
{
	while (!deadline_passed(dl) && !(until_drained && milter_drained(&s->milter))) {
		if (told_to_hurry())
			return true;
		notify_alive();
	}
	return false;
}

/* Alerts that wait are sent now, as far as that is possible. */
static void
flush_alerts(struct server *s, int64_t ms)
{
	const struct deadline dl = deadline_in(ms);

	alerts_flush(s->alerts);
	while (!deadline_passed(dl) && !alerts_idle(s->alerts) && !told_to_hurry())
		notify_alive();
}

static void
drain(struct server *s)
{
	struct snapshot *snap = snapshot_slot_get(&s->milter.slot);
	const struct deadline dl = deadline_in(snap != NULL ? snap->conf->drain_time : 0);

	snapshot_unref(&snap);
	log_notice("stopping: %u message%s in hand", atomic_load(&s->milter.pending),
	    plural(atomic_load(&s->milter.pending)));
	if (await(s, deadline_in(LATE_MS), false))
		return;
	milter_drain(&s->milter);
	if (await(s, dl, true) || milter_drained(&s->milter))
		return;
	log_warn("stopping: drain_time is over with %u message%s in hand; they are answered 451",
	    atomic_load(&s->milter.pending), plural(atomic_load(&s->milter.pending)));
	milter_cut(&s->milter);
	(void)await(s, deadline_in(CUT_WAIT_MS), true);
}

void
server_stop(struct server *s, bool gently)
{
	const unsigned sessions = atomic_load(&s->milter.sessions);
	struct quarantine *q;

	notify_stopping();
	if (s->milter_started)
		event_raise(EVENT_SHUTDOWN, "avmilter is asked to end, after %" PRId64 " s",
		    (now_ms() - s->started_ms) / MS_PER_SECOND);
	if (gently && s->milter_started) {
		flush_alerts(s, ALERTS_MS); /* a relay may ask us about it: while we still serve */
		drain(s);
	}
	milter_cut(&s->milter); /* ends what the console is scanning */
	updates_stop(s->updates);
	web_stop(s);
	control_free(&s->control);
	updates_free(&s->updates);
	socket_file_remove(&s->socket_file);
	pidfile_drop(&s->pidfile);
	snapshot_unref(&s->next);
	snapshot_slot_set(
	    &s->milter.slot, NULL); /* its workers end here, when no message holds it */
	if (s->milter_started)
		milter_close(&s->milter);
	if (gently)
		flush_alerts(s, ALERTS_REST_MS);
	alerts_stop(s->alerts);
	if (sessions > 0)
		log_notice("avmilter ends with %u connection%s open", sessions, plural(sessions));
	else
		log_notice("avmilter ends");
	if (s->milter_started)
		return;
	q = atomic_exchange(&s->milter.quarantine, NULL);
	quarantine_close(&q);
	milter_clear(&s->milter);
	seal_free(&s->milter.seal);
	alerts_free(&s->alerts);
	memory_free(&s->memory);
	conf_unref(&s->started);
	identity_free(&s->identity);
}
