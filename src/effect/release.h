/*
 * release - a kept mail on its way out: by SMTP to the relay, once if it can be, never lost
 *
 * What happened is in the entry's journal before it happens and after: "releasing", then "released" or "failed", each fsynced. Between
 * the relay's 250 and the line that tells of it a crash leaves the entry marked as interrupted: somebody may have the mail, and it
 * is the administrator who sends it a second time or not (decision 13).
 *
 * The relay is usually the MTA that asks us about every mail. Lest the mail be caught again, each transaction carries a token of 128
 * random bits in ENVID, which is known to this process only. release_recognise() takes it from a mail with the same sender, body and
 * fields that say how to read it (MIME-Version, Content-*), and no other recipients, once, within ten minutes. To a server that
 * knows no DSN no token can be given: such a mail is recognised by the rest, and only when it comes from this machine.
 *
 * Threads: any, many at once
 */
#ifndef AVM_EFFECT_RELEASE_H
#define AVM_EFFECT_RELEASE_H

#include <glib.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "conf/conf.h"
#include "effect/quarantine.h"
#include "message/message.h"

struct release_order {
	const char	*ref;
	const GPtrArray	*to;		/* of char *: these and nobody else; empty = those of its recipients who do not have it yet */
	const char	*by;		/* who asks, for the journal and the log */
	const char	*relay;		/* HOST:PORT or unix:/PATH */
	const char	*helo;		/* our name */
	const atomic_int_fast64_t *cut;	/* the end of all patience (struct wait), or NULL */
};

/*
 * Release an entry.
 *
 * Returns: an object {"ref", "state", "taken": [RCPT], "refused": [{"to", "reply"}]}, which is there as soon as one recipient
 *          was asked for; NULL and *err (QUARANTINE_ERROR, NET_ERROR) when nobody has it, or nobody knows
 * Blocks:  as long as the relay takes
 */
json_t	*release_entry(struct quarantine *q, const struct release_order *o, GError **err);

/*
 * Is this mail one that we are releasing? At the end of the message, once for each mail.
 *
 * Returns: true and the ref; the token is used up then, and also when it came with something else than it was made for
 */
bool	 release_recognise(struct quarantine *q, const struct message *m, char ref[QUARANTINE_REF_MAX + 1]);

#endif
