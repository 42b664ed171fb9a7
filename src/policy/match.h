/*
 * match - the conditions of one rule, compiled
 */
#ifndef AVM_POLICY_MATCH_H
#define AVM_POLICY_MATCH_H

#include "policy/rules.h"

struct conditions;

/* NULL and *err names the option and what is wrong with it. */
struct conditions *conditions_new(const struct conf_policy *p, GError **err);
void	 conditions_free(struct conditions **c);
/* Does it ask for the recipient? */
bool	 conditions_by_recipient(const struct conditions *c);

#endif
