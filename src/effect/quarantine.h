/*
 * quarantine - the store of mails that nobody receives: kept whole, shown, released, deleted, expired
 *
 * One folder for each entry, named by the ref of the mail, in quarantine.directory (mode 0700):
 *
 *	REF/message	the mail as received: header fields in order, blank line, body; byte for byte
 *	REF/about.json	who, when, why: envelope, client, findings, engines, definitions, hashes
 *	REF/journal	what became of it, one line an event, appended and fsynced
 *
 * An entry is written as new.REF and appears by one rename when everything is on the disk; it goes by one rename to gone.REF.
 * What is left of either is cleaned up by the next quarantine_open(). The index in memory is made from the folders at the start.
 *
 * Diagnostics: failures travel up as a GError (QUARANTINE_ERROR) that names folder, step and reason; retention logs what it removes.
 * Limits:      conf quarantine.keep, max_size, when_full
 * Threads:     every function, any thread, many at once, unless it says otherwise
 * Locks:       one mutex for the index, never held across a system call
 */
#ifndef AVM_EFFECT_QUARANTINE_H
#define AVM_EFFECT_QUARANTINE_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "message/message.h"
#include "policy/policy.h"
#include "scan/scan.h"

enum quarantine_error {
	QUARANTINE_E_IO,	/* the disk, or there is no store: it may work again later */
	QUARANTINE_E_FULL,	/* max_size is reached and when_full does not let old entries go */
	QUARANTINE_E_TOOBIG,	/* it can never be kept whole: larger than max_size, or not all of it was received */
	QUARANTINE_E_NONE,	/* no such entry */
	QUARANTINE_E_BUSY,	/* somebody else releases or deletes it just now */
	QUARANTINE_E_DONE,	/* everybody has it already */
	QUARANTINE_E_ADDRESS,	/* of a recipient to whom it is to be released */
	QUARANTINE_E_UNSURE,	/* the relay did not say whether it took the mail */
};
#define QUARANTINE_ERROR quarantine_error_quark()
GQuark	 quarantine_error_quark(void);

/* A ref, and "-2" to "-99" behind it when one mail is kept more than once. */
#define QUARANTINE_REF_MAX 24

struct quarantine;

/* Does any action of this configuration keep mail in the store? (with mta_hold the MTA holds it, and only split does) */
bool	 quarantine_needed(const struct conf *conf);

/*
 * Open the store: make the folder if its parent exists, take hold of it (a second daemon is refused), clean up, read the index.
 *
 * Returns: NULL and *err
 * Threads: one, as the daemon's user
 * Blocks:  on the local disk, about 100 us an entry
 */
struct quarantine *quarantine_open(const struct conf *conf, GError **err);
/* Another configuration: retention goes by it from now on. The folder stays that of the start. */
void	 quarantine_apply(struct quarantine *q, const struct conf *conf);
void	 quarantine_close(struct quarantine **q);

/* Why a mail is kept. */
enum quarantine_why {
	QUARANTINE_ACTION,	/* action quarantine: nobody receives it */
	QUARANTINE_SPLIT,	/* some recipients receive it, these do not (split = "quarantine") */
	QUARANTINE_COPY,	/* a copy besides (policy { quarantine = true }), whatever else is done */
};

/* One mail to be kept. Everything is borrowed for the length of the call. */
struct quarantine_case {
	const struct conf	 *conf;		/* of the mail's snapshot */
	const struct message	 *message;	/* sealed */
	const struct scan_result *scan;
	const struct decision	 *decision;	/* the class and action that are noted */
	const GPtrArray		 *recipients;	/* of char *, as in message->recipients: whose copy it is; NULL = everybody's */
	enum quarantine_why	  why;
	const char		 *rule;		/* title of the policy that decided, or NULL */
	const char		 *host;		/* our name */
};

/* What became of it. */
struct quarantine_kept {
	char	 ref[QUARANTINE_REF_MAX + 1];	/* the entry, for log line and console */
	bool	 again;		/* the same bytes and envelope lay there already: counted, not kept twice (decision 6) */
};

/*
 * Keep a mail. When it returns true the entry survives a crash of the machine, and the mail may be answered for.
 *
 * Returns: false and *err; then nothing is kept, and the mail must be refused with quarantine_refusal(). q may be NULL, which is
 *          an error as well
 * Blocks:  on the local disk
 */
bool	 quarantine_keep(struct quarantine *q, const struct quarantine_case *c, struct quarantine_kept *out, GError **err);

/* The SMTP code for a mail that could not be kept: 550 when when_full says so or when it can never be kept, else 451. */
unsigned quarantine_refusal(const struct conf *conf, const GError *err);

/* The state of an entry. */
enum quarantine_state {
	QUARANTINE_HELD,	/* nobody has it */
	QUARANTINE_PARTLY,	/* some of its recipients have it */
	QUARANTINE_RELEASED,	/* all have it */
	QUARANTINE_DAMAGED,	/* its description cannot be read; the message may be whole */
};
const char *quarantine_state_name(enum quarantine_state s);

struct quarantine_stats {
	uint64_t entries, held, released;
	uint64_t bytes, max_size;	/* of all entries; 0 = no limit */
	uint64_t kept, again, refused, failed;	/* since the start: new entries, repetitions, store full, disk */
	uint64_t releases, removed;	/* recipients who got a mail; entries deleted, expired or evicted */
};
void	 quarantine_stats(struct quarantine *q, struct quarantine_stats *out);

#endif
