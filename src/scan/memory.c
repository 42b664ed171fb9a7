/*
 * memory - what the scans of one daemon know of each other
 */
#include "scan/memory.h"

#include <openssl/crypto.h>
#include <string.h>

#include "conf/conf.h"
#include "scan/identity.h"

#define DAY_MS (24 * 3600 * 1000)

bool
memory_is_on(const struct conf *conf)
{
	const struct conf_antivirus *a = &conf->antivirus;

	return a->cache_memory > 0 && (a->cache_size > 0 || a->cache_size_clean > 0);
}

static struct cache_limits
limits_of(const struct conf *conf)
{
	return (struct cache_limits){
		.findings = conf->antivirus.cache_size,
		.clean = conf->antivirus.cache_size_clean,
		.bytes = conf->antivirus.cache_memory,
		.ttl_unversioned_ms = conf->antivirus.cache_ttl_unversioned,
	};
}

/* Scanning processes that the configuration asks for. */
static unsigned
workers_of(const struct conf *conf)
{
	const struct conf_engine *e = g_ptr_array_index(conf->engines, 0);

	for (guint i = 0; i < conf->engines->len; i++) {
		const struct conf_engine *other = g_ptr_array_index(conf->engines, i);

		if (strcmp(other->kind, "clamav") == 0 && other->enabled != ENABLED_NO)
			e = other;
	}
	return (unsigned)MAX(e->clamav.workers, 1);
}

static bool
read_password(const char *path, char **password, GError **err)
{
	*password = NULL;
	if (*path == '\0') {
		*password = g_strdup("");
		return true;
	}
	if (!g_file_get_contents(path, password, NULL, err)) {
		g_prefix_error(err, "cache.password_file: ");
		return false;
	}
	g_strchomp(*password);
	return true;
}

struct memory *
memory_new(const struct conf *conf, GError **err)
{
	const struct cache_limits lim = limits_of(conf);
	struct memory *m = g_new0(struct memory, 1);

	pthread_mutex_init(&m->mu, NULL);
	m->cache = cache_new(&lim);
	m->flights = flights_new(
	    (unsigned)conf->antivirus.max_attempts, conf->antivirus.message_time_max / 4);
	m->attempts = attempts_new(DAY_MS);
	m->large = lane_new(lane_slots(workers_of(conf)));
	if (*conf->cache.redis != '\0' &&
	    (!mac_key_read(conf->cache.secret_file, &m->key, err) ||
		!read_password(conf->cache.password_file, &m->password, err)))
		memory_free(&m);
	return m;
}

bool
memory_start(struct memory *m, const struct conf *conf, GError **err)
{
	const struct conf_cache *c = &conf->cache;
	struct cache_redis_conf redis;

	if (*c->redis == '\0')
		return true;
	redis = (struct cache_redis_conf){
		.server = c->redis,
		.prefix = c->prefix,
		.user = c->user,
		.password = m->password,
		.database = (unsigned)c->database,
		.tls = c->tls,
		.tls_ca = c->tls_ca,
		.timeout_ms = c->timeout,
		.key = m->key,
	};
	m->redis = cache_redis_new(&redis, err);
	return m->redis != NULL;
}

void
memory_apply(struct memory *m, const struct conf *conf)
{
	const struct cache_limits lim = limits_of(conf);

	cache_resize(m->cache, &lim);
	lane_resize(m->large, lane_slots(workers_of(conf)));
}

void
memory_free(struct memory **mp)
{
	struct memory *m = *mp;

	if (m == NULL)
		return;
	cache_redis_free(&m->redis);
	cache_free(&m->cache);
	flights_free(&m->flights);
	attempts_free(&m->attempts);
	lane_free(&m->large);
	if (m->password != NULL)
		OPENSSL_cleanse(m->password, strlen(m->password));
	g_free(m->password);
	conf_unref(&m->conf);
	pthread_mutex_destroy(&m->mu);
	OPENSSL_cleanse(&m->key, sizeof m->key);
	g_free(m);
	*mp = NULL;
}

void
memory_options(struct memory *m, const struct conf *conf, uint8_t out[DIGEST_LEN])
{
	struct conf *old = NULL;
	bool known;

	pthread_mutex_lock(&m->mu);
	known = m->conf == conf;
	if (known)
		memcpy(out, m->options, DIGEST_LEN);
	pthread_mutex_unlock(&m->mu);
	if (known)
		return;
	identity_options(conf, out);
	pthread_mutex_lock(&m->mu);
	old = m->conf;
	m->conf = conf_ref(conf);
	memcpy(m->options, out, DIGEST_LEN);
	pthread_mutex_unlock(&m->mu);
	conf_unref(&old);
}

/* The second tier learns what the first has forgotten. */
static void
forget(struct memory *m, const GByteArray *keys)
{
	for (guint at = 0; m->redis != NULL && at < keys->len; at += DIGEST_LEN)
		cache_redis_forget(m->redis, keys->data + at);
}

void
memory_suspect(void *memory, uint64_t worker)
{
	struct memory *m = memory;
	g_autoptr(GByteArray) keys = g_byte_array_new();

	cache_purge_worker(m->cache, worker, keys);
	forget(m, keys);
}

size_t
memory_purge(struct memory *m, const uint8_t *object)
{
	g_autoptr(GByteArray) keys = g_byte_array_new();
	size_t n = object != NULL ? cache_purge_object(m->cache, object, keys)
				  : cache_purge_all(m->cache, keys);

	forget(m, keys);
	if (object == NULL)
		attempts_clear(m->attempts);
	return n;
}
