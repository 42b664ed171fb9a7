/*
 * hand - one worker as the supervisor sees it: born, self-tested, told to end, buried
 */
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

#include "base/events.h"
#include "base/log.h"
#include "worker/answer.h"
#include "worker/pool.h"

#define EXIT_WAIT_MS        1000 /* for the zygote's word on how a worker ended */
#define FRESH_BACKOFF_MS    100  /* after a fresh worker failed, doubled each time */
#define FRESH_BACKOFF_STEPS 8
#define FRESH_FAILURES_MAX  3 /* of a generation that does not serve yet */

static enum worker_state
state_of(struct worker *w)
{
	enum worker_state s;

	pthread_mutex_lock(&w->gen->pool->mu);
	s = w->state;
	pthread_mutex_unlock(&w->gen->pool->mu);
	return s;
}

struct worker *
worker_new(struct generation *g, const struct zygote_event *ev)
{
	struct worker *w = g_new0(struct worker, 1);

	w->gen = g;
	w->number = ++g->pool->next_worker;
	w->id = g->pool->first_id + w->number;
	w->child = ev->worker.id.number;
	w->pid = ev->worker.id.pid;
	w->sock = ev->worker.sock;
	w->pidfd = ev->worker.pidfd;
	w->timed = clock_getcpuclockid(w->pid, &w->clock) == 0;
	w->born_ms = now_ms();
	w->fresh = true;
	w->state = WORKER_TESTING;
	pthread_mutex_lock(&g->pool->mu);
	g->live++;
	pthread_mutex_unlock(&g->pool->mu);
	return w;
}

void
worker_kill(struct worker *w)
{
	pidfd_send_signal(w->pidfd, SIGKILL, NULL, 0);
}

void
worker_free(struct worker *w)
{
	fd_close(&w->sock);
	fd_close(&w->pidfd);
	g_free(w);
}

/* A generation whose workers are all unsound: it never serves, or is replaced like one without a
 * zygote. */
static void
give_up(struct generation *g, const char *what)
{
	if (generation_state(g) == GENERATION_SERVING)
		generation_dismiss(g, "its workers fail their self-test", 0);
	else
		generation_fail(g, "its workers fail their self-test: %s", what);
}

/* Its answer, or its silence, is not the one that a sound worker gives. */
static void
fail_test(struct worker *w, int64_t now, const char *what)
{
	struct generation *g = w->gen;
	struct workers *p = g->pool;
	unsigned step;

	log_warn("scanner: worker %u (pid %d, generation %u) failed its self-test: %s", w->number,
	    (int)w->pid, g->number, what);
	worker_kill(w);
	if (w->fresh) {
		step = MIN(g->fresh_failures++, FRESH_BACKOFF_STEPS);
		g->fork_at_ms = now + ((int64_t)FRESH_BACKOFF_MS << step);
		if (g->fresh_failures >= FRESH_FAILURES_MAX && generation_tested(g) == 0)
			give_up(g, what);
	}
	pthread_mutex_lock(&p->mu);
	*(w->gone ? &p->counts.crashed : &p->counts.killed) += 1;
	pool_dying(p, w, END_SELFTEST);
	pthread_mutex_unlock(&p->mu);
}

static void
pass_test(struct worker *w)
{
	struct workers *p = w->gen->pool;

	pthread_mutex_lock(&p->mu);
	w->tested_ms = now_ms();
	pool_idle(p, w);
	pthread_mutex_unlock(&p->mu);
	if (w->fresh)
		w->gen->fresh_failures = 0;
	w->fresh = false;
	w->asked = false;
}

void
worker_hear(struct worker *w)
{
	struct packet p;
	struct proto_done done;
	g_autoptr(GString) text = g_string_new(NULL);
	const char *words = NULL, *why = NULL;

	switch (packet_recv(w->sock, w->buf, &p)) {
	case PACKET_NONE:
		return;
	case PACKET_CLOSED:
		fail_test(w, now_ms(), "it closed its socket");
		return;
	case PACKET_BAD:
		fail_test(w, now_ms(), p.bad);
		return;
	case PACKET_OK:
		break;
	}
	if (p.op != PROTO_DONE || p.seq != w->seq || p.nfds > 0)
		fail_test(w, now_ms(), "unexpected packet");
	else if (!answer_done(&p, &done, &words, &why))
		fail_test(w, now_ms(), why);
	else if (done.state != SCAN_COMPLETE) {
		log_esc(text, words, strlen(words), PROTO_TEXT_MAX);
		fail_test(w, now_ms(), text->str);
	} else
		pass_test(w);
	packet_drop(&p);
}

void
worker_gone(struct worker *w, int64_t now)
{
	struct workers *p = w->gen->pool;

	w->gone = true;
	w->until_ms = now + EXIT_WAIT_MS;
	pthread_mutex_lock(&p->mu);
	w->dead = true;
	pthread_mutex_unlock(&p->mu);
}

static void
tick_test(struct worker *w, int64_t now, int64_t *next)
{
	struct workers *p = w->gen->pool;

	if (generation_state(w->gen) == GENERATION_DRAINING) {
		pthread_mutex_lock(&p->mu);
		pool_dying(p, w, END_REPLACED);
		pthread_mutex_unlock(&p->mu);
	} else if (w->gone)
		fail_test(w, now, "it died");
	else if (!w->asked) {
		w->asked = true;
		w->until_ms = now + p->lim.selftest_timeout_ms;
		if (!packet_send(w->sock, PROTO_SELFTEST, ++w->seq, NULL, 0, NULL, 0))
			fail_test(w, now, "it does not listen");
		else
			*next = MIN(*next, w->until_ms);
	} else if (now >= w->until_ms)
		fail_test(w, now, "no answer in time");
	else
		*next = MIN(*next, w->until_ms);
}

/* The supervisor saw the end of an idle worker, or its generation's. */
static void
tick_idle(struct worker *w)
{
	struct workers *p = w->gen->pool;
	bool draining = generation_state(w->gen) == GENERATION_DRAINING;

	if (!w->gone && !draining)
		return;
	pthread_mutex_lock(&p->mu);
	if (w->state == WORKER_IDLE) { /* not lent out since the last look */
		if (w->gone)
			p->counts.crashed++;
		pool_dying(p, w, w->gone ? NULL : END_REPLACED);
	}
	pthread_mutex_unlock(&p->mu);
}

static void
log_end(const struct worker *w, const char *why, unsigned messages, bool known, int status)
{
	char buf[ENDING_TEXT_MAX];
	const char *cause = known ? ending_text(status, buf) : "cause not known";
	bool quiet = why && (g_str_equal(why, END_RETIRED) || g_str_equal(why, END_REPLACED));

	g_autofree char *text = g_strdup_printf(
	    "scanner: worker %u (pid %d, generation %u) %s after %u messages: %s", w->number,
	    (int)w->pid, w->gen->number, why ? "was ended" : "died", messages, why ? why : cause);

	if (quiet)
		log_debug("%s", text);
	else
		event_raise(EVENT_CRASH, "%s", text);
}

/* Somebody may have spoken through it: what it found clean is worth nothing. */
static void
tell_suspect(const struct worker *w, const char *why)
{
	const struct workers_conf *cfg = &w->gen->pool->cfg;

	if (cfg->suspect &&
	    (!why || g_str_equal(why, END_PROTOCOL) || g_str_equal(why, END_SELFTEST) ||
		g_str_equal(why, END_IDLE)))
		cfg->suspect(cfg->suspect_arg, w->id);
}

/* DYING: ask, wait, kill, wait, log. */
static bool
bury(struct worker *w, int64_t now, int64_t *next)
{
	struct workers *p = w->gen->pool;
	const char *why;
	bool pinned, known;
	unsigned messages;
	int status;

	if (!w->gone) {
		if (!w->told) {
			w->told = true;
			w->until_ms = now + p->lim.linger_ms;
			shutdown(w->sock, SHUT_RDWR);
		} else if (now >= w->until_ms) {
			worker_kill(w);
			w->until_ms = INT64_MAX;
		}
		*next = MIN(*next, w->until_ms);
		return false;
	}
	pthread_mutex_lock(&p->mu);
	why = w->end;
	pinned = w->pinned;
	known = w->exit_known;
	status = w->exit_status;
	messages = w->messages;
	pthread_mutex_unlock(&p->mu);
	if (pinned || (!known && w->gen->zygote && !w->gen->lost && now < w->until_ms)) {
		if (!pinned)
			*next = MIN(*next, w->until_ms);
		return false;
	}
	log_end(w, why, messages, known, status);
	tell_suspect(w, why);
	return true;
}

bool
worker_tick(struct worker *w, int64_t now, int64_t *next)
{
	switch (state_of(w)) {
	case WORKER_TESTING:
		tick_test(w, now, next);
		break;
	case WORKER_IDLE:
		tick_idle(w);
		break;
	case WORKER_LEASED:
	case WORKER_DYING:
		break;
	}
	return state_of(w) == WORKER_DYING && bury(w, now, next);
}
