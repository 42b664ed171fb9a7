/*
 * packed - compressed files that libclamav 1.4 takes for plain bytes
 *
 * Measured: zstd, lz4, lzip, lzop, compress, lone LZMA and ACE are scanned as they stand, found clean and nothing is said.
 */
#ifndef AVM_SCANNER_PACKED_H
#define AVM_SCANNER_PACKED_H

#include <stddef.h>

/* "zstd", "lzma" ... if it is such a file, else NULL. */
const char *packed_format(const void *data, size_t size);

#endif
