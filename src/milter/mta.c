/*
 * mta - the table of the real libmilter
 *
 * libmilter takes char * and changes none of it (comm.c, smfi.c of 8.17): the casts only mend its
 * prototypes.
 */
#include "milter/mta.h"

#include <stdint.h>

static char *mutable(const char *s)
{
	return (char *)(uintptr_t)s;
}

static const char *
getsymval(SMFICTX *ctx, const char *name)
{
	return smfi_getsymval(ctx, mutable(name));
}

static int
setsymlist(SMFICTX *ctx, int stage, const char *macros)
{
	return smfi_setsymlist(ctx, stage, mutable(macros));
}

static int
setreply(SMFICTX *ctx, const char *rcode, const char *xcode, const char *text)
{
	return smfi_setreply(ctx, mutable(rcode), mutable(xcode), mutable(text));
}

static int
insheader(SMFICTX *ctx, int index, const char *name, const char *value)
{
	return smfi_insheader(ctx, index, mutable(name), mutable(value));
}

static int
chgheader(SMFICTX *ctx, const char *name, int index, const char *value)
{
	return smfi_chgheader(ctx, mutable(name), index, mutable(value));
}

static int
quarantine(SMFICTX *ctx, const char *reason)
{
	return smfi_quarantine(ctx, mutable(reason));
}

static int
addrcpt(SMFICTX *ctx, const char *rcpt)
{
	return smfi_addrcpt(ctx, mutable(rcpt));
}

static int
delrcpt(SMFICTX *ctx, const char *rcpt)
{
	return smfi_delrcpt(ctx, mutable(rcpt));
}

static int
replacebody(SMFICTX *ctx, const void *data, size_t len)
{
	return smfi_replacebody(ctx, (unsigned char *)(uintptr_t)data, (int)len);
}

/* libmilter exports it, without a prototype in its headers: "may an edit be sent now". No other
 * call tells the state without doing something. */
bool mi_sendok(SMFICTX *ctx, int action) __attribute__((weak));

static bool
at_end(SMFICTX *ctx)
{
	return mi_sendok != NULL && mi_sendok(ctx, 0);
}

const struct mta_ops mta_libmilter = {
	.getsymval = getsymval,
	.setpriv = smfi_setpriv,
	.getpriv = smfi_getpriv,
	.setsymlist = setsymlist,
	.setreply = setreply,
	.insheader = insheader,
	.chgheader = chgheader,
	.quarantine = quarantine,
	.addrcpt = addrcpt,
	.delrcpt = delrcpt,
	.replacebody = replacebody,
	.progress = smfi_progress,
	.at_end = at_end,
};
