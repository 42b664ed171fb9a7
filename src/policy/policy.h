/*
 * policy - from a verdict to what is done with the mail, and for whom
 *
 * Two steps. policy_walk() finds each recipient's outcome: every item of the verdict is shown to the rules, the first whose conditions
 * all hold decides it, else the section of the engine that it came from, else antivirus (P1); the strictest over the items holds
 * (decisions 1, 2). policy_settle() makes one transaction of them (decision 5). Between the two a script may change outcomes.
 */
#ifndef AVM_POLICY_POLICY_H
#define AVM_POLICY_POLICY_H

#include <stdbool.h>

#include "conf/conf.h"
#include "message/message.h"
#include "policy/facts.h"
#include "policy/rules.h"
#include "verdict/action.h"
#include "verdict/verdict.h"

/* What becomes of the mail for one recipient, and why. Borrowed pointers live as long as verdict, facts and rules. */
struct outcome {
	enum action	 action;
	enum action	 would;		/* with the rules that only observe */
	enum verdict_class cls;		/* of the item that decides; clean when there is none */
	const struct finding *finding;	/* of that item, or NULL */
	const struct conf_engine *engine; /* its engine's section, or NULL */
	const struct rule *rule;	/* that decided it, or NULL */
	const char	*redirect;	/* where action redirect sends it; "" = nowhere, which is a 451 */
	const char	*reply;		/* text of a reject or tempfail instead of the template, or NULL: for scripts */
	bool		 keep;		/* a rule wants a copy besides */
	bool		 scripted;	/* the script decided it */
};

struct outcomes {
	GArray		*of;		/* of struct outcome, one for each recipient of message->recipients, in order; at least one */
	GPtrArray	*notify;	/* of char *, borrowed: whom the rules want told, without doubles */
	GPtrArray	*items;		/* of struct item * */
	bool		*hit;		/* by index of the rule: it decided something, or would if it did not only observe */
	bool		 one;		/* recipients are not all known: what holds for one holds for all */
};

struct decision {
	enum action	 action;	/* what is done: with split recipients, for those who get it */
	enum action	 would;		/* what would be done without observe */
	bool		 observed;	/* would is not action */
	enum verdict_class cls;		/* the class shown */
	unsigned	 error_code;	/* SMTP code of a tempfail */
	char		*reply;		/* text of a reject or tempfail: expanded, sanitised for SMTP (policy/reply.h); NULL otherwise */
	char		*rule;		/* title of the rule that decided, or NULL */
	bool		 keep;		/* a copy for the store besides, for all recipients */
	enum action	 fallback;	/* what becomes of action repair when it cannot be done; never repair */
	/* Arrays of owned char *, NULL when empty; recipients as the MTA gave them. */
	GPtrArray	*removed;	/* recipients that go from the envelope */
	GPtrArray	*withheld;	/* those of removed whose copy goes to the store; with action quarantine all whose mail it is,
					 * NULL = everybody's */
	GPtrArray	*redirects;	/* addresses that get the mail in place of removed ones */
	GPtrArray	*notify;	/* admin, recipient, addresses */
	GPtrArray	*symbols;	/* of all items, without doubles, the strongest finding's first */
	bool		 split;		/* recipients have different outcomes and get them */
};

/* Every recipient's outcome. Never fails: what is not known is class error and gets on_error. Counts no hits. */
void	 policy_walk(const struct rules *r, const struct facts *f, const struct verdict *v, struct outcomes *out);
void	 outcomes_clear(struct outcomes *o);

/* One transaction out of the outcomes. */
void	 policy_settle(const struct rules *r, const struct message *m, const struct verdict *v, const struct outcomes *o, struct decision *out);

/* Count the hits of the rules that decided something. */
void	 policy_count(const struct rules *r, const struct outcomes *o);

/* Both steps, for whoever has no script. */
void	 policy_decide(const struct rules *r, const struct message *m, const struct verdict *v, struct decision *out);
void	 decision_clear(struct decision *d);

/* Action repair turned out to be impossible: the decision becomes its fallback, with text, recipients and addresses that belong to it. */
void	 policy_fall_back(const struct rules *r, const struct message *m, const struct verdict *v, struct decision *d);

/* The action of one class under the configuration's defaults. */
enum action policy_class_action(const struct conf *conf, enum verdict_class c);
/* Can this action come out at all: defaults, engines, fallback, rules? */
bool	 policy_may(const struct conf *conf, enum action a);

#endif
