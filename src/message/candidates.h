/*
 * candidates - all that an object may be called: what filters choose by
 *
 * The declared type and the one that its bytes show, every name, the names in a zip archive, and the extensions that all of these
 * have. An object whose content may have names that nobody here reads is obscure; whoever filters by name must not leave it out.
 */
#ifndef AVM_MESSAGE_CANDIDATES_H
#define AVM_MESSAGE_CANDIDATES_H

#include <glib.h>
#include <stdbool.h>

#include "message/object.h"
#include "message/sniff.h"

struct candidates {
	const char	*declared;	/* borrowed from the object; text/plain when nothing was declared */
	struct sniffed	 detected;
	bool		 textual;	/* declared and detected as text, and no byte of it is one that no text has */
	GPtrArray	*names;		/* of char * */
	GHashTable	*extensions;	/* set of char *, lower case, without dot */
	bool		 bare;		/* some name has no extension, or there is no name */
	bool		 obscure;
};

/* Of an object, which must outlive them. Reads its beginning and its end, and all of it when it is declared as text. */
struct candidates *candidates_new(const struct objects *set, const struct object *o);
void	 candidates_free(struct candidates **c);

#endif
