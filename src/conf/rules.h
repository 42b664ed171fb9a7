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

/* Refuse by name what asks for something that is not built yet: the rows of notbuilt.def. The first wants c before, the second
 * after finish_conf(). */
void	 notbuilt_check_keys(const struct conf *c, const struct outline *o);
void	 notbuilt_check(const struct conf *c, const struct outline *o);

#endif
