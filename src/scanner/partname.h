/*
 * partname - every name under which a mail program might save a part
 */
#ifndef AVM_SCANNER_PARTNAME_H
#define AVM_SCANNER_PARTNAME_H

#include <gmime/gmime.h>
#include <stdbool.h>

#include "scanner/headerblock.h"

/* bytes of one; of a longer one the end is kept, where its extension is */
#define PARTNAME_LEN_MAX 512

/*
 * Collect the candidates of one part, each once: what GMime decodes, and what stands behind
 * filename and name in any Content-Disposition and Content-Type field of it, raw, joined (RFC 2231, in
 * the order they stand in and in that of their numbers), RFC 2231 and RFC 2047 decoded; each also to its first NUL without
 * dots and blanks at its end, and without folders.
 *
 * Returns: NULL-terminated, valid UTF-8 without control characters; the caller frees with
 * g_strfreev(). *more tells that there were more than PROTO_NAMES_MAX
 */
char	**partname_collect(GMimeObject *part, bool *more);
/* The same of the fields of a header block that no structure shows. */
char	**partname_of_fields(const struct field *fields, unsigned count, bool *more);
/* The same of a name that stands by itself ("begin 644 NAME"). */
char	**partname_of_text(const unsigned char *p, size_t len, bool *more);

#endif
