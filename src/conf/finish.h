/*
 * finish - what follows from other options: actions, zeros that stand for something, names that come from titles
 */
#ifndef AVM_CONF_FINISH_H
#define AVM_CONF_FINISH_H

#include "conf/conf.h"
#include "conf/outline.h"

/* Resolve everything that conf.h promises; o says what was written. Adds the implicit engine and threadpools. */
void	 finish_conf(struct conf *c, const struct outline *o);

#endif
