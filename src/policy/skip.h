/*
 * skip - mail, or an engine, that is not to be asked about: by rule, by the word of a trusted client or of the MTA, by script
 *
 * skip_context_variable names a variable of the message's context; whoever sets it keeps the engines with that name from being asked.
 * trust.skip_macro and, from a client of trust.clients, trust.skip_header set the one of antivirus (P8).
 */
#ifndef AVM_POLICY_SKIP_H
#define AVM_POLICY_SKIP_H

#include "engine/engine.h"
#include "message/context.h"
#include "message/message.h"
#include "policy/rules.h"

/* Let header and macro speak (macro: the value of trust.skip_macro, or NULL). Says who it was: "skip-macro", "skip-header", or NULL. */
const char *skip_note(const struct rules *r, const struct facts *f, const struct message *m, const char *macro, struct context *c);

/*
 * The engines without those that the context keeps from being asked: *some is set to all when none of them is, else filled with a set
 * of its own that borrows everything; free with skip_engines_clear().
 *
 * Returns: false when no engine is left that mail is shown to
 */
bool	 skip_engines(struct engines *all, const struct context *c, struct engines *some);
void	 skip_engines_clear(struct engines *some, const struct engines *all);

/* Must a copy of trust.skip_header be taken off, because the next hop might believe it? */
bool	 skip_header_lies(const struct rules *r, const struct facts *f);

#endif
