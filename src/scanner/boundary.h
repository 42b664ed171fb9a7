/*
 * boundary - the boundary parameters of a Content-Type value, and what is odd about them
 */
#ifndef AVM_SCANNER_BOUNDARY_H
#define AVM_SCANNER_BOUNDARY_H

#include <stdint.h>

#define BOUNDARY_MAX 200	/* bytes of one that are compared */

struct boundary {
	char	 text[BOUNDARY_MAX + 1];	/* the first; "" = none, or empty */
	unsigned count;
	uint64_t odd;				/* EVASION_BIT() of the BND codes, but those that need the body */
};

void	 boundary_read(const unsigned char *value, const unsigned char *end, struct boundary *out);

#endif
