/*
 * packet - one packet of proto.h: sent whole, received whole, checked before anybody looks at it
 *
 * Both directions never block. What arrives must have magic, version and length right and at most PACKET_FDS_MAX
 * descriptors; anything else is PACKET_BAD, and every descriptor that came with it has been closed.
 *
 * Threads: one at a time for each socket.
 */
#ifndef AVM_WORKER_PACKET_H
#define AVM_WORKER_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "worker/proto.h"

#define PACKET_FDS_MAX 2

enum packet_result {
	PACKET_OK,
	PACKET_NONE,	/* nothing there now */
	PACKET_CLOSED,	/* the other side is gone, or sent an empty packet */
	PACKET_BAD,	/* breaks proto.h */
};

struct packet {
	unsigned	 op;		/* enum proto_op, or a number that is none */
	uint32_t	 seq;
	const uint8_t	*body;		/* in the caller's buffer */
	size_t		 len;
	int		 fds[PACKET_FDS_MAX];
	unsigned	 nfds;
	const char	*bad;		/* what is wrong with it, after PACKET_BAD */
	bool		 short_of_fds;	/* PACKET_BAD: descriptors are missing; our own limit may be the cause */
};

/* Send. Returns false with errno; EAGAIN means that the other side does not read. */
bool	 packet_send(int sock, enum proto_op op, uint32_t seq, const void *body, size_t len,
	    const int *fds, unsigned nfds) MUST_USE;

/* Receive one into buf, PROTO_MAX bytes. Owns: after PACKET_OK the caller takes or drops the descriptors. */
enum packet_result packet_recv(int sock, void *buf, struct packet *out) MUST_USE;

/* Take descriptor i out of the packet. */
int	 packet_steal(struct packet *p, unsigned i);
/* Close what was not taken. */
void	 packet_drop(struct packet *p);

/* True when nothing waits on the socket and the other side is still there. */
bool	 packet_quiet(int sock);

/* The strings behind a packet's fixed part, one after the other. */
struct packet_text {
	const char	*at;
	size_t		 left;
};
/* Cut off the fixed part: copy it to out. False when the body is shorter. */
bool	 packet_fixed(const struct packet *p, void *out, size_t len, struct packet_text *rest) MUST_USE;
/* The next string; NULL when no NUL follows. */
const char *packet_string(struct packet_text *t);

#endif
