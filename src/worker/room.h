/*
 * room - is there memory for a second engine beside the first?
 *
 * Two answers: what the machine and our control groups still give, and what a scanning process holds. Control groups of both
 * kinds are understood, v1 (memory.limit_in_bytes) and v2 (memory.max, memory.high), with every group above ours; what a group holds
 * as inactive page cache can be had and counts as free.
 *
 * root stands in front of /proc and /sys: "" but in tests.
 */
#ifndef AVM_WORKER_ROOM_H
#define AVM_WORKER_ROOM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ROOM_TEXT_MAX 64

/* Bytes that can still be had, and in who[] what bounds them: "MemAvailable" or the group. False when nothing can be read. */
bool	 room_available(const char *root, uint64_t *bytes, char who[ROOM_TEXT_MAX]);
/* Bytes of its own that the process holds. False when that cannot be read. */
bool	 room_held(const char *root, pid_t pid, uint64_t *bytes);

#endif
