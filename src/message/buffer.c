/*
 * buffer - see buffer.h
 *
 * Locks: chunks.mu guards all of it; nothing is allocated or freed under it.
 */
#include "message/buffer.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define IDLE_MAX 64 /* chunks kept for the next message: 4 MB */

struct chunks {
	pthread_mutex_t mu;
	char *idle[IDLE_MAX];
	unsigned count;
};

/* Straight from the kernel, and back to it: freed among other allocations a chunk would stay ours
 * for good. NULL when it has none, which is that message's end and not ours. */
static char *
make(void)
{
	void *chunk =
	    mmap(NULL, BUFFER_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return chunk == MAP_FAILED ? NULL : chunk;
}

struct chunks *
chunks_new(void)
{
	struct chunks *c = g_new0(struct chunks, 1);

	pthread_mutex_init(&c->mu, NULL);
	return c;
}

void
chunks_free(struct chunks **cp)
{
	struct chunks *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	while (c->count > 0)
		munmap(c->idle[--c->count], BUFFER_CHUNK);
	pthread_mutex_destroy(&c->mu);
	g_free(c);
}

static char *
take(struct chunks *c)
{
	char *chunk = NULL;

	pthread_mutex_lock(&c->mu);
	if (c->count > 0)
		chunk = c->idle[--c->count];
	pthread_mutex_unlock(&c->mu);
	return chunk != NULL ? chunk : make();
}

static void
give_back(struct chunks *c, char *chunk)
{
	pthread_mutex_lock(&c->mu);
	if (c->count < IDLE_MAX) {
		c->idle[c->count++] = chunk;
		chunk = NULL;
	}
	pthread_mutex_unlock(&c->mu);
	if (chunk != NULL)
		munmap(chunk, BUFFER_CHUNK);
}

bool
buffer_append(struct buffer *b, struct chunks *from, const void *data, size_t len)
{
	const char *bytes = data;

	g_assert(len <= BUFFER_MAX - b->size);
	while (len > 0) {
		const size_t at = b->size % BUFFER_CHUNK, n = MIN(len, BUFFER_CHUNK - at);
		char **chunk = &b->chunk[b->size / BUFFER_CHUNK];

		if (*chunk == NULL)
			*chunk = take(from);
		if (*chunk == NULL)
			return false;
		memcpy(*chunk + at, bytes, n);
		b->size += n;
		bytes += n;
		len -= n;
	}
	return true;
}

const char *
buffer_piece(const struct buffer *b, size_t at, size_t *len)
{
	const size_t offset = at % BUFFER_CHUNK;

	g_assert(at < b->size);
	*len = MIN(b->size - at, BUFFER_CHUNK - offset);
	return b->chunk[at / BUFFER_CHUNK] + offset;
}

void
buffer_read(const struct buffer *b, size_t at, void *to, size_t len)
{
	char *room = to;

	g_assert(at <= b->size && len <= b->size - at);
	while (len > 0) {
		size_t n;
		const char *piece = buffer_piece(b, at, &n);

		n = MIN(n, len);
		memcpy(room, piece, n);
		room += n;
		at += n;
		len -= n;
	}
}

void
buffer_clear(struct buffer *b, struct chunks *to)
{
	for (unsigned i = 0; i < BUFFER_CHUNKS && b->chunk[i] != NULL; i++)
		give_back(to, b->chunk[i]);
	memset(b, 0, sizeof(*b));
}
