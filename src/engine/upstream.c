/*
 * upstream - the pool as it is configured, and what it knows
 */
#include "engine/upstream.h"

#include <sys/eventfd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "engine/upstream_in.h"

static void
server_free(void *p)
{
	struct server *s = p;
	struct conn *c;

	while ((c = g_queue_pop_head(&s->idle)))
		conn_close(&c);
	probe_unref(&s->probe);
	address_free(&s->address);
	g_free(s);
}

/* Does the section ask for TLS to every server? */
static bool
wants_tls(const struct engine *e)
{
	return e->conf->net.tls || e->conf->kse.use_https || e->conf->avast.use_https;
}

static bool
needs_tls(const struct upstream *u)
{
	if (wants_tls(u->engine))
		return true;
	for (guint i = 0; i < u->servers->len; i++)
		if (((struct server *)g_ptr_array_index(u->servers, i))->address->tls)
			return true;
	return false;
}

static bool
add_servers(struct upstream *u, GError **err)
{
	const struct engine *e = u->engine;
	const char *port =
	    wants_tls(e) && e->ops->tls_port ? e->ops->tls_port : e->ops->default_port;

	for (char **text = e->conf->net.servers; *text; text++) {
		struct server *s = g_new0(struct server, 1);

		g_ptr_array_add(u->servers, s);
		s->upstream = u;
		g_queue_init(&s->idle);
		s->address = address_parse(*text, port, e->ops->tls_port, err);
		if (!s->address)
			return false;
	}
	if (u->servers->len == 0 || u->servers->len > UPSTREAM_MAX) {
		g_set_error(err, NET_ERROR, NET_E_IO, "servers names %u servers; write 1 to %d",
		    u->servers->len, UPSTREAM_MAX);
		return false;
	}
	return true;
}

struct upstream *
upstream_new(struct engine *e, GError **err)
{
	struct upstream *u = g_new0(struct upstream, 1);
	const struct conf_net *net = &e->conf->net;
	const struct tls_conf t = {
		.ca = net->tls_ca, .cert = net->tls_cert, .key = net->tls_key, .name = net->tls_name
	};

	u->engine = e;
	u->servers = g_ptr_array_new_with_free_func(server_free);
	u->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&u->mu, NULL);
	cond_init(&u->changed);
	cond_init(&u->wake);
	if (u->stop_fd >= 0 && add_servers(u, err) &&
	    (!needs_tls(u) || (u->tls = tls_new(&t, err))))
		return u;
	g_prefix_error(
	    err, "%s:%u: %s \"%s\": ", e->conf->file, e->conf->line, e->ops->name, e->title);
	upstream_free(&u);
	return NULL;
}

void
upstream_free(struct upstream **up)
{
	struct upstream *u = *up;

	if (!u)
		return;
	prober_stop(u);
	g_ptr_array_unref(u->servers);
	tls_free(&u->tls);
	fd_close(&u->stop_fd);
	g_free(u->definitions);
	pthread_cond_destroy(&u->changed);
	pthread_cond_destroy(&u->wake);
	pthread_mutex_destroy(&u->mu);
	g_free(u);
	*up = NULL;
}

bool
server_speaks_tls(const struct server *s)
{
	return !s->address->path && (s->address->tls || wants_tls(s->upstream->engine));
}

static void
warn_clear_text(const struct upstream *u)
{
	for (guint i = 0; i < u->servers->len; i++) {
		const struct server *s = g_ptr_array_index(u->servers, i);

		if (!server_speaks_tls(s) && !address_is_local(s->address))
			log_warn("engine %s: %s: mail goes to another host in clear text; set tls "
				 "= true if the server can",
			    u->engine->title, s->address->text);
	}
}

void
upstream_start(struct upstream *u)
{
	bool first;

	pthread_mutex_lock(&u->mu);
	first = !u->started;
	u->started = true;
	pthread_mutex_unlock(&u->mu);
	if (!first)
		return;
	warn_clear_text(u);
	prober_start(u);
}

char *
upstream_definitions(struct upstream *u)
{
	char *copy;

	pthread_mutex_lock(&u->mu);
	copy = g_strdup(u->definitions);
	pthread_mutex_unlock(&u->mu);
	return copy;
}

int64_t
upstream_made(struct upstream *u)
{
	int64_t oldest = 0;

	pthread_mutex_lock(&u->mu);
	for (guint i = 0; i < u->servers->len; i++) {
		const struct server *s = g_ptr_array_index(u->servers, i);
		const int64_t made = s->probe ? s->probe->made : 0;

		if (made > 0 && (oldest == 0 || made < oldest))
			oldest = made;
	}
	pthread_mutex_unlock(&u->mu);
	return oldest;
}

bool
upstream_tag(struct upstream *u, char **tag)
{
	bool same = true;

	*tag = NULL;
	pthread_mutex_lock(&u->mu);
	for (guint i = 0; i < u->servers->len && same; i++) {
		const struct server *s = g_ptr_array_index(u->servers, i);

		/* One that was never asked is asked before it scans, or has no probe at all. */
		if (!s->probe)
			same = !u->engine->ops->probe;
		else if (i == 0)
			*tag = g_strdup(s->probe->tag);
		else
			same = g_strcmp0(*tag, s->probe->tag) == 0;
	}
	pthread_mutex_unlock(&u->mu);
	if (!same)
		g_clear_pointer(tag, g_free);
	return same;
}

static void
stats_free(void *p)
{
	struct server_stats *st = p;

	g_free(st->server);
	g_free(st->version);
	g_free(st->definitions);
	g_free(st);
}

GPtrArray *
upstream_stats(struct upstream *u)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(stats_free);

	pthread_mutex_lock(&u->mu);
	for (guint i = 0; i < u->servers->len; i++) {
		const struct server *s = g_ptr_array_index(u->servers, i);
		struct server_stats *st = g_new0(struct server_stats, 1);

		st->server = g_strdup(s->address->text);
		st->version = g_strdup(s->probe ? s->probe->version : NULL);
		st->definitions = g_strdup(s->probe ? s->probe->definitions : NULL);
		st->out_why = s->out_until_ms == 0 ? REASON_NONE : s->out_why;
		st->probed = s->probe != NULL;
		st->busy = s->busy;
		st->idle = g_queue_get_length((GQueue *)(uintptr_t)&s->idle);
		st->served = s->served;
		st->failed = s->failed;
		st->connects = s->connects;
		g_ptr_array_add(out, st);
	}
	pthread_mutex_unlock(&u->mu);
	return out;
}
