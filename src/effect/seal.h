/*
 * seal - X-Virus-Seal: one hop's word that it has scanned this very mail and found nothing, for the next hop
 *
 *	X-Virus-Seal: v=1; k=KEY; t=TIME; h=HOST; s=MAC
 *
 * MAC is HMAC-SHA256 over time, host, the plan that judged the mail (engines, their options, limits and definitions: scan_result.plan),
 * the fields X-Virus-Scanned and X-Virus-Status that go with it, the digest of the body and the fields From, To, Cc, Subject, Date,
 * MIME-Version and Content-* in relaxed form (names in lower case, runs of blanks outside quotes one blank). Only a clean verdict of
 * the complete plan is ever sealed (decision 17), and no mail with a line end in a field that is no fold. Fields that hops add on
 * their way (Received, DKIM-Signature, ...) do not count.
 *
 * The key file holds one key a line, at least SEAL_KEY_MIN characters; "#" begins a comment. The first one signs, all are believed:
 * a new key goes above the old one, and the old one away when its last seals are older than seal.trust.
 *
 * Threads: any; a struct seal is immutable.
 */
#ifndef AVM_EFFECT_SEAL_H
#define AVM_EFFECT_SEAL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/digest.h"
#include "message/message.h"

#define SEAL_FIELD	"X-Virus-Seal"
#define SEAL_KEY_MIN	32
#define SEAL_KEYS_MAX	8

struct seal;

/* Read the keys. NULL and *err: missing, too short, too many, or to be read by everybody. */
struct seal *seal_new(const char *key_file, GError **err);
/* Accepts NULL. */
void	 seal_free(struct seal **s);

/* What a seal speaks of. Everything is borrowed. */
struct seal_subject {
	const struct message *message;	/* sealed against change */
	const uint8_t	*plan;		/* DIGEST_LEN bytes */
	const char	*scanned, *status;	/* the values of our two fields, "" = none; blanks around them do not count */
};

/* The value of the field, without a leading blank; NULL when the message is not whole. now: time(2). The caller frees. */
char	*seal_make(const struct seal *s, const struct seal_subject *of, const char *host, int64_t now);

/*
 * Is this value (as received) ours, for this mail, this plan, and not older than max_age_ms?
 *
 * Returns: true, and *host (the caller frees) = who sealed it; else false and *why, static, for the log
 */
bool	 seal_check(const struct seal *s, const struct seal_subject *of, const char *value, int64_t now, int64_t max_age_ms, char **host,
	    const char **why) MUST_USE;

#endif
