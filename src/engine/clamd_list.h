/*
 * clamd_list - the second question to clamd: what else is in there?
 *
 * clamd stops at the first name. Where names may be ignored, an object in which something was found is scanned once more with
 * ALLMATCHSCAN, which takes a path and a connection of its own:
 *
 *	C: zALLMATCHSCAN /var/spool/avmilter/avm-Xq2k3a\0
 *	S: /var/spool/avmilter/avm-Xq2k3a: Heuristics.Phishing.Email FOUND\0/var/spool/avmilter/avm-Xq2k3a: Eicar FOUND\0 (close)
 *
 * A server that dies in the middle closes as well, so it has to answer a PING behind it.
 */
#ifndef AVM_ENGINE_CLAMD_LIST_H
#define AVM_ENGINE_CLAMD_LIST_H

#include <stdbool.h>

#include "engine/conn.h"
#include "engine/engine.h"

/* Can the server be asked at all? It is on this machine, or the section says how it finds our files. */
bool	 clamd_list_possible(const struct conn *c);

/*
 * Add what else was found to v, and say that these are all. Whatever goes wrong leaves v as it was, which means that more may be
 * there. path: the object as the server knows it; first: the name that the server told already, which the list has to contain.
 * The connection cannot be used afterwards.
 */
void	 clamd_list(struct conn *c, const char *path, const char *first, const struct scan_request *rq, struct verdict *v);

#endif
