/*
 * uu - uuencode and xxencode
 *
 * A line says itself how many bytes it holds. Lines that lost their trailing blanks are filled up; what stands behind the
 * data of a line is ignored.
 */
#ifndef AVM_SCANNER_UU_H
#define AVM_SCANNER_UU_H

#include <stdbool.h>
#include <stddef.h>

#include "scanner/sink.h"

enum uu_kind { UU_NONE, UU_LINES, UU_BASE64 };

/* Is this line "begin MODE NAME" (or begin-base64)? Any number of blanks; the mode may be missing. *name (may be NULL): the name. */
enum uu_kind uu_begin(const unsigned char *p, const unsigned char *end, const unsigned char **name);
/*
 * Decode lines until "end", or one that is not encoded (strict: any such line; else two in a row). Which of the two
 * alphabets it is shows in the lines.
 *
 * Returns: how many bytes of input were lines of it
 */
size_t	 uu_decode(const unsigned char *p, size_t len, bool strict, struct sink *out);

#endif
