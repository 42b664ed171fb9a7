/*
 * fsx - whole reads and writes, files without a name, folders of ours
 */
#include "base/fsx.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

#define PATH_TEXT 512

bool
fsx_fail(GError **err, const char *path, const char *step)
{
	int e = errno;

	g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(e), "%s: %s: %s", path, step,
	    g_strerror(e));
	errno = e;
	return false;
}

/* fsx_fail() for a descriptor: the kernel knows its path. */
static bool
fail_fd(GError **err, int fd, const char *step)
{
	char link[64], path[PATH_TEXT];
	int e = errno;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	errno = e;
	return fsx_fail(err, n > 0 ? path : "file", step);
}

bool
fsx_pwrite_all(int fd, const void *data, size_t len, off_t at, GError **err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return fail_fd(err, fd, "write");
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool
fsx_pread_all(int fd, void *data, size_t len, off_t at, GError **err)
{
	char *p = data;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0) /* shorter than promised: as bad as a broken disk */
			errno = EIO;
		if (n <= 0)
			return fail_fd(err, fd, n == 0 ? "read beyond the end" : "read");
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* Some file systems know no O_TMPFILE: a file that loses its name at once. */
static int
unnamed_by_unlink(const char *dir, GError **err)
{
	g_autofree char *path = g_strdup_printf("%s/.avmilter.XXXXXX", dir);
	AUTO(fd_close) int fd = mkostemp(path, O_CLOEXEC);
	int out;

	if (fd < 0) {
		fsx_fail(err, dir, "make a file");
		return -1;
	}
	if (unlink(path) < 0) {
		fsx_fail(err, path, "unlink");
		return -1;
	}
	out = fd;
	fd = -1;
	return out;
}

int
fsx_unnamed(const char *dir, GError **err)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

	if (fd >= 0)
		return fd;
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
		return unnamed_by_unlink(dir, err);
	fsx_fail(err, dir, "make a file");
	return -1;
}

bool
fsx_folder(const char *path, mode_t mode, GError **err)
{
	struct stat st;

	if (mkdir(path, mode) == 0) {
		/* The umask has no say in what our own folders look like. */
		if (chmod(path, mode) < 0)
			return fsx_fail(err, path, "chmod");
		return true;
	}
	if (errno != EEXIST)
		return fsx_fail(err, path, "make the folder");
	if (stat(path, &st) < 0)
		return fsx_fail(err, path, "stat");
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return fsx_fail(err, path, "make the folder");
	}
	return true;
}

/* The tree being removed. Folders are not descended into: what they hold is moved up into the root
 * of the tree first, so a tree of any depth needs two descriptors and no recursion. */
struct removal {
	const char *path;
	int root;
	dev_t dev;
	uint64_t moved; /* names given so far */
};

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Open a folder of the tree, made accessible if it is not; refuses links and other file systems. */
static int
open_inside(const struct removal *r, const char *name, GError **err)
{
	struct stat st;
	AUTO(fd_close)
	int fd = openat(r->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int out;

	if (fd < 0 && errno == EACCES && fchmodat(r->root, name, 0700, 0) == 0)
		fd = openat(r->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		fsx_fail(err, r->path, "remove: open a folder");
		return -1;
	}
	if (st.st_dev != r->dev) {
		errno = EXDEV;
		fsx_fail(err, r->path, "remove: a file system is mounted inside");
		return -1;
	}
	if (fchmod(fd, 0700) < 0 && errno != EPERM) {
		fsx_fail(err, r->path, "remove: chmod");
		return -1;
	}
	out = fd;
	fd = -1;
	return out;
}

/* Give the folder `name` in `from` a new name in the root. An empty folder of that name may be
 * overwritten, a full one may not. */
static bool
move_up(struct removal *r, int from, const char *name, GError **err)
{
	char fresh[48];

	do {
		snprintf(fresh, sizeof(fresh), ".removing.%ju", (uintmax_t)r->moved++);
		if (renameat(from, name, r->root, fresh) == 0)
			return true;
		/* A folder that may not be written cannot get another parent. */
		if (errno == EACCES && fchmodat(from, name, 0700, 0) == 0 &&
		    renameat(from, name, r->root, fresh) == 0)
			return true;
	} while (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR);
	return fsx_fail(err, r->path, "remove: move a folder up");
}

/* Remove the files in the folder fd and hand its folders up; with fd being the root itself, only
 * the files. */
static bool
strip(struct removal *r, int fd, bool *folders, GError **err)
{
	DIR *d = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	struct dirent *e;
	bool ok = true;

	if (!d)
		return fsx_fail(err, r->path, "remove: list");
	rewinddir(d);
	while (ok && (errno = 0, e = readdir(d))) {
		if (is_dot(e->d_name) || unlinkat(fd, e->d_name, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM)
			ok = errno == ENOENT || fsx_fail(err, r->path, "remove: unlink");
		else if (fd == r->root)
			*folders = true;
		else
			ok = move_up(r, fd, e->d_name, err);
	}
	closedir(d);
	return ok;
}

/* Empty and remove each folder that stands in the root now. */
static bool
drop_folders(struct removal *r, GError **err)
{
	DIR *d = fdopendir(fcntl(r->root, F_DUPFD_CLOEXEC, 0));
	struct dirent *e;
	bool ok = true;

	if (!d)
		return fsx_fail(err, r->path, "remove: list");
	rewinddir(d);
	while (ok && (errno = 0, e = readdir(d))) {
		AUTO(fd_close) int sub = -1;

		if (is_dot(e->d_name) || unlinkat(r->root, e->d_name, AT_REMOVEDIR) == 0 ||
		    errno == ENOENT)
			continue;
		sub = open_inside(r, e->d_name, err);
		ok = sub >= 0 && strip(r, sub, NULL, err);
		if (ok && unlinkat(r->root, e->d_name, AT_REMOVEDIR) < 0)
			ok = fsx_fail(err, r->path, "remove: rmdir");
	}
	closedir(d);
	return ok;
}

bool
fsx_remove_tree(const char *path, GError **err)
{
	struct stat st;
	struct removal r = { .path = path };
	AUTO(fd_close) int root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool folders;

	if (root < 0)
		return errno == ENOENT || fsx_fail(err, path, "remove: open");
	if (fstat(root, &st) < 0)
		return fsx_fail(err, path, "remove: stat");
	r.root = root;
	r.dev = st.st_dev;
	do {
		folders = false;
		if (!strip(&r, root, &folders, err) || (folders && !drop_folders(&r, err)))
			return false;
	} while (folders);
	if (rmdir(path) < 0 && errno != ENOENT)
		return fsx_fail(err, path, "remove: rmdir");
	return true;
}
