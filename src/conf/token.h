/*
 * token - the text of one configuration file, cut into words, quoted texts and signs
 *
 * Knows comments, quotes, escapes and ${NAME}; refuses what libconfuse would swallow in silence (decision 10).
 */
#ifndef AVM_CONF_TOKEN_H
#define AVM_CONF_TOKEN_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf/problems.h"

enum token_type {
	TOKEN_END = 0,
	TOKEN_WORD,	/* unquoted */
	TOKEN_DOUBLE,	/* "in double quotes" */
	TOKEN_SINGLE,	/* 'in single quotes' */
	TOKEN_OPEN, TOKEN_CLOSE, TOKEN_LEFT, TOKEN_RIGHT, TOKEN_EQUALS, TOKEN_APPEND, TOKEN_COMMA,
};

struct token {
	enum token_type	 type;
	struct place	 at;
	char		*text;		/* escapes and environment resolved; "" for signs */
	bool		 backslash;	/* TOKEN_DOUBLE: a backslash was written before no escape we know and is gone */
};

/*
 * Cut text, which stands in the file at.
 *
 * Returns: an array of struct token that ends in TOKEN_END; free with g_array_unref(). Errors go to p, and what they are about
 *          is left out.
 */
GArray	*tokens_new(const char *file, const char *text, size_t len, struct problems *p);

/* An empty array of struct token that frees their texts. */
GArray	*token_array_new(void);

/* A text, quoted or not? */
static inline bool
token_is_text(const struct token *t)
{
	return t->type == TOKEN_WORD || t->type == TOKEN_DOUBLE || t->type == TOKEN_SINGLE;
}

/* "the end of the file", "'{'", "the text abc": for messages; free with g_free(). */
char	*token_describe(const struct token *t);

#endif
