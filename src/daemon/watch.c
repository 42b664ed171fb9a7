/* watch - see watch.h */
#include "daemon/watch.h"

#include <glib.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "verdict/database_files.h"

#define FOLDER_EVENTS                                                                              \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_ATTRIB |        \
	    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
/* Several events at once. */
#define BUFFER 4096

struct watch {
	char *path, *folder;
	int fd;    /* inotify, or -1 */
	int where; /* its number of the folder, or -1 */
};

struct watch *
watch_new(const char *path)
{
	struct watch *w = g_new0(struct watch, 1);

	w->path = g_strdup(path);
	w->folder =
	    g_file_test(path, G_FILE_TEST_IS_REGULAR) ? g_path_get_dirname(path) : g_strdup(path);
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w->where = -1;
	return w;
}

void
watch_free(struct watch **wp)
{
	struct watch *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	fd_close(&w->fd);
	g_free(w->path);
	g_free(w->folder);
	g_free(w);
}

const char *
watch_folder(const struct watch *w)
{
	return w->folder;
}

int
watch_fd(const struct watch *w)
{
	return w->fd;
}

static bool
counts(struct watch *w, const struct inotify_event *e)
{
	/* The folder itself went, or is not watched any more: the next look begins anew. */
	if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
		if (w->where >= 0 && !(e->mask & IN_IGNORED))
			inotify_rm_watch(w->fd, w->where);
		w->where = -1;
		return true;
	}
	return (e->mask & IN_Q_OVERFLOW) || (e->len > 0 && database_kind(e->name) != DATABASE_NONE);
}

bool
watch_hear(struct watch *w)
{
	_Alignas(struct inotify_event) char buf[BUFFER];
	bool touched = false;
	ssize_t n;

	while (w->fd >= 0 && (n = read(w->fd, buf, sizeof(buf))) > 0)
		for (char *at = buf; at < buf + n;) {
			const struct inotify_event *e = (const void *)at;

			touched = counts(w, e) || touched;
			at += sizeof(*e) + e->len;
		}
	return touched;
}

static void
add_file(struct digest *d, const char *path, const char *name, struct watch_look *out)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	const int64_t facts[] = { (int64_t)st.st_ino, st.st_size, st.st_mtim.tv_sec,
		st.st_mtim.tv_nsec, st.st_ctim.tv_sec, st.st_ctim.tv_nsec };

	digest_add(d, name, strlen(name) + 1);
	digest_add(d, facts, sizeof(facts));
	out->bytes += (uint64_t)st.st_size;
	out->files++;
	out->newest = MAX(out->newest, st.st_mtim.tv_sec);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void
watch_look(struct watch *w, struct watch_look *out)
{
	AUTO(digest_free) struct digest *d = digest_new();
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = NULL;
	const char *name;

	if (w->fd >= 0 && w->where < 0)
		w->where = inotify_add_watch(w->fd, w->folder, FOLDER_EVENTS);
	memset(out, 0, sizeof(*out));
	dir = g_dir_open(w->path, 0, NULL);
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		if (database_kind(name) != DATABASE_NONE)
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, by_name);
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *path = g_build_filename(w->path, names->pdata[i], NULL);

		add_file(d, path, names->pdata[i], out);
	}
	if (dir == NULL)
		add_file(d, w->path, w->path, out);
	digest_end(d, out->print);
}
