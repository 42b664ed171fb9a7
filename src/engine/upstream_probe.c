/*
 * upstream_probe - asking servers how they are
 *
 * One thread for each pool. A server that left the rotation is probed when its time is over, and is
 * in again when the probe succeeds; so no mail has to find out whether it still hangs. Servers are
 * probed one after the other, each inside connect_time and PROBE_ANSWER_MS.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "engine/age.h"
#include "engine/upstream_in.h"

#define PROBE_ANSWER_MS   5000
#define PROBE_EVERY_MS    60000 /* at least that often (decision 14) */
#define PROBE_AT_LEAST_MS 1000
#define NAME_MAX_LEN      200
#define PROBE_AGAIN_MS    2000

/* Is a the newer name of definitions? Numbers compare as numbers, the rest as text. */
static bool
is_newer(const char *a, const char *b)
{
	guint64 na, nb;

	if (!b)
		return true;
	na = g_ascii_strtoull(a, NULL, 10);
	nb = g_ascii_strtoull(b, NULL, 10);
	return na != nb ? na > nb : strcmp(a, b) > 0;
}

/* What a server calls itself goes to logs, header and console: printable ASCII, not for ever. */
static void
tame(char *text)
{
	for (size_t i = 0; text && text[i]; i++)
		if (i == NAME_MAX_LEN)
			text[i] = '\0';
		else if (text[i] < ' ' || text[i] > '~')
			text[i] = '_';
}

/* Locks: takes u->mu. Keep p, which is taken, as what s told. */
static void
keep_probe(struct server *s, struct probe *p)
{
	struct upstream *u = s->upstream;
	int64_t ttl = CLAMP(p->ttl_ms, PROBE_AT_LEAST_MS, PROBE_EVERY_MS);

	if (p->made == 0 && p->definitions)
		p->made = age_of_name(p->definitions);
	pthread_mutex_lock(&u->mu);
	probe_unref(&s->probe);
	s->probe = p;
	s->probed_ms = now_ms();
	s->probe_due_ms = s->out_until_ms > s->probed_ms ? s->out_until_ms : s->probed_ms + ttl;
	if (p->definitions && is_newer(p->definitions, u->definitions)) {
		g_free(u->definitions);
		u->definitions = g_strdup(p->definitions);
	}
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->mu);
}

bool
server_probe(struct server *s, struct conn *c, struct wait *wait, struct verdict *v)
{
	const struct engine *e = s->upstream->engine;
	struct wait cut = wait_until(wait, deadline_in(PROBE_ANSWER_MS));
	struct probe *p = probe_new();
	AUTO(verdict_clear) struct verdict told = { 0 };

	p->ttl_ms = PROBE_EVERY_MS;
	c->keep = false;
	c->exchanges++;
	wire_begin(c->wire, &cut);
	e->ops->probe(s->upstream->engine, c, p, &told);
	if (c->wire)
		wire_begin(c->wire, wait);
	if (verdict_state(&told) == SCAN_COMPLETE) {
		tame(p->version);
		tame(p->definitions);
		keep_probe(s, p);
		return true;
	}
	probe_unref(&p);
	if (told.failed == REASON_NONE)
		conn_refuse(c, &told, REASON_UNKNOWN, "probe: no answer was understood");
	/* A probe that runs out of time is no object's fault. */
	verdict_fail(v, told.failed == REASON_TIMEOUT ? REASON_UNREACHABLE : told.failed, "%s",
	    told.failed_why);
	return false;
}

static void
probe_one(struct server *s)
{
	struct upstream *u = s->upstream;
	AUTO(verdict_clear) struct verdict v = { 0 };
	struct conn *c;
	struct wait w;
	bool ok, stopping;

	wait_init(
	    &w, deadline_in(u->engine->conf->net.connect_time + PROBE_ANSWER_MS), 0, NULL, NULL);
	c = server_connect(s, u->stop_fd, &w, &v);
	ok = c && server_probe(s, c, &w, &v);
	if (c)
		conn_close(&c);
	pthread_mutex_lock(&u->mu);
	if (!ok)
		s->probe_due_ms =
		    MAX(s->out_until_ms, now_ms() + u->engine->conf->net.fail_retry_time);
	stopping = u->stopping;
	pthread_mutex_unlock(&u->mu);
	if (ok)
		server_account(s, REASON_NONE, NULL, true);
	else if (!stopping)
		server_account(s, v.failed, v.failed_why, true);
}

void
conn_is_outdated(struct conn *c)
{
	struct server *s = c->server;
	struct upstream *u = s->upstream;

	pthread_mutex_lock(&u->mu);
	/* Some servers never say the same twice: no more often than this. */
	s->probe_due_ms = MIN(s->probe_due_ms, s->probed_ms + PROBE_AGAIN_MS);
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->mu);
}

/* The server whose probe is due first, or NULL; *due_ms gets when. Locks: u->mu. */
static struct server *
next_due(struct upstream *u, int64_t *due_ms)
{
	struct server *next = NULL;

	for (guint i = 0; i < u->servers->len; i++) {
		struct server *s = g_ptr_array_index(u->servers, i);

		if (!next || s->probe_due_ms < next->probe_due_ms)
			next = s;
	}
	*due_ms = next->probe_due_ms;
	return next;
}

static void *
run(void *arg)
{
	struct upstream *u = arg;
	struct server *s;
	struct wait w;
	int64_t due;

	pthread_mutex_lock(&u->mu);
	while (!u->stopping) {
		s = next_due(u, &due);
		if (due > now_ms()) {
			wait_init(&w, (struct deadline){ .at_ms = due }, 0, NULL, NULL);
			wait_cond(&w, &u->wake, &u->mu);
			continue;
		}
		pthread_mutex_unlock(&u->mu);
		probe_one(s);
		pthread_mutex_lock(&u->mu);
	}
	pthread_mutex_unlock(&u->mu);
	return NULL;
}

void
prober_start(struct upstream *u)
{
	int rc;

	if (!u->engine->ops->probe)
		return;
	pthread_mutex_lock(&u->mu);
	rc = u->stopping ? ECANCELED : pthread_create(&u->thread, NULL, run, u);
	u->has_thread = rc == 0;
	pthread_mutex_unlock(&u->mu);
	if (rc != 0)
		log_warn("engine %s: no thread for probes: %s", u->engine->title, g_strerror(rc));
}

void
prober_stop(struct upstream *u)
{
	bool join;

	pthread_mutex_lock(&u->mu);
	u->stopping = true;
	join = u->has_thread;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->mu);
	eventfd_write(u->stop_fd, 1);
	if (join)
		pthread_join(u->thread, NULL);
}
