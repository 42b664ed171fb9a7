/*
 * policy - from a verdict to what is done with the mail
 *
 * Every item of the verdict (each finding, unscannable, error) gets its action, from the section of the engine it came from, else
 * from antivirus (P1); the strictest holds (decisions 1, 2). The item that decides gives the text and code of the answer.
 */
#ifndef AVM_POLICY_POLICY_H
#define AVM_POLICY_POLICY_H

#include <stdbool.h>

#include "conf/conf.h"
#include "message/message.h"
#include "verdict/action.h"
#include "verdict/verdict.h"

struct decision {
	enum action	 action;	/* what is done */
	enum action	 would;		/* what would be done without observe */
	bool		 observed;	/* observe turned `would` into pass */
	enum verdict_class cls;		/* the class shown */
	unsigned	 error_code;	/* SMTP code of a tempfail */
	char		*reply;		/* text of a reject or tempfail: expanded, sanitised for SMTP (policy/reply.h); NULL otherwise */
};

/* Decide about a message. Never fails: what is not known is class error and gets on_error. */
void	 policy_decide(const struct conf *conf, const struct message *m, const struct verdict *v, struct decision *out);
void	 decision_clear(struct decision *d);

/* The action of one class under the configuration's defaults. */
enum action policy_class_action(const struct conf *conf, enum verdict_class c);

#endif
