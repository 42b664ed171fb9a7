/*
 * cure - an object as the engine that found something in it has repaired it
 *
 * Asked for anew when a mail is being repaired, only of engines whose section lets them repair (icap { repair }): a verdict that came out of
 * the cache has no content, and what nobody repairs need not be carried about.
 */
#ifndef AVM_EFFECT_CURE_H
#define AVM_EFFECT_CURE_H

#include "base/deadline.h"
#include "engine/engine.h"
#include "message/message.h"
#include "message/object.h"

/*
 * Returns: the repaired content, which may hold anything and must be scanned; NULL when the engine of that title gives none
 * Blocks:  while the engine is asked, within its timeout and the wait's deadline, ticking
 */
GBytes	*cure_object(struct engines *engines, const char *title, const struct message *m, const struct objects *set, const struct object *o,
	    struct wait *wait);

#endif
