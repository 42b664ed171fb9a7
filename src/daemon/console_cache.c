/* console_cache - see console_cache.h */
#include "daemon/console_cache.h"

#include <string.h>

#include "base/log.h"
#include "daemon/jsonx.h"

static json_t *
level_object(const struct cache_stats *st, enum cache_level level)
{
	json_t *o = json_object();

	put_number(o, "hits", st->hits[level]);
	put_number(o, "misses", st->misses[level]);
	return o;
}

static json_t *
memory_object(const struct cache_stats *st)
{
	json_t *o = json_object();

	json_object_set_new(o, "messages", level_object(st, CACHE_MESSAGE));
	json_object_set_new(o, "objects", level_object(st, CACHE_OBJECT));
	put_number(o, "entries_with_findings", st->findings);
	put_number(o, "entries_clean", st->clean);
	put_number(o, "bytes", st->bytes);
	put_number(o, "stored", st->stored);
	put_number(o, "not_stored", st->refused);
	put_number(o, "evicted", st->evicted);
	put_number(o, "expired", st->expired);
	put_number(o, "purged", st->purged);
	return o;
}

static json_t *
flights_object(struct flights *fs)
{
	struct flights_stats st;
	json_t *o = json_object();

	flights_stats(fs, &st);
	put_number(o, "under_way", st.flying);
	put_number(o, "waiting", st.waiting);
	put_number(o, "led", st.led);
	put_number(o, "followed", st.followed);
	put_number(o, "taken_over", st.promoted);
	put_number(o, "not_waited_for", st.timeouts);
	return o;
}

static json_t *
redis_object(struct cache_redis *r)
{
	struct cache_redis_stats st;
	json_t *o;

	if (r == NULL)
		return json_null();
	cache_redis_stats(r, &st);
	o = json_object();
	put_bool(o, "up", st.up);
	put_number(o, "hits", st.hits);
	put_number(o, "misses", st.misses);
	put_number(o, "forged", st.forged);
	put_number(o, "failed", st.failed);
	put_number(o, "not_asked", st.skipped);
	put_number(o, "stored", st.stored);
	put_number(o, "store_failed", st.store_failed);
	put_number(o, "dropped", st.dropped);
	put_number(o, "connects", st.connects);
	put_number(o, "connect_failed", st.connect_failed);
	return o;
}

static json_t *
lane_object(struct lane *l)
{
	struct lane_stats st;
	json_t *o = json_object();

	lane_stats(l, &st);
	put_number(o, "places", st.slots);
	put_number(o, "inside", st.inside);
	put_number(o, "waiting", st.waiting);
	return o;
}

json_t *
console_cache_stats(struct memory *m)
{
	struct cache_stats st;
	json_t *o = json_object();

	cache_stats(m->cache, &st);
	json_object_set_new(o, "memory", memory_object(&st));
	json_object_set_new(o, "same_scans", flights_object(m->flights));
	json_object_set_new(o, "large_messages", lane_object(m->large));
	json_object_set_new(o, "redis", redis_object(m->redis));
	return o;
}

/* 64 hex digits. */
static bool
parse_hash(const char *text, uint8_t out[DIGEST_LEN])
{
	if (strlen(text) != DIGEST_HEX - 1)
		return false;
	for (size_t i = 0; i < DIGEST_LEN; i++) {
		int high = g_ascii_xdigit_value(text[2 * i]);
		int low = g_ascii_xdigit_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static json_t *
refuse(GError **err, const char *why)
{
	g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, why);
	return NULL;
}

json_t *
console_cache(struct memory *m, char *const *words, bool may_act, GError **err)
{
	uint8_t hash[DIGEST_LEN];
	size_t n;

	if (words[0] == NULL || (strcmp(words[0], "stats") == 0 && words[1] == NULL))
		return console_cache_stats(m);
	if (strcmp(words[0], "purge") != 0 || words[1] == NULL || words[2] != NULL)
		return refuse(err, "cache: wanted is stats, purge HASH, or purge all");
	if (!may_act)
		return refuse(err, "cache purge: only for root and the daemon's own user");
	if (strcmp(words[1], "all") == 0)
		n = memory_purge(m, NULL);
	else if (parse_hash(words[1], hash))
		n = memory_purge(m, hash);
	else
		return refuse(
		    err, "cache purge: wanted is the sha256 of an object, 64 hex digits, or all");
	log_notice("cache: %zu entr%s purged by the console", n, n == 1 ? "y" : "ies");
	return json_pack("{s:I}", "purged", (json_int_t)n);
}
