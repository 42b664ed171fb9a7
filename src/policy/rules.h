/*
 * rules - the policy sections, compiled: which rule decides an item, for whom
 *
 * Made once from a configuration, with the lists of file:PATH read; immutable but for the counters of hits: any thread. A condition
 * answers no, yes or maybe. Maybe is the answer to what cannot be known (a finding beyond those that were kept, a recipient beyond those
 * kept, a regex that reached its bound); then the rule counts only where it makes the outcome stricter, and the walk goes on.
 */
#ifndef AVM_POLICY_RULES_H
#define AVM_POLICY_RULES_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/facts.h"
#include "policy/item.h"

enum match { MATCH_NO = 0, MATCH_MAYBE, MATCH_YES };

/* One policy section. Its conditions are match.c's own. */
struct rule {
	const struct conf_policy *conf;	/* title, action, texts; lives with the rules */
	struct conditions *conditions;
	int64_t		 expires;	/* time(2) from which it holds no more; INT64_MAX = never */
	atomic_uint_fast64_t *hits;	/* messages that it decided something of */
};

struct rules {
	struct conf	*conf;		/* a reference: sections live as long as their rules */
	GPtrArray	*list;		/* of struct rule *, in the order of the file */
	bool		 by_recipient;	/* some rule asks for the recipient */
	struct ignores	*ignores;	/* whitelists */
	struct symbols	*symbols;	/* patterns, patterns_fail */
	struct cidr_list *trusted;	/* trust.clients */
	struct cidr_list *hops;		/* trust.hops */
};

/*
 * Compile the rules of a configuration and read their lists. heirs of hits: earlier rules with the same title hand on their counters
 * (old may be NULL), and whitelists with the same path what was read.
 *
 * Returns: NULL and *err, which names section, file and line
 */
struct rules *rules_new(const struct conf *conf, const struct rules *old, GError **err);
/* Accepts NULL. */
void	 rules_free(struct rules **r);

/* The conditions by what they ask about. now: time(2). why (may be NULL) gets the name of the option that does not hold, static. */
enum match rule_match_message(const struct rule *r, const struct facts *f, int64_t now, const char **why);
/* rcpt NULL: one that is not known. */
enum match rule_match_recipient(const struct rule *r, const char *rcpt, const char **why);
enum match rule_match_item(const struct rule *r, const struct item *it, const char **why);
/* Does it ask about items at all? */
bool	 rule_asks_items(const struct rule *r);

/*
 * May the mail go without a scan? True when for each recipient the first rule that could hold is one with skip = true.
 * *rule gets it (that of the first recipient). Counts no hit.
 */
bool	 rules_skip(const struct rules *r, const struct facts *f, const struct rule **rule);

/* Count a message that the rule decided something of. */
void	 rule_hit(const struct rule *r);

/* Is the client one of trust.clients? */
bool	 rules_trusts(const struct rules *r, const struct facts *f);

#endif
