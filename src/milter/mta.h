/*
 * mta - the calls of libmilter that we use, as a table: the real one, or a fake that records in a test
 *
 * The first argument is libmilter's context, which the fake reads as its own.
 */
#ifndef AVM_MILTER_MTA_H
#define AVM_MILTER_MTA_H

#include <libmilter/mfapi.h>

struct mta_ops {
	char	*(*getsymval)(SMFICTX *ctx, char *name);
	int	 (*setpriv)(SMFICTX *ctx, void *priv);
	void	*(*getpriv)(SMFICTX *ctx);
	int	 (*setsymlist)(SMFICTX *ctx, int stage, char *macros);
	int	 (*setreply)(SMFICTX *ctx, char *rcode, char *xcode, char *text);
	int	 (*insheader)(SMFICTX *ctx, int index, char *name, char *value);
	int	 (*chgheader)(SMFICTX *ctx, char *name, int index, char *value);
	int	 (*quarantine)(SMFICTX *ctx, char *reason);
	int	 (*progress)(SMFICTX *ctx);
};

extern const struct mta_ops mta_libmilter;

#endif
