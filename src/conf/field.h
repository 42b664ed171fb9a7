/*
 * field - what can be done with a field of the configuration when only its row of options.def is known
 *
 * field points at the member itself. Memory of zero bytes is a valid unset field of every type.
 */
#ifndef AVM_CONF_FIELD_H
#define AVM_CONF_FIELD_H

#include <glib.h>
#include <stdbool.h>

#include "conf/option.h"

/*
 * Set a field from what is written: n values, exactly one unless the option is a list or set; for a MAP use field_set_pair().
 *
 * Returns: false and *why ("2h is out of range: write ..."), to be freed with g_free(); the field is left as it was
 */
bool	 field_set(const struct conf_option *o, void *field, const char *const *values, unsigned n, char **why);
/* Add NAME = value to a MAP; the same rules. */
bool	 field_set_pair(const struct conf_option *o, void *field, const char *name, const char *value, char **why);
/* Make an unset STR, LIST or MAP an empty one. */
void	 field_finish(const struct conf_option *o, void *field);

void	 field_clear(const struct conf_option *o, void *field);
/* What to held before is freed. */
void	 field_copy(const struct conf_option *o, void *to, const void *from);
bool	 field_equal(const struct conf_option *o, const void *a, const void *b);
/* As it would be written in a file: 10s, "text", {"a", "b"}. Free with g_free(). */
char	*field_text(const struct conf_option *o, const void *field);

/* "a time from 0 to 1h", "one of auto, fd, stream, path": what may be written. Free with g_free(). */
char	*field_range(const struct conf_option *o);
/* The same for a manual, where lengths are of no interest. Free with g_free(). */
char	*field_doc(const struct conf_option *o);
/* text in double quotes, or in single ones where double ones would change it. Free with g_free(). */
char	*field_quote(const char *text);

#endif
