/*
 * mta - the calls of libmilter that we use, as a table: the real one, or a fake that records in a test
 *
 * The first argument is libmilter's context, which the fake reads as its own. libmilter's prototypes lack const; mta.c adds it.
 * Every call returns MI_SUCCESS or MI_FAILURE unless it returns a pointer.
 */
#ifndef AVM_MILTER_MTA_H
#define AVM_MILTER_MTA_H

#include <libmilter/mfapi.h>
#include <stdbool.h>

struct mta_ops {
	const char *(*getsymval)(SMFICTX *ctx, const char *name);
	int	 (*setpriv)(SMFICTX *ctx, void *priv);
	void	*(*getpriv)(SMFICTX *ctx);
	int	 (*setsymlist)(SMFICTX *ctx, int stage, const char *macros);
	int	 (*setreply)(SMFICTX *ctx, const char *rcode, const char *xcode, const char *text);
	int	 (*insheader)(SMFICTX *ctx, int index, const char *name, const char *value);
	int	 (*chgheader)(SMFICTX *ctx, const char *name, int index, const char *value);
	int	 (*quarantine)(SMFICTX *ctx, const char *reason);
	int	 (*addrcpt)(SMFICTX *ctx, const char *rcpt);
	int	 (*delrcpt)(SMFICTX *ctx, const char *rcpt);
	int	 (*replacebody)(SMFICTX *ctx, const void *data, size_t len);	/* the first call replaces all, the next ones go on */
	int	 (*progress)(SMFICTX *ctx);
	bool	 (*at_end)(SMFICTX *ctx);	/* is the MTA's command at hand the end of message? */
};

extern const struct mta_ops mta_libmilter;

#endif
