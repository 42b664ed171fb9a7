/*
 * gunzip - what gzip packed, through zlib, no further than the sink goes
 */
#ifndef AVM_SCANNER_GUNZIP_H
#define AVM_SCANNER_GUNZIP_H

#include <stddef.h>

#include "scanner/sink.h"

/* Does it begin like gzip? */
bool	 gunzip_looks(const unsigned char *p, size_t len);
/* Unpack what is sound of it; a broken end is no reason to forget the beginning. */
void	 gunzip(const unsigned char *p, size_t len, struct sink *out);

#endif
