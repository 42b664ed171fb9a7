/*
 * source - a configuration and all the files it includes, as one row of tokens
 *
 * include("PATH") is relative to the file that says it and may be a glob, whose files come in the order of their names. Braces
 * are balanced in each file by itself.
 */
#ifndef AVM_CONF_SOURCE_H
#define AVM_CONF_SOURCE_H

#include <glib.h>
#include <stdbool.h>

#include "conf/problems.h"
#include "conf/token.h"

#define SOURCE_DEPTH_MAX	5	/* files within files, the first one not counted */
#define SOURCE_FILES_MAX	100
#define SOURCE_SIZE_MAX		(4 * 1024 * 1024)	/* bytes of one file */

/*
 * Read path, or take text as its content.
 *
 * Returns: an array of struct token that ends in TOKEN_END; free with g_array_unref(). NULL only when path cannot be read, with
 *          an error in p.
 */
GArray	*source_read(const char *path, struct problems *p);
GArray	*source_text(const char *name, const char *text, struct problems *p);

#endif
