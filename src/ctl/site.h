/*
 * site - an installation as the doctor sees it: every file read once, and what there is to remark
 */
#ifndef AVM_CTL_SITE_H
#define AVM_CTL_SITE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/endpoint.h"
#include "conf/conf.h"

/* How bad: mail is lost, refused or passes unscanned; or something is not as good as it could be. */
enum gravity { WARNING = 0, ERROR };

struct remark {
	enum gravity gravity;
	char	*where;		/* FILE:LINE, FILE, or a word for the part of the system */
	char	*what, *why, *write;	/* write: the line, or the command, that mends it */
};

/* One service of master.cf that is an smtpd. */
struct service {
	char	*name;		/* "smtp", "submission", "127.0.0.1:10025" */
	bool	 inet, chroot;
	char	*where;		/* master.cf:NAME */
	GHashTable *options;	/* -o NAME=VALUE */
};

/* A file of lines "NAME VALUE", of clamd and c-icap. Names without case. */
struct settings {
	char	*path;		/* NULL: there is none */
	GHashTable *values;	/* name in lower case -> value; of several the last */
	GHashTable *lines;	/* name in lower case -> line number (GUINT_TO_POINTER) */
};

struct site {
	const char *config;	/* path of avmilter.conf; borrowed */
	struct conf *conf;	/* NULL: it has errors, which are remarks then */
	struct endpoint *socket;	/* of conf, or NULL */
	char	*postfix;	/* folder of main.cf, or NULL = no Postfix */
	GHashTable *parameters;	/* of main.cf and defaults, expanded */
	GPtrArray *services;	/* of struct service * */
	char	*sendmail_mc;	/* path, or NULL = no sendmail */
	char	*mc;		/* its text */
	struct settings clamd, c_icap;
	GPtrArray *remarks;	/* of struct remark * */
};

/* Where the files are; NULL = in the usual place, if they are there. */
struct site_places {
	const char *postfix, *sendmail, *clamd, *c_icap;
};

/* Read everything. What cannot be read is a remark. */
void	 site_read(struct site *s, const char *config, const struct site_places *at);
void	 site_clear(struct site *s);

/* Remark something. where may be NULL (the configuration); what is a format. */
void	 site_remark(struct site *s, enum gravity g, const char *where, const char *why, const char *write, const char *what, ...)
	    PRINTF(6, 7);

/* A value of main.cf, "" when Postfix does not know the name. Borrowed. */
const char *site_parameter(const struct site *s, const char *name);
/* The same as a number, with Postfix's units of time (s m h d w; bare = as of default_unit). -1 = none. */
int64_t	 site_seconds(const struct site *s, const char *name);
/* DIR/main.cf:LINE of a parameter, or DIR/main.cf. The caller frees. */
char	*site_main_cf(const struct site *s, const char *name);

/* A setting, or NULL. Borrowed. */
const char *settings_get(const struct settings *f, const char *name);
/* Does it say yes, true, on or 1? absent: what no line means. */
bool	 settings_yes(const struct settings *f, const char *name, bool absent);
/* Bytes, with K, M and G. absent: what no line means. */
uint64_t settings_size(const struct settings *f, const char *name, uint64_t absent);
/* FILE:LINE, or FILE. The caller frees. */
char	*settings_where(const struct settings *f, const char *name);

/* The parts of the body, one file each. */
void	 doctor_conf(struct site *s);
void	 doctor_postfix(struct site *s);
void	 doctor_sendmail(struct site *s);
void	 doctor_engines(struct site *s);
void	 doctor_machine(struct site *s);

#endif
