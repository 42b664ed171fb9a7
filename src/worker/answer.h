/*
 * answer - what a worker says about a message, checked field by field before anybody believes it (decision 4)
 *
 * Nothing here does I/O. A false or NULL means that the worker broke proto.h; *why says how, static text.
 */
#ifndef AVM_WORKER_ANSWER_H
#define AVM_WORKER_ANSWER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "verdict/verdict.h"
#include "worker/packet.h"

/* What the objects of one message may add up to. */
struct answer_bounds {
	uint64_t spool_size, arena_size;
	uint64_t object_max, total_max;	/* bytes */
	uint64_t count_max;		/* objects besides the message */
};

/* The objects listed so far. */
struct answer_list {
	struct answer_bounds bounds;
	GPtrArray	*pieces;	/* of struct piece * */
	uint64_t	 total, in_arena, strings;
};

struct piece {
	struct proto_object o;
	const char	*path, *type;
	char		*names[PROTO_NAMES_MAX + 1];
	char		 text[];	/* what they point into */
};

void	 answer_list_init(struct answer_list *l, const struct answer_bounds *b);
void	 answer_list_clear(struct answer_list *l);
/* Take one OBJECT. */
bool	 answer_object(struct answer_list *l, const struct packet *p, const char **why) MUST_USE;

/* Take one FINDING: text points into the packet. */
bool	 answer_finding(const struct packet *p, enum finding_kind *kind, const char **name, const char **inner,
	    const char **why) MUST_USE;

/* The objects that COVERED names. */
struct answer_cover {
	uint32_t count;			/* objects of the message, itself included */
	uint32_t last;			/* highest id so far */
	uint8_t	*ids;			/* one byte an object: is it covered? owned */
};

void	 answer_cover_init(struct answer_cover *c, uint32_t count);
void	 answer_cover_clear(struct answer_cover *c);
/* Take the HINTS of an answer; *codes is 0 before. */
bool	 answer_hints(const struct packet *p, uint64_t *codes, const char **why) MUST_USE;
/* Take one COVERED. */
bool	 answer_covered(struct answer_cover *c, const struct packet *p, const char **why) MUST_USE;

/* Take the PLACED of a message of that size. */
bool	 answer_place(const struct packet *p, uint64_t spool_size, struct proto_place *out, const char **why) MUST_USE;

/* Take a DONE that is consistent in itself. */
bool	 answer_done(const struct packet *p, struct proto_done *done, const char **text, const char **why) MUST_USE;
/* Put it into a verdict. */
void	 answer_apply(const struct proto_done *done, const char *text, struct verdict *v);

#endif
