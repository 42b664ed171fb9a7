/*
 * symbols - what rules and the log call an item besides its name: patterns and patterns_fail
 *
 * A pattern is asked about the name of a finding, one of patterns_fail about the reason of a failure: its word ("timeout") and its
 * text. The engine's own `symbol` is always there (item.h).
 */
#ifndef AVM_POLICY_SYMBOLS_H
#define AVM_POLICY_SYMBOLS_H

#include <glib.h>

#include "conf/conf.h"
#include "verdict/verdict.h"

struct symbols;

/* Compile the patterns of every engine. NULL and *err, which names file, line and section. */
struct symbols *symbols_new(const struct conf *conf, GError **err);
void	 symbols_free(struct symbols **s);

/* Add to the items of v what the patterns of their engines give. A pattern that reached its bound gives a symbol that may be. */
void	 symbols_add(const struct symbols *s, const struct verdict *v, GPtrArray *items);

#endif
