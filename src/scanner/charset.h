/*
 * charset - text in wide or disguised characters, narrowed to what signatures speak
 */
#ifndef AVM_SCANNER_CHARSET_H
#define AVM_SCANNER_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "scanner/sink.h"

enum charset { CHARSET_NARROW, CHARSET_UTF16LE, CHARSET_UTF16BE, CHARSET_UTF7 };

/* What the bytes look like: a byte order mark, or every other byte zero. A look at the beginning. */
enum charset charset_look(const unsigned char *p, size_t len);
/* Is there UTF-7 in it that hides ASCII (+ADw- for <)? */
bool	 charset_is_utf7(const unsigned char *p, size_t len);
/* Characters above 255 become "?". */
void	 charset_narrow(const unsigned char *p, size_t len, enum charset from, struct sink *out);

#endif
