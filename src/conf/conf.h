/*
 * conf - the configuration: one immutable, reference-counted struct whose fields are the rows of options.def
 *
 * c->socket, c->antivirus.max_extract_size, c->log.level; one struct conf_engine for each engine section, in the order of the
 * file. In a finished struct nothing is unset: strings and lists are never NULL ("" and {NULL} are empty), actions are
 * resolved, options that an engine section inherits are filled in, and a 0 that stands for something is replaced by it:
 *
 *	antivirus.max_extract_size, max_cumulative_extract_size, max_extract_time	never 0
 *	engine timeout, clamav.workers, threadpool size and queue_max			never 0
 *	antivirus.scratch_base, path_directory; engine symbol, context_variable, pool	never ""
 *
 * Types: TIME int64_t milliseconds; SIZE, NUM uint64_t; MODE unsigned; ENUM int, a value of enum conf_SET; SET uint64_t, bits
 * 1 << enum conf_SET; ACTION int, an enum action; LIST char **; MAP GPtrArray of struct conf_pair *.
 *
 * Diagnostics: none are logged; errors and warnings are lines `FILE:LINE: what, and what to write instead`.
 * Trap:        libconfuse is not re-entrant: one thread loads at a time (a lock here sees to that).
 */
#ifndef AVM_CONF_CONF_H
#define AVM_CONF_CONF_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "verdict/action.h"

#define WORDS(set, list) enum conf_##set { list CONF_##set##_COUNT };
#define W(id, word) id,
#include "conf/words.def"
#undef W
#undef WORDS

/* NAME = "value" in a section of free names. */
struct conf_pair {
	char	*name;
	char	*value;
};

#define CONF_C_STR	char *
#define CONF_C_LIST	char **
#define CONF_C_MAP	GPtrArray *
#define CONF_C_BOOL	bool
#define CONF_C_NUM	uint64_t
#define CONF_C_SIZE	uint64_t
#define CONF_C_SET	uint64_t
#define CONF_C_TIME	int64_t
#define CONF_C_MODE	unsigned
#define CONF_C_ENUM	int
#define CONF_C_ACTION	int
#define CONF_FIELD(name, type, ...) CONF_C_##type name;

#include "conf/structs.h"

/*
 * Read the configuration at path, or text as if it stood in a file called name.
 *
 * Returns: a struct with one reference; NULL and *err, whose message lists every error, one a line
 * Threads: any, one at a time
 */
struct conf *conf_load(const char *path, GError **err);
struct conf *conf_parse(const char *text, const char *name, GError **err);

#define CONF_ERROR conf_error_quark()
enum conf_error { CONF_E_FILE, CONF_E_INVALID };
GQuark	 conf_error_quark(void);

struct conf *conf_ref(const struct conf *c);
void	 conf_unref(struct conf **c);

/* What is accepted but deserves a word, in the form of errors. Never NULL; borrowed. */
char	*const *conf_warnings(const struct conf *c);

/* The engine section with that title, or NULL. Borrowed. */
const struct conf_engine *conf_engine_find(const struct conf *c, const char *title);
/* The threadpool of that name, CPU and IO included, or NULL. Borrowed. */
const struct conf_threadpool *conf_threadpool_find(const struct conf *c, const char *name);

/* Is an event of this kind logged (log.kinds, groups included)? */
bool	 conf_logs(const struct conf *c, enum conf_log_kind kind);

/* Equal sections: the engine need not be restarted after a reload. */
bool	 conf_engine_equal(const struct conf_engine *a, const struct conf_engine *b);
/* Nothing changed that the scanning processes were told at their start (rows with SCANNER). */
bool	 conf_scanner_equal(const struct conf *a, const struct conf *b);
/* What a HUP cannot change (rows with RESTART): lines `key: "old" -> "new"`, NULL at the end. Free with g_strfreev(). */
char	**conf_needs_restart(const struct conf *old, const struct conf *new);

/* Every option with its value in force, one `section.key = value` a line. */
void	 conf_write(const struct conf *c, GString *out);
/* The commented sample file, and the section OPTIONS of avmilter.conf(5), from the tables. */
void	 conf_write_sample(GString *out);
void	 conf_write_man(GString *out);

/* The word of an ENUM's value. */
#define WORDS(set, list) const char *conf_##set##_name(int value);
#include "conf/words.def"
#undef WORDS

#endif
