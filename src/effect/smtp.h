/*
 * smtp - one mail to one server, byte for byte
 *
 * For releases out of the quarantine store and for alerts. The content goes out as it is, but for the dots that SMTP doubles and a
 * line end behind the last line: no field is added, no line folded, no byte encoded. Every recipient's answer is told by itself.
 *
 * Diagnostics: texts name server, step and what it said (sanitised: printable ASCII, 200 bytes)
 * Threads:     any
 * Blocks:      until the server has answered, no longer than the wait's deadline; every silence ends after silence_ms
 */
#ifndef AVM_EFFECT_SMTP_H
#define AVM_EFFECT_SMTP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/net.h"

struct smtp_server {
	const char	*address;	/* HOST:PORT, [IPV6]:PORT, unix:/PATH, tls:HOST:PORT */
	const char	*helo;		/* our name */
	struct tls	*tls;		/* for tls: addresses, else NULL */
	int64_t		 connect_ms, silence_ms;
};

struct smtp_recipient {
	const char	*address;	/* with or without <>; exact bytes */
	unsigned	 code;		/* out: of the answer to RCPT, 0 = was not asked */
	char		*reply;		/* out: that answer for people; owned, see smtp_recipient_clear() */
};
void	 smtp_recipient_clear(struct smtp_recipient *r);
static inline bool
smtp_recipient_is_taken(const struct smtp_recipient *r)
{
	return r->code >= 200 && r->code < 300;
}

struct smtp_mail {
	const char	*sender;	/* with or without <>; "" and <> are the empty one */
	struct smtp_recipient *recipients;
	size_t		 count;
	const char	*envid;		/* xtext for ENVID=, said to servers that know DSN; or NULL */
	bool		 eight_bit;	/* the content has bytes above 127: BODY=8BITMIME where it is offered */
	bool		 utf8;		/* SMTPUTF8 is wanted; needed (and then asked for in any case) when an address is not ASCII */
	uint64_t	 size;		/* of the content, for SIZE=; 0 = not known */
	/* The next bytes of the content, *got = 0 at its end. No line may end in a bare LF. */
	bool		(*read)(void *arg, void *buf, size_t len, size_t *got, GError **err);
	/* May be NULL: called before DATA when the server took no envid. */
	void		(*without_envid)(void *arg);
	void		*arg;
	unsigned	 verdict;	/* out: code of the answer to the content, 0 = none came */
};

enum smtp_end {
	SMTP_TAKEN,	/* the server has it, for those whose recipient is taken */
	SMTP_NOT,	/* nobody has it: *err */
	SMTP_UNSURE,	/* all was said but the answer did not come: somebody may have it; *err */
};

enum smtp_end smtp_send(const struct smtp_server *s, struct smtp_mail *m, struct wait *wait, GError **err);

/* May this stand in MAIL and RCPT? Not empty, no control characters or blanks outside quotes, no <> inside. */
bool	 smtp_address_is_valid(const char *address);

#endif
