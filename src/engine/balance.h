/*
 * balance - which server of a pool gets the next object
 *
 * In rotation before suspect before out; among equals the one with the fewest requests in hand; among those, in turn.
 * A pure function: the pool (engine/upstream.h) keeps the state and holds the lock.
 */
#ifndef AVM_ENGINE_BALANCE_H
#define AVM_ENGINE_BALANCE_H

#include <stdbool.h>
#include <stddef.h>

enum standing {
	STANDING_IN = 0,
	STANDING_SUSPECT,	/* its time out of rotation is over, but nobody has seen it work since */
	STANDING_OUT,		/* tried only when nothing better is left: never give up without having tried */
};

struct candidate {
	enum standing	 standing;
	unsigned	 busy;		/* requests in hand */
	unsigned	 limit;		/* connections that it takes */
	bool		 tried;		/* this object has been there already */
};

enum { BALANCE_NONE = -1, BALANCE_FULL = -2 };

/* The index of the server to ask, beginning the turn at `turn`; BALANCE_NONE when all were tried; BALANCE_FULL when every
 * server of the best standing that is left has its hands full: wait for one. */
int	 balance_pick(const struct candidate *c, size_t n, size_t turn);

#endif
