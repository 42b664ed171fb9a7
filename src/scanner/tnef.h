/*
 * tnef - the attachments and bodies in what Outlook sends as winmail.dat (MS-OXTNEF)
 *
 * Bounded and without allocation: everything is handed out as it stands in the data. A length that leaves its stream is cut at
 * the end, and no checksum is believed.
 */
#ifndef AVM_SCANNER_TNEF_H
#define AVM_SCANNER_TNEF_H

#include <stdbool.h>
#include <stddef.h>

enum tnef_item {
	TNEF_CONTENT,	/* an attachment, a body, an embedded message (which is TNEF again) */
	TNEF_NAME,	/* of the attachment that follows or went before: bytes of a Windows code page */
	TNEF_NAME_WIDE,	/* the same in UTF-16LE */
	TNEF_NEXT,	/* an attachment begins; its data mean nothing */
};

/* One find, in the order of the stream; borrowed. Returns false to end it. */
typedef bool tnef_listener(void *arg, enum tnef_item item, const void *data, size_t len);

bool	 tnef_is(const void *data, size_t size);
/* False when the stream is broken so that something in it may not have been seen. Linear in size. */
bool	 tnef_walk(const void *data, size_t size, tnef_listener *fn, void *arg);

#endif
