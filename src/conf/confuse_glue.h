/*
 * confuse_glue - libconfuse's tables made from options.def, and a parse of an outline with them
 */
#ifndef AVM_CONF_CONFUSE_GLUE_H
#define AVM_CONF_CONFUSE_GLUE_H

#include <confuse.h>

#include "conf/outline.h"

/*
 * Let libconfuse read the text of an outline.
 *
 * Returns: the tree, all values as text; free with cfg_free(). NULL with an error in o->problems.
 * Threads: one at a time in the whole process: its scanner keeps state in globals
 */
cfg_t	*confuse_parse(const struct outline *o);

#endif
