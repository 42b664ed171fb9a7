/*
 * memo - inner files that were clean in an earlier mail of this worker
 *
 * A layer is known by its SHA-256, length, type and attributes and by the chain of containers around
 * it: a signature may ask for a container, so the same bytes are something else in another one. An
 * ancestor counts by its type only where libclamav never changes its mind about it (mail, Office
 * documents); any other counts by its content. The object itself is never looked up.
 *
 * What a scan shows is pending until its end, and is kept only if the scan was a proof; see
 * clamav_scan(). One generation and one set of options are the worker's for its life, so they are no
 * part of the key. The memory is the worker's own and of fixed size: no mail makes it grow, and no
 * worker reads another's.
 */
#ifndef AVM_SCANNER_MEMO_H
#define AVM_SCANNER_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

struct memo;

struct memo *memo_new(void);
void	 memo_free(struct memo **m);

/* A scan begins. */
void	 memo_begin(struct memo *m);
/* A layer at a level; inside: the newest layer is the one around it, and was shown. digest: its SHA-256; NULL:
 * not computed, then nothing in it is known unless its type suffices. True: it was clean among the same
 * containers, and need not be scanned. */
bool	 memo_enter(struct memo *m, uint32_t level, bool inside, const char *type, uint32_t attributes,
    const uint8_t *digest, uint64_t size);
/* The scan is over. proven: its layers were clean, all of them. */
void	 memo_end(struct memo *m, bool proven);

#endif
