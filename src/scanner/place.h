/*
 * place - where a MIME part lies in the bytes of its message, so that it can be taken out and nothing else is touched
 *
 * GMime's tree says which part it is; here its borders are held against the bytes. Only a part whose borders are plain to every
 * reader has a place: a delimiter line of its own multipart in front of it and another one behind it, an empty line between header and
 * body, and no boundary around it that one could take for another.
 */
#ifndef AVM_SCANNER_PLACE_H
#define AVM_SCANNER_PLACE_H

#include <gmime/gmime.h>
#include <stdbool.h>

#include "scanner/harvest.h"

/* The multiparts around a part, from the inside out; on the walker's stack. */
struct fences {
	const struct fences *outer;
	const char	*boundary;	/* NULL = none is known */
};

/* Does the multipart sign or encrypt what is in it? */
bool	 place_seals(GMimeObject *multipart);
/* Is that leaf a signed or encrypted mail in itself? */
bool	 place_is_sealed(const char *type);

/*
 * The place of o, a direct child of the multipart whose boundary stands first in fences. src is the message that was parsed. FOUND
 * only for a leaf, or a message/rfc822 that holds nothing but one leaf; else CROOKED.
 */
void	 place_find(const struct source *src, GMimeObject *o, const struct fences *fences, struct proto_place *out);

#endif
