/*
 * room - reads /proc and the control groups
 */
#include "worker/room.h"

#include <glib.h>
#include <string.h>

#define KIB 1024

/* The number behind a word at the beginning of a line. */
static bool
field(const char *text, const char *word, uint64_t *out)
{
	const size_t len = strlen(word);

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, word, len) != 0 || !strchr(": \t", line[len]))
			continue;
		line += len + strspn(line + len, ": \t");
		if (!g_ascii_isdigit(*line))
			return false;
		*out = g_ascii_strtoull(line, NULL, 10);
		return true;
	}
	return false;
}

static char *
read_file(const char *root, const char *path)
{
	g_autofree char *full = g_strconcat(root, path, NULL);
	char *text = NULL;

	return g_file_get_contents(full, &text, NULL, NULL) ? text : NULL;
}

/* The number in a file of a group; false for "max" too. */
static bool
read_number(const char *root, const char *group, const char *name, uint64_t *out)
{
	g_autofree char *path = g_build_filename(group, name, NULL);
	g_autofree char *text = read_file(root, path);

	if (text == NULL || !g_ascii_isdigit(text[0]))
		return false;
	*out = g_ascii_strtoull(text, NULL, 10);
	return true;
}

static uint64_t
inactive_cache(const char *root, const char *group, const char *word)
{
	g_autofree char *path = g_build_filename(group, "memory.stat", NULL);
	g_autofree char *text = read_file(root, path);
	uint64_t bytes = 0;

	if (text != NULL)
		field(text, word, &bytes);
	return bytes;
}

/* The files of a version that name a bound, what is used, and the page cache that can be had. */
struct version {
	const char *mount;
	const char *limits[2];
	const char *used;
	const char *inactive;
};

static const struct version v1 = { "/sys/fs/cgroup/memory", { "memory.limit_in_bytes", NULL },
	"memory.usage_in_bytes", "total_inactive_file" };
static const struct version v2 = { "/sys/fs/cgroup", { "memory.max", "memory.high" },
	"memory.current", "inactive_file" };

static void
narrow(uint64_t *bytes, char who[ROOM_TEXT_MAX], uint64_t other, const char *name)
{
	if (other >= *bytes)
		return;
	*bytes = other;
	g_strlcpy(who, name, ROOM_TEXT_MAX);
}

/* One group: its smaller bound less what it uses. */
static void
look_at(const char *root, const struct version *v, const char *group, uint64_t *bytes,
    char who[ROOM_TEXT_MAX])
{
	uint64_t used, limit;

	if (!read_number(root, group, v->used, &used))
		return;
	used -= MIN(used, inactive_cache(root, group, v->inactive));
	for (size_t i = 0; i < G_N_ELEMENTS(v->limits); i++)
		if (v->limits[i] && read_number(root, group, v->limits[i], &limit))
			narrow(bytes, who, limit - MIN(limit, used), group);
}

/* A group and all above it. */
static void
climb(const char *root, const struct version *v, const char *path, uint64_t *bytes,
    char who[ROOM_TEXT_MAX])
{
	g_autofree char *group = g_build_filename(v->mount, path, NULL);

	for (;;) {
		char *slash;

		look_at(root, v, group, bytes, who);
		slash = strrchr(group, '/');
		if (strlen(group) <= strlen(v->mount) || slash == NULL)
			return;
		*slash = '\0';
	}
}

/* A line of /proc/self/cgroup: NUMBER:CONTROLLERS:PATH, with no controllers for v2. */
static void
look_along(const char *root, const char *line, uint64_t *bytes, char who[ROOM_TEXT_MAX])
{
	g_auto(GStrv) part = g_strsplit(line, ":", 3);

	if (g_strv_length(part) != 3 || strstr(part[2], "..") != NULL)
		return;
	if (part[1][0] == '\0') {
		climb(root, &v2, part[2], bytes, who);
	} else {
		g_auto(GStrv) controllers = g_strsplit(part[1], ",", -1);

		if (g_strv_contains((const char *const *)controllers, "memory"))
			climb(root, &v1, part[2], bytes, who);
	}
}

bool
room_available(const char *root, uint64_t *bytes, char who[ROOM_TEXT_MAX])
{
	g_autofree char *meminfo = read_file(root, "/proc/meminfo");
	g_autofree char *groups = read_file(root, "/proc/self/cgroup");
	uint64_t kib;

	*bytes = UINT64_MAX;
	if (meminfo != NULL && field(meminfo, "MemAvailable", &kib))
		narrow(bytes, who, kib * KIB, "MemAvailable");
	if (groups != NULL) {
		g_auto(GStrv) lines = g_strsplit(groups, "\n", -1);

		for (char **l = lines; *l != NULL; l++)
			look_along(root, *l, bytes, who);
	}
	return *bytes != UINT64_MAX;
}

bool
room_held(const char *root, pid_t pid, uint64_t *bytes)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
	g_autofree char *text = read_file(root, path);
	uint64_t kib;

	if (text == NULL || !field(text, "RssAnon", &kib))
		return false;
	*bytes = kib * KIB;
	return true;
}
