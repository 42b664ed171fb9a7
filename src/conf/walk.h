/*
 * walk - every field of a configuration, with its path and row
 */
#ifndef AVM_CONF_WALK_H
#define AVM_CONF_WALK_H

#include "conf/conf.h"
#include "conf/option.h"

/* path is only given to walks that ask for it by conf_walk(). */
typedef void	(*walk_fn)(const char *path, const struct conf_option *o, void *field, void *user);

/* The rows of a section in its struct, which is what sections.def names; in a struct conf_engine each, net and all kinds. */
void	 walk_section(const char *section, void *base, walk_fn fn, void *user);
void	 walk_engine(struct conf_engine *e, walk_fn fn, void *user);
/* Only the rows that may stand in the section of e's kind. */
void	 walk_engine_scope(const char *path, struct conf_engine *e, walk_fn fn, void *user);

/* Everything that may be written, in the order of the sample file, titled sections in the order of c. */
void	 walk_conf(struct conf *c, walk_fn fn, void *user);

/* Where a section of kind TOP, PLAIN stands in c. */
void	*walk_base(struct conf *c, const struct conf_section *s);
/* Where a row stands in e. */
void	*walk_engine_field(struct conf_engine *e, const struct conf_option *o);

/* antivirus.clamd "title"; free with g_free(). */
char	*engine_path(const char *kind, const char *title);

#endif
