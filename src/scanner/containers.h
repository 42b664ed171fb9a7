/*
 * containers - what a part holds that the engine does not open, or opens in another way than mail programs do
 *
 * S/MIME signed content becomes an object, its pieces joined; so does each attachment and body of a TNEF stream. What is
 * encrypted (S/MIME, OpenPGP) becomes a finding, if the configuration asks for it.
 */
#ifndef AVM_SCANNER_CONTAINERS_H
#define AVM_SCANNER_CONTAINERS_H

#include "scanner/harvest.h"

/* Who reads on in what came out: it has been handed out already. */
typedef void container_content(void *arg, const struct source *src, const char *path, unsigned depth);

struct containers {
	struct harvest	*h;
	container_content *content;
	void		*arg;
};

/* Look into the bytes of one part. Linear in their size. */
void	 containers_open(const struct containers *c, const struct source *src, const char *path, unsigned depth);

/* Does it begin with header fields of MIME? Most signed content does; a signed document does not. */
bool	 containers_is_entity(const struct source *src);

#endif
