/*
 * partname - every name under which a mail program might save a part
 */
#ifndef AVM_SCANNER_PARTNAME_H
#define AVM_SCANNER_PARTNAME_H

#include <gmime/gmime.h>
#include <stdbool.h>

#define PARTNAME_LEN_MAX                                                                           \
	512 /* bytes of one; of a longer one the end is kept, where its extension is */

/*
 * Collect the candidates of one part, each once: what GMime decodes, and what stands behind
 * filename and name in any Content-Disposition and Content-Type field of it, raw, joined, RFC 2231
 * and RFC 2047 decoded.
 *
 * Returns: NULL-terminated, valid UTF-8 without control characters; the caller frees with
 * g_strfreev(). *more tells that there were more than PROTO_NAMES_MAX
 */
char	**partname_collect(GMimeObject *part, bool *more);

#endif
