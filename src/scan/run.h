/*
 * run - the engines are asked: all at once, or one after the other until one decides
 *
 * Engines in the message's own worker are asked one object after the other by the session's thread; those on the network in
 * parallel by threads of their pool, and by the session's thread when it has nothing else to do, so that a busy pool delays a
 * message but never stops it. Everything ends with the message's deadline.
 *
 * A backup steps in where a primary engine failed: it is handed that object, and if it has examined all of it, that counts in
 * place of the failure. An engine that failed and had found something is believed.
 */
#ifndef AVM_SCAN_RUN_H
#define AVM_SCAN_RUN_H

#include "base/deadline.h"
#include "engine/engine.h"
#include "scan/plan.h"

struct conf;
struct lease;
struct recall;

/* What the slots of one message have in common; everything borrowed. */
struct run_context {
	const struct conf *conf;
	struct engines *engines;
	const struct message *message;
	const struct objects *objects;
	struct lease *lease;	/* or NULL */
	struct recall *recall;	/* what is known of other messages, or NULL */
	struct wait *wait;
};

/* Fill every slot of the plan; adds those of backups. Blocks until all are done; ticks. */
void	 run_plan(const struct run_context *ctx, struct plan *plan);

#endif
