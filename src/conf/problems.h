/*
 * problems - errors and warnings about a configuration, collected until all is read
 */
#ifndef AVM_CONF_PROBLEMS_H
#define AVM_CONF_PROBLEMS_H

#include <glib.h>
#include <stdbool.h>

#include "base/auto.h"

/* A line of a file. file is owned by the struct problems that named it; line 0 = the file as a whole. */
struct place {
	const char	*file;
	unsigned	 line;
};

struct problems;

struct problems *problems_new(void);
void	 problems_free(struct problems **p);

/* The file name, kept for as long as p. */
const char *problems_file(struct problems *p, const char *name);

/* Say `FILE:LINE: ` and the text. The same line is kept once; control characters are escaped. */
void	 problems_error(struct problems *p, struct place at, const char *fmt, ...) PRINTF(3, 4);
void	 problems_warn(struct problems *p, struct place at, const char *fmt, ...) PRINTF(3, 4);

unsigned problems_errors(const struct problems *p);
/* All errors, one a line, in the order of the files; free with g_free(). */
char	*problems_error_text(const struct problems *p);
/* All warnings, NULL at the end; free with g_strfreev(). */
char	**problems_warnings(const struct problems *p);

#endif
