/*
 * cache_redis - the second tier of the cache: what a mail's thread does, and what the keeper thread
 * shares with it
 *
 * The keeper stands in redis_keeper.c; both see struct cache_redis through redis_shared.h.
 */
#include "scan/cache_redis.h"

#include <string.h>

#include "scan/cache.h"
#include "scan/redis_shared.h"

/* A value and its protocol bytes. */
#define REPLY_MAX (CACHE_VALUE_MAX + MAC_OVERHEAD + 64)

char *
redis_key(const struct cache_redis *r, const char *kind, const uint8_t key[DIGEST_LEN])
{
	char hex[DIGEST_HEX];

	return g_strconcat(r->prefix, kind, digest_hex(key, hex), NULL);
}

void
redis_leave_alone(struct cache_redis *r, const char *why)
{
	unsigned suppressed;
	int64_t ms;

	pthread_mutex_lock(&r->mu);
	ms = r->backoff_ms;
	r->failures = 0;
	r->closed_until_ms = now_ms() + ms;
	r->backoff_ms = MIN(2 * ms, REDIS_BACKOFF_MAX);
	pthread_mutex_unlock(&r->mu);
	if (log_limit_pass(&r->complaint, REDIS_QUIET_MS, &suppressed))
		log_warn("cache: redis %s: %s; scanning goes on without the shared cache, next try "
			 "in %u s",
		    r->address->text, why, (unsigned)(ms / 1000));
}

void
redis_note(struct cache_redis *r, bool ok)
{
	bool enough;

	pthread_mutex_lock(&r->mu);
	r->failures = ok ? 0 : r->failures + 1;
	enough = r->failures >= REDIS_FAILURES;
	if (ok)
		r->backoff_ms = REDIS_BACKOFF_MIN;
	pthread_mutex_unlock(&r->mu);
	if (enough)
		redis_leave_alone(r, "no right answer in time, three times in a row");
}

/* An idle connection, or NULL: none is free, or the server is left alone. */
static struct redis_conn *
take(struct cache_redis *r)
{
	struct redis_conn *c = NULL;

	pthread_mutex_lock(&r->mu);
	if (r->idle_count > 0 && now_ms() >= r->closed_until_ms)
		c = r->idle[--r->idle_count];
	pthread_mutex_unlock(&r->mu);
	return c;
}

void
redis_give(struct cache_redis *r, struct redis_conn *c)
{
	pthread_mutex_lock(&r->mu);
	if (c != NULL)
		r->idle[r->idle_count++] = c;
	else
		r->open--;
	if (c == NULL)
		pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->mu);
}

/* Ask over an idle connection within the slice. */
static bool
ask(struct cache_redis *r, const GString *commands, unsigned n, struct redis_reply **replies,
    int64_t *slice, struct wait *wait)
{
	struct wait cut = wait_until(wait, deadline_in(*slice));
	struct redis_conn *c = *slice > 0 ? take(r) : NULL;
	int64_t began = now_ms();
	bool quiet, ok;

	if (c == NULL) {
		pthread_mutex_lock(&r->mu);
		r->stats.skipped++;
		pthread_mutex_unlock(&r->mu);
		return false;
	}
	/* A connection that the server closed while it was idle is no failure of the server. */
	quiet = redis_conn_is_quiet(c);
	ok = quiet && redis_conn_ask(c, commands, REPLY_MAX, n, replies, &cut, NULL);
	*slice -= now_ms() - began;
	if (!ok)
		redis_conn_close(&c);
	redis_give(r, c);
	if (quiet)
		redis_note(r, ok);
	pthread_mutex_lock(&r->mu);
	r->stats.failed += !ok;
	pthread_mutex_unlock(&r->mu);
	return ok;
}

/* The packed verdict inside a reply, or NULL. */
static GByteArray *
open_reply(struct cache_redis *r, const uint8_t key[DIGEST_LEN], const struct redis_reply *reply)
{
	const void *packed = NULL;
	size_t len = 0;

	if (reply->type == REDIS_STRING)
		packed = mac_open(&r->key, key, reply->bytes, reply->len, &len);
	if (packed != NULL && len > CACHE_VALUE_MAX)
		packed = NULL;
	pthread_mutex_lock(&r->mu);
	r->stats.hits += packed != NULL;
	r->stats.misses += packed == NULL;
	r->stats.forged += packed == NULL && reply->type != REDIS_NOTHING;
	pthread_mutex_unlock(&r->mu);
	return packed != NULL ? g_byte_array_append(g_byte_array_new(), packed, (guint)len) : NULL;
}

void
cache_redis_get(struct cache_redis *r, unsigned n, const uint8_t *keys, GByteArray **values,
    int64_t *slice, struct wait *wait)
{
	struct redis_reply *replies[REDIS_BATCH] = { NULL };
	g_autoptr(GString) commands = g_string_new("");

	g_assert(n <= REDIS_BATCH);
	memset(values, 0, n * sizeof *values);
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *name = redis_key(r, "", keys + i * DIGEST_LEN);
		struct redis_word words[] = { { "GET", 3 }, { name, strlen(name) } };

		redis_command(commands, words, G_N_ELEMENTS(words));
	}
	if (!ask(r, commands, n, replies, slice, wait))
		return;
	for (unsigned i = 0; i < n; i++) {
		values[i] = open_reply(r, keys + i * DIGEST_LEN, replies[i]);
		redis_reply_free(&replies[i]);
	}
}

unsigned
cache_redis_count(struct cache_redis *r, const uint8_t object[DIGEST_LEN], struct wait *wait)
{
	g_autofree char *name = redis_key(r, "attempts:", object);
	struct redis_word incr[] = { { "INCR", 4 }, { name, strlen(name) } };
	struct redis_word expire[] = { { "EXPIRE", 6 }, { name, strlen(name) },
		{ REDIS_COUNT_LIFE, strlen(REDIS_COUNT_LIFE) } };
	struct redis_reply *replies[2] = { NULL };
	g_autoptr(GString) commands = g_string_new("");
	int64_t slice = r->timeout_ms;
	unsigned n = 0;

	redis_command(commands, incr, G_N_ELEMENTS(incr));
	redis_command(commands, expire, G_N_ELEMENTS(expire));
	if (!ask(r, commands, 2, replies, &slice, wait))
		return 0;
	if (replies[0]->type == REDIS_NUMBER && replies[0]->number > 0)
		n = (unsigned)MIN(replies[0]->number, INT_MAX);
	redis_reply_free(&replies[0]);
	redis_reply_free(&replies[1]);
	return n;
}

int64_t
cache_redis_slice(const struct cache_redis *r)
{
	return r->timeout_ms;
}

/* Queue work for the keeper, if fewer than max jobs wait; takes command. */
static void
enqueue(struct cache_redis *r, GString *command, guint max)
{
	bool room;

	pthread_mutex_lock(&r->mu);
	room = g_queue_get_length(&r->jobs) < max;
	if (room)
		g_queue_push_tail(&r->jobs, command);
	r->stats.dropped += !room;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->mu);
	if (!room)
		g_string_free(command, TRUE);
}

void
cache_redis_put(
    struct cache_redis *r, const uint8_t key[DIGEST_LEN], const void *packed, size_t len)
{
	g_autofree char *name = redis_key(r, "", key);
	g_autoptr(GByteArray) value = g_byte_array_new();
	GString *command;

	if (len > CACHE_VALUE_MAX)
		return;
	mac_seal(&r->key, key, packed, len, value);
	command = g_string_sized_new(value->len + 256);
	redis_command(command,
	    (struct redis_word[]){ { "SET", 3 }, { name, strlen(name) },
		{ value->data, value->len }, { "PX", 2 },
		{ REDIS_VALUE_LIFE, strlen(REDIS_VALUE_LIFE) } },
	    5);
	enqueue(r, command, REDIS_JOBS_MAX);
}

void
cache_redis_forget(struct cache_redis *r, const uint8_t key[DIGEST_LEN])
{
	g_autofree char *name = redis_key(r, "", key);
	GString *command = g_string_new("");

	redis_command(command, (struct redis_word[]){ { "DEL", 3 }, { name, strlen(name) } }, 2);
	enqueue(r, command, REDIS_FORGETS_MAX);
}

void
cache_redis_stats(struct cache_redis *r, struct cache_redis_stats *out)
{
	pthread_mutex_lock(&r->mu);
	*out = r->stats;
	out->up = r->open > 0 && now_ms() >= r->closed_until_ms;
	pthread_mutex_unlock(&r->mu);
}
