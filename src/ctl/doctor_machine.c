/*
 * doctor_machine - what the machine must have for this configuration: disk, memory, the daemon itself
 */
#include <errno.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ctl/site.h"
#include "verdict/database_files.h"

#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif

/* Definitions on disk to definitions in memory: containers are packed (measured: 4.5 to 6). */
#define UNPACKED 5

static bool
is_slow(long type)
{
	static const long slow[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC,
		SMB2_SUPER_MAGIC, FUSE_SUPER_MAGIC };

	for (size_t i = 0; i < G_N_ELEMENTS(slow); i++)
		if (slow[i] == type)
			return true;
	return false;
}

static void
check_disk(struct site *s)
{
	const char *base = s->conf->antivirus.file_base;
	g_autofree char *folder =
	    access(base, F_OK) == 0 ? g_strdup(base) : g_path_get_dirname(base);
	struct statvfs st;
	struct statfs fs;
	uint64_t free_bytes;

	if (statvfs(folder, &st) != 0) {
		site_remark(s, ERROR, folder, "avmilter does not start",
		    "mkdir, or file_base in antivirus", "file_base: %s", g_strerror(errno));
		return;
	}
	free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
	if (free_bytes < s->conf->spool.total_max)
		site_remark(s, free_bytes < s->conf->spool.total_max / 10 ? ERROR : WARNING, folder,
		    "large mail gets 451 when it is full",
		    "file_base on a larger disk, or a smaller spool { total_max }",
		    "file_base has %" G_GUINT64_FORMAT
		    " MB free, spool.total_max is %" G_GUINT64_FORMAT " MB",
		    free_bytes >> 20, s->conf->spool.total_max >> 20);
	if (statfs(folder, &fs) == 0 && is_slow((long)fs.f_type))
		site_remark(s, WARNING, folder,
		    "each large mail waits for the network, and hangs with it",
		    "file_base on a local disk", "file_base is on a network file system");
}

/* Bytes that the definitions of a folder need in memory, roughly. */
static uint64_t
loaded_size(const char *database)
{
	GDir *dir = g_dir_open(database, 0, NULL);
	uint64_t sum = 0;
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(database, name, NULL);
		struct stat st;

		if (database_kind(name) != DATABASE_NONE && stat(path, &st) == 0)
			sum += (uint64_t)st.st_size;
	}
	if (dir != NULL)
		g_dir_close(dir);
	return sum * UNPACKED;
}

static uint64_t
available_memory(void)
{
	g_autofree char *text = NULL;
	const char *at;

	if (!g_file_get_contents("/proc/meminfo", &text, NULL, NULL))
		return 0;
	at = strstr(text, "MemAvailable:");
	return at != NULL ? g_ascii_strtoull(at + strlen("MemAvailable:"), NULL, 10) << 10 : 0;
}

static void
check_memory(struct site *s)
{
	const uint64_t there = available_memory();

	for (guint i = 0; i < s->conf->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(s->conf->engines, i);
		uint64_t size;

		if (e->enabled == ENABLED_NO || strcmp(e->kind, "clamav") != 0)
			continue;
		size = loaded_size(e->clamav.database);
		if (there > 0 && size > there)
			site_remark(s, e->clamav.reload == RELOAD_CONCURRENT ? ERROR : WARNING,
			    NULL,
			    e->clamav.reload == RELOAD_CONCURRENT
				? "the kernel ends a process in the middle of an update"
				: "mail waits while definitions are loaded",
			    "more memory, or reload = \"blocking\"",
			    "about %" G_GUINT64_FORMAT
			    " MB for definitions beside those in use, %" G_GUINT64_FORMAT
			    " MB are there",
			    size >> 20, there >> 20);
	}
}

static void
check_user(struct site *s)
{
	g_autofree char *name = g_strndup(s->conf->user, strcspn(s->conf->user, ":"));

	if (getpwnam(name) == NULL)
		site_remark(s, ERROR, NULL, "avmilter does not start",
		    "adduser --system --group --no-create-home avmilter", "there is no user %s",
		    name);
}

static void
check_running(struct site *s)
{
	if (s->socket != NULL && !endpoint_alive(s->socket))
		site_remark(s, ERROR, s->conf->socket, "mail gets 451, or passes unscanned",
		    "systemctl start avmilter", "nobody answers on the milter socket");
}

void
doctor_machine(struct site *s)
{
	if (s->conf == NULL)
		return;
	check_user(s);
	check_disk(s);
	check_memory(s);
	check_running(s);
}
