/*
 * trail - what libclamav has examined in one scan, by what its callbacks showed
 *
 * Each layer below the object itself is kept by its SHA-256, small ones by the digest of their
 * lines too (canon.h). That is a proof only if the trail is sound: every layer ended, in the order
 * of a stack and without a result of its own (levels may be missing: an archive that libclamav
 * finds in the middle of a file is not shown, what is in it is), and libclamav never looked a hash
 * up because it had found something (it does that to let allow-listed files pass, and then calls
 * all around them clean).
 */
#ifndef AVM_SCANNER_TRAIL_H
#define AVM_SCANNER_TRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct trail;

/* keeps: layers shall be found again; else the trail only tells if it is sound. text_max: layers up
 * to so many bytes are kept by their lines as well; 0 = none. */
struct trail *trail_new(bool keeps, size_t text_max);
void	 trail_free(struct trail **t);

/* A layer is about to be scanned. digest: its SHA-256; NULL: it shall not be kept, because it is the
 * object itself or not what a part can be. Returns how many levels below the newest that is open it is: 1 = right
 * inside, 2 = something lies between that was not shown; 0 = it is the object, or out of order. */
unsigned trail_enter(struct trail *t, uint32_t level, const uint8_t *digest, const void *data,
    size_t size);
/* The newest has ended; result as libclamav gives it, 0 = nothing found. Returns its level, or -1 if there is none. */
int	 trail_leave(struct trail *t, int result);
/* Nothing that is kept shall prove anything. */
void	 trail_doubt(struct trail *t);

/* May it be believed, now that the scan is over? */
bool	 trail_sound(const struct trail *t);
/* Was a layer with these bytes examined; as_text: or one with these lines. */
bool	 trail_has(const struct trail *t, const void *data, size_t size, bool as_text);

#endif
