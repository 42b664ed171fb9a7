/*
 * testmail - one message from a file through the engines, without an MTA: avmilter -t, avmilterctl scan
 */
#ifndef AVM_DAEMON_TESTMAIL_H
#define AVM_DAEMON_TESTMAIL_H

#include <jansson.h>
#include <stdatomic.h>

#include "daemon/options.h"
#include "message/spool.h"
#include "milter/snapshot.h"
#include "policy/policy.h"

/* clamscan's convention. */
enum { TESTMAIL_CLEAN = 0, TESTMAIL_FOUND = 1, TESTMAIL_ERROR = 2 };

/*
 * Scan the message that stands in fd (any position, lines end in LF or CRLF) and decide about it as if it had come by the
 * MTA from <> to nobody.
 *
 * cut: see struct wait; NULL: nobody can cut it. passive: engines with enabled = passive are asked too. The policy script has its word.
 *
 * Returns: an object with what there is to say: file, verdict, state, action, reply, status (header), findings[], objects,
 *          engines, definitions, why, delay, code (the exit code). NULL and *err when fd cannot be read
 * Threads: any
 */
json_t	*testmail_scan(const struct snapshot *snap, struct spool_budget *b, int fd, const char *label,
	    const atomic_int_fast64_t *cut, bool passive, GError **err);

/* The same as text for people. The caller frees. */
char	*testmail_text(const json_t *result);

/* What the MTA would say to its client, with a word of ours where that hides what is done. The caller frees. */
char	*testmail_reply(const struct conf *conf, const struct decision *d);

/* avmilter -t: returns the exit code. */
int	 testmail_run(const struct options *o);

#endif
