/*
 * relaxed - header fields in a form that hops leave alone: names in lower case, folds and runs of blanks one blank
 *
 * For seals and for the passes of releases: two mails whose fields are equal in this form mean the same to a reader.
 */
#ifndef AVM_EFFECT_RELAXED_H
#define AVM_EFFECT_RELAXED_H

#include <glib.h>
#include <stdbool.h>

#include "base/digest.h"
#include "message/message.h"

/* A name in lower case without blanks at its end. The caller frees. */
char	*relaxed_name(const char *name);
/* Runs of blanks and line ends become one blank, those at both ends nothing; between quotes, as in a boundary, each of them counts. */
void	 relaxed_add(GString *to, const char *value);
/* Line ends only where the field is folded: behind any other one a reader may see another field, whatever the name of this one is. */
bool	 relaxed_is_one_field(const char *name, const char *value);

/* Digest of the fields that say how the body is to be read: MIME-Version and Content-*. False: some field is more than one, or
 * not all of them are known. */
bool	 relaxed_mime(const struct message *m, uint8_t out[DIGEST_LEN]);
/* The same of a header block as text, CR LF at the end of its lines; it may be cut anywhere behind its last line. */
bool	 relaxed_mime_text(const char *block, uint8_t out[DIGEST_LEN]);

#endif
