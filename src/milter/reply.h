/*
 * reply - the words of a refusal
 */
#ifndef AVM_MILTER_REPLY_H
#define AVM_MILTER_REPLY_H

#include "milter/mta.h"

/* SMTP codes of our own refusals. */
enum { REPLY_TEMPFAIL = 451, REPLY_REJECT = 550 };

/*
 * Set code and text of a refusal and say which answer carries it. Bytes outside printable ASCII become '?', per cents are
 * doubled (smfi_setreply() asks for it), what is too long for one line is cut. When libmilter refuses the text, or text
 * is NULL, a text of ours stands in; when it refuses that too, the MTA's own is used: the mail is refused in any case.
 *
 * Returns: SMFIS_REJECT for a 5xx, SMFIS_TEMPFAIL for everything else
 */
sfsistat reply_speak(const struct mta_ops *ops, SMFICTX *ctx, unsigned code, const char *text);

#endif
