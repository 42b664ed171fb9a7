/*
 * files - open(2) and mkdir(2) as libclamav calls them
 *
 * Where libclamav cannot make a temporary file or folder it often steps over what was to go there
 * and says "clean" (measured, 1.4.6: HTML, uuencode without descriptors). The program's own
 * functions are found before the C library's, so each such failure becomes a complaint, and the
 * scan FAILED.
 *
 * Trap: <fcntl.h> and <sys/stat.h> must not be included, they define these names in their own way.
 */
#include <errno.h>
#include <glib.h>
#include <linux/fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scanner/complaint.h"

#define VISIBLE __attribute__((visibility("default")))

VISIBLE int open64(const char *path, int flags, ...);
VISIBLE int mkdir(const char *path, unsigned mode);

static int
complain(const char *what)
{
	int saved = errno;
	g_autofree char *text = g_strdup_printf("%s: %s", what, g_strerror(saved));

	complaint_raise(text);
	errno = saved;
	return -1;
}

/* What has run out, whatever the file is. */
static bool
exhausted(int why)
{
	return why == EMFILE || why == ENFILE || why == ENOMEM || why == ENOSPC || why == EDQUOT ||
	    why == EIO || why == EROFS;
}

int
open64(const char *path, int flags, ...)
{
	unsigned mode = 0;
	va_list ap;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, unsigned);
		va_end(ap);
	}
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
	if (fd < 0 && (exhausted(errno) || ((flags & O_CREAT) && errno != EEXIST)))
		return complain("a temporary file could not be opened");
	return fd;
}

int
mkdir(const char *path, unsigned mode)
{
	int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);

	return rc < 0 && errno != EEXIST ? complain("a temporary folder could not be made") : rc;
}
