/*
 * spawn - starting the scanner: exactly four descriptors, a bare environment, default signals, no
 * terminal
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "worker/zygote.h"

#define FD_ABOVE_STANDARD 16 /* where our ends live, so that no dup2() below meets one of them */

/* The daemon's environment may hold secrets that its configuration refers to, and workers read
 * hostile bytes: only these names go on. The sanitizers' and the preloaded ones are for test
 * builds. */
static const char *const passed_on[] = {
	"PATH",
	"LANG",
	"LC_ALL",
	"LC_CTYPE",
	"LD_LIBRARY_PATH",
	"LD_PRELOAD",
	"ASAN_OPTIONS",
	"UBSAN_OPTIONS",
	"LSAN_OPTIONS",
	"TSAN_OPTIONS",
};

static char **
environment(void)
{
	GPtrArray *env = g_ptr_array_new();

	for (size_t i = 0; i < G_N_ELEMENTS(passed_on); i++) {
		const char *value = getenv(passed_on[i]);

		if (value)
			g_ptr_array_add(env, g_strdup_printf("%s=%s", passed_on[i], value));
	}
	g_ptr_array_add(
	    env, g_strdup("TZ=UTC")); /* libclamav would look at /etc/localtime in each scan */
	g_ptr_array_add(env, NULL);
	return (char **)g_ptr_array_free(env, FALSE);
}

/* Move a descriptor away from 0..3. */
static int
lift(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE_STANDARD);
	int saved = errno;

	close(fd);
	errno = saved;
	return high;
}

struct channel {
	int ours, theirs;
};

static void
channel_close(struct channel *c)
{
	fd_close(&c->ours);
	fd_close(&c->theirs);
}

static bool
open_socket(struct channel *c)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	c->ours = lift(pair[0]);
	c->theirs = lift(pair[1]);
	return c->ours >= 0 && c->theirs >= 0;
}

/* Where the scanner writes: a pipe whose other end becomes lines of a log. */
static bool
open_output(struct channel *c)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return false;
	c->ours = lift(pair[0]);
	c->theirs = lift(pair[1]);
	return c->ours >= 0 && c->theirs >= 0 && fcntl(c->ours, F_SETFL, O_NONBLOCK) == 0;
}

static int
run(const char *path, const char *argument, int sock, int output, pid_t *pid)
{
	/* A group of its own keeps a terminal's signals away. Not a session of its own: Linux shares the
	 * processor out to sessions first (sched(7), autogroup), and loading new signatures would get as
	 * much as all scans together. */
	const short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
	g_autofree char *name = g_strdup(path), *mode = g_strdup(argument);
	char *argv[] = { name, mode, NULL };
	g_auto(GStrv) env = environment();
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, flags);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&fa, output, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(&fa, sock, PROTO_ZYGOTE_FD);
	posix_spawn_file_actions_addclosefrom_np(&fa, PROTO_ZYGOTE_FD + 1);
	rc = posix_spawn(pid, path, &fa, &attr, argv, env);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	return rc;
}

static struct zygote *
fail(GError **err, const char *object, int code, const char *step)
{
	g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(code), "scanner: %s: %s: %s",
	    object, step, g_strerror(code));
	return NULL;
}

struct zygote *
zygote_spawn(const char *path, const char *log, const char *argument, GError **err)
{
	AUTO(channel_close) struct channel sock = { -1, -1 };
	AUTO(channel_close) struct channel output = { -1, -1 };
	struct zygote *z;
	pid_t pid;
	int pidfd, rc;

	if (!open_socket(&sock))
		return fail(err, path, errno, "make a socket");
	if (!open_output(&output))
		return fail(err, path, errno, "make a pipe");
	if (*log && !zygote_log_append(log, "", 0, err)) {
		g_prefix_error(err, "scanner: ");
		return NULL;
	}
	rc = run(path, argument, sock.theirs, output.theirs, &pid);
	if (rc != 0)
		return fail(err, path, rc, "run (option scanner_path)");
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		rc = errno;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return fail(err, path, rc, "pidfd_open");
	}
	z = g_new0(struct zygote, 1);
	z->pid = pid;
	z->pidfd = pidfd;
	z->sock = sock.ours;
	z->output = output.ours;
	z->line = g_string_new(NULL);
	z->log = g_strdup(log);
	sock.ours = output.ours = -1;
	return z;
}

struct zygote *
zygote_start(const struct workers_conf *cfg, bool ask, GError **err)
{
	struct proto_settings settings = cfg->settings;
	struct zygote *z = zygote_spawn(cfg->scanner_path, cfg->scanner_log, NULL, err);

	if (!z)
		return NULL;
	/* When it has died already this fails; its socket says so to whoever asks next. */
	if (ask)
		settings.flags |= PROTO_ASK;
	if (!packet_send(z->sock, PROTO_SETTINGS, ++z->seq, &settings, sizeof(settings), NULL, 0))
		zygote_kill(z);
	return z;
}
