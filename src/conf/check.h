/*
 * check - is a text what its option wants: a path, a network, a regex, a reply template
 */
#ifndef AVM_CONF_CHECK_H
#define AVM_CONF_CHECK_H

#include "conf/option.h"

/* NULL when text fits the flags of o; else what is wrong and what to write, to be freed with g_free(). */
char	*check_text(const struct conf_option *o, const char *text);

#endif
