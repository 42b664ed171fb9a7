/*
 * context - names and values that belong to one message: what scripts, macros and engines tell each other (seeds 000, 001)
 *
 * Before the scan a variable may keep engines from being asked (skip_context_variable); after it each engine has left its own
 * (policy/context_note.h). Values are any text; bytes of mail in them are escaped by whoever shows them.
 *
 * Threads: one at a time
 */
#ifndef AVM_MESSAGE_CONTEXT_H
#define AVM_MESSAGE_CONTEXT_H

#include <glib.h>
#include <stdbool.h>

struct context {
	GHashTable	*values;	/* name -> value, both owned; NULL = nothing was set yet */
};

/* Set name to a copy of value; NULL unsets it. */
void	 context_set(struct context *c, const char *name, const char *value);
/* The value, or NULL when name is not set; "" is a value. Borrowed, until the next context_set(). */
const char *context_get(const struct context *c, const char *name);
void	 context_clear(struct context *c);

#endif
