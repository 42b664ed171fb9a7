/* main - avmilter: from the command line to the daemon */
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/check.h"
#include "daemon/daemonise.h"
#include "daemon/options.h"
#include "daemon/server.h"
#include "daemon/signals.h"
#include "daemon/testmail.h"
#include "daemon/version.h"

#define UMASK 0077

static int
complain(const GError *err, int code)
{
	g_auto(GStrv) lines = g_strsplit(err->message, "\n", -1);

	for (char **l = lines; *l != NULL; l++)
		if ((*l)[0] != '\0')
			log_err("%s", *l);
	return code;
}

static int
print(GString *text)
{
	fputs(text->str, stdout);
	g_string_free(text, TRUE);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int
print_generated(enum options_mode mode)
{
	GString *out = g_string_new(NULL);

	if (mode == MODE_HELP)
		options_help(out);
	else if (mode == MODE_DEFAULTS)
		conf_write_sample(out);
	else
		conf_write_man(out);
	return print(out);
}

static int
dump(const struct options *o)
{
	g_autoptr(GError) err = NULL;
	AUTO(conf_unref) struct conf *conf = options_load(o, &err);
	GString *out;

	if (conf == NULL)
		return complain(err, EX_CONFIG);
	out = g_string_new(NULL);
	conf_write(conf, out);
	return print(out);
}

static int
version(const struct options *o)
{
	AUTO(conf_unref) struct conf *conf = options_load(o, NULL);

	return version_run(conf);
}

/* In the foreground the words go where somebody sees them, when syslog cannot be meant. */
static const char *
log_target(const struct options *o, const struct conf *conf)
{
	if (o->foreground && g_strcmp0(conf->log.target, "syslog") == 0 &&
	    (isatty(STDERR_FILENO) || access("/dev/log", F_OK) != 0))
		return "stderr";
	return conf->log.target;
}

static int
serve(struct server *s, const struct options *o, struct conf *conf, int *report)
{
	g_autoptr(GError) err = NULL;
	int code = server_open(s, o, conf, &err);

	if (code == EX_OK)
		code = server_start(s, &err);
	if (code != EX_OK) {
		complain(err, code);
		if (*report >= 0) /* whoever started us is still there to read it */
			fprintf(stderr, "avmilter: %s\n", err->message);
		server_stop(s, false);
		return code;
	}
	daemonise_done(report, EX_OK);
	return signals_loop(s);
}

/* In a build with LeakSanitizer: what it would do at exit(). */
void __lsan_do_leak_check(void) __attribute__((weak));

/* End in spite of libmilter's threads: see server_stop(). */
static void
leave(int code)
{
	if (__lsan_do_leak_check != NULL)
		__lsan_do_leak_check();
	fflush(NULL);
	_exit(code);
}

/* The background is at /, and a reload must find the same file as the start. */
static void
make_absolute(const char **path)
{
	g_autofree char *full = *path != NULL ? g_canonicalize_filename(*path, NULL) : NULL;

	*path = g_intern_string(full);
}

static int
run(struct options *o)
{
	g_autoptr(GError) err = NULL;
	struct server *s;
	struct conf *conf;
	int report = -1, code;

	make_absolute(&o->config);
	make_absolute(&o->pidfile);
	conf = options_load(o, &err);
	if (conf == NULL)
		return complain(err, EX_CONFIG);
	signals_block();
	umask(UMASK);
	if (!o->foreground && !daemonise(&report, &err))
		return complain(err, EX_OSERR);
	if (!log_open(log_target(o, conf), conf->log.facility, conf->log.ident,
		(enum log_level)conf->log.level, &err)) {
		complain(err, EX_CANTCREAT);
		daemonise_done(&report, EX_CANTCREAT);
		return EX_CANTCREAT;
	}
	s = g_new0(struct server, 1);
	code = serve(s, o, conf, &report);
	daemonise_done(&report, code);
	if (s->milter_started)
		leave(code);
	g_free(s);
	return code;
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) err = NULL;
	struct options o;

	if (!options_parse(&o, argc, argv, &err))
		return complain(err, EX_USAGE);
	switch (o.mode) {
	case MODE_CHECK:
		return check_run(&o);
	case MODE_TEST:
		return testmail_run(&o);
	case MODE_VERSION:
		return version(&o);
	case MODE_DUMP:
		return dump(&o);
	case MODE_RUN:
		return run(&o);
	default:
		return print_generated(o.mode);
	}
}
