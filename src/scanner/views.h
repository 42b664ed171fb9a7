/*
 * views - one body, read in every way that its fields and its looks allow
 */
#ifndef AVM_SCANNER_VIEWS_H
#define AVM_SCANNER_VIEWS_H

#include "scanner/base64.h"
#include "scanner/offer.h"

/* Offer what [p, end) may be decoded to. encodings: what fields say (ENCODING_*); plain: as it stands, too. */
void	 views_body(struct offer *o, const struct source *src, const unsigned char *p, const unsigned char *end,
	    unsigned encodings, bool plain);
/* Mostly letters of base64, judged by the beginning? */
bool	 views_looks_base64(const unsigned char *p, const unsigned char *end);
/* Text that is base64, whatever anybody says. */
void	 views_base64(struct offer *o, const unsigned char *p, const unsigned char *end, const struct base64_look *look);

#endif
