/*
 * memo - inner files that were clean in an earlier mail of this worker
 *
 * A layer is known by its SHA-256, length, type and attributes and by the chain of containers around
 * it: a signature may ask for a container, so the same bytes are something else in another one. An
 * ancestor counts by its type only where libclamav never changes its mind about it (mail, Office
 * documents); any other counts by its content. The object itself is never looked up.
 *
 * A document of Office is a zip: libclamav unpacks it as a document, and then most of it once more as an
 * archive that it found in the middle of a file. There each member is in another container, so the chain does
 * not fit. It is passed over if it was clean as part of the document and no expression of a logical
 * signature held in it or below (logic.h): then no signature asked for the container.
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
/* A layer at a level; below: how far below the newest that is open, as trail_enter() says. digest: its SHA-256;
 * NULL: not computed, then nothing in it is known unless its type suffices. True: it was clean among the same
 * containers, or as part of the same document, and need not be scanned. */
bool	 memo_enter(struct memo *m, uint32_t level, unsigned below, const char *type, uint32_t attributes,
    const uint8_t *digest, uint64_t size);
/* The newest layer, which is at that level, has ended; clean: without a result. */
void	 memo_leave(struct memo *m, uint32_t level, bool clean);
/* Something speaks against this scan: what it shows is no proof of anything from now on. */
void	 memo_doubt(struct memo *m);
/* The scan is over. proven: its layers were clean, all of them. */
void	 memo_end(struct memo *m, bool proven);

#endif
