/*
 * exchange - one session's talk with one worker: requests, answers, clocks, and its end when it misbehaves
 *
 * Once dead, an exchange stays dead with its first cause, which every later call puts into the verdict that it is given.
 *
 * Threads: the session that borrowed the worker.
 */
#ifndef AVM_WORKER_EXCHANGE_H
#define AVM_WORKER_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "verdict/verdict.h"
#include "worker/packet.h"
#include "worker/pool.h"

struct exchange {
	struct workers	*pool;
	struct worker	*w;		/* NULL: dead, and the supervisor's */
	unsigned	 number;
	uint64_t	 id;
	uint8_t		 generation[32]; /* id of what it has loaded */
	int64_t		 max_ms;	/* max_extract_time: for one request, as the scanner counts it */
	int64_t		 cpu_base_ms;	/* its processor time when the request was sent */
	int64_t		 look_at_ms;	/* when to look at its processor time again */
	unsigned	 packets;	/* received */
	bool		 ended;		/* its process has ended: what waits on the socket is the last */
	bool		 stopped;	/* dead although the worker is well */
	bool		 partial;	/* the cause is a limit, not a failure */
	enum reason	 reason;
	char		*why;
};

void	 exchange_init(struct exchange *x, struct workers *p, struct worker *w);
/* Give the worker back if it lives; release: it still holds a message. */
void	 exchange_end(struct exchange *x, bool release);

/* True when it is dead: v gets the cause. */
bool	 exchange_dead(const struct exchange *x, struct verdict *v);

/* Send a request under a new sequence number. False: dead, v knows why. */
bool	 exchange_send(struct exchange *x, enum proto_op op, const void *body, size_t len, const int *fds, unsigned nfds,
	    struct verdict *v) MUST_USE;
/*
 * The next packet of the answer, with the right sequence number and without descriptors.
 *
 * Returns: false when the worker died, broke the protocol or is out of time; it is killed then and v knows why
 * Blocks:  no longer than the wait's deadline, ticking
 */
bool	 exchange_receive(struct exchange *x, struct wait *wait, struct verdict *v, struct packet *p) MUST_USE;

/* The worker broke the protocol: kill it; v gets FAILED(protocol). why is static text. */
void	 exchange_break(struct exchange *x, struct verdict *v, const char *why);
/* We cannot go on, which is not the worker's fault: v gets FAILED(reason). Copies why. */
void	 exchange_stop(struct exchange *x, struct verdict *v, enum reason reason, const char *why);

/* The wait for one answer: max_extract_time and a little more, but not beyond wait's own end. A worker that works ends at
 * max_extract_time of processor time by itself; one that hangs ends with this wait, not with the message's. */
struct wait exchange_patience(const struct exchange *x, const struct wait *wait);

/* Tick if it is time. False when the deadline has passed. */
bool	 exchange_tick(struct wait *wait);

#endif
