/*
 * offer - what the sweep finds, on its way out
 *
 * Each view of some bytes is decoded to the end of the arena. If its content is new it stays there, becomes an object, and
 * waits to be swept itself; else the next one takes its place. Bytes that come out and bytes that are looked at both have a
 * budget for the message. When one is used up the sweep ends and the result is PARTIAL, never clean.
 */
#ifndef AVM_SCANNER_OFFER_H
#define AVM_SCANNER_OFFER_H

#include "scanner/harvest.h"
#include "scanner/headerblock.h"
#include "scanner/sink.h"

/* Out: so many times the message, and that much whatever its size (decisions 33: budget). */
#define OFFER_OUT_TIMES	 4
#define OFFER_OUT_PLUS	 (64u * 1024)
#define OFFER_OUT_LEAST	 (1024u * 1024)
#define OFFER_WORK_TIMES 48
#define OFFER_WORK_PLUS	 (16u * 1024 * 1024)
#define OFFER_DEPTH_MAX	 12	/* decoded, found in it, decoded again ... */

/* Bytes to be swept. */
struct task {
	struct source	 src;
	unsigned	 depth;
};

struct offer {
	struct harvest	*h;
	uint64_t	 out_left, work_left;
	GArray		*decoded;	/* of struct range: where leaves stood before they were decoded */
	GArray		*regular;	/* those of them that every decoder reads in the same way */
	GArray		*tasks;		/* of struct task, in order; those behind the one at hand wait */
	unsigned	 depth;		/* of the task at hand */
	unsigned	 count;		/* objects so far: "0.1", "0.2" ... are their paths */
	char		**names;	/* for what comes now; borrowed; or NULL */
	uint64_t	 odd;		/* signs of evasion so far */
	bool		 judge;		/* the task at hand is a mail: its signs count */
	bool		 placed;	/* the block at hand is one that mail programs read */
	bool		 utf7;		/* a field of the message spoke of UTF-7 */
	bool		 stop;
};

void	 offer_init(struct offer *o, struct harvest *h);
void	 offer_clear(struct offer *o);
/* Charge a look at so many bytes. False: the sweep is over. */
bool	 offer_work(struct offer *o, size_t len);
/* Where to decode to; then offer_decoded() says what became of it. The part [from, from + len) of it is the object. */
struct sink offer_sink(struct offer *o);
void	 offer_decoded(struct offer *o, const struct sink *s, size_t from, size_t len);
/* A piece of a source as it stands. */
void	 offer_slice(struct offer *o, const struct source *src, const unsigned char *p, size_t len);
/* Names of what comes now, borrowed until the next call; NULL: none. more: there were too many to tell. */
void	 offer_names(struct offer *o, char **names, bool more);
/* A leaf that stands where the sweep has found it again: another object if it has names here that it has not there. */
void	 offer_leaf(struct offer *o, const struct leaf *leaf);
/* Sweep these bytes too. */
void	 offer_task(struct offer *o, const struct source *src, unsigned depth);

#endif
