/*
 * balance - least outstanding, then in turn
 */
#include "engine/balance.h"

static bool
is_better(const struct candidate *a, const struct candidate *b)
{
	if (a->standing != b->standing)
		return a->standing < b->standing;
	return a->busy < b->busy;
}

int
balance_pick(const struct candidate *c, size_t n, size_t turn)
{
	int best = BALANCE_NONE;
	bool full = false;

	for (size_t k = 0; k < n; k++) {
		size_t i = (turn + k) % n;

		if (c[i].tried)
			continue;
		if (c[i].busy >= c[i].limit) {
			/* Waiting for a good server is better than asking a dead one. */
			full = full || c[i].standing == STANDING_IN;
			continue;
		}
		if (best == BALANCE_NONE || is_better(&c[i], &c[best]))
			best = (int)i;
	}
	if (full && (best == BALANCE_NONE || c[best].standing != STANDING_IN))
		return BALANCE_FULL;
	if (best != BALANCE_NONE)
		return best;
	for (size_t i = 0; i < n; i++)
		if (!c[i].tried)
			return BALANCE_FULL;
	return BALANCE_NONE;
}
