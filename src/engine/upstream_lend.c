/*
 * upstream_lend - lending connections, and who is in rotation
 */
#include "base/log.h"
#include "conf/conf.h"
#include "engine/balance.h"
#include "engine/upstream_in.h"

#define IDLE_MAX_MS 20000 /* clamd closes idle sessions after 30 s, ICAP servers after 60 s */
#define GOODBYE_MS  100
#define NEVER_TOLD  0

void
conn_close(struct conn **cp)
{
	struct conn *c = *cp;
	struct wait w;

	if (!c)
		return;
	if (c->wire && c->keep && c->engine->ops->goodbye && wire_is_quiet(c->wire)) {
		wait_init(&w, deadline_in(GOODBYE_MS), 0, NULL, NULL);
		wire_begin(c->wire, &w);
		c->engine->ops->goodbye(c->engine, c);
	}
	wire_free(&c->wire);
	probe_unref(&c->probe);
	g_free(c);
	*cp = NULL;
}

/* Open c's stream. False and v FAILED. */
static bool
open_stream(struct conn *c, struct wait *wait, struct verdict *v)
{
	struct server *s = c->server;
	const struct conf_net *net = &c->engine->conf->net;
	struct net_how how = { server_speaks_tls(s) ? s->upstream->tls : NULL, net->connect_time,
		c->cancel_fd };
	struct net *n;
	GError *why = NULL;

	c->exchanges = 0;
	c->reused = c->keep = false;
	n = net_connect(s->address, &how, wait, &why);
	if (!n) {
		/* A connection that does not come up is nobody's answer: never the object's fault.
		 */
		conn_refuse(c, v, why->code == NET_E_IO ? REASON_SPOOL : REASON_UNREACHABLE, "%s",
		    why->message);
		g_error_free(why);
		return false;
	}
	c->wire = wire_new(n, net->read_write_time);
	wire_begin(c->wire, wait);
	if (c->engine->ops->greet && !c->engine->ops->greet(c->engine, c, &why)) {
		conn_refuse(c, v, REASON_UNREACHABLE, "greeting: %s", why->message);
		g_error_free(why);
		return false;
	}
	return true;
}

struct conn *
server_connect(struct server *s, int cancel_fd, struct wait *wait, struct verdict *v)
{
	struct conn *c = g_new0(struct conn, 1);

	c->engine = s->upstream->engine;
	c->server = s;
	c->address = s->address;
	c->cancel_fd = cancel_fd;
	if (!open_stream(c, wait, v))
		conn_close(&c);
	pthread_mutex_lock(&s->upstream->mu);
	s->connects++;
	pthread_mutex_unlock(&s->upstream->mu);
	return c;
}

bool
conn_reopen(struct conn *c, struct verdict *v)
{
	struct wait *wait = wire_wait(c->wire);

	wire_free(&c->wire);
	return open_stream(c, wait, v);
}

static enum standing
standing(const struct server *s)
{
	if (s->out_until_ms == 0)
		return STANDING_IN;
	if (now_ms() < s->out_until_ms)
		return STANDING_OUT;
	/* Without a probe only an object can find out. */
	return s->upstream->engine->ops->probe ? STANDING_SUSPECT : STANDING_IN;
}

static unsigned
limit(const struct server *s)
{
	unsigned ours = (unsigned)s->upstream->engine->conf->net.max_connections;
	unsigned theirs = s->probe ? s->probe->max_connections : NEVER_TOLD;

	return theirs == NEVER_TOLD ? ours : MIN(ours, theirs);
}

/* Locks: u->mu. */
static int
pick(struct upstream *u, const struct tried *tried)
{
	struct candidate c[UPSTREAM_MAX];

	for (guint i = 0; i < u->servers->len; i++) {
		const struct server *s = g_ptr_array_index(u->servers, i);

		c[i] = (struct candidate){ standing(s), s->busy, limit(s), tried->yes[i] };
	}
	return balance_pick(c, u->servers->len, u->turn++ % u->servers->len);
}

/* The server whose turn it is, one connection of it taken; NULL when all were tried, or v FAILED
 * when none got free. */
static struct server *
take(struct upstream *u, struct tried *tried, struct wait *wait, struct verdict *v)
{
	struct server *s = NULL;
	int i;

	pthread_mutex_lock(&u->mu);
	while ((i = pick(u, tried)) == BALANCE_FULL)
		if (!wait_cond(wait, &u->changed, &u->mu))
			break;
	if (i >= 0) {
		s = g_ptr_array_index(u->servers, (guint)i);
		s->busy++;
		tried->yes[i] = true;
		tried->count++;
	}
	pthread_mutex_unlock(&u->mu);
	if (i == BALANCE_FULL)
		verdict_fail(v, REASON_BUSY,
		    "engine %s: no server had a free connection in time; raise "
		    "max_connections or add servers",
		    u->engine->title);
	return s;
}

/* An idle connection that still lives, or NULL. */
static struct conn *
take_idle(struct server *s)
{
	struct conn *c;

	for (;;) {
		pthread_mutex_lock(&s->upstream->mu);
		c = g_queue_pop_head(&s->idle);
		pthread_mutex_unlock(&s->upstream->mu);
		if (!c)
			return NULL;
		if (c->idle_since_ms + IDLE_MAX_MS > now_ms() && wire_is_quiet(c->wire)) {
			c->reused = true;
			return c;
		}
		conn_close(&c);
	}
}

/* Give the taken place back without a connection. */
static void
give_up(struct server *s)
{
	pthread_mutex_lock(&s->upstream->mu);
	s->busy--;
	pthread_cond_broadcast(&s->upstream->changed);
	pthread_mutex_unlock(&s->upstream->mu);
}

struct conn *
upstream_borrow(struct upstream *u, struct tried *tried, struct wait *wait, struct verdict *v)
{
	struct server *s = take(u, tried, wait, v);
	struct conn *c;
	bool needs_probe;

	if (!s)
		return NULL;
	c = take_idle(s);
	if (!c)
		c = server_connect(s, -1, wait, v);
	if (!c) {
		server_account(s, v->failed, v->failed_why, false);
		give_up(s);
		return NULL;
	}
	pthread_mutex_lock(&u->mu);
	needs_probe = u->engine->ops->caps & ENGINE_CAP_PROBED && !s->probe;
	pthread_mutex_unlock(&u->mu);
	if (needs_probe && !server_probe(s, c, wait, v)) {
		upstream_return(&c, v->failed, v->failed_why);
		return NULL;
	}
	if (needs_probe)
		c->reused = c->keep; /* it may close after OPTIONS, as after any answer */
	if (needs_probe && !c->keep && !conn_reopen(c, v)) {
		upstream_return(&c, v->failed, v->failed_why);
		return NULL;
	}
	pthread_mutex_lock(&u->mu);
	probe_unref(&c->probe);
	c->probe = probe_ref(s->probe);
	pthread_mutex_unlock(&u->mu);
	wire_begin(c->wire, wait);
	return c;
}

/* How long a failure keeps a server out; 0 = it is not the server's fault. */
static int64_t
out_ms(const struct conf_net *net, enum reason failed)
{
	switch (failed) {
	case REASON_BUSY:
		return net->busy_retry_time;
	case REASON_NO_LICENSE:
		return net->license_retry_time;
	case REASON_UNREACHABLE:
	case REASON_TIMEOUT:
	case REASON_LOST:
	case REASON_PROTOCOL:
		return net->fail_retry_time;
	default:
		return 0;
	}
}

void
server_account(struct server *s, enum reason failed, const char *why, bool by_probe)
{
	struct upstream *u = s->upstream;
	int64_t out = out_ms(&u->engine->conf->net, failed);
	bool was_in, now_in;

	pthread_mutex_lock(&u->mu);
	was_in = s->out_until_ms == 0;
	if (failed == REASON_NONE && by_probe && now_ms() < s->out_until_ms) {
		/* It began before the failure, or proves less than that did: the time runs on. */
	} else if (failed == REASON_NONE) {
		s->served += !by_probe;
		s->out_until_ms = 0;
		s->out_why = REASON_NONE;
	} else {
		s->failed++;
		if (out > 0) {
			s->out_until_ms = now_ms() + out;
			s->out_why = failed;
			s->probe_due_ms = s->out_until_ms;
			pthread_cond_signal(&u->wake);
		}
	}
	now_in = s->out_until_ms == 0;
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->mu);
	if (was_in && !now_in)
		log_msg(failed == REASON_NO_LICENSE ? LOGLV_ERR : LOGLV_WARNING,
		    "%s; out of rotation for %" G_GINT64_FORMAT " s",
		    why ? why : reason_name(failed), out / 1000);
	else if (!was_in && now_in)
		log_notice("engine %s: %s: back in rotation", u->engine->title, s->address->text);
}

void
upstream_return(struct conn **cp, enum reason failed, const char *why)
{
	struct conn *c = *cp;
	struct server *s;

	if (!c)
		return;
	s = c->server;
	*cp = NULL;
	server_account(s, failed, why, false);
	if (!c->keep || failed != REASON_NONE || !c->wire) {
		c->keep = false;
		conn_close(&c);
	}
	pthread_mutex_lock(&s->upstream->mu);
	s->busy--;
	if (c) {
		c->idle_since_ms = now_ms();
		g_queue_push_head(&s->idle, c);
	}
	pthread_cond_broadcast(&s->upstream->changed);
	pthread_mutex_unlock(&s->upstream->mu);
}
