/*
 * dispatch - the attempts of one object
 */
#include "engine/dispatch.h"

#include "conf/conf.h"
#include "engine/conn.h"
#include "engine/upstream.h"

#define SERVERS_MAX 5 /* different ones for one object */
#define LOST_MAX    2 /* connections lost under it */
#define ONCE_MAX    1 /* more tries after a failure that may be the object's own */

/* What the attempts of one object have come to. */
struct tally {
	struct tried tried;
	unsigned lost;
	unsigned doubtful;
	struct verdict failures;
};

/* May another server have better luck? */
static bool
try_another(struct tally *t, enum reason failed)
{
	if (t->tried.count >= SERVERS_MAX)
		return false;
	switch (failed) {
	case REASON_UNREACHABLE:
	case REASON_BUSY:
	case REASON_NO_LICENSE:
		return true;
	case REASON_LOST:
		return ++t->lost < LOST_MAX;
	case REASON_TIMEOUT:
	case REASON_REFUSED:
	case REASON_PROTOCOL:
	case REASON_ENGINE_ERROR:
		return t->doubtful++ < ONCE_MAX;
	default:
		return false;
	}
}

/* Has somebody ended this message's time early? */
static bool
was_cut(const struct wait *w)
{
	return w->cut && atomic_load(w->cut) <= now_ms();
}

/* What is to be known about an exchange besides its verdict. */
struct outcome {
	bool cut_short; /* the message ran out of time, not the server */
	bool answered;  /* a byte of an answer came */
};

/* One exchange, with the engine's own timeout cut in. */
static struct outcome
attempt(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	struct wait wait = wait_until(rq->wait, deadline_in(e->conf->timeout));
	struct scan_request sub = *rq;
	struct outcome out = { 0 };

	sub.wait = &wait;
	c->keep = false;
	c->exchanges++;
	wire_begin(c->wire, &wait);
	e->ops->scan(e, c, &sub, v);
	rq->wait->next_tick_ms = wait.next_tick_ms;
	out.cut_short = deadline_passed(rq->wait->dl) || was_cut(rq->wait);
	if (c->wire) { /* gone when a second try could not connect */
		out.answered = wire_answered(c->wire);
		wire_begin(c->wire, rq->wait);
	}
	if (v->states == 0)
		conn_refuse(c, v, REASON_UNKNOWN, "the answer gave no verdict");
	return out;
}

static bool
has_failed(const struct verdict *v)
{
	return (v->states & (1u << SCAN_FAILED | 1u << SCAN_UNKNOWN)) != 0;
}

/* A connection that had been idle and died before it said a word: its server may have closed it in
 * good order. One new connection is free. */
static struct outcome
attempt_twice(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	bool reused = c->reused;
	struct outcome out = attempt(e, c, rq, v);

	if (!reused || out.answered || v->failed != REASON_LOST || !c->wire)
		return out;
	verdict_clear(v);
	return conn_reopen(c, v) ? attempt(e, c, rq, v) : out;
}

/* Ask one server. Returns true when v is the answer; else v is empty and the failure is in the
 * tally. */
static bool
ask(struct engine *e, struct tally *t, const struct scan_request *rq, struct verdict *v,
    bool *go_on)
{
	AUTO(verdict_clear) struct verdict got = { 0 };
	struct conn *c = upstream_borrow(e->upstream, &t->tried, rq->wait, &got);
	struct outcome out;
	enum reason why;

	*go_on = false;
	if (c) {
		out = attempt_twice(e, c, rq, &got);
		why = has_failed(&got) ? got.failed : REASON_NONE;
		upstream_return(&c, out.cut_short && why == REASON_TIMEOUT ? REASON_UNKNOWN : why,
		    got.failed_why);
	} else if (got.states == 0) {
		return false; /* every server was tried */
	}
	/* Before it is joined: there "not said yet" becomes "nobody in particular" (decision 110). */
	verdict_blame(&got, e->title);
	if (!has_failed(&got) || got.kinds != 0) {
		verdict_join(v, &got);
		return true;
	}
	*go_on = try_another(t, got.failed) && !deadline_passed(rq->wait->dl) && !was_cut(rq->wait);
	verdict_join(&t->failures, &got);
	return false;
}

void
dispatch_scan(struct engine *e, const struct scan_request *rq, struct verdict *v)
{
	struct tally t = { 0 };
	bool go_on = true;

	upstream_start(e->upstream);
	while (go_on)
		if (ask(e, &t, rq, v, &go_on)) {
			verdict_clear(&t.failures);
			return;
		}
	verdict_join(v, &t.failures); /* nothing inside: UNKNOWN, an error */
	verdict_clear(&t.failures);
}
