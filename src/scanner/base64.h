/*
 * base64 - every way in which somebody decodes base64
 *
 * Well-formed text has one meaning. What is malformed has as many as there are decoders; each of the views below is one that
 * is in use, or that an attacker may hope for (evasion by chunks with padding, foreign bytes, junk at line ends).
 */
#ifndef AVM_SCANNER_BASE64_H
#define AVM_SCANNER_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "scanner/sink.h"

/* What is odd about a text. */
struct base64_look {
	bool	 regular;	/* lines of one length, a multiple of four, padding at the end: every decoder agrees */
	size_t	 letters;	/* of either alphabet */
	size_t	 foreign;	/* bytes that are neither letter, padding, nor blank */
	bool	 words;		/* letters behind a blank within a line */
	bool	 nul;
	bool	 bad_length;	/* letters and padding are no multiple of four */
	bool	 early_pad;	/* letters behind padding ... */
	bool	 odd_pad;	/* ... and not in a line of text */
	bool	 url;		/* - or _ */
	bool	 uneven;	/* a line before the last that is no multiple of four */
	bool	 odd_first;	/* the first line is of another length than the second */
	bool	 short_line;	/* a line before the last that is shorter than the first: something may end there */
};

enum base64_view {
	BASE64_STOP,		/* skip foreign bytes, end at the first padding */
	BASE64_RESTART,		/* padding ends a piece, another follows */
	BASE64_IGNORE,		/* as if there were no padding */
	BASE64_ZERO,		/* padding stands for A, but at the end */
	BASE64_ZEROES,		/* there too */
	BASE64_QUADS,		/* always four, with padding: what stands behind padding in one is lost */
	BASE64_WHOLE_LINES,	/* each line for itself, whole quads only */
	BASE64_LINES,		/* each line for itself */
	BASE64_CUT_LINES,	/* each line to its first foreign byte */
	BASE64_FIRST_WORDS,	/* each line to its first blank or foreign byte behind letters */
	BASE64_PURE_LINES,	/* only lines without a foreign byte */
	BASE64_URL,		/* the URL alphabet too, otherwise like RESTART */
	BASE64_VIEWS
};

/* One pass over the text. */
void	 base64_look(const unsigned char *p, size_t len, struct base64_look *out);
/* Is that view of the text possibly another one than those before it? */
bool	 base64_differs(const struct base64_look *l, enum base64_view view);
void	 base64_decode(const unsigned char *p, size_t len, enum base64_view view, struct sink *out);
/* Letter of the common alphabet? */
bool	 base64_letter(unsigned char c);
/* The length of the text from p that is one line of letters, with padding at its end perhaps. */
size_t	 base64_run(const unsigned char *p, const unsigned char *end);

#endif
