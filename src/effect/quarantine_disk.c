/* quarantine_disk - see quarantine_disk.h */
#include "effect/quarantine_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/fsx.h"
#include "base/log.h"
#include "effect/quarantine.h"

#define FOLDER_MODE 0700
#define FILE_MODE   0600
#define COPY_BYTES  (64 * 1024)
#define REF_LEN     10
/* about.json has every recipient in it, and a repetition adds a line to the journal. */
#define TEXT_MAX (64 * 1024 * 1024)

#define NEW  "new."
#define GONE "gone."

/* "FOLDER/REF/FILE: step: reason" from errno. Always false. */
static bool
fail(const struct qdisk *d, const char *ref, const char *step, GError **err)
{
	const int e = errno;

	g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_IO, "%s%s%s: %s: %s", d->path,
	    ref != NULL ? "/" : "", ref != NULL ? ref : "", step, g_strerror(e));
	return false;
}

/* An error of fsx as one of ours. Always false. */
static bool
take_error(GError **err, GError *from)
{
	g_set_error_literal(err, QUARANTINE_ERROR, QUARANTINE_E_IO, from->message);
	g_error_free(from);
	return false;
}

bool
qdisk_is_ref(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz234567");

	if (n != REF_LEN || strlen(name) > QUARANTINE_REF_MAX)
		return false;
	if (name[n] == '\0')
		return true;
	return name[n] == '-' && name[n + 1] != '\0' &&
	    strspn(name + n + 1, "0123456789") == strlen(name + n + 1);
}

static bool
remove_left_over(const struct qdisk *d, const char *name, GError **err)
{
	g_autofree char *path = g_build_filename(d->path, name, NULL);
	GError *why = NULL;

	return fsx_remove_tree(path, &why) || take_error(err, why);
}

/* The names in the folder; the caller frees. */
static GPtrArray *
names(const struct qdisk *d, GError **err)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	/* A description of its own: a shared one would share the position too. */
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (dir == NULL) {
		fail(d, NULL, "list", err);
		fd_close(&fd);
		g_ptr_array_unref(out);
		return NULL;
	}
	while ((errno = 0, e = readdir(dir)) != NULL)
		g_ptr_array_add(out, g_strdup(e->d_name));
	if (errno != 0) {
		fail(d, NULL, "list", err);
		g_ptr_array_unref(out);
		out = NULL;
	}
	closedir(dir);
	return out;
}

static bool
clean_up(const struct qdisk *d, GError **err)
{
	g_autoptr(GPtrArray) all = names(d, err);
	unsigned n = 0;

	if (all == NULL)
		return false;
	for (guint i = 0; i < all->len; i++) {
		const char *name = g_ptr_array_index(all, i);

		if (!g_str_has_prefix(name, NEW) && !g_str_has_prefix(name, GONE))
			continue;
		if (!remove_left_over(d, name, err))
			return false;
		n++;
	}
	if (n > 0)
		log_notice("%s: %u half-made or half-removed entr%s cleaned up", d->path, n,
		    n == 1 ? "y" : "ies");
	return true;
}

/* Nobody but us may look into what was kept from people. */
static bool
close_to_others(const struct qdisk *d, GError **err)
{
	struct stat st;

	if (fstat(d->fd, &st) != 0)
		return fail(d, NULL, "stat", err);
	if ((st.st_mode & 07777) == FOLDER_MODE)
		return true;
	if (fchmod(d->fd, FOLDER_MODE) != 0)
		return fail(d, NULL, "chmod 700", err);
	log_notice("%s: its mode was %o, is 700 now", d->path, (unsigned)(st.st_mode & 07777));
	return true;
}

bool
qdisk_open(struct qdisk *d, const char *path, GError **err)
{
	GError *why = NULL;

	d->path = g_strdup(path);
	d->fd = -1;
	if (!fsx_folder(path, FOLDER_MODE, &why))
		return take_error(err, why);
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return fail(d, NULL, "open", err);
	if (flock(d->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return fail(d, NULL, "lock", err);
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_IO,
		    "%s: another avmilter uses this folder; give each its own quarantine.directory",
		    path);
		return false;
	}
	return close_to_others(d, err) && clean_up(d, err);
}

void
qdisk_close(struct qdisk *d)
{
	fd_close(&d->fd);
	g_free(d->path);
	d->path = NULL;
}

bool
qdisk_sync(const struct qdisk *d, GError **err)
{
	return fsync(d->fd) == 0 || fail(d, NULL, "fsync", err);
}

/* A new file in the folder dir. */
static int
create(const struct qdisk *d, int dir, const char *ref, const char *file, GError **err)
{
	const int fd =
	    openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		fail(d, ref, "make a file", err);
	return fd;
}

static bool
copy_message(const struct message *m, int fd, GError **err)
{
	const uint64_t end = spool_size(m->spool);
	g_autofree char *buf = g_malloc(COPY_BYTES);
	const uint64_t begin = message_offset();
	GError *why = NULL;

	for (uint64_t at = begin; at < end;) {
		const size_t n = (size_t)MIN(end - at, (uint64_t)COPY_BYTES);

		if (!spool_read(m->spool, at, buf, n, &why) ||
		    !fsx_pwrite_all(fd, buf, n, (off_t)(at - begin), &why))
			return take_error(err, why);
		at += n;
	}
	return true;
}

/* The files of an entry, each on the disk. */
static bool
fill(const struct qdisk *d, int dir, const char *ref, const struct message *m, const char *about,
    GError **err)
{
	AUTO(fd_close) int message = create(d, dir, ref, "message", err);
	AUTO(fd_close) int text = message >= 0 ? create(d, dir, ref, "about.json", err) : -1;
	AUTO(fd_close) int journal = text >= 0 ? create(d, dir, ref, "journal", err) : -1;
	GError *why = NULL;

	if (journal < 0 || !copy_message(m, message, err))
		return false;
	if (!fsx_pwrite_all(text, about, strlen(about), 0, &why))
		return take_error(err, why);
	if (fsync(message) != 0 || fsync(text) != 0 || fsync(journal) != 0 || fsync(dir) != 0)
		return fail(d, ref, "fsync", err);
	return true;
}

bool
qdisk_write(const struct qdisk *d, const char *ref, const struct message *m, const char *about,
    GError **err)
{
	g_autofree char *fresh = g_strconcat(NEW, ref, NULL);
	AUTO(fd_close) int dir = -1;

	if (mkdirat(d->fd, fresh, FOLDER_MODE) != 0)
		return fail(d, fresh, "make a folder", err);
	dir = openat(d->fd, fresh, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		fail(d, fresh, "open", err);
	else if (!fill(d, dir, fresh, m, about, err))
		; /* *err is set */
	else if (renameat(d->fd, fresh, d->fd, ref) != 0)
		fail(d, fresh, "rename", err);
	else if (fsync(d->fd) == 0)
		return true;
	else {
		/* It may appear after a crash, but is not answered for: as if it had not been. */
		fail(d, ref, "fsync of the folder", err);
		(void)qdisk_remove(d, ref, NULL);
	}
	(void)remove_left_over(d, fresh, NULL);
	return false;
}

/* The journal at its end; a line that a crash has cut is ended first. */
static int
open_journal(const struct qdisk *d, const char *ref, GError **err)
{
	g_autofree char *name = g_strconcat(ref, "/journal", NULL);
	const int fd =
	    openat(d->fd, name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		fail(d, name, "open", err);
	return fd;
}

static bool
is_cut(int fd)
{
	struct stat st;
	char last = '\n';

	return fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
	    last != '\n';
}

bool
qdisk_append(const struct qdisk *d, const char *ref, const char *line, GError **err)
{
	AUTO(fd_close) int fd = open_journal(d, ref, err);
	g_autofree char *text = NULL;
	size_t len;
	ssize_t n;

	if (fd < 0)
		return false;
	text = g_strconcat(is_cut(fd) ? "\n" : "", line, "\n", NULL);
	len = strlen(text);
	do
		n = write(fd, text, len); /* one piece: several may append at a time */
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n < len)
		errno = ENOSPC;
	if (n < 0 || (size_t)n < len)
		return fail(d, ref, "write the journal", err);
	return fsync(fd) == 0 || fail(d, ref, "fsync the journal", err);
}

bool
qdisk_remove(const struct qdisk *d, const char *ref, GError **err)
{
	g_autofree char *gone = g_strconcat(GONE, ref, NULL);

	if (renameat(d->fd, ref, d->fd, gone) != 0)
		return errno == ENOENT || fail(d, ref, "rename", err);
	return remove_left_over(d, gone, err);
}

char *
qdisk_text(const struct qdisk *d, const char *ref, const char *file, GError **err)
{
	g_autofree char *name = g_build_filename(ref, file, NULL), *text = NULL;
	AUTO(fd_close) int fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	GError *why = NULL;
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return g_strdup("");
	if (fd < 0 || fstat(fd, &st) != 0) {
		fail(d, name, "open", err);
		return NULL;
	}
	if (st.st_size > TEXT_MAX) {
		errno = EFBIG;
		fail(d, name, "read", err);
		return NULL;
	}
	text = g_malloc0((size_t)st.st_size + 1);
	if (!fsx_pread_all(fd, text, (size_t)st.st_size, 0, &why)) {
		take_error(err, why);
		return NULL;
	}
	return g_steal_pointer(&text);
}

int
qdisk_message(const struct qdisk *d, const char *ref, GError **err)
{
	g_autofree char *name = g_build_filename(ref, "message", NULL);
	const int fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		fail(d, name, "open", err);
	return fd;
}

int64_t
qdisk_size(const struct qdisk *d, const char *ref, const char *file, GError **err)
{
	g_autofree char *name = g_build_filename(ref, file, NULL);
	struct stat st;

	if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return st.st_size;
	fail(d, name, "stat", err);
	return -1;
}

GPtrArray *
qdisk_refs(const struct qdisk *d, GError **err)
{
	GPtrArray *all = names(d, err);

	for (guint i = all != NULL ? all->len : 0; i > 0; i--)
		if (!qdisk_is_ref(g_ptr_array_index(all, i - 1)))
			g_ptr_array_remove_index_fast(all, i - 1);
	return all;
}
