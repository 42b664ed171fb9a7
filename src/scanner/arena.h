/*
 * arena - where decoded objects go: a piece of memory of fixed size that fills from the front
 */
#ifndef AVM_SCANNER_ARENA_H
#define AVM_SCANNER_ARENA_H

#include <gmime/gmime.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
	unsigned char	*base;
	size_t		 size, used;
};

enum arena_result { ARENA_DONE, ARENA_FULL, ARENA_OVER };

/* Append bytes. False, and nothing appended, if they do not fit. */
bool	 arena_append(struct arena *a, const void *data, size_t len);

/*
 * Decode bytes to the end of the arena; *out is what they became.
 *
 * Returns: ARENA_FULL when the arena ends first, ARENA_OVER when the result passes max; both leave
 * the arena as it was
 */
enum arena_result arena_decode(struct arena *a, GMimeContentEncoding encoding, const void *data,
    size_t len, size_t max, size_t *out);

#endif
