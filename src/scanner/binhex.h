/*
 * binhex - BinHex 4.0: six bits a letter, runs, and two forks
 */
#ifndef AVM_SCANNER_BINHEX_H
#define AVM_SCANNER_BINHEX_H

#include <stddef.h>

#include "scanner/sink.h"

/* Where in the decoded bytes the forks stand. Without a sound header all of them is the data fork. */
struct binhex {
	size_t data, data_len, resource, resource_len;
};

/* Decode from the first ":" at the start of a line to the next. Returns how many bytes of input it took, 0 = no BinHex. */
size_t	 binhex_decode(const unsigned char *p, size_t len, struct sink *out, struct binhex *forks);

#endif
