/*
 * odf - is this OpenDocument file locked with a password?
 *
 * Its members are encrypted one by one and the zip around them does not say so: to libclamav they are noise. The manifest says it.
 */
#ifndef AVM_SCANNER_ODF_H
#define AVM_SCANNER_ODF_H

#include <stdbool.h>
#include <stddef.h>

/* A member of a zip archive, by its name and its unpacked bytes: a manifest that names encrypted entries? */
bool	 odf_encrypted(const char *name, const void *data, size_t size);

#endif
