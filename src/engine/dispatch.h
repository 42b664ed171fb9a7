/*
 * dispatch - one object through one network engine: borrow a server, ask, try another when that one fails
 *
 * Gives up after five different servers or all of them, after two connections that were lost while this object was being
 * scanned (it may be what kills them), and when the message's time is over. An answer that is a verdict ends it, also a
 * half one with findings. The failures of servers are in the result only when no other server answered.
 */
#ifndef AVM_ENGINE_DISPATCH_H
#define AVM_ENGINE_DISPATCH_H

#include "engine/engine.h"

/* Scan one object. rq->wait is the message's; each server gets at most the engine's timeout of it. v gets a state. Any thread. */
void	 dispatch_scan(struct engine *e, const struct scan_request *rq, struct verdict *v);

#endif
