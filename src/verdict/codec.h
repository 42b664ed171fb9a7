/*
 * codec - a verdict as bytes, for caches and for handing it to another thread
 *
 * Words instead of numbers stand for reasons and kinds, so a table that gained a row reads old bytes rightly. Decoding is
 * total: any byte string gives a whole, well-formed verdict or false, and what was decoded encodes to the same bytes.
 */
#ifndef AVM_VERDICT_CODEC_H
#define AVM_VERDICT_CODEC_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verdict/verdict.h"

#define CODEC_VERSION 2
/* The largest encoding: VERDICT_FINDINGS_MAX findings of the greatest length and two texts. */
#define CODEC_MAX (64 * 1024)

/* Append the encoding of v. Texts for the operator are cut at 1000 bytes and cleaned of control characters. */
void	 verdict_encode(const struct verdict *v, GByteArray *to);

/*
 * Fill an empty v from exactly len bytes.
 *
 * Returns: false when they are not the encoding of a verdict; v is then empty (unknown)
 */
bool	 verdict_decode(const void *bytes, size_t len, struct verdict *v) MUST_USE;

#endif
