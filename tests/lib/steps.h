/*
 * steps - stop a child before each of its system calls: kill it there, or let the call fail (x86-64 only)
 *
 * The child runs body(arg) from a marker on, so its own set-up is not counted. What it reports with steps_say() before its
 * end can be read by the parent: what it had promised when it was killed.
 */
#ifndef AVM_TESTS_STEPS_H
#define AVM_TESTS_STEPS_H

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

struct steps {
	void (*prepare)(void *arg); /* not counted */
	void (*body)(void *arg, int say);
	void *arg;
};

enum steps_end { STEPS_DONE, STEPS_KILLED, STEPS_NOT_PERMITTED };

#define STEPS_SAID 256

static inline void
steps_say(int say, const char *text)
{
	const ssize_t n = write(say, text, strlen(text) + 1);

	(void)n;
}

static inline void
steps_child(const struct steps *s, int say)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(99);
	if (s->prepare)
		s->prepare(s->arg);
	raise(SIGSTOP);
	s->body(s->arg, say);
	_exit(0);
}

/* The call at hand gets no chance: error comes back in its place. True when it is one that may fail. */
static inline bool
steps_fail(pid_t pid, int error, bool entry, int say)
{
#if defined(__x86_64__)
	struct user_regs_struct r;

	assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &r), 0);
	if (entry) {
		if (r.orig_rax == SYS_write && r.rdi == (unsigned long long)say)
			return false; /* the word itself */
		switch (r.orig_rax) {
		case SYS_openat:
		case SYS_mkdir:
		case SYS_mkdirat:
		case SYS_write:
		case SYS_pwrite64:
		case SYS_pread64:
		case SYS_fsync:
		case SYS_rename:
		case SYS_renameat:
		case SYS_renameat2:
			break;
		default:
			return false;
		}
		r.orig_rax = (unsigned long long)-1;
	} else {
		r.rax = (unsigned long long)(long long)-error;
	}
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, NULL, &r), 0);
	return true;
#else
	(void)pid;
	(void)error;
	(void)entry;
	(void)say;
	return false;
#endif
}

/*
 * Run the child up to its n-th system call (1 = the first) behind the marker. error 0: it is killed there; else the first call from
 * there on that may fail does so, and the child runs on to its end. said gets what it said.
 */
static inline enum steps_end
steps_run(const struct steps *s, unsigned n, int error, char said[STEPS_SAID])
{
	enum steps_end end = STEPS_DONE;
	bool entry = true, failing = false;
	int pipefd[2], status;
	unsigned calls = 0;
	ssize_t got;
	pid_t pid;

#ifdef __SANITIZE_THREAD__
	print_message("# ThreadSanitizer lets no child make threads after a fork\n");
	return STEPS_NOT_PERMITTED;
#endif
	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		steps_child(s, pipefd[1]);
	close(pipefd[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 99) {
		close(pipefd[0]);
		print_message("# ptrace is not permitted here\n");
		return STEPS_NOT_PERMITTED;
	}
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (;;) {
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		if (!entry && failing) {
			steps_fail(pid, error, false, pipefd[1]);
			failing = false;
			error = -1; /* once */
		} else if (entry && ++calls >= n) {
			if (error == 0) {
				kill(pid, SIGKILL);
				waitpid(pid, &status, 0);
				end = STEPS_KILLED;
				break;
			}
			failing = error > 0 && steps_fail(pid, error, true, pipefd[1]);
		}
		entry = !entry;
	}
	if (error > 0) /* nothing was left to fail */
		end = STEPS_DONE;
	else if (error == -1)
		end = STEPS_KILLED;
	got = read(pipefd[0], said, STEPS_SAID - 1);
	said[got > 0 ? got : 0] = '\0';
	close(pipefd[0]);
	return end;
}

#endif
