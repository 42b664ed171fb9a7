/*
 * arena - the memfd that a worker writes decoded objects into
 *
 * Made and sized by the front, sealed against resizing before the worker gets it, sealed against writing as soon as the
 * worker says that it is done. The front never maps it, so nothing that a worker does to it can be a SIGBUS here.
 */
#ifndef AVM_WORKER_ARENA_H
#define AVM_WORKER_ARENA_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* How large the arena of a message of so many bytes is: sparse, so only what is written costs memory, and bounded, so that
 * a worker that was taken over cannot fill the memory of the machine. */
uint64_t arena_bound(uint64_t message_size, uint64_t max_cumulative);

/* Make one. -1 and *err. The caller closes it. */
int	 arena_new(uint64_t size, GError **err);

/* From here nobody changes a byte. False when the worker still maps it for writing or has tampered with it: the content is
 * not to be used then. */
bool	 arena_seal(int fd, uint64_t size);

#endif
