/*
 * rules - what options must say together, and what is not built yet
 */
#ifndef AVM_CONF_RULES_H
#define AVM_CONF_RULES_H

#include <stdbool.h>

#include "conf/conf.h"
#include "conf/outline.h"

/* Errors and warnings about a finished configuration, to o->problems. */
void	 rules_check(const struct conf *c, const struct outline *o);

#endif
