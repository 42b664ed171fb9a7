#include "scanner/zygote.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/auto.h"
#include "scanner/channel.h"
#include "scanner/clamav.h"
#include "scanner/loader.h"
#include "scanner/rehearsal.h"
#include "scanner/sandbox.h"
#include "scanner/scratch.h"
#include "scanner/settings.h"
#include "scanner/worker.h"

struct zygote {
	int sock;
	int children; /* signalfd for SIGCHLD */
	uint32_t seq; /* of the request at hand */
	bool urgent;  /* mail waits for the definitions */
	struct proto_settings settings;
	struct selftest *selftest;
	struct scratch *scratch;
	struct loaded loaded; /* engine NULL without PROTO_ENGINE */
	GPtrArray *warm;
	unsigned sandbox; /* what workers will have */
	uint32_t next_number;
	GHashTable *workers; /* pid -> number */
	struct packet *packet;
};

/* Tell the front why we cannot go on. */
static int
fail(const struct zygote *z, int code, const char *text)
{
	channel_text(z->sock, PROTO_FAILED, z->seq, text);
	return code;
}

static bool
take_signals(struct zygote *z, GError **err)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	sigset_t mask;

	for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	z->children = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (z->children < 0)
		g_set_error(
		    err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "signalfd: %s", g_strerror(errno));
	return z->children >= 0;
}

static bool
choose_sandbox(struct zygote *z, GError **err)
{
	z->sandbox = sandbox_offers();
	if (z->sandbox == SANDBOX_ALL || !(z->settings.flags & PROTO_REQUIRE_SANDBOX))
		return true;
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOSYS,
	    "sandbox = \"require\": this kernel offers no %s; boot with it, or set "
	    "sandbox = \"best\"",
	    z->sandbox & SANDBOX_LANDLOCK ? "seccomp"
					  : "landlock (kernel parameter lsm=landlock,...)");
	return false;
}

/* Wait for the loader. False when the front went away meanwhile. */
static bool
wait_loader(const struct zygote *z, const struct loader *l)
{
	struct pollfd fds[2] = { { .fd = loader_fd(l), .events = POLLIN },
		{ .fd = z->sock, .events = 0 } };

	for (;;) {
		int n = poll(fds, G_N_ELEMENTS(fds), -1);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && fds[0].revents)
			return true;
		if (n > 0 && fds[1].revents)
			return false;
	}
}

static bool
load(struct zygote *z, GError **err)
{
	g_autofree char *text = g_strdup_printf("loading %s", z->settings.database);

	channel_text(z->sock, PROTO_LOADING, z->seq, text);
	struct loader *l =
	    loader_start(&z->settings, z->selftest, scratch_path(z->scratch), z->sock, z->urgent);
	if (!l) {
		g_set_error(
		    err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot start the loading thread");
		return false;
	}
	if (!wait_loader(z, l)) {
		/* Nobody waits for the engine any more, and nothing in libclamav stops a load
		 * half-way: the thread still runs. */
		loader_abandon(l);
		scratch_remove(z->scratch);
		_exit(EX_OK);
	}
	return loader_join(&l, &z->loaded, err);
}

static bool
send_found(const struct zygote *z, const struct generation *g)
{
	struct proto_ready found = { .definitions = g->definitions, .definitions_time = g->time };
	struct iovec part = { &found, sizeof found };

	memcpy(found.generation, g->id, sizeof found.generation);
	return channel_send(z->sock, PROTO_FOUND, z->seq, &part, 1, NULL, 0);
}

/* CHECK. False and *err when the database is broken, false without when the front has gone. */
static bool
check(const struct zygote *z, GError **err)
{
	return rehearse(&z->settings, scratch_path(z->scratch), z->sock, err) == REHEARSAL_OK &&
	    channel_send(z->sock, PROTO_CHECKED, z->seq, NULL, 0, NULL, 0);
}

/* PROTO_ASK: tell what lies there, and wait for LOAD. False with *err when the database cannot be
 * read, without when the front has gone or wants nothing. */
static bool
ask(struct zygote *z, GError **err)
{
	struct generation g;
	uint16_t op;

	if (!loader_look(z->settings.database, &g, err) || !send_found(z, &g))
		return false;
	while (channel_recv(z->sock, z->packet) == CHANNEL_PACKET) {
		op = z->packet->head.op;
		packet_close(z->packet);
		z->urgent = op == PROTO_LOAD_NOW;
		if (op == PROTO_LOAD || op == PROTO_LOAD_NOW)
			return true;
		if (op != PROTO_CHECK || !check(z, err))
			return false;
	}
	return false;
}

static bool
send_ready(const struct zygote *z)
{
	struct proto_ready ready = { .sandbox = z->sandbox };
	struct iovec part = { &ready, sizeof ready };

	if (z->loaded.engine) {
		memcpy(ready.generation, z->loaded.generation.id, sizeof ready.generation);
		ready.signatures = clamav_signatures(z->loaded.engine);
		ready.definitions = z->loaded.generation.definitions;
		ready.definitions_time = z->loaded.generation.time;
		g_snprintf(ready.engine_version, sizeof ready.engine_version, "ClamAV %s",
		    clamav_version());
	}
	return channel_send(z->sock, PROTO_READY, z->seq, &part, 1, NULL, 0);
}

/* The child's half of a fork. */
static void
become_worker(struct zygote *z, uint32_t number, const char *tmpdir, int sock)
{
	struct worker_setup setup = { .settings = &z->settings,
		.engine = z->loaded.engine,
		.selftest = z->selftest,
		.tmpdir = tmpdir,
		.number = number,
		.sandbox = z->sandbox,
		.sock = sock,
		.zygote = z->sock };

	/* The lock on the scanner's folder stays open: it protects a worker that outlives us. */
	fd_close(&z->children);
	worker_run(&setup);
}

static bool
send_worker(struct zygote *z, uint32_t number, pid_t pid, int sock)
{
	struct proto_worker head = { .number = number, .pid = pid };
	struct iovec part = { &head, sizeof head };
	AUTO(fd_close) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int fds[] = { sock, pidfd };

	if (pidfd < 0) {
		kill(pid, SIGKILL);
		fail(z, EX_OSERR, "pidfd_open failed");
		return true;
	}
	return channel_send(z->sock, PROTO_WORKER, z->seq, &part, 1, fds, G_N_ELEMENTS(fds));
}

/* Make one worker. Returns false when the front is gone. */
static bool
do_fork(struct zygote *z)
{
	g_autoptr(GError) err = NULL;
	uint32_t number = ++z->next_number;
	AUTO(fd_close) int front = -1;
	AUTO(fd_close) int ours = -1;
	int pair[2];

	g_autofree char *tmpdir = scratch_worker(z->scratch, number, &err);
	if (!tmpdir) {
		fail(z, EX_CANTCREAT, err->message);
		/* our folder was taken away (somebody cleaned up): only a new zygote makes a new
		 * one */
		return access(scratch_path(z->scratch), F_OK) == 0;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) {
		front = pair[0];
		ours = pair[1];
	}
	pid_t pid = front >= 0 ? fork() : -1;
	if (pid == 0) {
		fd_close(&front);
		become_worker(z, number, tmpdir, ours);
	}
	if (pid < 0) {
		g_autofree char *text =
		    g_strdup_printf("cannot make worker %u: %s", number, g_strerror(errno));
		scratch_worker_remove(z->scratch, number, NULL);
		fail(z, EX_OSERR, text);
		return true;
	}
	g_hash_table_insert(z->workers, GINT_TO_POINTER(pid), GUINT_TO_POINTER(number));
	return send_worker(z, number, pid, front);
}

static void
report_exit(struct zygote *z, pid_t pid, int status, const struct rusage *ru)
{
	gpointer number = g_hash_table_lookup(z->workers, GINT_TO_POINTER(pid));
	struct proto_exit gone = { .number = GPOINTER_TO_UINT(number),
		.pid = pid,
		.status = status,
		.maxrss_kb = (uint64_t)ru->ru_maxrss };
	struct iovec part = { &gone, sizeof gone };
	g_autoptr(GError) err = NULL;

	gone.cpu_ms = (uint64_t)(ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000 +
	    (uint64_t)(ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) / 1000;
	channel_send(z->sock, PROTO_EXIT, 0, &part, 1, NULL, 0);
	g_hash_table_remove(z->workers, GINT_TO_POINTER(pid));
	if (!scratch_worker_remove(z->scratch, gone.number, &err))
		channel_log(z->sock, err->message);
}

static void
reap(struct zygote *z, int options)
{
	struct signalfd_siginfo drop;
	struct rusage ru;
	int status;
	pid_t pid;

	while (read(z->children, &drop, sizeof drop) > 0)
		continue;
	while (g_hash_table_size(z->workers) > 0 && (pid = wait4(-1, &status, options, &ru)) > 0)
		report_exit(z, pid, status, &ru);
}

/* One packet of the front. False when the dialogue is over. */
static bool
do_packet(struct zygote *z)
{
	bool go_on = false;

	if (channel_recv(z->sock, z->packet) != CHANNEL_PACKET)
		return false;
	z->seq = z->packet->head.seq;
	if (z->packet->head.op == PROTO_FORK && packet_body(z->packet, 0))
		go_on = do_fork(z);
	packet_close(z->packet);
	return go_on;
}

static void
serve(struct zygote *z)
{
	struct pollfd fds[2] = { { .fd = z->sock, .events = POLLIN },
		{ .fd = z->children, .events = POLLIN } };

	for (;;) {
		int n = poll(fds, G_N_ELEMENTS(fds), -1);
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0 && fds[1].revents)
			reap(z, WNOHANG);
		if (n > 0 && fds[0].revents && !do_packet(z))
			return;
	}
}

static void
stop_workers(struct zygote *z)
{
	GHashTableIter i;
	gpointer pid;

	g_hash_table_iter_init(&i, z->workers);
	while (g_hash_table_iter_next(&i, &pid, NULL))
		kill(GPOINTER_TO_INT(pid), SIGKILL);
	reap(z, 0);
}

/* The first packet, and all that must be in place before the first fork. */
static int
set_up(struct zygote *z)
{
	g_autoptr(GError) err = NULL;

	if (channel_recv(z->sock, z->packet) != CHANNEL_PACKET)
		return EX_PROTOCOL;
	z->seq = z->packet->head.seq;
	const struct proto_settings *s = packet_body(z->packet, sizeof *s);
	if (z->packet->head.op != PROTO_SETTINGS || !s)
		return fail(z, EX_PROTOCOL,
		    "expected settings of another size; do avmilter and avmilter-scanner come from "
		    "one build?");
	z->settings = *s;
	packet_close(z->packet);
	if (!settings_check(&z->settings, &err) || !choose_sandbox(z, &err) ||
	    !take_signals(z, &err))
		return fail(z, EX_CONFIG, err->message);
	z->scratch = scratch_new(z->settings.scratch, &err);
	if (!z->scratch)
		return fail(z, EX_CANTCREAT, err->message);
	z->selftest = selftest_new();
	if ((z->settings.flags & PROTO_ENGINE) && (z->settings.flags & PROTO_ASK) && !ask(z, &err))
		return err ? fail(z, EX_NOINPUT, err->message) : EX_UNAVAILABLE;
	if ((z->settings.flags & PROTO_ENGINE) && !load(z, &err))
		return fail(z, EX_NOINPUT, err->message);
	g_mime_init();
	z->warm = warm_up();
	return send_ready(z) ? EX_OK : EX_UNAVAILABLE;
}

int
zygote_run(int sock)
{
	struct zygote z = { .sock = sock,
		.children = -1,
		.workers = g_hash_table_new(NULL, NULL),
		.packet = g_new0(struct packet, 1) };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	int code = set_up(&z);
	if (code == EX_OK) {
		serve(&z);
		stop_workers(&z);
	}
	clamav_free(&z.loaded.engine);
	scratch_free(&z.scratch);
	selftest_free(&z.selftest);
	if (z.warm) {
		g_ptr_array_unref(z.warm);
		g_mime_shutdown();
	}
	fd_close(&z.children);
	g_hash_table_unref(z.workers);
	g_free(z.packet);
	return code;
}
