/*
 * embedded - encoded text inside of other text: uuencode, yEnc, BinHex, and runs of base64
 */
#ifndef AVM_SCANNER_EMBEDDED_H
#define AVM_SCANNER_EMBEDDED_H

#include "scanner/headerblock.h"
#include "scanner/offer.h"

#define EMBEDDED_RUN_MIN 64 /* letters: shorter ones hide nothing that would hurt */

/* Offer what is found in a source, but for the ranges to skip (in order, apart). */
void	 embedded_find(struct offer *o, const struct source *src, const struct range *skip, size_t skips);

#endif
