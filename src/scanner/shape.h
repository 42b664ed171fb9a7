/*
 * shape - a look over a message before GMime may parse it
 *
 * GMime is quadratic in the parameters of a header field, recurses once for each address group, and
 * makes an object for each part (facts-libraries.md F). One linear walk of our own finds header
 * blocks, parameters, groups and delimiter lines, and refuses what would cost too much. The walk
 * may see less structure than GMime does (an oddly written boundary); then the worker's limits and
 * the front's deadline are what is left.
 */
#ifndef AVM_SCANNER_SHAPE_H
#define AVM_SCANNER_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verdict/verdict.h"

/* Beyond these no mail program writes, and GMime becomes slow (256 parameters: 0.2 ms, 5000: 49 ms)
 * or deep. */
#define SHAPE_PARAMETERS_MAX	256		/* of one Content-* field */
#define SHAPE_GROUPS_MAX	4096		/* colons of any other field */
#define SHAPE_COMPARES_MAX                                                                         \
	200000000 /* lines that begin with "--", times boundaries open at once                     \
		   */

struct shape_limits {
	uint64_t header_max;	/* bytes of one header block */
	uint64_t parts_max;	/* delimiter lines */
};

/* May GMime parse these bytes? If not, v gets the PARTIAL that says why. */
bool	 shape_acceptable(const void *data, size_t len, const struct shape_limits *lim,
	    struct verdict *v);

#endif
