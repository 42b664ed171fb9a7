/*
 * buffer - bytes in chunks that go from message to message
 *
 * A chunk that is given back is used again, warm as it is: fresh memory costs the kernel more than the copy into it. What a
 * chunk holds beyond what was appended is old mail of others and never read.
 */
#ifndef AVM_MESSAGE_BUFFER_H
#define AVM_MESSAGE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUFFER_CHUNK  ((size_t)64 * 1024)
#define BUFFER_CHUNKS 16
#define BUFFER_MAX    (BUFFER_CHUNKS * BUFFER_CHUNK)

/* Chunks that nobody uses at the moment, a few. Shared by every thread. */
struct chunks;
struct chunks *chunks_new(void);
void	 chunks_free(struct chunks **c);

/* All zero: empty. */
struct buffer {
	char	*chunk[BUFFER_CHUNKS];
	size_t	 size;
};

/* Append bytes; size + len <= BUFFER_MAX. False when there is no memory: then clear it, what it holds is not whole. */
bool	 buffer_append(struct buffer *b, struct chunks *from, const void *data, size_t len);
/* The longest piece that starts at a place below size; *len gets its length. Valid until buffer_clear(). */
const char *buffer_piece(const struct buffer *b, size_t at, size_t *len);
/* Copy len bytes from a place; at + len <= size. */
void	 buffer_read(const struct buffer *b, size_t at, void *to, size_t len);
void	 buffer_clear(struct buffer *b, struct chunks *to);

#endif
