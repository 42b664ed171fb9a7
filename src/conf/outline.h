/*
 * outline - the shape of a configuration: which key is written where, and the same text in a form that libconfuse cannot misread
 *
 * Checks what needs no value: names, braces, equal signs, titles, nothing twice. A key is known by its path as it is shown to
 * the operator: socket, log.level, antivirus.clamd "a".servers, antivirus.patterns.NAME.
 */
#ifndef AVM_CONF_OUTLINE_H
#define AVM_CONF_OUTLINE_H

#include <glib.h>

#include "conf/problems.h"

struct outline {
	GString		*text;		/* for libconfuse: one token a line, every text in single quotes */
	GArray		*lines;		/* struct place of each line of text */
	GHashTable	*marks;		/* path -> struct mark * */
	struct problems	*problems;
	const char	*file;		/* the first one */
};

struct mark {
	struct place	 at;
	unsigned	 nth;		/* in the order of the file */
};

/* The outline of tokens (source.h). What is wrong goes to p and is left out of text. */
struct outline *outline_new(const GArray *tokens, struct problems *p);
void	 outline_free(struct outline **o);

/* Where the key or section with that path is written, or NULL. */
const struct mark *outline_mark(const struct outline *o, const char *path);
/* The same for messages: where it is written, else its nearest section that is, else the file as a whole. */
struct place outline_place(const struct outline *o, const char *path);
/* The place of a line of text, for an error of libconfuse. */
struct place outline_line(const struct outline *o, unsigned line);

/* `PATH.NAME`, or NAME when path is "". Free with g_free(). */
char	*path_join(const char *path, const char *name);

#endif
