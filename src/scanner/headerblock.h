/*
 * headerblock - Content-* fields wherever they stand, and what may be the body behind them
 *
 * No structure is believed. A block begins at any line that may be read as a Content-* field (blanks, control characters
 * or a byte order mark before the name, anything between name and value) and goes on over junk lines. Its body may begin
 * behind the first empty line, behind the first line of blanks, or at the first line that is no field; it ends at a line that
 * begins with "--", or at the end of all.
 */
#ifndef AVM_SCANNER_HEADERBLOCK_H
#define AVM_SCANNER_HEADERBLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind { FIELD_OTHER, FIELD_TYPE, FIELD_ENCODING, FIELD_DISPOSITION };

struct field {
	enum field_kind	 kind;
	const unsigned char *line;		/* with what stands before the name */
	const unsigned char *name, *name_end;	/* Content-Type */
	const unsigned char *value, *end;	/* behind the colon, folds included */
};

/* What an encoding field may be read to say. */
enum {
	ENCODING_BASE64		= 1 << 0,
	ENCODING_QP		= 1 << 1,
	ENCODING_UU		= 1 << 2,	/* or xx */
	ENCODING_YENC		= 1 << 3,
	ENCODING_BINHEX		= 1 << 4,
	ENCODING_GZIP		= 1 << 5,
};

enum { START_EMPTY, START_BLANK, START_JUNK, STARTS };	/* why a body may begin there */

struct block {
	const unsigned char *head, *tail;	/* its first byte; where it ended */
	const unsigned char *starts[STARTS];	/* NULL = no such */
	const unsigned char *behind;	/* the line behind the last field */
	const unsigned char *after_junk; /* the line behind the first junk line */
	const unsigned char *end_any;		/* the first line that begins with "--" */
	const unsigned char *end_known;		/* the first such line that delimits parts somewhere in here */
	const unsigned char *end_header;	/* the first that has a field behind it */
	unsigned encodings;
	unsigned first_field, fields;
	bool placed;		/* at the beginning, behind a delimiter, or as the body of another block */
	bool multipart, message;
};

struct blocks {
	GArray	*list;		/* of struct block */
	GArray	*fields;	/* of struct field */
	bool	 utf7;		/* a field speaks of UTF-7 */
	uint64_t odd;		/* EVASION_BIT() of the DELIM and PART codes */
	bool	 over;		/* there were more than max */
};

/* Bytes in which there is nothing to find. */
struct range {
	const unsigned char *p, *end;
};

/* In order, apart. */
struct ranges {
	const struct range *list;
	size_t	 count;
};

struct blocks_job {
	const unsigned char *data;
	size_t	 len;
	struct ranges skip;
	size_t	 max;			/* blocks */
};

/* One walk. Pointers go into the data. The caller clears. */
void	 blocks_find(const struct blocks_job *job, struct blocks *out);
void	 blocks_clear(struct blocks *b);
/* Where the value of an encoding field ends: in a continuation line at a semicolon, or signatures (DKIM) would be searched for words. */
const unsigned char *headerblock_value_end(const struct field *f);
/* The end of a body that a delimiter line at end follows: without the line end that belongs to that. */
const unsigned char *headerblock_body_end(const unsigned char *start, const unsigned char *end);

#endif
