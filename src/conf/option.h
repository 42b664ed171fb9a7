/*
 * option - the rows of options.def, sections.def and kinds.def as tables that can be asked
 *
 * Everything here is const and static; any thread.
 */
#ifndef AVM_CONF_OPTION_H
#define AVM_CONF_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Units of the columns min and max. */
#define SECOND	1000ull
#define MINUTE	(60 * SECOND)
#define HOUR	(60 * MINUTE)
#define DAY	(24 * HOUR)
#define KIB	1024ull
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)

enum conf_type {
	CONF_T_STR, CONF_T_LIST, CONF_T_MAP, CONF_T_BOOL, CONF_T_NUM, CONF_T_SIZE, CONF_T_SET, CONF_T_TIME, CONF_T_MODE,
	CONF_T_ENUM, CONF_T_ACTION,
};

/* Flags of a row. */
enum {
	RESTART		= 1 << 0,	/* a HUP cannot change it */
	SCANNER		= 1 << 1,	/* the scanning processes are told at their start */
	NEEDED		= 1 << 2,	/* must be written; the default column is an example */
	PATHNAME	= 1 << 3,	/* an absolute path, or empty */
	SOCKET		= 1 << 4,	/* a socket address as in endpoint.h, or empty */
	CIDRS		= 1 << 5,	/* each is an address or a network */
	REGEX		= 1 << 6,	/* each is a regex */
	TEMPLATE	= 1 << 7,	/* a reply text with %{names} */
	FIELDNAME	= 1 << 8,	/* name of a header field, or empty */
	CODES		= 1 << 9,	/* each is P1, P2, CODE or -CODE */
	CLASSES		= 1 << 10,	/* each is a class of verdict.h */
	ENGINES		= 1 << 11,	/* each is the title of an engine section */
	HASHES		= 1 << 12,	/* each is a sha256 in hex, or file:PATH */
	DATE		= 1 << 13,	/* YYYY-MM-DD, or empty */
	EXITCODES	= 1 << 14,	/* each is a number 0..255 */
	PATHMAP		= 1 << 15,	/* each is LOCAL=REMOTE */
	ONACTION	= 1 << 16,	/* an ACTION that may also be "action" or "auto" */
	ADDRESS		= 1 << 17,	/* a mail address, or empty */
	HOSTPORT	= 1 << 18,	/* HOST:PORT or [IPV6]:PORT, or empty */
	UNIXPATH	= 1 << 19,	/* with HOSTPORT: unix:/PATH as well */
	NOTIFY		= 1 << 20,	/* each is admin, recipient or a mail address */
	COMMANDLINE	= 1 << 21,	/* a program with an absolute path, and its arguments, or empty */
};

/* What an ACTION holds until the defaults are resolved. No finished configuration has them, but for policy.action. */
enum { CONF_ACTION_ACTION = 100, CONF_ACTION_AUTO };

struct conf_option {
	const char	*section;
	const char	*name;
	enum conf_type	 type;
	const char	*def;		/* as it would be written, without quotes */
	uint64_t	 min, max;
	const char	*const *words;	/* ENUM, SET: NULL-terminated */
	unsigned	 flags;
	size_t		 offset;	/* in the struct of its section */
	const char	*help;
};

enum section_kind { SECTION_TOP, SECTION_PLAIN, SECTION_TITLED, SECTION_PART, SECTION_ENGINE };

struct conf_section {
	const char	*name;
	enum section_kind kind;
	size_t		 offset;	/* in struct conf, or for net and ENGINE in struct conf_engine */
	const char	*help;
};

enum kind_class { KIND_LOCAL, KIND_NET, KIND_TOOL, KIND_TEST };

struct conf_kind {
	const char	*name;
	enum kind_class	 class;
	const char	*servers;	/* example */
	const char	*help;
};

struct conf_alias {
	const char	*section, *alias, *name, *value;
};

/* All rows in the order of the file; *n of them. */
const struct conf_option *conf_options(size_t *n);
const struct conf_section *conf_sections(size_t *n);
const struct conf_kind *conf_kinds(size_t *n);
const struct conf_alias *conf_aliases(size_t *n);

/* NULL when there is none. */
const struct conf_section *conf_section_find(const char *name);
const struct conf_kind *conf_kind_find(const char *name);

/* Where a row of section each stands in struct conf_engine. */
size_t	 conf_option_each_offset(const struct conf_option *o);

/* Do the rows of section belong into a section written as scope? "each" into "antivirus" and "clamd", "net" into "clamd". */
bool	 conf_scope_has(const char *scope, const char *section);
/* The row called name in a section written as scope, or NULL. */
const struct conf_option *conf_option_find(const char *scope, const char *name);
const struct conf_alias *conf_alias_find(const char *scope, const char *name);
/* May a section called name stand in a section written as scope ("top" outside of all)? MAPs are options, not sections. */
bool	 conf_scope_section(const char *scope, const char *name);
/* Has it a title? */
bool	 conf_section_titled(const char *name);

#endif
