/*
 * consult - the hooks of the script for one message: before the scan, and after it
 *
 * A script decides what is done with a mail, never what is known of it: class, header and log line stay as the scan found them. What
 * could not be scanned because something failed it can only treat more strictly than the configuration does. What its own scans find, or
 * miss, is found or missing for the message too.
 * A script that fails (error, limit, wrong return value) has said nothing; the message is class error then, by reason "script".
 *
 * Threads: the session's own
 */
#ifndef AVM_SCRIPT_CONSULT_H
#define AVM_SCRIPT_CONSULT_H

#include "message/context.h"
#include "policy/policy.h"
#include "scan/ask.h"
#include "script/script.h"

/* Everything but the last four fields is borrowed and set by the caller. */
struct consult {
	struct script	*script;	/* NULL: there is none, and nothing happens */
	const struct conf *conf;
	struct engines	*engines;
	struct workers	*workers;
	const struct message *message;
	const struct facts *facts;
	struct context	*context;
	struct wait	*wait;
	GPtrArray	*texts;		/* of char *: what outcomes point to */
	GArray		*said;		/* the outcomes that the script wants */
	struct verdict	 found;		/* what its scans said, of what they scanned */
	bool		 whole;		/* one of them was of the whole message */
};

/* Frees texts: outcomes must be settled. */
void	 consult_clear(struct consult *c);

/* on_message. False and *err when it failed. Blocks within the wait's deadline, ticking. */
bool	 consult_before(struct consult *c, GError **err);
/* on_verdict and on_recipient, about r. The same. */
bool	 consult_after(struct consult *c, const struct scan_result *r, GError **err);
/* Do its scans stand for one of a message that was not scanned otherwise? Parts that are clean do not. */
bool	 consult_counts(const struct consult *c);
/* Join what they said into v. Once, or after each hook. */
void	 consult_join(struct consult *c, struct verdict *v);
/* The outcomes over v become what the script wants. */
void	 consult_apply(const struct consult *c, const struct verdict *v, struct outcomes *o);

#endif
