/* milter - see milter.h */
#include "milter/milter.h"

#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "message/spool.h"

/* After the last end of message has returned, libmilter still has to write its answer. */
#define ANSWER_GRACE_MS 100

/* How long milter_close() waits for ends of message, which are all refusals by then; and for a
 * write. */
#define CLOSE_MS 1000
#define WRITE_US 20000

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
	stats_init(&m->stats);
	return kick_init(&m->kick, own, err);
}

void
milter_clear(struct milter *m)
{
	snapshot_slot_set(&m->slot, NULL);
	spool_budget_free(&m->budget);
	stats_clear(&m->stats);
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

void
milter_close(struct milter *m)
{
	const struct deadline dl = deadline_in(CLOSE_MS);

	atomic_store(&m->closed, true);
	while (atomic_load(&m->in_eom) > 0 && !deadline_passed(dl))
		g_usleep(WRITE_US);
	g_usleep(WRITE_US); /* libmilter writes the last of them */
}

bool
milter_drained(struct milter *m)
{
	return atomic_load(&m->pending) == 0 &&
	    now_ms() - atomic_load(&m->last_eom_ms) >= ANSWER_GRACE_MS;
}
