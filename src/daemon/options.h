/*
 * options - the command line
 */
#ifndef AVM_DAEMON_OPTIONS_H
#define AVM_DAEMON_OPTIONS_H

#include <glib.h>
#include <stdbool.h>

#include "conf/conf.h"

#define DEFAULT_CONFIG SYSCONFDIR "/avmilter/avmilter.conf"

enum options_mode { MODE_RUN = 0, MODE_CHECK, MODE_TEST, MODE_VERSION, MODE_HELP, MODE_DEFAULTS, MODE_DEFAULTS_MAN, MODE_DUMP };

struct options {
	enum options_mode mode;
	const char	*config;	/* all strings are borrowed from argv */
	const char	*socket, *pidfile, *user;	/* NULL: as configured */
	const char	*test_file;
	bool		 config_given;
	bool		 foreground;
	bool		 test_engines;
	unsigned	 test_clock;	/* 0: the usual times */
	unsigned	 verbose;
};

/* Fill o. False and *err, one line for the operator. */
bool	 options_parse(struct options *o, int argc, char *const *argv, GError **err);

/* The text of -h. */
void	 options_help(GString *out);

/*
 * Load the configuration that o names and put the command line's words in their places. Without -c a default file that
 * does not exist is an empty configuration.
 *
 * Returns: NULL and *err, one line for each fault
 */
struct conf *options_load(const struct options *o, GError **err);

#endif
