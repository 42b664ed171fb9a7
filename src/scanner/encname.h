/*
 * encname - which encodings and types a field value may be read to name, however it is disguised
 *
 * Only letters and digits count, with comments and without, and with encoded words decoded.
 */
#ifndef AVM_SCANNER_ENCNAME_H
#define AVM_SCANNER_ENCNAME_H

enum {
	TYPE_MULTIPART	= 1 << 0,
	TYPE_MESSAGE	= 1 << 1,
	TYPE_UTF7	= 1 << 2,
};

/* Bits ENCODING_* of headerblock.h. */
unsigned encname_find(const unsigned char *p, const unsigned char *end);
/* Bits TYPE_*. */
unsigned encname_type(const unsigned char *p, const unsigned char *end);

#endif
