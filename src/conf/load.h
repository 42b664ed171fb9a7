/*
 * load - reading a configuration with what only tests and tools ask for
 */
#ifndef AVM_CONF_LOAD_H
#define AVM_CONF_LOAD_H

#include "conf/conf.h"

enum {
	LOAD_ALL_BUILT	= 1 << 0,	/* do not refuse what is not built yet: the grammar as it will be */
};

/* conf_load() and conf_parse() with flags. */
struct conf *load_file(const char *path, unsigned flags, GError **err);
struct conf *load_text(const char *text, const char *name, unsigned flags, GError **err);

#endif
