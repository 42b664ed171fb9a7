/*
 * containers - what neither GMime nor the engine opens: S/MIME, TNEF; and OpenPGP, which nobody can open
 */
#ifndef AVM_SCANNER_CONTAINERS_H
#define AVM_SCANNER_CONTAINERS_H

#include "scanner/offer.h"

/* Offer what an object holds; tell the verdict that it is encrypted, or of a kind that cannot be opened. */
void	 containers_open(struct offer *o, const struct source *src);

#endif
