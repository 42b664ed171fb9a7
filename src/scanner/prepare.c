#include "scanner/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/auto.h"
#include "scanner/clamav.h"
#include "scanner/sandbox.h"

#define MEMORY_DEFAULT (1024u * 1024 * 1024) /* address space above the engine */
#define FILE_SLACK                                                                                 \
	(64u * 1024 * 1024) /* normalised copies are larger than what they were made from */
#define FILES_BASE    64
#define FILES_A_LEVEL 4 /* descriptors that libclamav holds for each container it is inside of */

static bool
fail(GError **err, const char *step)
{
	g_set_error(
	    err, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", step, g_strerror(errno));
	return false;
}

/* A mail must not be lost because a terminal or systemd told the whole group to stop: only the
 * front ends a worker. A write beyond RLIMIT_FSIZE shall be an error that libclamav reports, not a
 * death. */
static void
set_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ };
	sigset_t none;

	for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

#ifdef AVM_SANITIZED
static bool
silence(GError **err)
{
	(void)err; /* a sanitizer's report is worth more than peace */
	return true;
}
#else
/* libclamav's Rust half aborts when it cannot write to descriptor 2. Writing to /dev/null cannot
 * fail. */
static bool
silence(GError **err)
{
	AUTO(fd_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDERR_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return fail(err, "/dev/null");
	return true;
}
#endif

static void
pin(uint32_t number)
{
	cpu_set_t have, one;

	if (sched_getaffinity(0, sizeof have, &have) < 0 || CPU_COUNT(&have) == 0)
		return;
	unsigned nth = number % (unsigned)CPU_COUNT(&have);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &have) || nth-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		/* A wish: without it the worker is a little slower. */
		(void)sched_setaffinity(0, sizeof one, &one);
		return;
	}
}

static bool
seed(GError **err)
{
	unsigned random;

	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return fail(err, "getrandom");
	srand(random);
	return true;
}

static bool
enter(const struct worker_setup *setup, GError **err)
{
	const struct proto_settings *s = setup->settings;
	struct sandbox box = {
		.tmpdir = setup->tmpdir,
		.memory = (s->memory_max > 0 ? s->memory_max : MEMORY_DEFAULT) +
		    s->max_cumulative_extract_size,
		.file_size = s->max_extract_size + FILE_SLACK,
		.files = FILES_BASE + FILES_A_LEVEL * (unsigned)s->max_extract_depth,
		.want = setup->sandbox,
	};

	return sandbox_enter(&box, err);
}

bool
prepare_worker(const struct worker_setup *setup, GError **err)
{
	set_signals();
	if (!silence(err) || !seed(err))
		return false;
	if (chdir(setup->tmpdir) < 0)
		return fail(err, setup->tmpdir);
	if (setup->engine && !clamav_set_tmpdir(setup->engine, setup->tmpdir, err))
		return false;
	if (setup->settings->flags & PROTO_PIN_WORKERS)
		pin(setup->number);
	if (!enter(setup, err))
		return false;
	close(setup->zygote);
	return true;
}
