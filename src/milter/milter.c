/* milter - see milter.h */
#include "milter/milter.h"

#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "message/spool.h"

/* After the last end of message has returned, libmilter still has to write its answer. */
#define ANSWER_GRACE_MS 100

#define HOST_MAX 256

bool
milter_init(struct milter *m, const struct mta_ops *ops, const struct endpoint *own, GError **err)
{
	char host[HOST_MAX] = "";

	memset(m, 0, sizeof(*m));
	m->ops = ops;
	pthread_mutex_init(&m->slot.mu, NULL);
	m->budget = spool_budget_new();
	if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
		m->host = g_strdup("localhost");
	else
		m->host = g_strdup(host);
	atomic_store(&m->cut_ms, INT64_MAX);
	stats_reset(&m->stats);
	return kick_init(&m->kick, own, err);
}

void
milter_clear(struct milter *m)
{
	snapshot_slot_set(&m->slot, NULL);
	spool_budget_free(&m->budget);
	g_free(m->host);
	m->host = NULL;
}

void
milter_drain(struct milter *m)
{
	atomic_store(&m->draining, true);
}

void
milter_cut(struct milter *m)
{
	milter_drain(m);
	atomic_store(&m->cut_ms, now_ms());
}

bool
milter_drained(struct milter *m)
{
	return atomic_load(&m->pending) == 0 &&
	       now_ms() - atomic_load(&m->last_eom_ms) >= ANSWER_GRACE_MS;
}
