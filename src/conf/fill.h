/*
 * fill - from libconfuse's tree to struct conf: values, defaults, what engines inherit
 */
#ifndef AVM_CONF_FILL_H
#define AVM_CONF_FILL_H

#include <confuse.h>

#include "conf/conf.h"
#include "conf/option.h"
#include "conf/outline.h"

/* A struct with every field set or at its default, not yet finished (finish.h). Errors go to o->problems. */
struct conf *fill_conf(cfg_t *tree, const struct outline *o);

/* An engine section that nobody wrote: every (*) option as in c->antivirus, the rest at its default. */
struct conf_engine *fill_engine(const struct conf *c, const char *kind, const char *title);
struct conf_threadpool *fill_threadpool(const char *title);

/* Has a field of an unfinished struct the value that it has when nobody writes it? */
bool	 fill_is_default(const struct conf_option *o, const void *field);

/* Free what these made; usable as GDestroyNotify. */
void	 engine_destroy(void *engine);
void	 threadpool_destroy(void *pool);
void	 policy_destroy(void *policy);

#endif
