/*
 * structs - made from options.def; part of conf.h, which says what the fields mean; include that
 */
#ifndef AVM_CONF_STRUCTS_H
#define AVM_CONF_STRUCTS_H

#include "conf/conf.h"

struct conf_control {
#define OPT_control CONF_FIELD
#include "conf/options.def"
};
struct conf_log {
#define OPT_log CONF_FIELD
#include "conf/options.def"
};
struct conf_spool {
#define OPT_spool CONF_FIELD
#include "conf/options.def"
};
struct conf_header {
#define OPT_header CONF_FIELD
#include "conf/options.def"
};
struct conf_quarantine {
#define OPT_quarantine CONF_FIELD
#include "conf/options.def"
};
struct conf_trust {
#define OPT_trust CONF_FIELD
#include "conf/options.def"
};
struct conf_cache {
#define OPT_cache CONF_FIELD
#include "conf/options.def"
};
struct conf_lua {
#define OPT_lua CONF_FIELD
#include "conf/options.def"
};
struct conf_seal {
#define OPT_seal CONF_FIELD
#include "conf/options.def"
};
struct conf_alert {
#define OPT_alert CONF_FIELD
#include "conf/options.def"
};
struct conf_antivirus {
#define OPT_antivirus CONF_FIELD
#define OPT_each CONF_FIELD
#include "conf/options.def"
};
struct conf_net {
#define OPT_net CONF_FIELD
#include "conf/options.def"
};
struct conf_clamav {
#define OPT_clamav CONF_FIELD
#include "conf/options.def"
};
struct conf_clamd {
#define OPT_clamd CONF_FIELD
#include "conf/options.def"
};
struct conf_icap {
#define OPT_icap CONF_FIELD
#include "conf/options.def"
};
struct conf_savapi {
#define OPT_savapi CONF_FIELD
#include "conf/options.def"
};
struct conf_kse {
#define OPT_kse CONF_FIELD
#include "conf/options.def"
};
struct conf_avast {
#define OPT_avast CONF_FIELD
#include "conf/options.def"
};
struct conf_command {
#define OPT_command CONF_FIELD
#include "conf/options.def"
};
struct conf_fault {
#define OPT_fault CONF_FIELD
#include "conf/options.def"
};

/* threadpool "TITLE" { } */
struct conf_threadpool {
	char	*title;
	char	*file;
	unsigned line;
#define OPT_threadpool CONF_FIELD
#include "conf/options.def"
};

/* policy "TITLE" { } */
struct conf_policy {
	char	*title;
	char	*file;
	unsigned line;
#define OPT_policy CONF_FIELD
#include "conf/options.def"
};

/* One engine section. What belongs to another kind keeps its defaults. */
struct conf_engine {
	const char *kind;	/* "clamav", "clamd" ...; static */
	char	*title;		/* unique over all kinds */
	char	*file;		/* where the section begins; "" = the implicit one */
	unsigned line;
	bool	 test;		/* only with --test-engines */
#define OPT_each CONF_FIELD
#include "conf/options.def"
	struct conf_net net;
	struct conf_clamav clamav;
	struct conf_clamd clamd;
	struct conf_icap icap;
	struct conf_savapi savapi;
	struct conf_kse kse;
	struct conf_avast avast;
	struct conf_command command;
	struct conf_fault fault;
};

struct conf {
#define OPT_top CONF_FIELD
#include "conf/options.def"
	struct conf_control control;
	struct conf_log log;
	struct conf_spool spool;
	struct conf_header header;
	struct conf_quarantine quarantine;
	struct conf_trust trust;
	struct conf_cache cache;
	struct conf_lua lua;
	struct conf_seal seal;
	struct conf_alert alert;
	struct conf_antivirus antivirus;
	GPtrArray *threadpools;	/* of struct conf_threadpool *; CPU and IO are always there */
	GPtrArray *engines;	/* of struct conf_engine *, in the order of the file, never empty */
	GPtrArray *policies;	/* of struct conf_policy *, in the order of the file */
	char	**warnings;	/* use conf_warnings() */
	int	 refs;
};

#endif
