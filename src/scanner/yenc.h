/*
 * yenc - yEnc: bytes plus 42, with an escape
 */
#ifndef AVM_SCANNER_YENC_H
#define AVM_SCANNER_YENC_H

#include <stddef.h>

#include "scanner/sink.h"

/* Decode what follows the =ybegin line, until =yend or the end. Returns how many bytes of input it took. */
size_t	 yenc_decode(const unsigned char *p, size_t len, struct sink *out);

#endif
