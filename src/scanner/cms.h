/*
 * cms - what an S/MIME object (RFC 5652) holds
 *
 * A reader of its own instead of libcrypto's: it takes just the path to the content, allocates nothing, and a broken
 * certificate or signature behind the content, which libcrypto would refuse, hides nothing from it. DER and BER, definite
 * and indefinite lengths; the octet strings may come in pieces within pieces.
 */
#ifndef AVM_SCANNER_CMS_H
#define AVM_SCANNER_CMS_H

#include <stddef.h>

enum cms_kind {
	CMS_NONE,	/* not CMS at all */
	CMS_PLAIN,	/* signed, digested, authenticated or bare data: the content was handed out */
	CMS_ENCRYPTED,	/* enveloped, encrypted, authenticated-enveloped */
	CMS_OTHER,	/* compressed, or of a kind that nobody knows here */
	CMS_BROKEN,	/* begins like CMS and ends up in nonsense before its content */
};

/* One piece of the content, in order; borrowed from the data. */
typedef void cms_piece(void *arg, const void *data, size_t len);

/* Hand each piece of the content to fn. What was cut off is as if it had never been there; a detached signature has no content.
 * Linear in size. */
enum cms_kind cms_open(const void *data, size_t size, cms_piece *fn, void *arg);

#endif
