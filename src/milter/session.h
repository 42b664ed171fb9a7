/*
 * session - one connection of an MTA: who it speaks for, the message at hand, and what both sides agreed on
 *
 * Made when the MTA negotiates, so a kick (connect and close) never has one. Between messages it holds some hundred
 * bytes: the snapshot of the configuration belongs to the message, not to the session.
 *
 * Threads: libmilter runs one callback of a session at a time, in changing threads.
 */
#ifndef AVM_MILTER_SESSION_H
#define AVM_MILTER_SESSION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "message/message.h"
#include "milter/milter.h"

/* Every step that we answer with "no reply". */
#define SESSION_NO_REPLY (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_UNKN | \
	    SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)

struct session {
	struct milter	*milter;
	SMFICTX		*ctx;
	unsigned long	 steps;		/* SMFIP_* granted */
	unsigned long	 actions;	/* SMFIF_* granted */
	struct client	 client;
	struct message	*message;	/* between MAIL and its end, else NULL */
	struct snapshot	*snapshot;	/* of that message */
	bool		 pending;	/* counted in milter->pending */
	unsigned	 leaving;	/* its recipients whose mail goes on to another host */
	unsigned	 unplaced;	/* those of whom the MTA does not say where to */
	unsigned	 to_hops;	/* recipients of that message whose next hop is in trust.hops */
};

/* A connection negotiates; and one that libmilter reuses after QUIT_NC, where nothing is negotiated again: it takes over what
 * the latest negotiation of any connection said. */
struct session *session_new(struct milter *m, SMFICTX *ctx);
struct session *session_adopt(struct milter *m, SMFICTX *ctx);

/* The MTA offers actions and steps; out: what we ask for. */
void	 session_negotiate(struct session *s, unsigned long actions, unsigned long steps, unsigned long *actions_out, unsigned long *steps_out);

void	 session_connect(struct session *s, const char *host, const struct sockaddr *addr);
void	 session_helo(struct session *s, const char *helo);
/* MAIL FROM: a message begins; one that had not ended is dropped. args: address and ESMTP parameters, NULL at the end. */
void	 session_mail(struct session *s, char *const *args);
/* RCPT TO. */
void	 session_recipient(struct session *s, const char *rcpt);
/* One header field as the MTA shows it. */
void	 session_header(struct session *s, const char *name, const char *value);
/* The queue id, as soon as the MTA knows it. */
void	 session_queue_id(struct session *s);
/* The message has ended, whichever way. Idempotent. */
void	 session_end(struct session *s);
void	 session_free(struct session **s);

#endif
