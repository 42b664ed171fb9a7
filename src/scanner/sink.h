/*
 * sink - where a decoder writes: a piece of memory with an end
 */
#ifndef AVM_SCANNER_SINK_H
#define AVM_SCANNER_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct sink {
	unsigned char	*base;
	size_t		 size, used;
	bool		 full;		/* something did not fit: what stands there is the beginning */
};

static inline void
sink_put(struct sink *s, unsigned c)
{
	if (s->used < s->size)
		s->base[s->used++] = (unsigned char)c;
	else
		s->full = true;
}

static inline void
sink_add(struct sink *s, const void *data, size_t len)
{
	if (len > s->size - s->used) {
		len = s->size - s->used;
		s->full = true;
	}
	if (len > 0)
		memcpy(s->base + s->used, data, len);
	s->used += len;
}

#endif
