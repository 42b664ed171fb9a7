/*
 * oddity - which codes of paranoid mode a header block and its body give cause for
 */
#ifndef AVM_SCANNER_ODDITY_H
#define AVM_SCANNER_ODDITY_H

#include "scanner/base64.h"
#include "scanner/harvest.h"
#include "scanner/headerblock.h"
#include "scanner/qp.h"

/* Bits of verdict/evasion.h for a block of a source. Only blocks that a mail program may read count (placed). */
uint64_t oddity_of_block(const struct source *src, const struct blocks *all, const struct block *b);
uint64_t oddity_of_base64(const struct base64_look *l);
uint64_t oddity_of_qp(const struct qp_look *l);

#endif
