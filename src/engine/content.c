/*
 * content - reading, copying and naming an object
 */
#include "engine/content.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/fsx.h"

#define COPY_CHUNK (64 * 1024)
#define ALL_SEALS  (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
#define GROUP_ROOM (16 * 1024)

static bool
is_whole_message(const struct content *c)
{
	return c->object->kind == OBJECT_MESSAGE && c->object->store == STORE_SPOOL;
}

void
content_init(struct content *c, const struct objects *set, const struct object *o)
{
	*c = (struct content){ .set = set, .object = o, .fd = -1 };
	c->size = is_whole_message(c) ? spool_size(set->spool) : o->size;
}

void
content_clear(struct content *c)
{
	fd_close(&c->fd);
	if (c->path)
		unlink(c->path);
	g_clear_pointer(&c->path, g_free);
}

bool
content_read(const struct content *c, uint64_t at, void *buf, size_t len, GError **err)
{
	if (is_whole_message(c))
		return spool_read(c->set->spool, at, buf, len, err);
	return objects_read(c->set, c->object, at, buf, len, err);
}

static bool
copy_to(const struct content *c, int fd, GError **err)
{
	g_autofree char *chunk = g_malloc(COPY_CHUNK);

	for (uint64_t at = 0; at < c->size; at += COPY_CHUNK) {
		size_t n = (size_t)MIN(c->size - at, COPY_CHUNK);

		if (!content_read(c, at, chunk, n, err) ||
		    !fsx_pwrite_all(fd, chunk, n, (off_t)at, err))
			return false;
	}
	return true;
}

int
content_fd(struct content *c, GError **err)
{
	AUTO(fd_close) int fd = -1;

	if (is_whole_message(c))
		return spool_fd(c->set->spool, err);
	if (c->fd >= 0)
		return c->fd;
	fd = memfd_create("part", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		fsx_fail(err, "part", "memfd_create");
		return -1;
	}
	if (!copy_to(c, fd, err))
		return -1;
	if (fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0) {
		fsx_fail(err, "part", "seal");
		return -1;
	}
	c->fd = fd;
	fd = -1;
	return c->fd;
}

/* Give the file to the group that the server runs in. */
static bool
set_group(int fd, const char *path, const char *group, GError **err)
{
	g_autofree char *room = g_malloc(GROUP_ROOM);
	struct group g, *found = NULL;

	if (!group[0])
		return true;
	if (getgrnam_r(group, &g, room, GROUP_ROOM, &found) != 0 || !found) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "%s: path_group %s does not exist", path, group);
		return false;
	}
	return fchown(fd, (uid_t)-1, found->gr_gid) == 0 ||
	    fsx_fail(err, path, "chown to path_group");
}

const char *
content_path(struct content *c, const struct content_place *place, GError **err)
{
	AUTO(fd_close) int fd = -1;

	if (c->path)
		return c->path;
	c->path = g_build_filename(place->directory, "avm-XXXXXX", NULL);
	fd = mkostemp(c->path, O_CLOEXEC);
	if (fd < 0) {
		fsx_fail(err, c->path, "create");
		g_clear_pointer(&c->path, g_free);
		return NULL;
	}
	if (!copy_to(c, fd, err) || !set_group(fd, c->path, place->group, err))
		return NULL;
	if (fchmod(fd, place->mode) < 0) {
		fsx_fail(err, c->path, "chmod");
		return NULL;
	}
	return c->path;
}

char *
content_remote_path(const char *path, char *const *map)
{
	for (; map && *map; map++) {
		const char *eq = strchr(*map, '=');
		size_t n = eq ? (size_t)(eq - *map) : 0;

		if (n > 0 && strncmp(path, *map, n) == 0 &&
		    (path[n] == '/' || path[n] == '\0' || (*map)[n - 1] == '/'))
			return g_strconcat(eq + 1, path + n, NULL);
	}
	return g_strdup(path);
}
