/*
 * release_pass - the mails of ours that are on their way back to us, and the tokens by which we know them
 *
 * Locks: that of the store
 */
#ifndef AVM_EFFECT_RELEASE_PASS_H
#define AVM_EFFECT_RELEASE_PASS_H

#include "effect/quarantine_in.h"

/* 128 random bits in hex. */
#define PASS_TOKEN_LEN 32

/* ENVID=avm+2DTOKEN: "avm-TOKEN" as xtext (RFC 3461). */
#define PASS_PREFIX_XTEXT "avm+2D"
#define PASS_PREFIX	  "avm-"

struct release_pass;

/* What a pass is made for. Copied. */
struct pass_mail {
	const char	*sender;
	const GPtrArray	*to;
	const uint8_t	*body;	/* digest of what stands behind the blank line */
	const uint8_t	*mime;	/* of the fields that say how to read it (relaxed_mime()); NULL: it can never be known again */
};

/* A pass for one transaction. */
struct release_pass *pass_new(struct quarantine *q, const char *ref, const struct pass_mail *mail);
/* The value for ENVID=, as xtext. Borrowed. */
const char *pass_envid(const struct release_pass *p);
/* The relay takes no ENVID: know it by the rest. */
void	 pass_without_token(struct quarantine *q, struct release_pass *p);
/*
 * The transaction is over. taken: the mail may reach us later, by way of other hosts, so the pass stays until its time is over; else it
 * is worth nothing from now on. p must not be used any more.
 */
void	 pass_end(struct quarantine *q, struct release_pass *p, bool taken);
/* Forget all of them; nobody may use any. */
void	 pass_forget_all(struct quarantine *q);

#endif
