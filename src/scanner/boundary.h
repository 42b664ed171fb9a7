/*
 * boundary - the boundary parameters of a Content-Type value, and what is odd about them
 */
#ifndef AVM_SCANNER_BOUNDARY_H
#define AVM_SCANNER_BOUNDARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOUNDARY_MAX 200	/* bytes of one that are looked for in the body */

struct boundary {
	char	 text[BOUNDARY_MAX + 1];	/* the first; "" = none, or empty */
	const unsigned char *whole;		/* all of it where it stands; NULL = none */
	size_t	 len;
	unsigned count;
	uint64_t odd;				/* EVASION_BIT() of the BND codes, but those that need the body */
};

/* Is the first of the one that of the other, to the last byte? None is like an empty one. */
bool	 boundary_same(const struct boundary *a, const struct boundary *b);
void	 boundary_read(const unsigned char *value, const unsigned char *end, struct boundary *out);

#endif
