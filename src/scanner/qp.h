/*
 * qp - every way in which somebody decodes quoted-printable
 */
#ifndef AVM_SCANNER_QP_H
#define AVM_SCANNER_QP_H

#include <stdbool.h>
#include <stddef.h>

#include "scanner/sink.h"

struct qp_look {
	bool	 regular;	/* only whole escapes and plain soft breaks, no blanks before a line end */
	size_t	 escapes, soft;
	size_t	 bad;		/* = in front of anything else */
	size_t	 equals;
	bool	 odd_soft;	/* a soft break with more than one line end behind it */
	bool	 split;		/* an escape that a line end or soft break cuts */
};

/* Each takes blanks before a line end away; they differ in what they make of a bad escape. */
enum qp_view {
	QP_LITERAL,	/* it stays */
	QP_GREEDY,	/* the same; a soft break takes every line end behind it along */
	QP_DROP_1,	/* only = is lost */
	QP_DROP_2,	/* one byte behind it too */
	QP_DROP_3,	/* two bytes behind it too */
	QP_ESCAPES,	/* nothing counts but whole escapes */
	QP_JOINED,	/* line ends and soft breaks go first */
	QP_MENDED,	/* soft breaks go first */
	QP_VIEWS
};

void	 qp_look(const unsigned char *p, size_t len, struct qp_look *out);
bool	 qp_differs(const struct qp_look *l, enum qp_view view);
void	 qp_decode(const unsigned char *p, size_t len, enum qp_view view, struct sink *out);

#endif
