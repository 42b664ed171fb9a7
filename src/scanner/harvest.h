/*
 * harvest - the objects of one message as they are found: numbered, within the limits, each content once
 *
 * What GMime's tree and the sweep lay open is handed out here. The sweep asks whether bytes are known; two are the same only
 * if they are byte for byte (SHA-256 where sizes agree).
 */
#ifndef AVM_SCANNER_HARVEST_H
#define AVM_SCANNER_HARVEST_H

#include "scanner/arena.h"
#include "scanner/decompose.h"

/* Bytes that are read, and where they stand for the front. */
struct source {
	const unsigned char *base;
	size_t		 len;
	enum object_store store;
	uint64_t	 offset;
};

/* A leaf of GMime's, and where it stood before it was decoded. */
struct leaf {
	const unsigned char *raw, *raw_end;
	const unsigned char *data;
	size_t	 len;
	bool	 decoded;	/* data is not raw */
	bool	 base64, qp;
};

struct fences;

struct harvest {
	const struct decompose *job;
	struct verdict	*v;
	struct arena	 arena;
	uint32_t	 next_id;
	uint64_t	 parts_max;
	uint64_t	 total;		/* bytes of all leaves so far */
	uint64_t	 in_arena;	/* of them in the arena; a slice of another counts again */
	bool		 stop;		/* a limit that ends it all, or nobody listens */
	GArray		*leaves;	/* of struct leaf */
	GHashTable	*by_raw;	/* raw -> index + 1 in leaves */
	GHashTable	*sizes;		/* size -> struct twins */
	const struct fences *fences;	/* around what is walked now, where it stands in the message itself */
	struct proto_place place;	/* where what is handed out now stands in the message */
	bool		 sealed;	/* inside of what is signed or encrypted */
	GHashTable	*named;		/* size -> GPtrArray of struct alias */
};

void	 harvest_init(struct harvest *h, const struct decompose *job, struct verdict *v);
void	 harvest_clear(struct harvest *h);
/* True, and PARTIAL told, when max_extract_time is used up. */
bool	 harvest_time_is_up(struct harvest *h);
/* May one more leaf of this size be handed out? If not, v is told. */
bool	 harvest_fits(struct harvest *h, uint64_t size, const char *path);
/* Number it and hand it out. What the front would not take (worker/proto.h) ends it all with PARTIAL instead. */
void	 harvest_emit(struct harvest *h, const struct part *p);

/* Remember a leaf and its bytes. */
void	 harvest_remember(struct harvest *h, const struct leaf *leaf);
/* The leaf that was decoded from exactly these bytes, or NULL. */
const struct leaf *harvest_leaf(const struct harvest *h, const unsigned char *raw, const unsigned char *end);
/* Are these bytes new? If so, they are known from now on: they must stay where they are. */
bool	 harvest_is_new(struct harvest *h, const unsigned char *data, size_t len);
/* Has an object of these bytes been handed out under this name? *compared grows by the bytes that were looked at. */
bool	 harvest_has_name(
    const struct harvest *h, const unsigned char *data, size_t len, const char *name, size_t *compared);
/* A leaf's bytes, and where they stand. */
struct source harvest_source(const struct harvest *h, const struct leaf *l);

#endif
