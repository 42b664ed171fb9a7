/*
 * callbacks - what libmilter calls: each hands its arguments to the session and says "no reply"
 *
 * With "no reply" negotiated, an answer before the end of the message gets lost, and with it the
 * message's only answer (decision 16). So nothing is decided here, and every return but those of
 * negotiate and eom goes through reply_step(); scripts/lint-callbacks keeps it so. libmilter itself
 * answers "continue" for us to an MTA that does not know "no reply".
 */
#include "milter/eom.h"
#include "milter/milter.h"
#include "milter/session.h"

/* The one process-wide pointer: libmilter hands its callbacks nothing of ours before
 * smfi_setpriv(). */
static struct milter *the_milter;

void
milter_use(struct milter *m)
{
	the_milter = m;
}

static struct session *
session_of(SMFICTX *ctx)
{
	kick_thread(&the_milter->kick);
	return the_milter->ops->getpriv(ctx);
}

static sfsistat
reply_step(const struct session *s, unsigned long step)
{
	if (s != NULL && (s->steps & step) == 0)
		return SMFIS_CONTINUE;
	return SMFIS_NOREPLY;
}

/*
 * The protocol lets an MTA send the last piece of the body inside the end of message. libmilter
 * then calls this callback and, only when it returns "continue", the one for the end of message;
 * "no reply" would be the end of it, and the MTA would wait for an answer that nobody gives
 * (st_bodyend() in libmilter's engine.c).
 */
static sfsistat
reply_body(const struct session *s, SMFICTX *ctx)
{
	if (the_milter->ops->at_end(ctx))
		return SMFIS_CONTINUE;
	return reply_step(s, SMFIP_NR_BODY);
}

static sfsistat
cb_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
    unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	struct session *s = session_of(ctx);

	(void)f2;
	(void)f3;
	session_free(&s);
	s = session_new(the_milter, ctx);
	the_milter->ops->setpriv(ctx, s);
	session_negotiate(s, f0, f1, pf0, pf1);
	*pf2 = *pf3 = 0;
	return SMFIS_CONTINUE; /* "negotiated as written": not an answer about a mail */
}

static sfsistat
cb_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *addr)
{
	struct session *s = session_of(ctx);

	if (s == NULL) { /* after QUIT_NC */
		s = session_adopt(the_milter, ctx);
		the_milter->ops->setpriv(ctx, s);
	}
	session_connect(s, host, (const struct sockaddr *)addr);
	return reply_step(s, SMFIP_NR_CONN);
}

static sfsistat
cb_helo(SMFICTX *ctx, char *helo)
{
	struct session *s = session_of(ctx);

	if (s != NULL)
		session_helo(s, helo);
	return reply_step(s, SMFIP_NR_HELO);
}

static sfsistat
cb_mail(SMFICTX *ctx, char **argv)
{
	struct session *s = session_of(ctx);

	if (s != NULL)
		session_mail(s, argv);
	return reply_step(s, SMFIP_NR_MAIL);
}

static sfsistat
cb_rcpt(SMFICTX *ctx, char **argv)
{
	struct session *s = session_of(ctx);

	if (s != NULL && argv[0] != NULL)
		session_recipient(s, argv[0]);
	return reply_step(s, SMFIP_NR_RCPT);
}

static sfsistat
cb_data(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);

	if (s != NULL)
		session_queue_id(s);
	return reply_step(s, SMFIP_NR_DATA);
}

static sfsistat
cb_header(SMFICTX *ctx, char *field, char *value)
{
	struct session *s = session_of(ctx);

	if (s != NULL)
		session_header(s, field, value);
	return reply_step(s, SMFIP_NR_HDR);
}

static sfsistat
cb_eoh(SMFICTX *ctx)
{
	const struct session *s = session_of(ctx);

	return reply_step(s, SMFIP_NR_EOH);
}

static sfsistat
cb_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	struct session *s = session_of(ctx);

	if (s != NULL && s->message != NULL)
		message_add_body(s->message, data, len);
	return reply_body(s, ctx);
}

static sfsistat
cb_unknown(SMFICTX *ctx, const char *command)
{
	const struct session *s = session_of(ctx);

	(void)command;
	return reply_step(s, SMFIP_NR_UNKN);
}

static sfsistat
cb_eom(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);

	return eom_answer(the_milter, s, ctx);
}

static sfsistat
cb_abort(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);

	if (s != NULL && s->message != NULL)
		atomic_fetch_add(&the_milter->stats.aborted, 1);
	if (s != NULL)
		session_end(s);
	return SMFIS_CONTINUE; /* libmilter ignores it: nobody waits for an answer to an abort */
}

static sfsistat
cb_close(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);

	if (s != NULL)
		the_milter->ops->setpriv(ctx, NULL);
	session_free(&s);
	return SMFIS_CONTINUE; /* libmilter ignores it: the connection is gone */
}

static char name[] = "avmilter";

static const struct smfiDesc callbacks = {
	.xxfi_name = name,
	.xxfi_version = SMFI_VERSION,
	.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_ADDRCPT |
	    SMFIF_DELRCPT | SMFIF_SETSYMLIST,
	.xxfi_connect = cb_connect,
	.xxfi_helo = cb_helo,
	.xxfi_envfrom = cb_mail,
	.xxfi_envrcpt = cb_rcpt,
	.xxfi_header = cb_header,
	.xxfi_eoh = cb_eoh,
	.xxfi_body = cb_body,
	.xxfi_eom = cb_eom,
	.xxfi_abort = cb_abort,
	.xxfi_close = cb_close,
	.xxfi_unknown = cb_unknown,
	.xxfi_data = cb_data,
	.xxfi_negotiate = cb_negotiate,
};

const struct smfiDesc *
milter_callbacks(void)
{
	return &callbacks;
}

bool
milter_register(struct milter *m)
{
	milter_use(m);
	return smfi_register(callbacks) == MI_SUCCESS;
}
