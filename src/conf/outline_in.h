/*
 * outline_in - what the parts of the outline share: the tokens at hand, the section that is being read
 */
#ifndef AVM_CONF_OUTLINE_IN_H
#define AVM_CONF_OUTLINE_IN_H

#include <glib.h>
#include <stdbool.h>

#include "conf/option.h"
#include "conf/outline.h"
#include "conf/token.h"

struct reader {
	const GArray *tokens;
	guint i;
	struct outline *o;
};

/* The section that is being read. */
struct level {
	const char *scope; /* as option.h means it */
	const char *path;
	bool map;         /* names are free */
	GHashTable *seen; /* name, or name and title -> struct token * */
};

/* The token ahead of the next one, the next one, and past it; TOKEN_END is never passed. */
const struct token *reader_peek(const struct reader *r, guint ahead);
const struct token *reader_next(struct reader *r);

/* Add a sign, or a text in single quotes, to the text for libconfuse. */
void	 reader_emit(struct reader *r, struct place at, const char *text);
void	 reader_emit_text(struct reader *r, struct place at, const char *text);
/* Remember where path is written. */
void	 reader_mark(struct reader *r, const char *path, struct place at);

/* Skip to where the next statement seems to begin: a text on another line, or behind the braces that open here. */
void	 reader_skip(struct reader *r);

/* Remember that key stands in this level; false, with an error, when it did already. */
bool	 level_first_time(struct reader *r, struct level *l, const struct token *t, const char *key, const char *shown);

/* 1 to max letters, digits, _ or -. */
bool	 is_name(const char *s, size_t max);

/* NAME = value of an option, of an alias; r behind the sign. */
void	 read_option(struct reader *r, struct level *l, const struct token *name, const struct conf_option *o, bool append);
void	 read_alias(struct reader *r, struct level *l, const struct token *name, const struct conf_alias *a);
/* NAME = "text" in a section of free names; r behind the name. */
void	 read_pair(struct reader *r, struct level *l, const struct token *name);

#endif
