/*
 * doctor_engines - definitions, clamd.conf(5), c-icap's virus_scan.conf, servers of every engine
 */
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/site.h"
#include "verdict/database_files.h"

#define DAY_SECONDS 86400
/* clamd's own, where its file says nothing (clamd.conf(5) 1.4). */
#define CLAMD_STREAM_MAX (100ULL << 20)
#define CLAMD_SCAN_MAX   (400ULL << 20)
#define CLAMD_FILE_MAX   (100ULL << 20)

/* The newest definitions of a folder. */
struct newest {
	unsigned files;
	time_t time;
};

static void
look_at(const char *path, struct newest *n)
{
	struct stat st;

	if (stat(path, &st) != 0 || database_kind(path) == DATABASE_NONE)
		return;
	n->files++;
	n->time = MAX(n->time, st.st_mtime);
}

static bool
look_in(const char *database, struct newest *n)
{
	GDir *dir;
	const char *name;

	*n = (struct newest){ 0 };
	if (!g_file_test(database, G_FILE_TEST_IS_DIR)) {
		look_at(database, n);
		return n->files > 0;
	}
	dir = g_dir_open(database, 0, NULL);
	if (dir == NULL)
		return false;
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(database, name, NULL);

		look_at(path, n);
	}
	g_dir_close(dir);
	return true;
}

/* Does anybody fetch new definitions? */
static bool
is_updated(const struct conf_engine *e)
{
	return e->clamav.update_command[0] != '\0' ||
	    access("/etc/clamav/freshclam.conf", F_OK) == 0 ||
	    access("/usr/bin/freshclam", X_OK) == 0;
}

static void
check_definitions(struct site *s, const struct conf_engine *e)
{
	const char *database = e->clamav.database;
	const int64_t most = e->definitions_max_age / 1000;
	struct newest n;
	int64_t age;

	if (!look_in(database, &n)) {
		site_remark(s, ERROR, database, "all mail gets 451 until there are definitions",
		    "freshclam, or the right path in database",
		    "the folder of the definitions of engine %s is not there, or not readable",
		    e->title);
		return;
	}
	if (n.files == 0) {
		site_remark(s, ERROR, database, "all mail gets 451 until there are definitions",
		    "freshclam", "there are no definitions for engine %s", e->title);
		return;
	}
	age = (int64_t)(time(NULL) - n.time);
	if (most > 0 && age > most)
		site_remark(s, ERROR, database, "new viruses are not known",
		    "freshclam; then look why it does not run by itself",
		    "the newest definitions of engine %s are %" G_GINT64_FORMAT " days old",
		    e->title, age / DAY_SECONDS);
	if (!is_updated(e))
		site_remark(s, WARNING, NULL, "the definitions grow old",
		    "apt install clamav-freshclam, or update_command",
		    "nobody fetches new definitions for engine %s", e->title);
}

/* A server on this machine, so that its configuration file is the one that we read. */
static bool
is_local(const char *server)
{
	static const char *const here[] = { "unix:", "/", "tcp:127.", "tcp:localhost", "tcp:[::1]",
		"127.", "localhost", "[::1]", "icap://127.", "icap://localhost", "icap://[::1]",
		"icap:127.", "icap:localhost" };

	for (size_t i = 0; i < G_N_ELEMENTS(here); i++)
		if (g_str_has_prefix(server, here[i]))
			return true;
	return false;
}

static bool
has_local_server(const struct conf_engine *e)
{
	for (char *const *p = e->net.servers; *p != NULL; p++)
		if (is_local(*p))
			return true;
	return false;
}

static void
want_switch(struct site *s, const struct settings *f, const char *name, bool wanted, bool absent,
    enum gravity g, const char *why)
{
	g_autofree char *where = NULL, *write = NULL;

	if (settings_yes(f, name, absent) == wanted)
		return;
	where = settings_where(f, name);
	write = g_strdup_printf("%s %s", name, wanted ? "yes" : "no");
	site_remark(s, g, where, why, write, "%s is %s", name, wanted ? "no" : "yes");
}

static void
want_size(struct site *s, const struct settings *f, const char *name, uint64_t absent,
    uint64_t least, const char *why)
{
	const uint64_t now = settings_size(f, name, absent);
	g_autofree char *where = NULL, *write = NULL;

	/* 0 = no limit */
	if (now == 0 || now >= least)
		return;
	where = settings_where(f, name);
	write = g_strdup_printf("%s %" G_GUINT64_FORMAT "M", name, (least >> 20) + 1);
	site_remark(s, WARNING, where, why, write,
	    "%s is %" G_GUINT64_FORMAT " bytes, mail may have %" G_GUINT64_FORMAT, name, now,
	    least);
}

/* The largest mail that comes here. */
static uint64_t
largest_mail(const struct site *s)
{
	const uint64_t mta = g_ascii_strtoull(site_parameter(s, "message_size_limit"), NULL, 10);
	const uint64_t own = s->conf->spool.message_max;

	return own != 0 ? own : mta;
}

static void
check_clamd(struct site *s, const struct conf_engine *e)
{
	const struct settings *f = &s->clamd;
	const uint64_t most = largest_mail(s);
	const char *socket = settings_get(f, "LocalSocket");

	if (f->path == NULL || !has_local_server(e))
		return;
	want_switch(s, f, "AlertExceedsMax", true, false, ERROR,
	    "what clamd did not examine because of a limit is an OK like any other");
	want_switch(s, f, "AlertEncrypted", true, false, WARNING,
	    "an encrypted archive is an OK like any other");
	want_switch(s, f, "HeuristicScanPrecedence", false, false, WARNING,
	    "a password may hide a virus beside it");
	want_switch(s, f, "ScanMail", true, true, ERROR, "mail inside of mail is not looked into");
	want_switch(s, f, "ScanArchive", true, true, ERROR, "archives are not looked into");
	want_size(s, f, "StreamMaxLength", CLAMD_STREAM_MAX, most, "larger mail is unscannable");
	want_size(
	    s, f, "MaxScanSize", CLAMD_SCAN_MAX, most, "larger mail is examined in part only");
	want_size(
	    s, f, "MaxFileSize", CLAMD_FILE_MAX, most, "larger mail is examined in part only");
	for (char *const *p = e->net.servers; *p != NULL && socket != NULL; p++) {
		g_autofree char *where = settings_where(f, "LocalSocket");

		if (g_str_has_prefix(*p, "unix:") && strcmp(*p + strlen("unix:"), socket) != 0)
			site_remark(s, ERROR, where, "the engine is never reached: 451", socket,
			    "clamd listens on %s, engine %s asks %s", socket, e->title, *p);
	}
}

static void
check_c_icap(struct site *s, const struct conf_engine *e)
{
	const struct settings *f = &s->c_icap;
	const char *types = settings_get(f, "virus_scan.ScanFileTypes");

	if (f->path == NULL || !has_local_server(e))
		return;
	if (types != NULL) {
		g_autofree char *where = settings_where(f, "virus_scan.ScanFileTypes");

		if (strstr(types, "DATA") == NULL || strstr(types, "TEXT") == NULL)
			site_remark(s, ERROR, where, "every other type gets 204 unseen",
			    "virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE",
			    "c-icap examines only: %s", types);
	}
	want_switch(s, f, "virus_scan.PassOnError", false, false, ERROR,
	    "what could not be examined is passed as clean");
	want_size(s, f, "virus_scan.MaxObjectSize", 5ULL << 20, largest_mail(s),
	    "c-icap lets larger objects pass unseen");
}

/* Content of mail goes over the wire. */
static void
check_clear_text(struct site *s, const struct conf_engine *e)
{
	for (char *const *p = e->net.servers; *p != NULL; p++)
		if (!is_local(*p) && !e->net.tls && strstr(*p, "https:") == NULL &&
		    strstr(*p, "icaps:") == NULL)
			site_remark(s, WARNING, NULL,
			    "whoever sits on the way reads all mail, and may answer clean",
			    "tls = true and tls_ca", "engine %s speaks to %s without TLS", e->title,
			    *p);
}

void
doctor_engines(struct site *s)
{
	for (guint i = 0; s->conf != NULL && i < s->conf->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(s->conf->engines, i);

		if (e->enabled == ENABLED_NO)
			continue;
		if (strcmp(e->kind, "clamav") == 0)
			check_definitions(s, e);
		if (strcmp(e->kind, "clamd") == 0)
			check_clamd(s, e);
		if (strcmp(e->kind, "icap") == 0)
			check_c_icap(s, e);
		check_clear_text(s, e);
	}
}
