/*
 * console_cache - what the console says about the result cache, and how it is emptied
 */
#ifndef AVM_DAEMON_CONSOLE_CACHE_H
#define AVM_DAEMON_CONSOLE_CACHE_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "scan/memory.h"

/* Figures of both tiers, of scans under way. The caller owns the object. Any thread. */
json_t	*console_cache_stats(struct memory *m);

/*
 * cache stats | purge HASH | purge all
 *
 * words: behind the command, NULL at the end
 * Returns: NULL and *err when the words are none of these, or purge is asked for without may_act
 */
json_t	*console_cache(struct memory *m, char *const *words, bool may_act, GError **err);

#endif
