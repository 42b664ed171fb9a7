/*
 * repair - a mail without what was found in it: the offending parts give way to what an engine has made of them, or to a notice;
 * everything else stays byte for byte
 *
 * A worker takes the mail apart once more and tells where the parts lie; the bytes are put together here, out of the sealed original.
 * Then the new mail is scanned like any other, and only if everybody who is to have it may have it as it stands (state COMPLETE, and
 * the policy says pass) is it repaired. Whatever else happens is a reason not to: the caller turns to repair_fallback.
 */
#ifndef AVM_EFFECT_REPAIR_H
#define AVM_EFFECT_REPAIR_H

#include <stdbool.h>

#include "engine/engine.h"
#include "message/message.h"
#include "policy/policy.h"
#include "scan/scan.h"

/* Everything is borrowed for the length of the call. */
struct repair {
	const struct conf	*conf;
	const struct rules	*rules;
	struct engines		*engines;	/* all of the snapshot */
	struct workers		*workers;	/* NULL: nothing can be repaired */
	const struct message	*message;	/* sealed */
	const struct scan_result *scan;		/* of it */
	const struct decision	*decision;	/* action repair */
	struct spool_budget	*budget;
	const char		*host;
	bool			 leaves;	/* some recipient's mail goes on to another host */
	struct wait		*wait;		/* of the message */
};

struct repaired {
	struct message	*message;	/* what is to be delivered; owned, NULL = not repaired */
	unsigned	 parts;		/* that were replaced */
	unsigned	 cured;		/* of them by content that an engine has repaired */
};

/*
 * Repair.
 *
 * Returns: false and *why (owned by the caller), for the log: it cannot be done, or not be done safely
 * Blocks:  while a worker and the engines are asked, no longer than the wait's deadline, ticking
 */
bool	 repair_message(const struct repair *r, struct repaired *out, char **why);
void	 repaired_clear(struct repaired *r);

#endif
