/*
 * oledoc - is this Office document locked with a password?
 *
 * libclamav 1.4 alerts for PDF only (facts-libraries.md C). An OLE2 file lists its streams in
 * 128-byte entries; their names, and the first bytes of two of them, tell.
 */
#ifndef AVM_SCANNER_OLEDOC_H
#define AVM_SCANNER_OLEDOC_H

#include <stdbool.h>
#include <stddef.h>

/* The new formats (EncryptedPackage), Word (a bit in its header), Excel (FILEPASS) and PowerPoint
 * (EncryptedSummary). What is no OLE2 file, or is broken, is false. */
bool	 oledoc_encrypted(const void *data, size_t size);

#endif
