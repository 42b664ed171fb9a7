/*
 * age - how old an engine's definitions are, and whether that is too old
 *
 * The embedded engine knows when its database was built; a server tells with its version (clamd), or by a name that begins with a
 * date (YYYYMMDD, Symantec). Of several servers the oldest counts. What tells no date is never stale.
 */
#ifndef AVM_ENGINE_AGE_H
#define AVM_ENGINE_AGE_H

#include <stdbool.h>
#include <stdint.h>

struct engine;

/* When the definitions were made, wall clock in seconds; 0 = not known. Any thread. */
int64_t	 age_made(struct engine *e);
/* Are they older than definitions_max_age of its section? *days is their age then. Any thread. */
bool	 age_is_stale(struct engine *e, int64_t *days);

/* The date that a name of definitions begins with ("20150215.001"), or 0. */
int64_t	 age_of_name(const char *name);
/* "Thu Dec 26 09:38:26 2024", as clamd tells it, or 0. */
int64_t	 age_of_text(const char *text);

#endif
