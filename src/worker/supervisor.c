/*
 * supervisor - the thread that keeps a generation serving: starts, loads, switches, restarts, ends
 *
 * It sleeps in poll(2) over zygotes, the processes of all workers, the sockets of those that are being tested, and the
 * pool's eventfd. Nothing is freed while the results of a poll are handled, only in the tick that follows.
 */
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "worker/pool.h"

#define STOP_WAIT_MS 10000	/* for processes that have got SIGKILL; only the kernel can be in the way */

/* What one descriptor of the poll set belongs to. */
struct watch {
	enum { WATCH_WAKE, WATCH_ZYGOTE, WATCH_ZYGOTE_END, WATCH_OUTPUT, WATCH_TEST, WATCH_WORKER_END } what;
	struct generation *g;
	struct worker	*w;
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
			add(fds, whats, g->zygote->pidfd, (struct watch){ WATCH_ZYGOTE_END, g, NULL });
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
		break;	/* the tick reaps it */
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
set_error(struct workers *p, const char *text)
{
	pthread_mutex_lock(&p->mu);
	g_free(p->last_error);
	p->last_error = g_strdup(text);
	pthread_mutex_unlock(&p->mu);
}

/* A zygote is needed: at once when the last one was steady, else later and later. */
static void
schedule(struct workers *p, int64_t now, bool steady)
{
	p->start_at_ms = now + (steady ? 0 : MAX(p->backoff_ms, p->lim.backoff_first_ms));
	p->backoff_ms = steady ? 0 : MIN(2 * (p->start_at_ms - now), p->lim.backoff_last_ms);
}

/* The coming generation will not serve. The one that serves stays; without one, or when it has lost its zygote, we try again. */
static void
give_up(struct workers *p, int64_t now)
{
	struct generation *g = p->coming;
	bool again = !p->serving || !p->serving->zygote || p->serving->lost;

	p->coming = NULL;
	if (p->told_error && g_str_equal(p->told_error, g->failed))
		log_info("scanner: generation %u: still not usable: %s", g->number, g->failed);
	else
		log_err("scanner: generation %u is not usable: %s%s", g->number, g->failed,
		    p->serving ? "; the old one serves on" : "; messages are refused with 451 until one is");
	g_free(p->told_error);
	p->told_error = g_strdup(g->failed);
	set_error(p, g->failed);
	pthread_mutex_lock(&p->mu);
	p->counts.failures++;
	pthread_mutex_unlock(&p->mu);
	generation_set_state(g, GENERATION_DRAINING);
	if (again)
		schedule(p, now, false);
}

/* What serves goes, what came serves. */
static void
take_over(struct workers *p)
{
	struct generation *g = p->coming;

	p->coming = NULL;
	pthread_mutex_lock(&p->mu);
	if (p->serving)
		p->serving->state = GENERATION_DRAINING;
	p->serving = g;
	g->state = GENERATION_SERVING;
	g_ptr_array_set_size(p->idle, 0);
	for (guint i = 0; i < g->workers->len; i++) {
		struct worker *w = g_ptr_array_index(g->workers, i);

		if (w->state == WORKER_IDLE)
			g_ptr_array_add(p->idle, w);
	}
	p->counts.generations++;
	g_clear_pointer(&p->last_error, g_free);
	pool_dispatch(p);
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mu);
	g_clear_pointer(&p->told_error, g_free);
	log_notice("scanner: generation %u serves: %s, %" PRIu64 " signatures, definitions %" PRIu64, g->number,
	    *g->ready.engine_version ? g->ready.engine_version : "no engine", g->ready.signatures,
	    g->ready.definitions);
}

static bool
unchanged(const struct workers *p, const struct generation *g)
{
	return p->serving && p->serving->zygote && !p->serving->lost &&
	    memcmp(p->serving->ready.generation, g->ready.generation, sizeof(g->ready.generation)) == 0;
}

static void
tick_coming(struct workers *p, int64_t now, int64_t *next)
{
	struct generation *g = p->coming;
	unsigned need = p->serving ? p->cfg.count : 1;	/* a reload must not thin out the workers */

	if (g->failed) {
		give_up(p, now);
		return;
	}
	if (generation_state(g) != GENERATION_WARMING)
		return;
	if (!g->judged && unchanged(p, g)) {
		log_info("scanner: generation %u: the same definitions as before, generation %u serves on", g->number,
		    p->serving->number);
		p->coming = NULL;
		generation_set_state(g, GENERATION_DRAINING);
		return;
	}
	g->judged = true;
	if (generation_tested(g) < need)
		return;
	take_over(p);
	*next = now;	/* its timers count from here */
}

/* The serving generation may have lost its zygote, and then its last worker. */
static void
tick_serving(struct workers *p, int64_t now)
{
	struct generation *g = p->serving;

	if (g->failed) {
		set_error(p, g->failed);
		g_clear_pointer(&g->failed, g_free);
		pthread_mutex_lock(&p->mu);
		p->counts.restarts++;
		pthread_mutex_unlock(&p->mu);
		if (!p->coming)
			schedule(p, now, now - g->born_ms >= p->lim.steady_ms);
	}
	if (g->zygote)
		return;
	pthread_mutex_lock(&p->mu);
	if (g->live == 0) {
		p->serving = NULL;
		g->state = GENERATION_DRAINING;
	}
	pthread_mutex_unlock(&p->mu);
}

static void
tick_start(struct workers *p, int64_t now, int64_t *next)
{
	g_autoptr(GError) err = NULL;
	bool wanted;

	if (p->coming)
		return;
	pthread_mutex_lock(&p->mu);
	wanted = p->reload_wanted;
	p->reload_wanted = false;
	pthread_mutex_unlock(&p->mu);
	if (!wanted && now < p->start_at_ms) {
		*next = MIN(*next, p->start_at_ms);
		return;
	}
	p->start_at_ms = INT64_MAX;
	p->coming = generation_start(p, &err);
	if (p->coming)
		return;
	log_err("%s", err->message);
	set_error(p, err->message);
	if (!p->serving || !p->serving->zygote || p->serving->lost)
		schedule(p, now, false);
	*next = MIN(*next, p->start_at_ms);
}

/* Everything that is due now. Returns when to look again. */
static int64_t
tick(struct workers *p)
{
	int64_t now = now_ms(), next = INT64_MAX;

	for (guint i = 0; i < p->gens->len; i++)
		generation_tick(g_ptr_array_index(p->gens, i), now, &next);
	if (p->coming)
		tick_coming(p, now, &next);
	if (p->serving)
		tick_serving(p, now);
	tick_start(p, now, &next);
	for (guint i = p->gens->len; i-- > 0;) {
		struct generation *g = g_ptr_array_index(p->gens, i);

		if (generation_state(g) != GENERATION_DRAINING)
			continue;
		generation_tick(g, now, &next);
		if (g->workers->len == 0 && !g->zygote)
			generation_free(&g);
	}
	return next;
}

static void
sleep_until(struct workers *p, GArray *fds, GArray *whats, int64_t next)
{
	int64_t left = next == INT64_MAX ? -1 : MAX(next - now_ms(), 0);
	int n;

	collect(p, fds, whats);
	n = poll((struct pollfd *)(void *)fds->data, fds->len, (int)MIN(left, INT_MAX));
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
		int64_t next = tick(p);
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
