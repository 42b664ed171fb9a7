/*
 * whitelist_line - one line of a whitelist
 */
#ifndef AVM_POLICY_WHITELIST_LINE_H
#define AVM_POLICY_WHITELIST_LINE_H

#include <glib.h>
#include <stdbool.h>

#include "policy/whitelist.h"

/* An entry, or NULL for a line that says nothing. False and *why (the caller frees) when it is no entry. */
bool	 whitelist_line(const char *line, struct whitelist_entry **out, char **why);
void	 whitelist_entry_free(void *entry);

/* The name as a line begins with it. The caller frees. */
char	*whitelist_quote(const char *name);

#endif
