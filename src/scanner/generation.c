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

#define BLOCK (256 * 1024)

/* The extensions that cl_load() of 1.4 reads (CLI_DBEXT of its readdb.h). */
static const char *const extensions[] = { "cat", "cbc", "cdb", "cfg", "cld", "crb", "cud", "cvd",
	"db", "fp", "ftm", "gdb", "hdb", "hdu", "hsb", "hsu", "idb", "ign", "ign2", "imp", "info",
	"ioc", "ldb", "ldu", "mdb", "mdu", "msb", "msu", "ndb", "ndu", "pdb", "pwdb", "rmd", "sdb",
	"sfp", "wdb", "yar", "yara", "zmd" };

static bool
is_database(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < G_N_ELEMENTS(extensions); i++)
		if (g_ascii_strcasecmp(dot + 1, extensions[i]) == 0)
			return true;
	return false;
}

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

static bool
add_folder(const char *database, struct digest *d, struct generation *g, GError **err)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) why = NULL;
	GDir *dir = g_dir_open(database, 0, &why);
	const char *name;

	if (!dir) {
		errno = g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_ACCES) ? EACCES : EIO;
		return fail_errno(database, database, err);
	}
	while ((name = g_dir_read_name(dir)) != NULL)
		if (is_database(name))
			g_ptr_array_add(names, g_strdup(name));
	g_dir_close(dir);
	g_ptr_array_sort(names, by_name);
	for (unsigned i = 0; i < names->len; i++) {
		g_autofree char *path = g_build_filename(database, names->pdata[i], NULL);
		if (!add_file(database, path, d, g, err))
			return false;
	}
	return true;
}

bool
generation_read(const char *database, struct generation *g, GError **err)
{
	AUTO(digest_free) struct digest *d = digest_new();
	struct stat st;

	memset(g, 0, sizeof *g);
	if (stat(database, &st) < 0)
		return fail_errno(database, database, err);
	digest_add(d, cl_retver(), strlen(cl_retver()) + 1);
	if (S_ISDIR(st.st_mode) ? !add_folder(database, d, g, err)
				: !add_file(database, database, d, g, err))
		return false;
	if (g->files == 0)
		return fail(database, "no signature files in this folder", err);
	digest_end(d, g->id);
	return true;
}
