#include "scanner/generation.h"

#include <clamav.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/digest.h"
#include "base/fsx.h"
#include "verdict/database_files.h"

#define BLOCK (256 * 1024)

char *
generation_remedy(const char *database)
{
	return g_strdup_printf("fetch signatures with: freshclam --datadir=%s", database);
}

static bool
fail(const char *database, const char *what, GError **err)
{
	g_autofree char *remedy = generation_remedy(database);

	g_set_error(
	    err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "database %s: %s; %s", database, what, remedy);
	return false;
}

static bool
fail_errno(const char *database, const char *path, GError **err)
{
	int why = errno;
	g_autofree char *what = NULL;

	if (why == ENOENT && strcmp(path, database) == 0)
		return fail(database, "no such folder", err);
	if (why == EACCES || why == EPERM)
		what = g_strdup_printf(
		    "%s cannot be read by user id %u, make it readable", path, (unsigned)geteuid());
	else
		what = g_strdup_printf("%s: %s", path, g_strerror(why));
	return fail(database, what, err);
}

static bool
add_content(struct digest *d, int fd)
{
	g_autofree unsigned char *buf = g_malloc(BLOCK);
	AUTO(digest_free) struct digest *file = digest_new();
	uint8_t sum[DIGEST_LEN];
	ssize_t n;

	while ((n = read(fd, buf, BLOCK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		digest_add(file, buf, (size_t)n);
	}
	digest_end(file, sum);
	digest_add(d, sum, sizeof sum);
	return true;
}

/* Version and build time stand in the head of a signed container; any other file has only its own
 * time. */
static void
note_version(const char *path, const char *name, const struct stat *st, struct generation *g)
{
	int64_t when = st->st_mtime;

	if (g_str_has_suffix(name, ".cvd") || g_str_has_suffix(name, ".cld") ||
	    g_str_has_suffix(name, ".cud")) {
		struct cl_cvd *head = cl_cvdhead(path);
		if (head) {
			when = head->stime;
			if (g_str_has_prefix(name, "daily.") || g_str_has_prefix(name, "main."))
				g->definitions = MAX(g->definitions, head->version);
			cl_cvdfree(head);
		}
	}
	g->time = MAX(g->time, when);
}

static bool
add_file(
    const char *database, const char *path, struct digest *d, struct generation *g, GError **err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(database, path, err);
	if (!S_ISREG(st.st_mode))
		return true;
	uint64_t size = (uint64_t)st.st_size;
	digest_add(d, name, strlen(name) + 1);
	digest_add(d, &size, sizeof size);
	if (!add_content(d, fd))
		return fail_errno(database, path, err);
	note_version(path, name, &st, g);
	g->files++;
	return true;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* NULL and *err when the folder cannot be read. */
static GPtrArray *
list_folder(const char *database, GError **err)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) why = NULL;
	GDir *dir = g_dir_open(database, 0, &why);
	const char *name;

	if (!dir) {
		errno = g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_ACCES) ? EACCES : EIO;
		fail_errno(database, database, err);
		g_ptr_array_unref(paths);
		return NULL;
	}
	while ((name = g_dir_read_name(dir)) != NULL)
		if (database_kind(name) != DATABASE_NONE)
			g_ptr_array_add(paths, g_build_filename(database, name, NULL));
	g_dir_close(dir);
	g_ptr_array_sort(paths, by_name);
	return paths;
}

GPtrArray *
generation_files(const char *database, GError **err)
{
	GPtrArray *one;
	struct stat st;

	if (stat(database, &st) < 0) {
		fail_errno(database, database, err);
		return NULL;
	}
	if (S_ISDIR(st.st_mode))
		return list_folder(database, err);
	one = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(one, g_strdup(database));
	return one;
}

bool
generation_read(const char *database, struct generation *g, GError **err)
{
	AUTO(digest_free) struct digest *d = digest_new();
	g_autoptr(GPtrArray) files = generation_files(database, err);

	memset(g, 0, sizeof *g);
	if (!files)
		return false;
	digest_add(d, cl_retver(), strlen(cl_retver()) + 1);
	for (unsigned i = 0; i < files->len; i++)
		if (!add_file(database, files->pdata[i], d, g, err))
			return false;
	if (g->files == 0)
		return fail(database, "no signature files in this folder", err);
	digest_end(d, g->id);
	return true;
}
