#include "scanner/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fsx.h"

#define PREFIX "avmilter-scanner."
#define TRIES  10 /* somebody may remove our folder between mkdir and lock; not ten times */

struct scratch {
	char *path;
	int lock; /* the folder itself, flock()ed */
};

/* Lock a folder that belongs to us. -1 if it does not, is gone, or is held by a living scanner. */
static int
lock_folder(const char *path)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat have, named;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	if (fstat(fd, &have) < 0 || lstat(path, &named) < 0 || have.st_ino != named.st_ino ||
	    have.st_dev != named.st_dev || have.st_uid != geteuid())
		return -1;
	int locked = fd;
	fd = -1;
	return locked;
}

/* What cannot be removed stays: the next start tries again, and it is in nobody's way. */
static void
purge(const char *base)
{
	DIR *d = opendir(base);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		g_autofree char *path = g_build_filename(base, e->d_name, NULL);
		AUTO(fd_close) int lock = lock_folder(path);
		if (lock >= 0)
			fsx_remove_tree(path, NULL);
	}
	closedir(d);
}

struct scratch *
scratch_new(const char *base, GError **err)
{
	purge(base);
	for (int i = 0; i < TRIES; i++) {
		g_autofree char *path = g_build_filename(base, PREFIX "XXXXXX", NULL);
		if (!mkdtemp(path)) {
			fsx_fail(err, base, "make the scanner's folder");
			g_prefix_error(err, "scratch_base: ");
			return NULL;
		}
		int lock = lock_folder(path);
		if (lock < 0)
			continue;
		struct scratch *s = g_new0(struct scratch, 1);
		s->path = g_steal_pointer(&path);
		s->lock = lock;
		return s;
	}
	errno = EBUSY;
	fsx_fail(err, base, "lock the scanner's folder");
	g_prefix_error(err, "scratch_base: ");
	return NULL;
}

const char *
scratch_path(const struct scratch *s)
{
	return s->path;
}

static char *
worker_path(const struct scratch *s, uint32_t number)
{
	return g_strdup_printf("%s/w%u", s->path, number);
}

char *
scratch_worker(const struct scratch *s, uint32_t number, GError **err)
{
	g_autofree char *path = worker_path(s, number);

	if (mkdir(path, 0700) < 0) {
		fsx_fail(err, path, "make a worker's folder");
		return NULL;
	}
	return g_steal_pointer(&path);
}

bool
scratch_worker_remove(const struct scratch *s, uint32_t number, GError **err)
{
	g_autofree char *path = worker_path(s, number);

	return fsx_remove_tree(path, err);
}

void
scratch_remove(const struct scratch *s)
{
	/* What cannot be removed now is removed by the next start. */
	fsx_remove_tree(s->path, NULL);
}

void
scratch_free(struct scratch **s)
{
	if (!*s)
		return;
	scratch_remove(*s);
	fd_close(&(*s)->lock);
	g_free((*s)->path);
	g_free(*s);
	*s = NULL;
}
