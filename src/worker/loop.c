/*
 * loop - the thread of the pool
 *
 * It sleeps in poll(2) over zygotes, the processes of all workers, the sockets of those that are
 * being tested, and the pool's eventfd. Nothing is freed while the results of a poll are handled,
 * only in the tick that follows.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "worker/pool.h"

/* For processes that have got SIGKILL; only the kernel can be in the way. */
#define STOP_WAIT_MS 10000
/* After a poll(2) that failed (ENOMEM): it is not to become a busy loop. */
#define RETRY_US 20000

/* What one descriptor of the poll set belongs to. */
struct watch {
	enum {
		WATCH_WAKE,
		WATCH_ZYGOTE,
		WATCH_ZYGOTE_END,
		WATCH_OUTPUT,
		WATCH_TEST,
		WATCH_WORKER_END
	} what;
	struct generation *g;
	struct worker *w;
};

static void
add(GArray *fds, GArray *whats, int fd, struct watch what)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return;
	g_array_append_val(fds, p);
	g_array_append_val(whats, what);
}

static void
add_worker(GArray *fds, GArray *whats, struct generation *g, struct worker *w)
{
	bool testing;

	if (w->gone)
		return;
	pthread_mutex_lock(&g->pool->mu);
	testing = w->state == WORKER_TESTING;
	pthread_mutex_unlock(&g->pool->mu);
	add(fds, whats, w->pidfd, (struct watch){ WATCH_WORKER_END, g, w });
	if (testing && w->asked)
		add(fds, whats, w->sock, (struct watch){ WATCH_TEST, g, w });
}

static void
collect(struct workers *p, GArray *fds, GArray *whats)
{
	g_array_set_size(fds, 0);
	g_array_set_size(whats, 0);
	add(fds, whats, p->wake, (struct watch){ WATCH_WAKE, NULL, NULL });
	for (guint i = 0; i < p->gens->len; i++) {
		struct generation *g = g_ptr_array_index(p->gens, i);

		if (g->zygote) {
			add(fds, whats, g->zygote->sock, (struct watch){ WATCH_ZYGOTE, g, NULL });
			add(fds, whats, g->zygote->output, (struct watch){ WATCH_OUTPUT, g, NULL });
			add(fds, whats, g->zygote->pidfd,
			    (struct watch){ WATCH_ZYGOTE_END, g, NULL });
		}
		for (guint k = 0; k < g->workers->len; k++)
			add_worker(fds, whats, g, g_ptr_array_index(g->workers, k));
	}
}

static void
handle(struct workers *p, const struct watch *what)
{
	eventfd_t count;

	switch (what->what) {
	case WATCH_WAKE:
		eventfd_read(p->wake, &count);
		break;
	case WATCH_ZYGOTE:
		generation_hear(what->g);
		break;
	case WATCH_ZYGOTE_END:
		break; /* the tick reaps it */
	case WATCH_OUTPUT:
		zygote_read_output(what->g->zygote);
		break;
	case WATCH_TEST:
		worker_hear(what->w);
		break;
	case WATCH_WORKER_END:
		worker_gone(what->w, now_ms());
		break;
	}
}

static void
sleep_until(struct workers *p, GArray *fds, GArray *whats, int64_t next)
{
	int64_t left = next == INT64_MAX ? -1 : MAX(next - now_ms(), 0);
	int n;

	collect(p, fds, whats);
	n = poll((struct pollfd *)(void *)fds->data, fds->len, (int)MIN(left, INT_MAX));
	if (n < 0 && errno != EINTR)
		g_usleep(RETRY_US);
	for (guint i = 0; n > 0 && i < fds->len; i++)
		if (g_array_index(fds, struct pollfd, i).revents != 0)
			handle(p, &g_array_index(whats, struct watch, i));
}

/* Kill everything and wait until it is gone. */
static void
end_all(struct workers *p, GArray *fds, GArray *whats)
{
	int64_t by = now_ms() + STOP_WAIT_MS, now;

	/* One that loads has nothing to clean up and does not listen. */
	if (p->coming && generation_state(p->coming) == GENERATION_LOADING)
		generation_dismiss(p->coming, "avmilter is stopping", 0);
	p->coming = NULL;
	pthread_mutex_lock(&p->mu);
	p->serving = NULL;
	for (guint i = 0; i < p->gens->len; i++)
		((struct generation *)g_ptr_array_index(p->gens, i))->state = GENERATION_DRAINING;
	pthread_mutex_unlock(&p->mu);
	for (guint i = 0; i < p->gens->len; i++) {
		struct generation *g = g_ptr_array_index(p->gens, i);

		for (guint k = 0; k < g->workers->len; k++)
			worker_kill(g_ptr_array_index(g->workers, k));
	}
	while (p->gens->len > 0 && (now = now_ms()) < by) {
		int64_t next = by;

		for (guint i = p->gens->len; i-- > 0;) {
			struct generation *g = g_ptr_array_index(p->gens, i);

			generation_tick(g, now, &next);
			if (g->workers->len == 0 && !g->zygote)
				generation_free(&g);
		}
		if (p->gens->len > 0)
			sleep_until(p, fds, whats, next);
	}
	if (p->gens->len > 0)
		log_err("scanner: some scanning processes do not end, not even by SIGKILL");
}

void *
supervise(void *workers)
{
	struct workers *p = workers;
	g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
	g_autoptr(GArray) whats = g_array_new(FALSE, FALSE, sizeof(struct watch));

	for (;;) {
		int64_t next = supervisor_tick(p);
		bool stop;

		pthread_mutex_lock(&p->mu);
		stop = p->stopping;
		pthread_mutex_unlock(&p->mu);
		if (stop)
			break;
		sleep_until(p, fds, whats, next);
	}
	end_all(p, fds, whats);
	return NULL;
}
