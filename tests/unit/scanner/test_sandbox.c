/* The sandbox, entered by processes of this test: what it forbids kills or fails, what a scan needs
 * still works. */
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "scanner/sandbox.h"

static char dir[] = "/tmp/avm-sandbox.XXXXXX";

/* Run fn behind the sandbox in a child; returns its wait status. fn returns 0 when all is as it
 * should be. */
static int
inside(unsigned want, int (*fn)(void))
{
	struct sandbox box = {
		.tmpdir = dir, .memory = 64 << 20, .file_size = 1 << 20, .files = 32, .want = want
	};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(dir) < 0 || !sandbox_enter(&box, NULL))
			_exit(99);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
expect_ok(unsigned want, int (*fn)(void))
{
	int status = inside(want, fn);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* 0 when every step did what it must; else the number of the step. */
#define STEP(n, truth)		\
	do {			\
		if (!(truth))	\
			return n; \
	} while (0)

static int
work_of_a_scan(void)
{
	struct stat st;
	struct tm tm;
	time_t now = time(NULL);
	unsigned char sum[32];
	unsigned len = sizeof sum;
	char in[] = "\xe4", out[8], *from = in, *to = out;
	size_t left = 1, room = sizeof out;

	STEP(1, mkdir("d", 0700) == 0);
	int fd = open("d/f", O_RDWR | O_CREAT | O_EXCL, 0600);
	STEP(2,
	    fd >= 0 && write(fd, "hello", 5) == 5 && lseek(fd, 0, SEEK_SET) == 0 &&
		fstat(fd, &st) == 0 && st.st_size == 5);
	void *map = mmap(NULL, 5, PROT_READ, MAP_PRIVATE, fd, 0);
	STEP(3,
	    map != MAP_FAILED && memcmp(map, "hello", 5) == 0 && munmap(map, 5) == 0 &&
		close(fd) == 0);
	STEP(4, unlink("d/f") == 0 && rmdir("d") == 0);
	STEP(5, localtime_r(&now, &tm) != NULL && tm.tm_gmtoff == 0);
	STEP(6,
	    EVP_Digest("x", 1, sum, &len, EVP_md5(), NULL) == 1 &&
		EVP_Digest("x", 1, sum, &len, EVP_sha256(), NULL) == 1);
	iconv_t cd = iconv_open("UTF-8", "WINDOWS-1252");
	STEP(7,
	    cd != (iconv_t)-1 && iconv(cd, &from, &left, &to, &room) == 0 && out[0] == '\xc3' &&
		iconv_close(cd) == 0);
	cd = iconv_open("UTF-16LE", "IBM037");
	STEP(8, cd != (iconv_t)-1 && iconv_close(cd) == 0);
	void *big = malloc(8 << 20);
	STEP(9, big != NULL);
	memset(big, 1, 8 << 20);
	free(big);
	return 0;
}

static void
test_work(void **state)
{
	(void)state;
	expect_ok(sandbox_offers(), work_of_a_scan);
}

static int
foreign_files(void)
{
	STEP(1, open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	STEP(2, open("/tmp/avm-outside", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
	STEP(3, open("/", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
	STEP(4, open("..", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
	STEP(5, mkdir("../other", 0700) < 0);
	STEP(6, rename("/etc/hostname", "x") < 0);
	STEP(7, open("/proc/self/mem", O_RDWR) < 0 && errno == EACCES);
	STEP(8, open("/dev/null", O_RDWR) < 0 && errno == EACCES);
	return 0;
}

static void
test_landlock(void **state)
{
	(void)state;
	if (!(sandbox_offers() & SANDBOX_LANDLOCK)) {
		print_message("# SKIP this kernel has no landlock\n");
		skip();
	}
	expect_ok(SANDBOX_LANDLOCK, foreign_files);
}

#ifndef AVM_SANITIZED
static int
do_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int
do_socketpair(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0;
}

static int
do_exec(void)
{
	char *const argv[] = { NULL };

	return execve("/bin/true", argv, argv) < 0;
}

static int
do_fork(void)
{
	return fork() < 0;
}

static int
do_kill(void)
{
	return kill(getppid(), 0) < 0;
}

static int
do_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0;
}

static int
do_map_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	    MAP_FAILED;
}

static int
do_protect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0;
}

static int
do_symlink(void)
{
	return symlink("/etc/passwd", "x") < 0;
}

static int
do_raise_limit(void)
{
	struct rlimit more = { 64, 64 };

	return setrlimit(RLIMIT_NOFILE, &more) < 0;
}

static int
do_chroot(void)
{
	return chroot(dir) < 0;
}

static void
test_seccomp_kills(void **state)
{
	static int (*const forbidden[])(void) = { do_socket, do_socketpair, do_exec, do_fork,
		do_kill, do_ptrace, do_map_exec, do_protect_exec, do_symlink, do_raise_limit,
		do_chroot };

	(void)state;
	for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
		int status = inside(SANDBOX_SECCOMP, forbidden[i]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static int
do_abort(void)
{
	abort();
}

/* A crash must look like one: SIGABRT, not SIGSYS on the way to it. */
static void
test_abort(void **state)
{
	int status = inside(SANDBOX_ALL & sandbox_offers(), do_abort);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static int
memory_ends(void)
{
	STEP(1, mmap(NULL, 256 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	STEP(2, mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	return 0;
}

static void
test_memory(void **state)
{
	(void)state;
	expect_ok(SANDBOX_RLIMITS, memory_ends);
}
#endif

static int
files_end(void)
{
	char block[4096] = { 0 };
	int fd = open("big", O_WRONLY | O_CREAT, 0600), i;

	signal(SIGXFSZ, SIG_IGN);
	for (i = 0; i < 1000 && write(fd, block, sizeof block) == (ssize_t)sizeof block; i++)
		continue;
	STEP(1, i == 256 && errno == EFBIG);
	unlink("big");
	for (i = 0; i < 100 && open("/dev/null", O_RDONLY) >= 0; i++)
		continue;
	STEP(2, i < 32 && errno == EMFILE);
	return 0;
}

static void
test_limits(void **state)
{
	(void)state;
	expect_ok(SANDBOX_RLIMITS, files_end);
}

/* A folder that is not there cannot be the only one: entering fails, and nothing is scanned. */
static void
test_missing_folder(void **state)
{
	struct sandbox box = { .tmpdir = "/nonexistent/avm",
		.memory = 64 << 20,
		.file_size = 1 << 20,
		.files = 32,
		.want = SANDBOX_LANDLOCK };
	int status = 0;

	(void)state;
	if (!(sandbox_offers() & SANDBOX_LANDLOCK))
		skip();
	pid_t pid = fork();
	if (pid == 0) {
		g_autoptr(GError) err = NULL;
		_exit(
		    sandbox_enter(&box, &err) || !err || !strstr(err->message, "/nonexistent/avm"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_landlock),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_missing_folder),
#ifndef AVM_SANITIZED
		cmocka_unit_test(test_seccomp_kills),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_memory),
#endif
	};
	GPtrArray *warm = warm_up();

	if (!mkdtemp(dir))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	g_ptr_array_unref(warm);
	return rc;
}
