/* options - see options.h */
#include "daemon/options.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/log.h"

struct row {
	int letter;
	const char *name;
	const char *argument;
	const char *help;
};

static const struct row rows[] = {
#define SWITCH(letter, name, argument, help) { letter, name, argument, help },
#include "daemon/switches.def"
#undef SWITCH
};

/* getopt_long() returns this and more for options without a letter. */
#define NO_LETTER 256

#define CLOCK_FACTOR_MAX 1000

static void
make_tables(struct option *longs, GString *shorts)
{
	g_string_append_c(shorts, ':');
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct row *r = &rows[i];
		const bool optional = r->argument[0] == '[';
		const bool required = r->argument[0] != '\0' && !optional;

		longs[i] = (struct option){
			.name = r->name,
			.has_arg = optional ? optional_argument
			    : required      ? required_argument
					    : no_argument,
			.val = r->letter != 0 ? r->letter : NO_LETTER + (int)i,
		};
		if (r->letter != 0)
			g_string_append_printf(shorts, "%c%s", r->letter, required ? ":" : "");
	}
}

static bool
take_defaults(struct options *o, const char *argument, GError **err)
{
	if (argument != NULL && strcmp(argument, "man") != 0) {
		g_set_error(err, CONF_ERROR, CONF_E_INVALID,
		    "--defaults=%s: write --defaults or --defaults=man", argument);
		return false;
	}
	o->mode = argument == NULL ? MODE_DEFAULTS : MODE_DEFAULTS_MAN;
	return true;
}

static bool
take_clock(struct options *o, const char *argument, GError **err)
{
	guint64 factor;

	if (!g_ascii_string_to_unsigned(argument, 10, 1, CLOCK_FACTOR_MAX, &factor, NULL)) {
		g_set_error(err, CONF_ERROR, CONF_E_INVALID,
		    "--test-clock %s: write a number from 1 to %d", argument, CLOCK_FACTOR_MAX);
		return false;
	}
	o->test_clock = (unsigned)factor;
	return true;
}

static bool
take_long(struct options *o, const char *long_name, const char *argument, GError **err)
{
	if (strcmp(long_name, "defaults") == 0)
		return take_defaults(o, argument, err);
	if (strcmp(long_name, "config-dump") == 0)
		o->mode = MODE_DUMP;
	else if (strcmp(long_name, "test-clock") == 0)
		return take_clock(o, argument, err);
	else
		o->test_engines = true;
	return true;
}

static void
take_letter(struct options *o, int letter, const char *argument)
{
	switch (letter) {
	case 'c':
		o->config = argument;
		o->config_given = true;
		break;
	case 'f':
		o->foreground = true;
		break;
	case 'n':
		o->mode = MODE_CHECK;
		break;
	case 't':
		o->mode = MODE_TEST;
		o->test_file = argument;
		break;
	case 'p':
		o->socket = argument;
		break;
	case 'P':
		o->pidfile = argument;
		break;
	case 'u':
		o->user = argument;
		break;
	case 'v':
		o->verbose++;
		break;
	case 'V':
		o->mode = MODE_VERSION;
		break;
	default:
		o->mode = MODE_HELP;
		break;
	}
}

bool
options_parse(struct options *o, int argc, char *const *argv, GError **err)
{
	struct option longs[G_N_ELEMENTS(rows) + 1] = { 0 };
	g_autoptr(GString) shorts = g_string_new(NULL);
	int c;

	*o = (struct options){ .config = DEFAULT_CONFIG };
	make_tables(longs, shorts);
	optind = 0; /* begin anew: tests parse more than once */
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts->str, longs, NULL)) != -1) {
		if (c == '?' || c == ':') {
			g_set_error(err, CONF_ERROR, CONF_E_INVALID,
			    "%s: %s; avmilter -h lists the options", argv[optind - 1],
			    c == ':' ? "needs an argument" : "unknown or ambiguous option");
			return false;
		}
		if (c < NO_LETTER)
			take_letter(o, c, optarg);
		else if (!take_long(o, rows[c - NO_LETTER].name, optarg, err))
			return false;
	}
	if (optind < argc) {
		g_set_error(err, CONF_ERROR, CONF_E_INVALID,
		    "%s: avmilter takes options only; avmilter -h lists them", argv[optind]);
		return false;
	}
	return true;
}

void
options_help(GString *out)
{
	g_string_append(out,
	    "Usage: avmilter [-c FILE] [-f] [-n] [-V] [-h] [-p SOCKET] [-P "
	    "PIDFILE] [-u USER[:GROUP]] [-v]... [-t FILE|-]\n\n");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct row *r = &rows[i];
		g_autofree char *left = g_strdup_printf("%c%c%s--%s%s%s", r->letter ? '-' : ' ',
		    r->letter ? r->letter : ' ', r->letter ? ", " : "  ", r->name,
		    r->argument[0] != '\0' && r->argument[0] != '[' ? " " : "", r->argument);

		g_string_append_printf(out, "  %-30s %s\n", left, r->help);
	}
	g_string_append(out, "\nManual: avmilter(8), avmilter.conf(5), avmilterctl(8)\n");
}

static void
replace(char **field, const char *value)
{
	if (value == NULL)
		return;
	g_free(*field);
	*field = g_strdup(value);
}

struct conf *
options_load(const struct options *o, GError **err)
{
	const bool empty = !o->config_given && access(o->config, F_OK) != 0;
	struct conf *c = empty ? conf_parse("", o->config, err) : conf_load(o->config, err);
	g_autoptr(GError) bad = NULL;
	struct endpoint *e;

	if (c == NULL)
		return NULL;
	if (o->socket != NULL) {
		e = endpoint_parse(o->socket, &bad);
		if (e == NULL) {
			g_set_error(
			    err, CONF_ERROR, CONF_E_INVALID, "-p %s: %s", o->socket, bad->message);
			conf_unref(&c);
			return NULL;
		}
		endpoint_free(&e);
	}
	replace(&c->socket, o->socket);
	replace(&c->pid_file, o->pidfile);
	replace(&c->user, o->user);
	c->log.level = MIN(c->log.level + (int)MIN(o->verbose, LOGLV_DEBUG), (int)LOGLV_DEBUG);
	return c;
}
