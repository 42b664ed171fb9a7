/* check - see check.h */
#include "daemon/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fsx.h"
#include "base/log.h"
#include "daemon/folders.h"
#include "daemon/generation.h"
#include "daemon/privileges.h"
#include "daemon/socket.h"
#include "daemon/store.h"
#include "effect/alert.h"
#include "effect/seal.h"
#include "engine/engine.h"
#include "policy/rules.h"
#include "scan/memory.h"
#include "verdict/database_files.h"

/* Postfix: milter_content_timeout; sendmail: E in T=. Both default to it. */
#define MTA_PATIENCE_MS 300000

/* For the signatures to load. */
#define LOAD_MS 180000

static void add(GPtrArray *to, const char *fmt, ...) PRINTF(2, 3);

static void
add(GPtrArray *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	g_ptr_array_add(to, g_strdup_vprintf(fmt, ap));
	va_end(ap);
}

/* Each line of a message is an error of its own: a configuration tells all that is wrong with it at
 * once. */
static void
take_error(GPtrArray *to, GError **err)
{
	g_auto(GStrv) lines = *err != NULL ? g_strsplit((*err)->message, "\n", -1) : NULL;

	for (guint i = 0; lines != NULL && lines[i] != NULL; i++)
		add(to, "%s", lines[i]);
	g_clear_error(err);
}

/* Does the folder hold a file of signatures that id can read? */
static bool
has_signatures(const struct identity *id, const char *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (database_kind(name) != DATABASE_NONE && identity_access(id, path, R_OK) == 0)
			return true;
	}
	return false;
}

static void
check_database(const struct conf_engine *e, const struct identity *id, GPtrArray *errors)
{
	const char *path = e->clamav.database;
	const int rc = identity_access(id, path, R_OK);

	if (rc != 0)
		add(errors,
		    "clamav \"%s\": database = \"%s\": user %s cannot read it: %s; fetch "
		    "signatures with: freshclam --datadir=%s",
		    e->title, path, id->name, g_strerror(rc), path);
	else if (g_file_test(path, G_FILE_TEST_IS_DIR) && !has_signatures(id, path))
		add(errors,
		    "clamav \"%s\": database = \"%s\": no readable signatures in this folder; "
		    "fetch them with: freshclam --datadir=%s",
		    e->title, path, path);
}

/* The program must be there; the folder must be its user's to write, if what it does is what it is meant for. */
static void
check_update(
    const struct conf_engine *e, const struct identity *id, GPtrArray *errors, GPtrArray *warnings)
{
	g_auto(GStrv) argv = NULL;
	int rc;

	if (!g_shell_parse_argv(e->clamav.update_command, NULL, &argv, NULL))
		return; /* empty; what is malformed was refused with its line */
	rc = identity_access(id, argv[0], X_OK);
	if (rc != 0)
		add(errors,
		    "clamav \"%s\": update_command: user %s cannot run %s: %s; correct the path",
		    e->title, id->name, argv[0], g_strerror(rc));
	rc = identity_access(id, e->clamav.database, W_OK);
	if (rc != 0)
		add(warnings,
		    "clamav \"%s\": update_command runs as user %s, who cannot write database = "
		    "\"%s\": %s; give the folder to that user (and add it to ReadWritePaths of the "
		    "systemd unit), or let clamav-freshclam do it and take update_command away",
		    e->title, id->name, e->clamav.database, g_strerror(rc));
}

/* What the engines themselves say about their sections: addresses, certificates, templates. */
static void
check_sections(const struct options *o, const struct conf *conf, GPtrArray *errors)
{
	g_autoptr(GError) err = NULL;
	struct engines *set = engines_new(conf, NULL, o->test_engines, &err);

	if (set == NULL)
		take_error(errors, &err);
	engines_free(&set);
}

/* Lists are read by the daemon, which has become the configured user. */
static void
check_list(
    const struct conf_policy *p, char *const *texts, const struct identity *id, GPtrArray *errors)
{
	for (; *texts != NULL; texts++) {
		const char *path = *texts + strlen("file:");
		const int rc =
		    g_str_has_prefix(*texts, "file:/") ? identity_access(id, path, R_OK) : 0;

		if (rc != 0)
			add(errors, "%s:%u: policy \"%s\": user %s cannot read the list %s: %s",
			    p->file, p->line, p->title, id->name, path, g_strerror(rc));
	}
}

/* So are whitelists. */
static void
check_whitelists(const struct conf *conf, const struct identity *id, GPtrArray *errors)
{
	for (guint i = 0; i < conf->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(conf->engines, i);
		const int rc = *e->whitelist ? identity_access(id, e->whitelist, R_OK) : 0;

		if (rc != 0)
			add(errors, "%s \"%s\": user %s cannot read whitelist = \"%s\": %s",
			    e->kind, e->title, id->name, e->whitelist, g_strerror(rc));
	}
}

static void
check_policies(const struct conf *conf, const struct identity *id, GPtrArray *errors)
{
	const guint before = errors->len;
	g_autoptr(GError) err = NULL;
	struct rules *rules;

	for (guint i = 0; i < conf->policies->len; i++) {
		const struct conf_policy *p = g_ptr_array_index(conf->policies, i);

		check_list(p, p->senders, id, errors);
		check_list(p, p->recipients, id, errors);
		check_list(p, p->daemons, id, errors);
		check_list(p, p->symbols, id, errors);
		check_list(p, p->objects, id, errors);
	}
	check_whitelists(conf, id, errors);
	if (errors->len > before)
		return;
	rules = rules_new(conf, NULL, &err);
	if (rules == NULL)
		take_error(errors, &err);
	rules_free(&rules);
}

static void
check_engines(const struct options *o, struct conf *conf, const struct identity *id,
    GPtrArray *errors, GPtrArray *warnings)
{
	unsigned active = 0;
	struct workers_conf cfg;
	g_autoptr(GError) err = NULL;

	for (guint i = 0; i < conf->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(conf->engines, i);

		active += e->enabled == ENABLED_YES;
		if (e->test && !o->test_engines)
			add(errors,
			    "%s:%u: %s \"%s\": an engine for tests; take the section out (or start "
			    "with --test-engines, never with real mail)",
			    e->file, e->line, e->kind, e->title);
		else if (engine_ops_find(e->kind) == NULL)
			add(errors, "%s:%u: %s \"%s\": this engine is not built into this version",
			    e->file, e->line, e->kind, e->title);
		else if (strcmp(e->kind, "clamav") == 0 && e->enabled != ENABLED_NO) {
			check_database(e, id, errors);
			check_update(e, id, errors, warnings);
		}
	}
	if (errors->len == 0)
		check_sections(o, conf, errors);
	if (!conf->antivirus.enabled || active == 0)
		add(warnings,
		    "no engine is enabled: every mail would pass, marked \"Skipped (disabled)\"");
	if (!generation_needs_workers(conf))
		return;
	if (!generation_workers_conf(conf, &cfg, &err)) {
		take_error(errors, &err);
		return;
	}
	if (identity_access(id, cfg.scanner_path, X_OK) != 0)
		add(errors,
		    "scanner_path = \"%s\": user %s cannot run it; install avmilter-scanner there "
		    "or correct the path",
		    cfg.scanner_path, id->name);
	g_free((char *)(uintptr_t)cfg.scanner_path);
}

static void
check_socket(
    const char *option, const char *text, const char *group, GPtrArray *errors, GPtrArray *warnings)
{
	g_autoptr(GError) err = NULL;
	AUTO(endpoint_free) struct endpoint *e = endpoint_parse(text, &err);
	g_autofree char *folder = NULL, *parent = NULL;
	gid_t gid;

	if (e == NULL) {
		take_error(errors, &err);
		return;
	}
	if (endpoint_alive(e))
		add(warnings,
		    "%s = \"%s\": somebody listens there. A running avmilter is fine for -n; a "
		    "second one would not start",
		    option, text);
	if (e->family != ENDPOINT_UNIX)
		return;
	if (!socket_group(group, &gid, &err))
		take_error(errors, &err);
	else if (gid != (gid_t)-1 && geteuid() != 0 && !group_member(gid))
		add(errors,
		    "%s: group \"%s\": only root or a member can give a socket to it; make our "
		    "user a member",
		    option, group);
	folder = g_path_get_dirname(e->path);
	parent = g_path_get_dirname(folder);
	if (access(folder, F_OK) != 0 && access(parent, F_OK) != 0)
		add(errors, "%s = \"%s\": neither the folder %s nor the one above it exists",
		    option, text, folder);
	else if (access(e->path, F_OK) != 0 &&
	    access(access(folder, F_OK) == 0 ? folder : parent, W_OK) != 0)
		add(errors, "%s = \"%s\": the socket cannot be made there: %s", option, text,
		    g_strerror(errno));
	if (g_file_test(e->path, G_FILE_TEST_EXISTS) &&
	    g_file_test(e->path, G_FILE_TEST_IS_REGULAR))
		add(errors, "%s = \"%s\": is there and is not a socket", option, text);
}

static void
check_times(const struct conf *conf, GPtrArray *warnings)
{
	if (conf->antivirus.message_time_max >= MTA_PATIENCE_MS)
		add(warnings,
		    "message_time_max = %" G_GINT64_FORMAT
		    "s: Postfix (milter_content_timeout) and sendmail (E in T=) give up after 300 "
		    "s unless "
		    "they are told otherwise",
		    conf->antivirus.message_time_max / 1000);
	if (conf->antivirus.on_error == ACTION_PASS)
		add(warnings, "on_error = pass: mail that could not be scanned is delivered");
}

/* What shared cache and seals need at the start, while it may still be read. */
static void
check_secrets(const struct conf *conf, GPtrArray *errors)
{
	g_autoptr(GError) err = NULL;
	struct memory *m = memory_new(conf, &err);
	struct seal *seal;

	if (m == NULL)
		take_error(errors, &err);
	memory_free(&m);
	if (conf->seal.key_file[0] == '\0')
		return;
	seal = seal_new(conf->seal.key_file, &err);
	if (seal == NULL)
		take_error(errors, &err);
	seal_free(&seal);
}

void
check_all(const struct options *o, struct conf *conf, GPtrArray *errors, GPtrArray *warnings,
    GPtrArray *notes)
{
	g_autoptr(GError) err = NULL;
	AUTO(identity_free) struct identity *id = identity_for_process(conf->user, &err);

	for (char *const *w = conf_warnings(conf); *w != NULL; w++)
		add(warnings, "%s", *w);
	if (id == NULL) {
		take_error(errors, &err);
		id = identity_find("root", NULL); /* so that the rest can still be looked at */
	}
	if (id == NULL)
		return;
	if (strcmp(conf->user, "root") == 0)
		add(warnings,
		    "user = \"root\": nothing stands between a fault of avmilter and the "
		    "whole machine");
	folders_check(conf, id, errors);
	check_engines(o, conf, id, errors, warnings);
	check_policies(conf, id, errors);
	check_socket("socket", conf->socket, conf->socket_group, errors, warnings);
	if (conf->control.socket[0] != '\0')
		check_socket(
		    "control.socket", conf->control.socket, conf->control.group, errors, warnings);
	check_times(conf, warnings);
	store_check(conf, warnings);
	if (!alerts_check(conf, &err))
		take_error(errors, &err);
	check_secrets(conf, errors);
	socket_advice(conf, notes, warnings);
}

/* Does the policy script load, for the user who will run it? */
static void
check_script(const struct conf *conf, GPtrArray *errors)
{
	g_autoptr(GError) err = NULL;
	struct script *script = generation_script(conf, &err);

	if (script == NULL)
		take_error(errors, &err);
	script_free(&script);
}

/* The last questions, because they take root's rights away: does the script load, do the signatures, and is
 * the sandbox there? */
static void
check_load(const struct conf *conf, GPtrArray *errors, GPtrArray *notes)
{
	g_autoptr(GError) err = NULL;
	g_autofree char *scratch = g_dir_make_tmp("avmilter-check.XXXXXX", &err);
	AUTO(identity_free) struct identity *id = identity_for_process(conf->user, NULL);
	struct workers_conf cfg;
	struct workers *w = NULL;
	struct proto_ready ready;

	if (scratch != NULL && id != NULL &&
	    (geteuid() != 0 || chown(scratch, id->uid, id->gid) == 0) &&
	    privileges_drop(id, &err)) {
		if (conf->lua.script[0] != '\0')
			check_script(conf, errors);
		if (!generation_needs_workers(conf) || !generation_workers_conf(conf, &cfg, &err))
			goto out;
		g_strlcpy(cfg.settings.scratch, scratch, sizeof(cfg.settings.scratch));
		cfg.count = 1;
		w = workers_new(&cfg, &err);
		g_free((char *)(uintptr_t)cfg.scanner_path);
	}
	if (w != NULL && generation_wait_loaded(w, LOAD_MS, &err) && workers_ready_info(w, &ready))
		add(notes, "%s, %" PRIu64 " signatures, definitions %" PRIu64 "; sandbox:%s%s%s",
		    ready.engine_version[0] != '\0' ? ready.engine_version : "no embedded engine",
		    ready.signatures, ready.definitions, ready.sandbox & 1 ? " seccomp" : "",
		    ready.sandbox & 2 ? " landlock" : "", ready.sandbox & 4 ? " rlimits" : "");
out:
	take_error(errors, &err);
	workers_free(&w);
	if (scratch != NULL)
		fsx_remove_tree(scratch, NULL);
}

static void
print_lines(FILE *to, const char *prefix, const GPtrArray *lines)
{
	for (guint i = 0; i < lines->len; i++) {
		g_auto(GStrv) each = g_strsplit(g_ptr_array_index(lines, i), "\n", -1);

		for (char **l = each; *l != NULL; l++)
			if ((*l)[0] != '\0')
				fprintf(to, "%s%s\n", prefix, *l);
	}
}

int
check_run(const struct options *o)
{
	g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) err = NULL;
	AUTO(conf_unref) struct conf *conf = options_load(o, &err);

	if (conf == NULL)
		take_error(errors, &err);
	else
		check_all(o, conf, errors, warnings, notes);
	if (errors->len == 0 &&
	    log_open("/dev/null", conf->log.facility, conf->log.ident, LOGLV_ERR, NULL) &&
	    (generation_needs_workers(conf) || conf->lua.script[0] != '\0'))
		check_load(conf, errors, notes);
	print_lines(stderr, "", errors);
	print_lines(stderr, "warning: ", warnings);
	print_lines(stdout, "note: ", notes);
	if (errors->len > 0) {
		fprintf(stderr, "%s: %u error%s: avmilter would not start\n", o->config,
		    errors->len, errors->len == 1 ? "" : "s");
		return EX_CONFIG;
	}
	printf("%s: avmilter would start\n", o->config);
	return EX_OK;
}
