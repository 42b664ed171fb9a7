/*
 * zipdir - does a zip archive hold members that libclamav steps over?
 */
#ifndef AVM_SCANNER_ZIPDIR_H
#define AVM_SCANNER_ZIPDIR_H

#include <stdbool.h>
#include <stddef.h>

/* True when the central directory names a compression method that libclamav 1.4 does not know
 * (LZMA, PPMd, zstd, shrink ...), for a member that is not encrypted. libclamav says nothing about
 * those. A directory that cannot be read is false. */
bool	 zipdir_unsupported(const void *data, size_t size);

#endif
