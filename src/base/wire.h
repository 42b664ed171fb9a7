/*
 * wire - an exchange with a server: bounded reading, writing that listens, and an end to every wait
 *
 * All reads have a limit and are binary-safe. While we write we listen: as soon as the peer has spoken, closed or reset
 * the connection there is nothing more to send (wire_halted()), and what it said can still be read: a write error never
 * hides an answer. Every wait ends at the wait's deadline or after silence_ms without a byte in either direction.
 *
 * Diagnostics: none are logged; texts are the reason only ("timed out after 30000 ms"), the caller names the step.
 * Threads:     one at a time.
 */
#ifndef AVM_BASE_WIRE_H
#define AVM_BASE_WIRE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/net.h"

struct wire;

/* Takes the stream. */
struct wire *wire_new(struct net *n, int64_t silence_ms);
void	 wire_free(struct wire **w);

/* Begin an exchange: wait is borrowed until the next begin. Bytes that are left over from the last one stay readable. */
void	 wire_begin(struct wire *w, struct wait *wait);

/*
 * Write all of data, or as much as the peer wants to see: when it answers or closes meanwhile, the rest is not sent and
 * wire_halted() becomes true.
 *
 * Returns: false and *err when neither is possible (time is over, our own side fails)
 */
bool	 wire_write(struct wire *w, const void *data, size_t len, GError **err);
/* The same for a peer that may speak while we still send: *put gets how many bytes it took; what it said is to be read before
 * the rest goes, and wire_sent_all() does not know of that rest. */
bool	 wire_write_some(struct wire *w, const void *data, size_t len, size_t *put, GError **err);
/* As wire_write(), with a descriptor that travels with the first byte. */
bool	 wire_write_fd(struct wire *w, const void *data, size_t len, int fd, GError **err);

/* The peer has said something that is not read yet, has closed its side, or takes no more bytes. Looks, never waits. */
bool	 wire_halted(struct wire *w);
/* Was every byte of this exchange taken by the kernel? False after a halt in mid-write. */
bool	 wire_sent_all(const struct wire *w);
/*
 * Had all of that reached the peer when the newest bytes of its answer came? What it says otherwise it cannot have got from
 * all of the object. A unix socket knows what the peer has read. With TCP it is what the peer's system has taken: the
 * receive buffer of somebody who does not read is small (64 KiB on Linux), what fits into it cannot be told.
 */
bool	 wire_reached(const struct wire *w);
/* Has a byte of the answer arrived since wire_begin()? */
bool	 wire_answered(const struct wire *w);
/* May an idle connection be used again? False when the peer closed it or said something unasked. */
bool	 wire_is_quiet(struct wire *w);
/* Are there bytes of an answer that nobody has read? Looks, never waits. */
bool	 wire_unread(struct wire *w);
/* The wait of this exchange. Borrowed. */
struct wait *wire_wait(const struct wire *w);
/* May descriptors be passed? */
bool	 wire_passes_fds(const struct wire *w);

/*
 * Append to out all bytes up to the byte stop, which is eaten and not kept.
 *
 * Returns: false and *err: NET_E_LONG when max bytes bring no stop, NET_E_CLOSED when the peer closes before it (what
 *          came is in out), NET_E_TIMEOUT
 */
bool	 wire_until(struct wire *w, char stop, size_t max, GString *out, GError **err);
/* A line: up to LF, one CR in front of it is not kept. A NUL in it is NET_E_SYNTAX. */
bool	 wire_line(struct wire *w, size_t max, GString *out, GError **err);
/* Exactly len bytes; buf may be NULL to skip them. */
bool	 wire_exact(struct wire *w, void *buf, size_t len, GError **err);
/* Everything up to the peer's close. */
bool	 wire_rest(struct wire *w, size_t max, GString *out, GError **err);

/* Where in a chunked body (RFC 7230 4.1) a reader is; zero-initialise. */
struct chunked {
	uint64_t left;		/* bytes of the present chunk */
	bool	 inside;	/* a chunk has begun */
	bool	 done;		/* last chunk and trailers are read */
};
#define CHUNK_LINE_MAX	4096
#define CHUNK_TRAILERS_MAX 100
/* Up to len bytes of the body, its framing removed. Returns the number, 0 at the end (c->done), -1 and *err. */
ssize_t	 wire_chunked(struct wire *w, struct chunked *c, void *buf, size_t len, GError **err);

#endif
