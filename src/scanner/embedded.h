/*
 * embedded - encoded text inside of other text: uuencode, yEnc, BinHex, and runs of base64
 */
#ifndef AVM_SCANNER_EMBEDDED_H
#define AVM_SCANNER_EMBEDDED_H

#include "scanner/headerblock.h"
#include "scanner/offer.h"

#define EMBEDDED_RUN_MIN 64 /* letters: shorter ones hide nothing that would hurt */

/* Offer what is found in a source. decoded: where leaves stood before they were decoded, which may be read as text all the
 * same, by who takes another field for the encoding; runs of base64 are none of their own there. regular: those of them
 * that have one meaning only. */
void	 embedded_find(struct offer *o, const struct source *src, const struct ranges *decoded, const struct ranges *regular);

#endif
