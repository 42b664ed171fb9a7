/*
 * sealing - when a seal is believed, and when one is put on (decision 17)
 *
 * Believed is the one seal of a mail that a client of trust.clients hands over, if it speaks of this very mail and of what would
 * scan it here. Put on is one where every engine found the whole mail clean and every recipient's next hop is in trust.hops, as
 * the MTA tells by {rcpt_host}: an address, in brackets or not. Where it tells a name, no seal is put on.
 *
 * Threads: a session's.
 */
#ifndef AVM_MILTER_SEALING_H
#define AVM_MILTER_SEALING_H

#include "effect/seal.h"
#include "milter/session.h"
#include "policy/facts.h"
#include "scan/scan.h"

/* Is this mail's seal believed? *host: who put it on, the caller frees. Why one of a trusted client is not stands in the log. */
bool	 sealing_believes(const struct seal *seal, const struct snapshot *snap, const struct facts *f, const struct message *m, char **host);

/* A recipient whose next hop is that ({rcpt_host}, or NULL): one of trust.hops? */
bool	 sealing_is_hop(const struct rules *r, const char *rcpt_host);

/* The value of the seal that goes on, or NULL = none does. The caller frees. */
char	*sealing_make(const struct seal *seal, const struct session *s, const struct scan_result *r, const char *skipped);

#endif
