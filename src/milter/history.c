/* history - see history.h */
#include "milter/history.h"

#include <string.h>

void
history_init(struct history *h)
{
	pthread_mutex_init(&h->mu, NULL);
}

void
history_clear(struct history *h)
{
	pthread_mutex_destroy(&h->mu);
}

/* Ten minutes by number; never 0. */
static int64_t
slot_at(int64_t now)
{
	return now / HISTORY_SLOT_MS + 1;
}

void
history_add(struct history *h, unsigned kind, int64_t now)
{
	const int64_t number = slot_at(now);
	const size_t i = (size_t)(number % HISTORY_SLOTS);

	pthread_mutex_lock(&h->mu);
	/* Who was slow to come here may belong to the ten minutes before: let it count in these. */
	if (h->slot[i] < number) {
		h->slot[i] = number;
		memset(h->count[i], 0, sizeof(h->count[i]));
	}
	h->count[i][kind]++;
	pthread_mutex_unlock(&h->mu);
}

void
history_note(struct history *h, const struct history_finding *f)
{
	pthread_mutex_lock(&h->mu);
	h->finding[h->findings++ % HISTORY_FINDINGS] = *f;
	pthread_mutex_unlock(&h->mu);
}

void
history_read(struct history *h, int64_t now, struct history_view *out)
{
	const int64_t last = slot_at(now);

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&h->mu);
	for (int64_t k = 0; k < HISTORY_SLOTS; k++) {
		const int64_t number = last - HISTORY_SLOTS + 1 + k;
		const size_t i = (size_t)((number + HISTORY_SLOTS) % HISTORY_SLOTS);

		if (number > 0 && h->slot[i] == number)
			memcpy(out->count[k], h->count[i], sizeof(out->count[k]));
	}
	for (uint64_t n = h->findings; n > 0 && out->findings < HISTORY_FINDINGS; n--)
		out->finding[out->findings++] = h->finding[(n - 1) % HISTORY_FINDINGS];
	pthread_mutex_unlock(&h->mu);
}
