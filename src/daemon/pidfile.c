/* pidfile - see pidfile.h */
#include "daemon/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fsx.h"
#include "base/log.h"

struct pidfile {
	char *path;
	int fd; /* locked */
};

struct pidfile *
pidfile_take(const char *path, GError **err)
{
	AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	g_autofree char *text = g_strdup_printf("%ld\n", (long)getpid());
	struct pidfile *p;

	if (fd < 0) {
		fsx_fail(err, path, "open the pid file");
		return NULL;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		fsx_fail(err, path,
		    errno == EWOULDBLOCK ? "another avmilter holds this pid file"
					 : "lock the pid file");
		return NULL;
	}
	if (ftruncate(fd, 0) != 0 || !fsx_pwrite_all(fd, text, strlen(text), 0, NULL)) {
		fsx_fail(err, path, "write the pid file");
		return NULL;
	}
	p = g_new0(struct pidfile, 1);
	p->path = g_strdup(path);
	p->fd = fd;
	fd = -1;
	return p;
}

void
pidfile_drop(struct pidfile **pp)
{
	struct pidfile *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	/* When neither works nothing is left to try: the lock goes with us, and the next start
	 * takes the file over. */
	if (unlink(p->path) == 0 || ftruncate(p->fd, 0) == 0)
		log_debug("pid file %s: gone or empty", p->path);
	close(p->fd);
	g_free(p->path);
	g_free(p);
}
