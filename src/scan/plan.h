/*
 * plan - which engine sees which object
 *
 * One slot for each pair that the configuration asks for, its verdict UNKNOWN until somebody fills
 * it. An object that is too large for an engine keeps its slot, already PARTIAL. What a filter
 * leaves out is counted, never silent. An engine to which nothing would be handed although nothing
 * was left out gets the whole message: no engine is clean about a mail that it has not seen.
 *
 * Between planning and running stands the result cache: a slot that it can answer is done.
 */
#ifndef AVM_SCAN_PLAN_H
#define AVM_SCAN_PLAN_H

#include <glib.h>
#include <stdbool.h>

#include "engine/engine.h"
#include "message/object.h"
#include "verdict/verdict.h"

struct slot {
	struct engine *engine;       /* borrowed */
	const struct object *object; /* borrowed */
	struct verdict verdict;
	bool done; /* nobody need scan it any more */
	/* It failed, and a backup has examined this object: the failure is told but does not count. */
	bool replaced;
};

struct plan {
	GPtrArray *slots;  /* of struct slot *, engine by engine, objects in order */
	unsigned objects;  /* that at least one engine sees */
	unsigned left_out; /* that no engine sees, because the configuration says so */
};

/* Does any active engine want the decoded parts? */
bool plan_wants_parts(const struct engines *engines);
/* Must a worker hold the message, to take it apart or to scan it? */
bool plan_wants_worker(const struct engines *engines);

/* A slot more, for a backup. */
void plan_add(struct plan *p, struct engine *e, const struct object *o);
/* Is there a slot of this engine and object? */
bool plan_has(const struct plan *p, const struct engine *e, const struct object *o);

/* A plan without slots. */
struct plan *plan_empty(void);
/* Plan for the active engines. Borrows both; they must outlive the plan. */
struct plan *plan_new(const struct engines *engines, const struct objects *objects);
void plan_free(struct plan **p);

#endif
