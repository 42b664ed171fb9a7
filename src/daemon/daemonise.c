/* daemonise - see daemonise.h */
#include "daemon/daemonise.h"

#include <errno.h>
#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fsx.h"

/* The parent: wait for one byte, the exit code; none means that the child died. */
static void
wait_and_exit(int fd)
{
	unsigned char code;
	ssize_t n;

	do
		n = read(fd, &code, 1);
	while (n < 0 && errno == EINTR);
	_exit(n == 1 ? code : EX_SOFTWARE);
}

bool
daemonise(int *report, GError **err)
{
	int pipefd[2];
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) != 0)
		return fsx_fail(err, "daemon", "make a pipe");
	pid = fork();
	if (pid < 0)
		return fsx_fail(err, "daemon", "fork");
	if (pid > 0) {
		close(pipefd[1]);
		wait_and_exit(pipefd[0]);
	}
	close(pipefd[0]);
	if (setsid() < 0)
		return fsx_fail(err, "daemon", "setsid");
	pid = fork(); /* not a session leader: no terminal can become ours */
	if (pid < 0)
		return fsx_fail(err, "daemon", "fork");
	if (pid > 0)
		_exit(0);
	if (chdir("/") != 0)
		return fsx_fail(err, "/", "chdir");
	*report = pipefd[1];
	return true;
}

void
daemonise_done(int *report, int code)
{
	const unsigned char byte = (unsigned char)code;

	if (*report < 0)
		return;
	if (code == 0) {
		AUTO(fd_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
			dup2(null, fd);
	}
	/* A parent that was killed meanwhile misses nothing. */
	if (write(*report, &byte, 1) != 1)
		errno = 0;
	fd_close(report);
}
