/*
 * memory - what the scans of one daemon know of each other: cache, scans under way, broken attempts, the shared cache
 *
 * Lives as long as the daemon; a reload of the configuration changes its sizes. Secrets are read when it is made, while the
 * daemon may still read them; the thread of the shared cache starts with memory_start().
 */
#ifndef AVM_SCAN_MEMORY_H
#define AVM_SCAN_MEMORY_H

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/lane.h"
#include "scan/attempts.h"
#include "scan/cache.h"
#include "scan/cache_redis.h"
#include "scan/flight.h"

struct conf;

struct memory {
	struct cache	*cache;
	struct flights	*flights;
	struct attempts	*attempts;
	struct lane	*large;		/* large messages on their way to a worker, or in one */
	struct cache_redis *redis;	/* NULL = none */
	struct mac_key	 key;
	char		*password;
	pthread_mutex_t	 mu;		/* guards what follows */
	struct conf	*conf;		/* the one that options was made from; a reference */
	uint8_t		 options[DIGEST_LEN];
};

/* NULL and *err: secret_file or password_file cannot be used. */
struct memory *memory_new(const struct conf *conf, GError **err);
/* Connect the shared cache, if there is one. False and *err. */
bool	 memory_start(struct memory *m, const struct conf *conf, GError **err);
/* Another configuration holds from now on: sizes. Any thread. */
void	 memory_apply(struct memory *m, const struct conf *conf);
/* Nobody may be scanning. */
void	 memory_free(struct memory **m);

/* Is anything kept under this configuration? */
bool	 memory_is_on(const struct conf *conf);
/* identity_options() of conf, made once for each configuration. Any thread. */
void	 memory_options(struct memory *m, const struct conf *conf, uint8_t out[DIGEST_LEN]);
/* Forget what this worker (lease_worker()) found clean: it may have been taken over. For workers_conf.suspect; any thread. */
void	 memory_suspect(void *memory, uint64_t worker);

/* Purge in both tiers: one object by its sha256 (or a message by its fingerprint), or, with NULL, everything, also what is known
 * of poison. Returns how many
 * entries of the memory went. */
size_t	 memory_purge(struct memory *m, const uint8_t *object);

#endif
