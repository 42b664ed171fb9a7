/*
 * icap_options - what an ICAP server says about its service in answer to OPTIONS (RFC 3507 4.10)
 */
#ifndef AVM_ENGINE_ICAP_OPTIONS_H
#define AVM_ENGINE_ICAP_OPTIONS_H

#include "engine/icap_dialect.h"
#include "engine/icap_message.h"
#include "engine/probe.h"

#define ICAP_NO_PREVIEW UINT64_MAX

struct icap_options {
	bool	 respmod, reqmod, filemod;	/* all false: it did not say */
	bool	 allow_204;
	uint64_t preview;			/* bytes, or ICAP_NO_PREVIEW */
	char	**ignored;			/* Transfer-Ignore: extensions that it does not examine, lower case */
	const struct icap_dialect *dialect;	/* as guessed */
};

/* Read a 200 into what the pool and the engine want to know: out->detail becomes a struct icap_options. False: the service
 * says that it has no licence. */
bool	 icap_options_read(const struct icap_message *m, struct probe *out);
void	 icap_options_free(void *options);

/* Would a name with this extension be left out? */
bool	 icap_options_ignore(const struct icap_options *o, const char *name);

/* ISTag without its quotes, letters, digits and ._+/- only; NULL = none. The caller frees. */
char	*icap_tag(const struct icap_message *m);

#endif
