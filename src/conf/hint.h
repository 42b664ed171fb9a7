/*
 * hint - what somebody probably meant by a name that is not known
 */
#ifndef AVM_CONF_HINT_H
#define AVM_CONF_HINT_H

#include <stdbool.h>

/* "no option 'x' in section log; ..." with the place where it belongs or the nearest name. Free with g_free(). */
char	*hint_unknown(const char *scope, const char *name);

/* The one of words nearest to what was written, or NULL if none is near. Borrowed. */
const char *hint_word(const char *const *words, const char *written);

/* true, yes, on and false, no, off in either case. */
bool	 hint_boolean(const char *text, bool *out);

#endif
