/*
 * dialogue - the script process's end of worker/proto_script.h
 *
 * When the front is gone or breaks the rules the process ends at once: there is nobody to tell.
 */
#ifndef AVM_LUA_DIALOGUE_H
#define AVM_LUA_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/channel.h"
#include "worker/proto_script.h"

struct dialogue {
	int	 sock;
	uint32_t seq;			/* of the request at hand */
	unsigned patience;		/* seconds after which we end by ourselves while a script runs */
	struct packet packet;		/* the last one that came */
};

/* A file that the front sent, mapped. */
struct mapped {
	const char *bytes;
	size_t	 len;
};

/* Wait for the next packet; its descriptors are closed with packet_close(). Whoever waits has all time. */
void	 dialogue_receive(struct dialogue *d);
/* Map the descriptor that came along, which must have size bytes. Ends the process when it cannot be. */
struct mapped dialogue_map(struct dialogue *d, uint64_t size);
void	 mapped_close(struct mapped *m);

/* Send a fixed part and up to two strings (NULL = none). */
void	 dialogue_say(struct dialogue *d, enum proto_op op, const void *fixed, size_t len, const char *a, const char *b);
/* Ask the front, wait for its answer, map it. */
struct mapped dialogue_ask(struct dialogue *d, enum proto_question q, uint32_t part, const char *engine);

#endif
