/*
 * engine_command - any scanner that is a program: its exit code decides, its output names
 *
 *	argv = {"/usr/bin/scanner", "--file", "%{path}"}
 *	clean_exit = {0}
 *	infected_exit = {1}
 *	name_regex = ': (\S+) FOUND$'
 *
 * Each object is a file in path_directory, made for one run. No shell, no words of the mail among
 * the arguments. What is not listed as clean or infected, a signal, or no end in time is a failure.
 */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/program.h"
#include "base/regex.h"
#include "conf/conf.h"
#include "engine/content.h"
#include "engine/engine.h"

#define OUTPUT_MAX (64 * 1024)
#define SHOWN_MAX  200
#define PATH_WORD  "%{path}"
#define UNNAMED    "unknown"

extern const struct engine_ops engine_command;

/* The arguments for one file; the caller frees the array only. */
static char **
arguments(const struct conf_command *conf, const char *path)
{
	GPtrArray *out = g_ptr_array_new();

	for (char **arg = conf->argv; *arg; arg++)
		g_ptr_array_add(out, strcmp(*arg, PATH_WORD) == 0 ? (char *)(uintptr_t)path : *arg);
	g_ptr_array_add(out, NULL);
	return (char **)g_ptr_array_free(out, FALSE);
}

static bool
is_listed(char *const *codes, int code)
{
	for (; *codes; codes++)
		if (g_ascii_strtoll(*codes, NULL, 10) == code)
			return true;
	return false;
}

/* One finding for each line of the output that the regex knows; one without a name if there is none. */
static void
take_names(const struct engine *e, const GString *output, const char *label, struct verdict *v)
{
	const struct regex *name = e->data;
	g_auto(GStrv) lines = NULL;
	bool found = false;

	for (size_t i = 0; i < output->len; i++)
		if (output->str[i] == '\0')
			output->str[i] = ' ';
	lines = g_strsplit_set(output->str, "\r\n", -1);
	for (char **line = lines; name && *line; line++) {
		g_autofree char *text = regex_group(name, *line);

		if (!text || !*text)
			continue;
		verdict_find(v, FINDING_INFECTED, text, label, e->title);
		found = true;
	}
	if (!found)
		verdict_find(v, FINDING_INFECTED, UNNAMED, label, e->title);
}

static void
judge(const struct engine *e, enum program_end end, int number, const GString *output,
    const char *label, struct verdict *v)
{
	const struct conf_command *conf = &e->conf->command;
	g_autoptr(GString) shown = g_string_new(NULL);

	log_esc(shown, output->str, output->len, SHOWN_MAX);
	if (end == PROGRAM_TIMEOUT) {
		verdict_fail(v, REASON_TIMEOUT,
		    "engine %s: %s: killed when its time was over: \"%s\"", e->title, conf->argv[0],
		    shown->str);
	} else if (end == PROGRAM_SIGNALLED) {
		verdict_fail(v, REASON_ENGINE_ERROR, "engine %s: %s: ended by signal %d: \"%s\"",
		    e->title, conf->argv[0], number, shown->str);
	} else if (is_listed(conf->infected_exit, number)) {
		take_names(e, output, label, v);
		verdict_complete(v);
	} else if (is_listed(conf->clean_exit, number)) {
		verdict_complete(v);
	} else {
		verdict_fail(v, REASON_ENGINE_ERROR,
		    "engine %s: %s: exit code %d, which neither clean_exit nor infected_exit "
		    "names: \"%s\"",
		    e->title, conf->argv[0], number, shown->str);
	}
}

static void
scan(struct engine *e, struct conn *conn, const struct scan_request *rq, struct verdict *v)
{
	const struct conf_antivirus *av = &e->all->antivirus;
	const struct content_place place = { av->path_directory, av->path_group,
		(mode_t)av->path_mode };
	AUTO(content_clear) struct content content = { .fd = -1 };
	g_autoptr(GString) output = g_string_new(NULL);
	g_autofree char *remote = NULL;
	g_autofree char **argv = NULL;
	g_autoptr(GError) why = NULL;
	struct program p = { .directory = av->path_directory, .output_max = OUTPUT_MAX };
	enum program_end end;
	const char *path;
	int number;

	(void)conn;
	content_init(&content, rq->objects, rq->object);
	path = content_path(&content, &place, &why);
	if (!path) {
		verdict_fail(v, REASON_SPOOL, "engine %s: %s", e->title, why->message);
		return;
	}
	remote = content_remote_path(path, e->conf->path_map);
	p.argv = argv = arguments(&e->conf->command, remote);
	if (program_run(&p, rq->wait, output, &end, &number, &why))
		judge(e, end, number, output, rq->label, v);
	else
		verdict_fail(v, REASON_ENGINE_ERROR, "engine %s: %s", e->title, why->message);
}

static bool
refuse(GError **err, const char *what)
{
	g_set_error_literal(err, CONF_ERROR, CONF_E_INVALID, what);
	return false;
}

static bool
check_argv(const struct conf_command *conf, GError **err)
{
	unsigned paths = 0;

	if (conf->argv[0][0] != '/' || access(conf->argv[0], X_OK) < 0) {
		g_set_error(err, CONF_ERROR, CONF_E_INVALID,
		    "argv: \"%s\" is no program; write its absolute path", conf->argv[0]);
		return false;
	}
	for (char **arg = conf->argv; *arg; arg++)
		if (strcmp(*arg, PATH_WORD) == 0)
			paths++;
		else if (strstr(*arg, "%{"))
			return refuse(err,
			    "argv: only " PATH_WORD " is filled in, and it must be an argument of "
			    "its own");
	if (paths == 0)
		return refuse(
		    err, "argv: " PATH_WORD " is missing, the program would scan nothing");
	for (char **code = conf->infected_exit; *code; code++)
		if (is_listed(conf->clean_exit, (int)g_ascii_strtoll(*code, NULL, 10)))
			return refuse(
			    err, "an exit code cannot stand in clean_exit and infected_exit");
	return true;
}

static bool
init(struct engine *e, GError **err)
{
	const char *text = e->conf->command.name_regex;

	if (!check_argv(&e->conf->command, err))
		return false;
	if (*text && !(e->data = regex_new(text, err))) {
		g_prefix_error(err, "name_regex: ");
		return false;
	}
	return true;
}

static void
fini(struct engine *e)
{
	struct regex *name = e->data;

	regex_free(&name);
}

const struct engine_ops engine_command = {
	.name = "command",
	.summary = "any scanner that is a program, by its exit code",
	.caps = ENGINE_CAP_LOCAL | ENGINE_CAP_PATH | ENGINE_CAP_PARALLEL,
	.init = init,
	.scan = scan,
	.fini = fini,
};
