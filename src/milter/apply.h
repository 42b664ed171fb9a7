/*
 * apply - carry out a decision: the store, the edits, the recipients, the hold, the refusal
 */
#ifndef AVM_MILTER_APPLY_H
#define AVM_MILTER_APPLY_H

#include "conf/conf.h"
#include "effect/quarantine.h"
#include "message/message.h"
#include "milter/mta.h"
#include "policy/policy.h"
#include "scan/scan.h"

/* What becomes of X-Virus-Seal. */
enum apply_seal {
	SEAL_IGNORE = 0,	/* we have no key: it is somebody else's field */
	SEAL_OFF,		/* every copy goes */
	SEAL_NEW,		/* every copy goes, ours comes */
	SEAL_PASS,		/* it was believed and the next hop may see it: it stays, with the fields that it speaks of */
	SEAL_USED,		/* it was believed and goes; the fields that it speaks of stay */
};

/* Everything is borrowed for the length of the call. */
struct apply {
	const struct mta_ops	 *ops;
	SMFICTX			 *ctx;
	bool			  leading_space;	/* HDR_LEADSPC is agreed */
	const struct conf	 *conf;
	const struct message	 *message;
	const struct scan_result *scan;
	const struct decision	 *decision;
	const char		 *skipped;
	const char		 *host;
	const char		 *take_off;		/* a field whose copies must go besides, or NULL */
	enum apply_seal		  seal;
	const char		 *new_seal;		/* the value of SEAL_NEW */
	struct quarantine	 *quarantine;	/* NULL: no store */
	struct quarantine_kept	 *kept;		/* out: the entry, if one was made */
	const struct message	 *repaired;	/* of action repair: the mail in whose place it is delivered; else NULL */
	bool			  refused;		/* not scanned: nothing but a 451 can come out */
};

/*
 * Keep what the store is to keep, then speak the edits in the order that Postfix and sendmail agree on (header fields, recipients, body, hold),
 * or the refusal.
 *
 * Returns: the answer. When an edit or the keeping of a copy fails it is 451, or 550 for a mail that can never be kept, and *why
 *          (owned by the caller) says which; the MTA drops the edits that it had taken already together with the mail
 */
sfsistat apply_decision(const struct apply *a, char **why);

/* "adding header fields, changing header fields": what SMFIF_* bits mean. The caller frees. */
char	*apply_action_names(unsigned long actions);

#endif
