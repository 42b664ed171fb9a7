/* main - avmilterctl: one command, one answer */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/endpoint.h"
#include "base/fsx.h"
#include "conf/conf.h"
#include "control/protocol.h"
#include "ctl/allow.h"
#include "ctl/doctor.h"
#include "ctl/print.h"
#include "ctl/top.h"

/* Exit codes: done; found something, or no; error. */
enum { DONE = 0, NO = 1, ERROR = 2 };

/* A scan may take message_time_max; nobody waits longer than this for the daemon. */
#define PATIENCE_MS (3600 * 1000)

#define PROGRESS "progress "

/* Where the help begins to say what a command does. */
#define HELP_COLUMN 18

#define DEFAULT_CONFIG SYSCONFDIR "/avmilter/avmilter.conf"

static const struct {
	const char *name;
	const char *args;
	const char *help;
} commands[] = {
#define COMMAND(name, right, args, help) { #name, args, help },
#include "control/commands.def"
#undef COMMAND
/* What is done here, without the daemon. */
#define LOCAL(name, args, help) { #name, args, help },
#include "ctl/local.def"
#undef LOCAL
};

struct job {
	const char *config;
	const char *socket;
	bool json;
	struct control_line in;
};

static int
complain(const char *text)
{
	fprintf(stderr, "avmilterctl: %s\n", text);
	return ERROR;
}

static void
help(FILE *to)
{
	fputs("Usage: avmilterctl [-c FILE] [-s SOCKET] [-j] COMMAND [ARGUMENT]...\n\n"
	      "  -c FILE    configuration that names the control socket; default " DEFAULT_CONFIG
	      "\n"
	      "  -s SOCKET  control socket\n"
	      "  -j         answer in JSON\n"
	      "  -V, -h     version; this text\n\n",
	    to);
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		g_autofree char *left = g_strjoin(commands[i].args[0] != '\0' ? " " : "",
		    commands[i].name, commands[i].args, NULL);

		/* What is long has a line of its own. */
		if (strlen(left) > HELP_COLUMN - 2)
			fprintf(to, "  %s\n  %-*s%s\n", left, HELP_COLUMN, "", commands[i].help);
		else
			fprintf(to, "  %-*s%s\n", HELP_COLUMN, left, commands[i].help);
	}
	fputs("\nExit: 0 done, 1 found something or no, 2 error. Manual: avmilterctl(8)\n", to);
}

static char *
socket_name(const struct job *j, GError **err)
{
	const bool there = access(j->config, F_OK) == 0;
	AUTO(conf_unref) struct conf *c = NULL;

	if (j->socket != NULL)
		return g_strdup(j->socket);
	c = there ? conf_load(j->config, err) : conf_parse("", j->config, err);
	return c != NULL ? g_strdup(c->control.socket) : NULL;
}

static int
dial(const struct job *j, GError **err)
{
	g_autofree char *name = socket_name(j, err);
	AUTO(endpoint_free) struct endpoint *e = name != NULL ? endpoint_parse(name, err) : NULL;
	int fd = e != NULL ? endpoint_connect(e, err) : -1;

	if (fd < 0)
		g_prefix_error(err, "no answer from avmilter, is it running? ");
	return fd;
}

static bool
greet(struct job *j, GError **err)
{
	g_autofree char *line = control_line_read(&j->in, PATIENCE_MS, err);

	if (line == NULL && (err == NULL || *err == NULL))
		g_set_error(
		    err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "avmilter has closed the connection");
	if (line == NULL)
		return false;
	if (g_str_has_prefix(line, CONTROL_GREETING " avmilter"))
		return true;
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
	    "the socket says \"%.60s\" in the place of \"" CONTROL_GREETING "\"", line);
	return false;
}

/* The object of an "ok" line; NULL and *err for everything else. */
static json_t *
parse_reply(const char *line, GError **err)
{
	const bool ok = g_str_has_prefix(line, "ok ");
	const char *body = strchr(line, ' ');
	json_t *o = body != NULL ? json_loads(body + 1, 0, NULL) : NULL;
	const char *text = json_string_value(json_object_get(o, "error"));

	if (ok && json_is_object(o))
		return o;
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s",
	    text != NULL ? text : "the answer was not understood");
	json_decref(o);
	return NULL;
}

/* A line that comes before the answer. With -j only the answer is printed. */
static bool
show_progress(const struct job *j, const char *line)
{
	json_t *o;

	if (!g_str_has_prefix(line, PROGRESS))
		return false;
	o = json_loads(line + strlen(PROGRESS), 0, NULL);
	if (!j->json && json_is_string(json_object_get(o, "text"))) {
		puts(json_string_value(json_object_get(o, "text")));
		fflush(stdout);
	}
	json_decref(o);
	return true;
}

static json_t *
ask(struct job *j, const char *const *words, int passed, GError **err)
{
	g_autofree char *request = control_join(words), *line = NULL;

	if (!control_line_write(j->in.fd, request, passed, err))
		return NULL;
	do {
		g_free(line);
		line = control_line_read(&j->in, PATIENCE_MS, err);
	} while (line != NULL && show_progress(j, line));
	if (line == NULL) {
		if (*err == NULL)
			g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			    "avmilter has closed the connection");
		return NULL;
	}
	return parse_reply(line, err);
}

static int
show(const struct job *j, const char *command, json_t *o)
{
	const json_t *code = json_object_get(o, "code");
	const int rc = json_is_integer(code) ? (int)json_integer_value(code) : DONE;

	print_answer(command, o, j->json);
	json_decref(o);
	return rc;
}

static int
scan_one(struct job *j, const char *path)
{
	const char *const words[] = { "scan", path, NULL };
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	g_autoptr(GError) err = NULL;
	json_t *o;

	if (fd < 0) {
		fsx_fail(&err, path, "open");
		return complain(err->message);
	}
	o = ask(j, words, fd, &err);
	return o != NULL ? show(j, "scan", o) : complain(err->message);
}

static json_t *
ask_top(void *arg, GError **err)
{
	static const char *const words[] = { "top", NULL };

	return ask(arg, words, -1, err);
}

/* The answer says what to write; what could not be written is shown all the same. */
static int
allow(const struct job *j, json_t *o)
{
	g_autoptr(GError) err = NULL;
	const bool ok = allow_write(j->config, o, &err);
	const int rc = show(j, "allow", o);

	return ok ? rc : complain(err->message);
}

static int
run(struct job *j, char *const *words)
{
	g_autoptr(GError) err = NULL;
	int rc = DONE;
	json_t *o;

	if (strcmp(words[0], "top") == 0 && words[1] == NULL && !j->json)
		return top_run(ask_top, j, &err) ? DONE : complain(err->message);
	if (strcmp(words[0], "scan") != 0) {
		o = ask(j, (const char *const *)words, -1, &err);
		if (o != NULL && strcmp(words[0], "allow") == 0)
			return allow(j, o);
		return o != NULL ? show(j, words[0], o) : complain(err->message);
	}
	if (words[1] == NULL)
		return complain("scan: which FILE?");
	for (words++; *words != NULL; words++) {
		const int one = scan_one(j, *words);

		rc = MAX(rc, one);
	}
	return rc;
}

int
main(int argc, char **argv)
{
	struct job j = { .config = DEFAULT_CONFIG };
	g_autoptr(GError) err = NULL;
	AUTO(fd_close) int fd = -1;
	int c, rc;

	while ((c = getopt(argc, argv, "+c:s:jVh")) != -1) {
		switch (c) {
		case 'c':
			j.config = optarg;
			break;
		case 's':
			j.socket = optarg;
			break;
		case 'j':
			j.json = true;
			break;
		case 'V':
			puts("avmilterctl " AVM_VERSION);
			return DONE;
		case 'h':
			help(stdout);
			return DONE;
		default:
			help(stderr);
			return ERROR;
		}
	}
	if (optind >= argc) {
		help(stderr);
		return ERROR;
	}
#define LOCAL(name, args, help)                                                                    \
	if (strcmp(argv[optind], #name) == 0)                                                      \
		return name##_run(j.config, argv + optind, j.json);
#include "ctl/local.def"
#undef LOCAL
	fd = dial(&j, &err);
	if (fd < 0)
		return complain(err->message);
	control_line_init(&j.in, fd, CONTROL_REPLY_MAX);
	rc = greet(&j, &err) ? run(&j, argv + optind) : complain(err->message);
	control_line_clear(&j.in);
	return rc;
}
