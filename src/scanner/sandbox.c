#include "scanner/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "scanner/syscalls.h"

/* Rights that the kernel headers of the build may not know yet (ABI 3 and 5). */
#define RIGHT_TRUNCATE  (1ULL << 14)
#define RIGHT_IOCTL_DEV (1ULL << 15)
#define RIGHTS_ABI_1    ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static long
landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

unsigned
sandbox_offers(void)
{
	unsigned have = SANDBOX_RLIMITS;

	if (landlock_abi() >= 1)
		have |= SANDBOX_LANDLOCK;
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)
		have |= SANDBOX_SECCOMP;
	return have;
}

static uint64_t
rights_of(long abi)
{
	uint64_t rights = RIGHTS_ABI_1;

	if (abi >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rights |= RIGHT_TRUNCATE;
	if (abi >= 5)
		rights |= RIGHT_IOCTL_DEV;
	return rights;
}

static bool
fail(GError **err, const char *step)
{
	g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno), "sandbox: %s: %s", step,
	    g_strerror(errno));
	return false;
}

static bool
landlock(const char *tmpdir, GError **err)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = rights_of(landlock_abi()) };
	AUTO(fd_close) int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	AUTO(fd_close)
	int dir = tmpdir ? open(tmpdir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct landlock_path_beneath_attr beneath = {
		.allowed_access =
		    attr.handled_access_fs & ~(LANDLOCK_ACCESS_FS_EXECUTE | RIGHT_IOCTL_DEV),
		.parent_fd = dir,
	};

	if (rules < 0)
		return fail(err, "landlock_create_ruleset");
	if (tmpdir && dir < 0)
		return fail(err, tmpdir);
	if (tmpdir &&
	    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
		return fail(err, "landlock_add_rule");
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return fail(err, "landlock_restrict_self");
	return true;
}

static bool
limit(int what, rlim_t value, const char *name, GError **err)
{
	struct rlimit now;

	if (getrlimit(what, &now) < 0)
		return fail(err, name);
	/* Never ask for more than we were given. */
	if (now.rlim_max != RLIM_INFINITY && value > now.rlim_max)
		value = now.rlim_max;
	struct rlimit want = { value, value };
	return setrlimit(what, &want) == 0 || fail(err, name);
}

#ifndef AVM_SANITIZED
/* Bytes of address space mapped now; 0 if it cannot be told. */
static uint64_t
mapped(void)
{
	AUTO(fd_close) int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return g_ascii_strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool
limit_memory(uint64_t slack, GError **err)
{
	uint64_t now = mapped();

	if (now == 0) {
		errno = ENOENT;
		return fail(err, "/proc/self/statm");
	}
	return limit(RLIMIT_AS, now + slack, "RLIMIT_AS", err);
}
#else
/* The sanitizers' shadow memory is terabytes of address space. */
static bool
limit_memory(uint64_t slack, GError **err)
{
	(void)slack;
	(void)err;
	return true;
}
#endif

static bool
limits(const struct sandbox *s, GError **err)
{
	return limit_memory(s->memory, err) &&
	    limit(RLIMIT_NOFILE, s->files, "RLIMIT_NOFILE", err) &&
	    limit(RLIMIT_FSIZE, s->file_size, "RLIMIT_FSIZE", err) &&
	    limit(RLIMIT_CORE, 0, "RLIMIT_CORE", err) &&
	    limit(RLIMIT_NPROC, 0, "RLIMIT_NPROC", err);
}

bool
sandbox_enter(const struct sandbox *s, GError **err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(err, "PR_SET_NO_NEW_PRIVS");
	if ((s->want & SANDBOX_RLIMITS) && !limits(s, err))
		return false;
	if ((s->want & SANDBOX_LANDLOCK) && !landlock(s->tmpdir, err))
		return false;
	return !(s->want & SANDBOX_SECCOMP) || syscalls_restrict(err);
}
