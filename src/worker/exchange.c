/*
 * exchange - waiting for a worker with two clocks: the message's deadline and the worker's own
 * processor time
 *
 * The wall clock alone never makes a message unscannable: a queue, an overloaded machine and a
 * sleeping worker are FAILED(timeout), to be tried again. Only a worker that has really computed
 * for max_extract_time is PARTIAL(limit.time) (decision 8).
 */
#include "worker/exchange.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

/* Beyond max_extract_time: the worker's own limit comes first and explains more. */
#define GRACE_MS      1000
#define LOOK_AGAIN_MS 20
/* Packets between two looks at the clock while they pour in. */
#define TICK_PACKETS 256

/* Its processor time so far; -1 when it cannot be told. */
static int64_t
cpu_ms(const struct worker *w)
{
	struct timespec ts;

	if (!w->timed || clock_gettime(w->clock, &ts) < 0)
		return -1;
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Processor time of this request; -1 when the worker has ended: then its pid may be somebody
 * else's. */
static int64_t
used_ms(const struct exchange *x)
{
	struct pollfd p = { .fd = x->w->pidfd, .events = POLLIN };
	int64_t now = cpu_ms(x->w);

	return now < 0 || poll(&p, 1, 0) != 0 ? -1 : now - x->cpu_base_ms;
}

void
exchange_init(struct exchange *x, struct workers *p, struct worker *w)
{
	*x = (struct exchange){ .pool = p, .w = w, .number = w->number, .id = w->id };
	memcpy(x->generation, w->gen->ready.generation, sizeof(x->generation));
	x->max_ms = (int64_t)p->cfg.settings.max_extract_time_ms;
}

void
exchange_end(struct exchange *x, bool release)
{
	/* A worker that does not take RELEASE does not listen: the next borrower must not meet it.
	 */
	if (x->w && release &&
	    !packet_send(x->w->sock, PROTO_RELEASE, ++x->w->seq, NULL, 0, NULL, 0)) {
		worker_kill(x->w);
		pool_lose(x->pool, x->w, "does not listen");
	} else if (x->w)
		pool_give(x->pool, x->w);
	x->w = NULL;
	g_clear_pointer(&x->why, g_free);
}

static void
tell(const struct exchange *x, struct verdict *v)
{
	if (x->partial)
		verdict_partial(v, x->reason, "%s", x->why);
	else
		verdict_fail(v, x->reason, "%s", x->why);
}

bool
exchange_dead(const struct exchange *x, struct verdict *v)
{
	if (x->w && !x->stopped)
		return false;
	tell(x, v);
	return true;
}

/* Keep the cause and tell it. Takes why. */
static void
die(struct exchange *x, struct verdict *v, bool partial, enum reason reason, char *why)
{
	x->partial = partial;
	x->reason = reason;
	g_free(x->why);
	x->why = why;
	tell(x, v);
}

static void
kill_it(struct exchange *x, const char *end)
{
	worker_kill(x->w);
	pool_lose(x->pool, x->w, end);
	x->w = NULL;
}

void
exchange_break(struct exchange *x, struct verdict *v, const char *why)
{
	kill_it(x, END_PROTOCOL);
	die(x, v, false, REASON_PROTOCOL,
	    g_strdup_printf("worker %u broke the protocol: %s", x->number, why));
}

void
exchange_stop(struct exchange *x, struct verdict *v, enum reason reason, const char *why)
{
	x->stopped = true;
	die(x, v, false, reason, g_strdup(why));
}

/* It died by itself: of what, the zygote says in a moment. */
static void
mourn(struct exchange *x, struct wait *wait, struct verdict *v)
{
	char buf[ENDING_TEXT_MAX];
	struct worker *w = x->w;
	const char *cause;

	x->w = NULL;
	/* It may have closed its socket only. */
	worker_kill(w);
	pool_lose(x->pool, w, NULL);
	cause = pool_cause(x->pool, w, wait, buf);
	die(x, v, false, REASON_WORKER_DIED,
	    g_strdup_printf("worker %u died: %s", x->number, cause));
}

/* Two clocks never agree to the millisecond: what has used this much of its limit when its time is
 * over was stopped by the limit. */
static bool
limit_reached(const struct exchange *x, int64_t used)
{
	return used >= x->max_ms - x->max_ms / 10;
}

static void
time_out(struct exchange *x, struct verdict *v, int64_t used)
{
	if (limit_reached(x, used)) {
		kill_it(x, "used up max_extract_time");
		die(x, v, true, REASON_LIMIT_TIME,
		    g_strdup_printf("worker %u used %" PRId64
				    " ms of processor time (max_extract_time)",
			x->number, used));
	} else {
		kill_it(x, "gave no answer in time");
		die(x, v, false, REASON_TIMEOUT,
		    g_strdup_printf("worker %u gave no answer in time (%" PRId64
				    " ms of processor time used)",
			x->number, MAX(used, 0)));
	}
}

bool
exchange_send(struct exchange *x, enum proto_op op, const void *body, size_t len, const int *fds,
    unsigned nfds, struct verdict *v)
{
	struct pollfd end[2] = { { .fd = x->w->sock }, { .fd = x->w->pidfd, .events = POLLIN } };
	struct wait brief;

	x->cpu_base_ms = MAX(cpu_ms(x->w), 0);
	x->look_at_ms = now_ms() + x->max_ms + GRACE_MS;
	/* Whatever waits now belongs to no request. */
	if (packet_quiet(x->w->sock) &&
	    packet_send(x->w->sock, op, ++x->w->seq, body, len, fds, nfds))
		return true;
	wait_init(&brief, deadline_in(GRACE_MS), GRACE_MS, NULL, NULL);
	if (poll(end, G_N_ELEMENTS(end), 0) > 0)
		mourn(x, &brief, v);
	else
		exchange_break(x, v, "it spoke unasked or does not listen");
	return false;
}

struct wait
exchange_patience(const struct exchange *x, const struct wait *wait)
{
	return wait_until(wait, deadline_in(x->max_ms + GRACE_MS));
}

bool
exchange_tick(struct wait *wait)
{
	struct deadline own = deadline_in(0);
	struct wait now = wait_until(wait, own);

	wait_poll(&now, NULL, 0);
	pool_wait_back(wait, &now, own);
	return !deadline_passed(wait->dl);
}

/* Sleep until it has said something or has ended: true. False: it is out of time, and dealt with.
 */
static bool
sleep_on(struct exchange *x, struct wait *wait, struct verdict *v)
{
	struct pollfd fds[2] = { { .fd = x->w->sock, .events = POLLIN },
		{ .fd = x->w->pidfd, .events = POLLIN } };
	int64_t max = x->max_ms + GRACE_MS, used;

	for (;;) {
		struct deadline look = { .at_ms = x->look_at_ms };
		struct wait step = wait_until(wait, look);
		int n = wait_poll(&step, fds, G_N_ELEMENTS(fds));

		pool_wait_back(wait, &step, look);
		if (n > 0) {
			x->ended = fds[1].revents != 0;
			return true;
		}
		/* Before the kill: a dead process has no clock. */
		used = used_ms(x);
		if (n < 0 || used >= max || deadline_passed(wait->dl)) {
			time_out(x, v, used);
			return false;
		}
		x->look_at_ms = now_ms() + MAX(max - MAX(used, 0), LOOK_AGAIN_MS);
	}
}

/* A packet that is well formed: is it one of this answer? */
static bool
accept_packet(struct exchange *x, struct wait *wait, struct verdict *v, struct packet *p)
{
	if (p->nfds > 0)
		exchange_break(x, v, "a descriptor that nobody asked for");
	else if (p->seq != x->w->seq)
		exchange_break(x, v, "wrong sequence number");
	else if (++x->packets % TICK_PACKETS != 0 || exchange_tick(wait))
		return true;
	else
		time_out(x, v, used_ms(x));
	packet_drop(p);
	return false;
}

bool
exchange_receive(struct exchange *x, struct wait *wait, struct verdict *v, struct packet *p)
{
	for (;;) {
		switch (packet_recv(x->w->sock, x->w->buf, p)) {
		case PACKET_OK:
			return accept_packet(x, wait, v, p);
		case PACKET_BAD:
			exchange_break(x, v, p->bad);
			return false;
		case PACKET_NONE:
			if (!x->ended)
				break;
			/* fall through */
		case PACKET_CLOSED:
			mourn(x, wait, v);
			return false;
		}
		if (!sleep_on(x, wait, v))
			return false;
	}
}
