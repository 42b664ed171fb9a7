/* fetch - see fetch.h */
#include "daemon/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fsx.h"
#include "base/log.h"
#include "worker/zygote.h"

#define LINE_BYTES     1024
#define LINES_A_SECOND 20
#define SECOND_MS      1000

/* The daemon's environment may hold secrets that its configuration refers to. */
static const char *const passed_on[] = { "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "http_proxy",
	"https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "CURL_CA_BUNDLE" };

struct fetch {
	pid_t pid;
	int pidfd;
	int output;
	fetch_say *say;
	void *arg;
	GString *line;
	int64_t ration_ms; /* start of the second that is being counted */
	unsigned ration;   /* lines said in it */
};

static char **
environment(void)
{
	GPtrArray *env = g_ptr_array_new();

	for (size_t i = 0; i < G_N_ELEMENTS(passed_on); i++) {
		const char *value = getenv(passed_on[i]);

		if (value != NULL)
			g_ptr_array_add(env, g_strdup_printf("%s=%s", passed_on[i], value));
	}
	g_ptr_array_add(env, NULL);
	return (char **)g_ptr_array_free(env, FALSE);
}

static int
spawn(char **argv, int output, pid_t *pid)
{
	const short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID;
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
	posix_spawn_file_actions_adddup2(&fa, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&fa, output, STDERR_FILENO);
	posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&fa, STDERR_FILENO + 1);
	rc = posix_spawn(pid, argv[0], &fa, &attr, argv, env);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	return rc;
}

struct fetch *
fetch_start(const char *command, fetch_say *say, void *arg, GError **err)
{
	g_auto(GStrv) argv = NULL;
	struct fetch *f;
	int pair[2], rc;

	if (!g_shell_parse_argv(command, NULL, &argv, err)) {
		g_prefix_error(err, "update_command = \"%s\": ", command);
		return NULL;
	}
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0) {
		fsx_fail(err, "update_command", "make a pipe");
		return NULL;
	}
	fcntl(pair[1], F_SETFL, 0); /* its end is an ordinary one */
	f = g_new0(struct fetch, 1);
	f->pidfd = -1;
	f->output = pair[0];
	f->say = say;
	f->arg = arg;
	f->line = g_string_new(NULL);
	rc = spawn(argv, pair[1], &f->pid);
	close(pair[1]);
	if (rc == 0) {
		f->pidfd = pidfd_open(f->pid, 0);
		rc = f->pidfd < 0 ? errno : 0;
	} else {
		f->pid = 0;
	}
	if (rc == 0)
		return f;
	fetch_free(&f);
	errno = rc;
	fsx_fail(err, argv[0], "run (option update_command)");
	return NULL;
}

int
fetch_output(const struct fetch *f)
{
	return f->output;
}

int
fetch_pidfd(const struct fetch *f)
{
	return f->pidfd;
}

/* How many lines were held back. */
static void
say_rest(struct fetch *f)
{
	g_autofree char *more = NULL;

	if (f->ration > LINES_A_SECOND) {
		more = g_strdup_printf("(%u lines more)", f->ration - LINES_A_SECOND);
		f->say(f->arg, more);
	}
	f->ration = 0;
}

static void
say_line(struct fetch *f)
{
	g_autoptr(GString) s = g_string_new(NULL);
	const int64_t now = now_ms();

	if (f->line->len == 0)
		return;
	if (now - f->ration_ms >= SECOND_MS) {
		say_rest(f);
		f->ration_ms = now;
	}
	if (++f->ration <= LINES_A_SECOND) {
		log_esc(s, f->line->str, f->line->len, LINE_BYTES);
		f->say(f->arg, s->str);
	}
	g_string_truncate(f->line, 0);
}

void
fetch_read(struct fetch *f)
{
	char chunk[4096];
	ssize_t n;

	if (f->output < 0)
		return;
	n = read(f->output, chunk, sizeof(chunk));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		fd_close(&f->output);
	/* A progress bar ends its lines with CR. */
	for (ssize_t i = 0; i < n; i++) {
		const bool end = chunk[i] == '\n' || chunk[i] == '\r';

		if (!end)
			g_string_append_c(f->line, chunk[i]);
		if (end || f->line->len >= LINE_BYTES)
			say_line(f);
	}
}

bool
fetch_ended(struct fetch *f, char **why)
{
	char buf[ENDING_TEXT_MAX];
	siginfo_t info = { 0 };
	int status;

	*why = NULL;
	if (f->pid == 0 ||
	    (waitid(P_PID, (id_t)f->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid == 0))
		return false;
	fetch_signal(
	    f, SIGKILL); /* children that it left; it still holds the number of the group */
	if (waitpid(f->pid, &status, 0) != f->pid)
		status = 0;
	f->pid = 0;
	for (int i = 0; i < LINES_A_SECOND && f->output >= 0; i++)
		fetch_read(f);
	say_line(f);
	say_rest(f);
	fd_close(&f->output);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		*why = g_strdup(ending_text(status, buf));
	return true;
}

void
fetch_signal(struct fetch *f, int sig)
{
	if (f->pid > 0)
		kill(-f->pid, sig);
}

void
fetch_free(struct fetch **fp)
{
	struct fetch *f = *fp;

	*fp = NULL;
	if (f == NULL)
		return;
	if (f->pid > 0) {
		fetch_signal(f, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	fd_close(&f->pidfd);
	fd_close(&f->output);
	g_string_free(f->line, TRUE);
	g_free(f);
}
