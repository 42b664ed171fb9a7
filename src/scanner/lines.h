/*
 * lines - bytes as lines, whatever ends them
 *
 * CRLF, LF, any number of CR before an LF, a lone CR, and LF CR each end one line. Linear, whatever
 * the bytes are.
 */
#ifndef AVM_SCANNER_LINES_H
#define AVM_SCANNER_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	const unsigned char *at, *stop;
};

struct line {
	const unsigned char *p, *end;	/* without what ends it */
	const unsigned char *next;	/* start of the line behind */
};

void	 lines_init(struct lines *it, const void *data, size_t len);
/* Go on at p, which lies at or behind where it stands. */
void	 lines_skip(struct lines *it, const unsigned char *p);
bool	 lines_next(struct lines *it, struct line *out);

/* Nothing in it at all. */
static inline bool
line_is_empty(const struct line *l)
{
	return l->p == l->end;
}

/* Something in it, but only blanks and control characters. */
bool	 line_is_blank(const struct line *l);

#endif
