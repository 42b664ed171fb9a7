/*
 * cidr - is an address in a list of networks?
 *
 * A list is {10.0.0.0/8, 2001:db8::/32, !10.1.1.1}: an address is in it when a network holds it and no exception (with ! in front)
 * does; a list of exceptions only holds everything else. An IPv4 address that comes as IPv6 (::ffff:1.2.3.4) counts as IPv4.
 * Immutable once made: any thread.
 */
#ifndef AVM_BASE_CIDR_H
#define AVM_BASE_CIDR_H

#include <glib.h>
#include <stdbool.h>

struct cidr_list;

/* Parse a list of texts, NULL at the end; an empty one holds nothing. NULL and *err (G_FILE_ERROR_INVAL) names the text. */
struct cidr_list *cidr_list_new(char *const *texts, GError **err);
void	 cidr_list_free(struct cidr_list **l);
bool	 cidr_list_empty(const struct cidr_list *l);
/* A textual address, with or without a %zone; NULL and what is no address are in no list. */
bool	 cidr_list_has(const struct cidr_list *l, const char *address);

#endif
