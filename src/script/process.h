/*
 * process - one script process: started, spoken to, killed when its time is over
 *
 * Its time is that which its own processor clock tells, so that a busy machine does not make a script fail; a process that does
 * nothing is given up after ten times that. The time that it waits for our answers does not count.
 *
 * Threads: one at a time
 */
#ifndef AVM_SCRIPT_PROCESS_H
#define AVM_SCRIPT_PROCESS_H

#include <glib.h>
#include <stdbool.h>

#include "base/deadline.h"
#include "worker/zygote.h"

#define SCRIPT_ERROR script_error_quark()
GQuark	 script_error_quark(void);

struct process {
	struct zygote	*z;
	int64_t		 time_max_ms;
	int64_t		 cpu_begin_ms;	/* its processor clock when the request was sent */
	int64_t		 wall_ms;	/* that we have waited for it */
	bool		 heard;		/* it said something about this one */
	bool		 gone;		/* it ended without a word about this one, which may be the fault of the one before */
	bool		 late;		/* it said something about another request: none may follow this one */
};

/* Start the scanner as a script process. NULL and *err. */
struct process *process_start(const char *scanner_path, const char *scanner_log, int64_t time_max_ms, GError **err);
/* Kill it and wait for its end. Accepts NULL. */
void	 process_end(struct process **p);
/* Does it wait for a request? */
bool	 process_idle(const struct process *p);

/* A request, with a number that nobody can answer ahead: its clock begins. fd < 0: none. False and *err when it does not listen. */
bool	 process_request(struct process *p, enum proto_op op, const void *body, size_t len, int fd, GError **err);
/* An answer to a question of its own. The same. */
bool	 process_answer(struct process *p, enum proto_op op, const void *body, size_t len, int fd, GError **err);
/*
 * Has it time left? For whoever takes packets of which any number may come: process_receive() asks only when none is there.
 *
 * Returns: false and *err when its time or that of the message is over; end it then
 */
bool	 process_in_time(const struct process *p, const struct wait *wait, GError **err);
/*
 * The next packet, without descriptors, valid until the next one. What it says about another request than this one, late or ahead, is
 * left out.
 *
 * Returns: false and *err when it has ended, breaks the protocol, or is out of time; end it then
 * Blocks:  no longer than the wait's deadline, ticking
 */
bool	 process_receive(struct process *p, struct wait *wait, struct packet *out, GError **err);

#endif
