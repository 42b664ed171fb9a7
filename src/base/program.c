/*
 * program - spawning, draining, ending
 */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"

#define FD_ABOVE_STANDARD 16 /* where our end lives, so that no dup2() below meets it */
#define READ_SIZE         4096
#define READS_AT_ONCE     16   /* as much as a pipe holds; then the wait is looked at */
#define BURIAL_MS         1000 /* for a killed one to be gone */

/* One run. */
struct run {
	pid_t pid;
	int pid_fd, output_fd;
	size_t output_max;
	GString *output;
};

static bool
fail(GError **err, const char *object, int code, const char *step)
{
	g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(code), "%s: %s: %s", object,
	    step, g_strerror(code));
	return false;
}

/* A pipe: both ends high, ours non-blocking. */
static bool
open_pipe(int *ours, int *theirs)
{
	AUTO(fd_close) int a = -1;
	AUTO(fd_close) int b = -1;
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return false;
	a = pair[0];
	b = pair[1];
	*ours = fcntl(a, F_DUPFD_CLOEXEC, FD_ABOVE_STANDARD);
	*theirs = fcntl(b, F_DUPFD_CLOEXEC, FD_ABOVE_STANDARD);
	return *ours >= 0 && *theirs >= 0 && fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

static int
spawn(const struct program *p, int output, pid_t *pid)
{
	static const char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
					   "/sbin:/bin",
		"LANG=C", NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addchdir_np(&fa, p->directory);
	posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&fa, output, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&fa, STDERR_FILENO + 1);
	rc = posix_spawn(pid, p->argv[0], &fa, &attr, p->argv, (char *const *)(uintptr_t)env);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	return rc;
}

/* Take what is in the pipe now. False at its end. */
static bool
drain(struct run *r)
{
	char room[READ_SIZE];
	ssize_t n = 1;

	for (int i = 0; n > 0 && i < READS_AT_ONCE; i++) {
		n = read(r->output_fd, room, sizeof(room));
		if (n > 0)
			g_string_append_len(r->output, room,
			    (gssize)MIN((size_t)n, r->output_max - r->output->len));
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Read until the program itself has ended; what it has left behind may still hold the pipe. False: the
 * wait is over. */
static bool
attend(struct run *r, struct wait *wait)
{
	struct pollfd fds[2] = { { .fd = r->pid_fd, .events = POLLIN },
		{ .fd = r->output_fd, .events = POLLIN } };

	for (;;) {
		int n = wait_poll(wait, fds, G_N_ELEMENTS(fds));

		if (n <= 0)
			return false;
		if (fds[1].revents && !drain(r))
			fds[1].fd = -1; /* it has closed its outputs */
		if (fds[0].revents) {
			drain(r);
			return true;
		}
	}
}

/*
 * Kill what is left of the group, then let the leader go: until then its number cannot be
 * another's. False: how it ended is not known, which must never be taken for exit code 0.
 */
static bool
bury(struct run *r, bool ended, int *status)
{
	struct pollfd gone = { .fd = r->pid_fd, .events = POLLIN };
	struct wait patience;
	pid_t pid;

	kill(-r->pid, SIGKILL);
	wait_init(&patience, deadline_in(BURIAL_MS), 0, NULL, NULL);
	if (!ended && wait_poll(&patience, &gone, 1) <= 0)
		return false;
	do
		pid = waitpid(r->pid, status, 0);
	while (pid < 0 && errno == EINTR);
	return pid == r->pid;
}

bool
program_run(const struct program *p, struct wait *wait, GString *output, enum program_end *end,
    int *number, GError **err)
{
	AUTO(fd_close) int ours = -1;
	AUTO(fd_close) int theirs = -1;
	AUTO(fd_close) int pid_fd = -1;
	struct run r = { .output_max = p->output_max, .output = output };
	bool ended;
	int rc, status = 0;

	if (!open_pipe(&ours, &theirs))
		return fail(err, p->argv[0], errno, "pipe");
	rc = spawn(p, theirs, &r.pid);
	if (rc != 0)
		return fail(err, p->argv[0], rc, "start");
	fd_close(&theirs);
	r.output_fd = ours;
	r.pid_fd = pid_fd = pidfd_open(r.pid, 0);
	if (pid_fd < 0) {
		rc = errno;
		kill(-r.pid, SIGKILL);
		waitpid(r.pid, NULL, 0);
		return fail(err, p->argv[0], rc, "pidfd_open");
	}
	ended = attend(&r, wait);
	if (!bury(&r, ended, &status) && ended) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "%s: it has ended, but not how is known (is SIGCHLD ignored?)", p->argv[0]);
		return false;
	}
	*end = !ended ? PROGRAM_TIMEOUT : WIFSIGNALED(status) ? PROGRAM_SIGNALLED : PROGRAM_EXITED;
	*number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}
