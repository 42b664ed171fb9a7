/*
 * layers - what libclamav is inside of while it scans, and whether it could get in
 *
 * libclamav says nothing when it cannot open an archive: a cut zip, an unknown compression method,
 * a RAR without the non-free library are "clean" (measured, 1.4.6). What its callbacks show tells:
 * an archive in which it found neither a member nor a layer was not examined.
 */
#ifndef AVM_SCANNER_LAYERS_H
#define AVM_SCANNER_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verdict/verdict.h"

#define LAYERS_TOO_SMALL 5	/* bytes: up to here libclamav neither looks nor tells (measured) */
#define LAYERS_MAX 128	/* libclamav nests at most 100 */
#define LAYERS_TYPE_MAX 32	/* of a type's name */

struct layer {
	char	*name;		/* of the member, or NULL */
	char	 type[LAYERS_TYPE_MAX];
	bool	 mail, archive;	/* what is inside of those was put there */
	bool	 unopened;	/* an archive that showed nothing yet */
	bool	 twice;		/* shows each member twice: zip, from directory and header */
	uint64_t members, children;	/* members with bytes to scan, layers that came of them */
	bool	 rar;
	bool	 guess;		/* two bytes made it an archive; what it says about members is noise */
};

struct layers {
	struct layer	 at[LAYERS_MAX];
	uint64_t	 archives_max;	/* max_extract_depth: archives within archives */
	unsigned	 depth;		/* layers open now */
	unsigned	 seen;		/* in all */
};

/* A new layer of a type ("CL_TYPE_ZIP"), before it is scanned. Deeper ones and those at its level
 * are over. */
void	 layers_enter(struct layers *l, uint32_t level, const char *type, const char *name,
    const void *data, size_t size, struct verdict *v);
/* The archive at hand showed a member; one that is neither empty nor encrypted must become a layer.
 * container: the type of what it is in. An archive that libclamav finds in the middle of the one at
 * hand is not shown; its members say nothing about that one. */
void	 layers_member(struct layers *l, const char *container, uint64_t size, bool encrypted);
/* Is the archive at hand one by accident? Then nobody can unpack it, and its members mean nothing. */
bool	 layers_guess(const struct layers *l);
/* The newest layer is known from an earlier mail and will not be opened. */
void	 layers_known(struct layers *l);
/* The newest layer, which is at that level, is done, with all that was not shown below it; an archive
 * that showed nothing becomes a PARTIAL in v. found: what libclamav found in it, or NULL; an archive
 * of which it says that it is encrypted or beyond a limit has been explained. */
void	 layers_leave(struct layers *l, uint32_t level, const char *found, struct verdict *v);
/* All are done. Frees what l holds. */
void	 layers_end(struct layers *l, struct verdict *v);
/* "a.zip/b.exe" of the layer at hand, "" for the object itself. The caller frees. */
char	*layers_path(const struct layers *l);

#endif
