/*
 * decompose - from a message to the objects that are scanned
 *
 * Object 0 is the whole message; the leaves that GMime sees follow, decoded. Unencoded leaves are
 * slices of the message itself, all others stand in the arena. Multipart and message/ bodies that
 * are encoded as a whole are decoded and parsed again. What exceeds a limit is left out and makes
 * the result PARTIAL with that limit as the reason; what the parser refuses makes it FAILED.
 */
#ifndef AVM_SCANNER_DECOMPOSE_H
#define AVM_SCANNER_DECOMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message/object.h"
#include "verdict/verdict.h"
#include "worker/proto.h"

/* One object, as the listener gets it. Everything is borrowed. */
struct part {
	uint32_t	 id;
	enum object_kind kind;
	enum object_store store;
	uint64_t	 offset, size;
	const char	*path;		/* as IMAP numbers parts */
	const char	*type;		/* "" = none declared */
	char		**names;
	const struct proto_place *place;	/* of the part that it belongs to; never NULL */
};

/* Returns false when nobody listens any more: decomposition ends. */
typedef bool part_listener(void *arg, const struct part *p);

struct decompose {
	const unsigned char *message;
	size_t		 size;
	unsigned char	*arena;
	size_t		 arena_size;
	bool		 mime;		/* false: only object 0 */
	bool		 places;	/* struct part.place says something */
	const struct proto_settings *limits;
	uint64_t	 cpu_start_us;	/* max_extract_time counts from here */
	uint64_t	*hints;		/* codes that are no findings, or NULL */
	part_listener	*listener;
	void		*arg;
};

/* Call the listener for each object and add to v how far it got; v is never left unknown. Needs
 * g_mime_init(). */
void	 decompose(const struct decompose *job, struct verdict *v);

#endif
