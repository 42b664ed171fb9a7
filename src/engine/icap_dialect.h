/*
 * icap_dialect - what has to be known about an ICAP product to read its answers: the rows of icap_dialects.def
 */
#ifndef AVM_ENGINE_ICAP_DIALECT_H
#define AVM_ENGINE_ICAP_DIALECT_H

#include "engine/icap_message.h"

enum icap_meaning {
	ICAP_FOUND = 1,
	ICAP_REFUSED,
	ICAP_CLEAN,
	ICAP_SKIPPED,
	ICAP_ERROR,
};

enum {
	ICAP_ACTION = 1u << 0,
};

struct icap_dialect {
	int	 id;		/* enum conf_dialect */
	const char *told_by;
	enum icap_meaning status_403, null_200, inner_4xx;
	unsigned flags;
};

/* The row of an id; DIALECT_AUTO gives the generic one. */
const struct icap_dialect *icap_dialect_find(int id);
/* The row that an OPTIONS answer tells. */
const struct icap_dialect *icap_dialect_guess(const struct icap_message *options);

#endif
