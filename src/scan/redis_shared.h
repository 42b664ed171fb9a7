/*
 * redis_shared - what cache_redis.c and redis_keeper.c share; nobody else includes it
 */
#ifndef AVM_SCAN_REDIS_SHARED_H
#define AVM_SCAN_REDIS_SHARED_H

#include <glib.h>
#include <pthread.h>

#include "base/log.h"
#include "scan/cache_redis.h"
#include "scan/redis_conn.h"

#define REDIS_JOBS_MAX		1024
#define REDIS_FORGETS_MAX	100000	/* what is not deleted may be believed */
#define REDIS_BACKOFF_MIN	1000
#define REDIS_BACKOFF_MAX	30000
#define REDIS_DEL_HEAD		"*2\r\n$3\r\nDEL\r\n"	/* how a job that deletes begins */
#define REDIS_QUIET_MS		60000	/* between two complaints */
#define REDIS_VALUE_LIFE	"259200000"	/* milliseconds: definitions change daily, a value of an older set is never asked for */
#define REDIS_COUNT_LIFE	"86400"		/* seconds (P32) */

struct cache_redis {
	/* constant */
	struct address	*address;
	struct tls	*tls;
	char		*prefix, *user, *password;
	unsigned	 database;
	int64_t		 timeout_ms;
	struct mac_key	 key;
	pthread_t	 thread;
	bool		 started;
	/* the keeper's own */
	struct redis_conn *writer;
	bool		 was_up;
	struct log_limit complaint;

	pthread_mutex_t	 mu;			/* guards what follows */
	pthread_cond_t	 work;			/* a job, a free place for a connection, or the end */
	bool		 stop;
	struct redis_conn *idle[REDIS_CONNS];
	unsigned	 idle_count, open;	/* open: idle and lent connections */
	GQueue		 jobs;			/* of GString *, commands with one reply each */
	unsigned	 failures;		/* in a row */
	int64_t		 closed_until_ms, backoff_ms;
	struct cache_redis_stats stats;
};

/* prefix, kind, hex. The caller frees. */
char	*redis_key(const struct cache_redis *r, const char *kind, const uint8_t key[DIGEST_LEN]);
/* An exchange went well, or did not: works the breaker. */
void	 redis_note(struct cache_redis *r, bool ok);
/* Do not ask the server for a while, each time longer; logs why. */
void	 redis_leave_alone(struct cache_redis *r, const char *why);
/* Put a connection back into the pool, or NULL = the one that was taken is gone. */
void	 redis_give(struct cache_redis *r, struct redis_conn *c);

/* The thread: opens connections, works off the jobs, until stop. */
void	*redis_keeper(void *cache_redis);

#endif
