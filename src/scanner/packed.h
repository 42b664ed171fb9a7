/*
 * packed - compressed files that libclamav 1.4 takes for plain bytes
 *
 * Measured: zstd, lz4, lzip, lzop, compress, lone LZMA and ACE are scanned as they stand, found clean and nothing is said.
 */
#ifndef AVM_SCANNER_PACKED_H
#define AVM_SCANNER_PACKED_H

#include <stdbool.h>
#include <stddef.h>

/* "zstd", "lzma" ... if it is such a file, else NULL. */
const char *packed_format(const void *data, size_t size);
/* Is it a bzip2 file of several streams (pbzip2, cat)? libclamav unpacks the first and says nothing. */
bool	 packed_bzip2_more(const void *data, size_t size);

#endif
