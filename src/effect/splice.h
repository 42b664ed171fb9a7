/*
 * splice - a message with some of its bytes replaced and all others as they were
 *
 * Offsets are those of the original's spool. Nothing is parsed and nothing is written anew: what no splice covers is copied.
 */
#ifndef AVM_EFFECT_SPLICE_H
#define AVM_EFFECT_SPLICE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "message/message.h"

/* Put `with` in the place of [begin, end). */
struct splice {
	uint64_t begin, end;
	GBytes	*with;		/* owned */
};

/* An empty list of struct splice. Free with g_array_unref(). */
GArray	*splices_new(void);
/* Takes with. */
void	 splices_add(GArray *splices, uint64_t begin, uint64_t end, GBytes *with);

/*
 * A message like m but for the splices: envelope and header fields are the same, its ref is its own. The splices must lie in the
 * body and not overlap; they are sorted. Sealed, immutable.
 *
 * Returns: NULL and *err (SPOOL_ERROR) when they do not, or m or the new one cannot be read, written or kept. m must be sealed and whole
 * Limits:  lim as for every message, out of the budget b
 */
struct message *splices_apply(const struct message *m, GArray *splices, struct spool_budget *b, const struct message_limits *lim,
	    GError **err);

/* Where the body of a message begins in its spool. */
uint64_t splice_body_at(const struct message *m);

#endif
