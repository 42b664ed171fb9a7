/*
 * sweep - content that the MIME structure does not show, or that mail programs read in another way than we do
 *
 * Structure is not believed (evasion by ambiguous MIME): every header block, every body behind it, every encoding that a
 * field names or that the bytes look like, every decoder's way; encoded text inside of text; then the same again in what
 * came out. What GMime has decoded already is dropped before it is decoded again, so a well-formed mail costs one more
 * look at its bytes. Linear in the size of the message for each way of reading; budgets: offer.h.
 *
 * Objects of the sweep have the path 0.N: no part of a message has the number 0.
 */
#ifndef AVM_SCANNER_SWEEP_H
#define AVM_SCANNER_SWEEP_H

#include "scanner/harvest.h"

/*
 * Sweep the message, the leaves that h has, and all that comes out.
 *
 * Returns: with PROTO_PARANOID the signs of evasion that were met (verdict/evasion.h), else 0
 */
uint64_t sweep(struct harvest *h, const struct source *message);

#endif
