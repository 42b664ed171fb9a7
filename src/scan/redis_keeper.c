/*
 * redis_keeper - the thread that keeps connections open and does what need not be done while a mail
 * waits
 */
#include <string.h>

#include "scan/redis_shared.h"

#define CONNECT_MS    1000
#define JOB_MS        1000
#define JOB_REPLY_MAX 1024
#define IDLE_MS       1000 /* without work the thread looks around this often */

static struct redis_conn *
connect_now(struct cache_redis *r)
{
	const struct redis_login login = {
		.address = r->address,
		.tls = r->tls,
		.user = r->user,
		.password = r->password,
		.database = r->database,
		.connect_ms = CONNECT_MS,
	};
	g_autoptr(GError) err = NULL;
	struct redis_conn *c;
	struct wait wait;

	wait_init(&wait, deadline_in(CONNECT_MS), CONNECT_MS, NULL, NULL);
	c = redis_conn_open(&login, &wait, &err);
	pthread_mutex_lock(&r->mu);
	r->stats.connects += c != NULL;
	r->stats.connect_failed += c == NULL;
	pthread_mutex_unlock(&r->mu);
	if (c == NULL)
		redis_leave_alone(r, err->message);
	if (c != NULL && !r->was_up)
		log_notice("cache: redis %s: connected", r->address->text);
	r->was_up = c != NULL;
	return c;
}

/* One more connection for look-ups. */
static void
fill(struct cache_redis *r)
{
	struct redis_conn *c = connect_now(r);

	if (c == NULL)
		return;
	pthread_mutex_lock(&r->mu);
	r->open++;
	r->idle[r->idle_count++] = c;
	pthread_mutex_unlock(&r->mu);
}

/* Close idle connections that the server has closed, so that no mail finds out. */
static void
tidy(struct cache_redis *r)
{
	for (unsigned n = REDIS_CONNS; n > 0; n--) {
		struct redis_conn *c = NULL;

		pthread_mutex_lock(&r->mu);
		if (r->idle_count > 0) {
			c = r->idle[0];
			memmove(r->idle, r->idle + 1, --r->idle_count * sizeof *r->idle);
		}
		pthread_mutex_unlock(&r->mu);
		if (c == NULL)
			return;
		if (!redis_conn_is_quiet(c))
			redis_conn_close(&c);
		redis_give(r, c);
	}
}

/* Send one job. A server that refuses it (read-only replica, out of memory) is alive all the same.
 * False when no answer came. */
static bool
work(struct cache_redis *r, const GString *command)
{
	AUTO(redis_reply_free) struct redis_reply *reply = NULL;
	struct wait wait;
	bool ok = false, answered;

	wait_init(&wait, deadline_in(JOB_MS), JOB_MS, NULL, NULL);
	if (r->writer != NULL && !redis_conn_is_quiet(r->writer))
		redis_conn_close(&r->writer);
	if (r->writer == NULL)
		r->writer = connect_now(r);
	if (r->writer != NULL) {
		ok = redis_conn_ask(r->writer, command, JOB_REPLY_MAX, 1, &reply, &wait, NULL);
		redis_note(r, ok);
		if (!ok)
			redis_conn_close(&r->writer);
	}
	answered = ok;
	ok = ok && reply->type != REDIS_ERROR;
	pthread_mutex_lock(&r->mu);
	r->stats.stored += ok;
	r->stats.store_failed += !ok;
	pthread_mutex_unlock(&r->mu);
	return answered;
}

/* Work off one job. What could not be stored is scanned again one day; what could not be deleted
 * may be believed, so it is tried until the server has answered. Takes command. */
static void
work_off(struct cache_redis *r, GString *command)
{
	if (work(r, command) || !g_str_has_prefix(command->str, REDIS_DEL_HEAD)) {
		g_string_free(command, TRUE);
		return;
	}
	pthread_mutex_lock(&r->mu);
	g_queue_push_head(&r->jobs, command);
	pthread_mutex_unlock(&r->mu);
}

/* Locks: r->mu. Is there something to do? Sleeps when there is not, at most IDLE_MS. */
static bool
is_needed(struct cache_redis *r)
{
	int64_t closed_ms = r->closed_until_ms - now_ms();
	struct wait wait;

	if (closed_ms <= 0 && (r->open < REDIS_CONNS || !g_queue_is_empty(&r->jobs)))
		return true;
	wait_init(&wait, deadline_in(closed_ms > 0 ? MIN(closed_ms, IDLE_MS) : IDLE_MS), IDLE_MS,
	    NULL, NULL);
	wait_cond(&wait, &r->work, &r->mu);
	return false;
}

void *
redis_keeper(void *arg)
{
	struct cache_redis *r = arg;

	pthread_mutex_lock(&r->mu);
	while (!r->stop) {
		bool needed = is_needed(r), thin = r->open < REDIS_CONNS;
		GString *command = needed && !thin ? g_queue_pop_head(&r->jobs) : NULL;

		pthread_mutex_unlock(&r->mu);
		if (!needed)
			tidy(r);
		if (needed && thin)
			fill(r);
		if (command != NULL)
			work_off(r, command);
		pthread_mutex_lock(&r->mu);
	}
	pthread_mutex_unlock(&r->mu);
	redis_conn_close(&r->writer);
	return NULL;
}

struct cache_redis *
cache_redis_new(const struct cache_redis_conf *conf, GError **err)
{
	const struct tls_conf tls = { .ca = conf->tls_ca, .cert = "", .key = "", .name = "" };
	struct cache_redis *r = g_new0(struct cache_redis, 1);
	int rc;

	pthread_mutex_init(&r->mu, NULL);
	cond_init(&r->work);
	g_queue_init(&r->jobs);
	r->prefix = g_strdup(conf->prefix);
	r->user = g_strdup(conf->user);
	r->password = g_strdup(conf->password);
	r->database = conf->database;
	r->timeout_ms = conf->timeout_ms;
	r->key = conf->key;
	r->backoff_ms = REDIS_BACKOFF_MIN;
	r->address = address_parse(conf->server, "6379", NULL, err);
	if (r->address != NULL && (conf->tls || r->address->tls))
		r->tls = tls_new(&tls, err);
	if (r->address == NULL || ((conf->tls || r->address->tls) && r->tls == NULL)) {
		g_prefix_error(err, "cache.redis: ");
		cache_redis_free(&r);
		return NULL;
	}
	rc = pthread_create(&r->thread, NULL, redis_keeper, r);
	g_assert(rc == 0);
	r->started = true;
	return r;
}

static void
free_job(void *p)
{
	g_string_free(p, TRUE);
}

void
cache_redis_free(struct cache_redis **rp)
{
	struct cache_redis *r = *rp;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->mu);
	r->stop = true;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->mu);
	if (r->started)
		pthread_join(r->thread, NULL);
	while (r->idle_count > 0)
		redis_conn_close(&r->idle[--r->idle_count]);
	g_queue_clear_full(&r->jobs, free_job);
	tls_free(&r->tls);
	address_free(&r->address);
	g_free(r->prefix);
	g_free(r->user);
	g_free(r->password);
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->mu);
	g_free(r);
	*rp = NULL;
}
