/*
 * message - one mail as the MTA hands it over: envelope, header fields, bytes
 *
 * Built by the milter callbacks, sealed at the end of the message, immutable from then on. The spool begins with a
 * synthetic Received: field, so that an engine's file typing is certain and a mail without header fields still parses;
 * message_offset() is where the mail itself begins. Bytes that cannot be kept (too large, disk full, out of budget) do not
 * fail a callback: the error is remembered and spoken at the end of the message (decision 16).
 *
 * Threads: one session's thread at a time until message_seal(); any thread reads after it.
 */
#ifndef AVM_MESSAGE_MESSAGE_H
#define AVM_MESSAGE_MESSAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "message/spool.h"

/* Who speaks to the MTA; lives as long as the milter session and is copied into each message. */
struct client {
	char	*name;		/* host name, or [address] */
	char	*addr;		/* textual address, or NULL (local submission, unknown) */
	char	*helo;
	char	*daemon;	/* {daemon_name} */
	bool	 submitted;	/* no SMTP client: the sendmail command on this machine */
};

struct header {			/* texts and all, one piece of memory */
	char	*name;		/* as received, blanks before the colon stripped by the MTA */
	char	*value;		/* as received: folds as \n, leading blank kept (HDR_LEADSPC) */
};

#define MESSAGE_WATCH_MAX	 6
#define MESSAGE_RECIPIENTS_BYTES (1024 * 1024)	/* kept; more are counted in recipients_total only */

struct message {
	char		*id;		/* queue id, or "NOQUEUE" */
	char		*ref;		/* ten base32 characters, new for each message (interface.md) */
	char		*sender;	/* exact bytes of the MAIL argument */
	char		*parameters;	/* ESMTP parameters of MAIL, blanks between them; NULL = none */
	GPtrArray	*recipients;	/* of char *, exact bytes of the RCPT arguments; complete up to MESSAGE_RECIPIENTS_BYTES */
	unsigned	 recipients_total;
	char		*client_name, *client_addr, *helo, *daemon;
	bool		 submitted;	/* see struct client */
	char		*auth;		/* {auth_authen}, or NULL */
	char		*message_id;	/* of the first Message-ID field, blanks stripped, or NULL */
	char		*subject;	/* of the first Subject field, or NULL */
	GPtrArray	*headers;	/* of struct header *, in order; complete up to header_max */
	struct {
		char		*name;
		unsigned	 count;
	} watched[MESSAGE_WATCH_MAX];	/* the names of the limits' watch, and all their occurrences */
	struct spool	*spool;
	struct digest	*body;		/* running, until the seal */
	uint8_t		 body_digest[DIGEST_LEN];	/* of every byte behind the blank line; set by the seal */
	uint64_t	 size;		/* bytes of the mail as seen, kept or not; without the synthetic field */
	uint64_t	 body_size;	/* of size: what stands behind the blank line */
	uint64_t	 header_bytes, header_max, recipient_bytes;
	GError		*error;		/* first failure to keep it (SPOOL_ERROR), or NULL */
	bool		 headers_over;	/* header block larger than header_max: class unscannable, limit.size */
	bool		 in_body;
	bool		 sealed;
};

struct message_limits {
	struct spool_limits spool;
	uint64_t	 header_max;
	/* Names of our own fields (X-Virus-Status ...): every inbound copy is counted, so that all can be removed even from a
	 * header block that is too large to keep. NULL ends the list; copied. */
	const char	*watch[MESSAGE_WATCH_MAX + 1];
};

/* A message begins (MAIL FROM). Copies sender and client. */
struct message *message_new(struct spool_budget *b, const struct message_limits *lim, const struct client *c, const char *sender);
void	 message_add_recipient(struct message *m, const char *rcpt);
/* One header field: name and value as libmilter gives them under HDR_LEADSPC; spooled as name:value CRLF, folds as CRLF. */
void	 message_add_header(struct message *m, const char *name, const char *value);
/* A piece of the body, any bytes. The first one (or message_seal()) writes the blank line after the header fields. */
void	 message_add_body(struct message *m, const void *data, size_t len);

/* The end: from here the message is immutable. Never fails: m->error tells. Idempotent. */
void	 message_seal(struct message *m);

/* True when a field name as the MTA showed it is `name`: case and blanks before the colon do not count. */
bool	 header_is(const char *shown, const char *name);
/* Occurrences of a field: every one for the names in watch, else those up to header_max. */
unsigned message_header_count(const struct message *m, const char *name);

/* Offset of the mail itself in the spool: the length of the synthetic field. */
uint64_t message_offset(void);

void	 message_free(struct message **m);

#endif
