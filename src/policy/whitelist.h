/*
 * whitelist - names whose finding does not count
 *
 * One entry a line: a name, or a regex between slashes, then conditions that must all hold:
 *
 *	Heuristics.Phishing.Email.SpoofedDomain
 *	/^PUA\.Win\./ engine=clamav from=*@partner.example
 *	Win.Test.EICAR_HDB-1 to=lab@our.example sha256=275a...fd0f until=2027-01-31
 *
 * A name is compared as a whole; one with blanks stands in double quotes. A regex matches anywhere in the name. from and to are globs
 * as in policy sections. until is the last day, UTC. Empty lines and what follows a # at the beginning or behind a blank are nothing.
 *
 * The file is looked at whenever a finding asks, and read again when it has changed; an error in it keeps the old list, loudly.
 *
 * Locks: one mutex around the present list, never held while the file is looked at or read: one thread reads, and whoever has a finding
 *        meanwhile goes on with the list before. Lists themselves are immutable but for their counters.
 */
#ifndef AVM_POLICY_WHITELIST_H
#define AVM_POLICY_WHITELIST_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "verdict/verdict.h"

struct whitelist;
struct whitelist_list;		/* what one reading of the file gave */

struct whitelist_entry {
	char		*name;		/* whole, or NULL */
	struct regex	*regex;		/* or NULL */
	char		*engine;	/* title, or NULL */
	struct globs	*from, *to;	/* or NULL */
	char		*sha256;	/* lower case, or NULL */
	int64_t		 ends;		/* time(2) from which it holds no more; INT64_MAX = never */
	unsigned	 line;
	uint64_t	 uses;		/* atomic; of this reading */
};

/* Parse the whole text of a file called path. NULL and *err = "FILE:LINE: what, and what to write instead", one line for each error. */
struct whitelist_list *whitelist_parse(const char *path, const char *text, size_t len, GError **err);

/* The list of a file. before: the list of an earlier configuration with the same path, or NULL; with it a broken file is only
 * logged. NULL and *err. */
struct whitelist *whitelist_new(const char *path, struct whitelist *before, GError **err);
struct whitelist *whitelist_ref(struct whitelist *w);
void	 whitelist_unref(struct whitelist **w);
const char *whitelist_path(const struct whitelist *w);

/* The present list, read again if the file has changed and nobody else is reading it. Hold it while its entries are used. Any thread. */
struct whitelist_list *whitelist_now(struct whitelist *w);
struct whitelist_list *whitelist_list_ref(struct whitelist_list *l);
void	 whitelist_list_unref(struct whitelist_list **l);
unsigned whitelist_list_size(const struct whitelist_list *l);
/* Does any entry ask for the recipient? */
bool	 whitelist_by_recipient(const struct whitelist_list *l);

/*
 * The first entry that lets the finding go, or NULL. sender and rcpt as in facts.h; rcpt NULL = only what holds for everybody. What
 * cannot be decided (a regex at its bound) does not hold.
 */
struct whitelist_entry *whitelist_find(const struct whitelist_list *l, const struct finding *f, const char *sender, const char *rcpt,
    int64_t now);

#endif
