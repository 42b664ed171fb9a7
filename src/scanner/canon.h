/*
 * canon - text without what libclamav changes in it
 *
 * libclamav writes the text parts of a mail anew before it scans them: line ends become LF, several
 * blank lines one, those at both ends go or come (measured, 1.4.6; base64 is left as it is). So
 * almost no text part is found among the layers byte for byte. Everything else must be equal.
 */
#ifndef AVM_SCANNER_CANON_H
#define AVM_SCANNER_CANON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

/* Is it text, to which other line ends make no difference? A program or an archive that calls itself
 * text is none: written anew it would be something else than what the recipient gets. */
bool	 canon_is_text(const void *data, size_t len);

/* Digest of the lines: CR LF as LF, blank lines in a row as one empty, none at both ends. */
void	 canon_digest(const void *data, size_t len, uint8_t out[DIGEST_LEN]);

#endif
