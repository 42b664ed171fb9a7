/*
 * pool - what the files of src/worker/ share: the pool, its generations, its workers
 *
 * One supervisor thread owns the lists and every descriptor that is not lent out. A session owns a worker's socket,
 * sequence number and buffer while the worker is LEASED; state changes hands under workers.mu only.
 *
 * Locks: workers.mu guards what stands below "mu:"; it is never held across I/O, logging included.
 */
#ifndef AVM_WORKER_POOL_H
#define AVM_WORKER_POOL_H

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "worker/worker.h"
#include "worker/zygote.h"

/* The built-in figures; tests run with smaller ones. */
struct pool_limits {
	unsigned retire_messages;	/* a worker that was taken over can lie no longer than this (decision 4) */
	int64_t	 retire_ms;
	int64_t	 selftest_ms;		/* between two self-tests of a worker */
	int64_t	 selftest_timeout_ms;
	int64_t	 load_timeout_ms;	/* from start to the first tested worker */
	int64_t	 fork_timeout_ms;
	int64_t	 backoff_first_ms;	/* before the zygote is started again: doubled up to the second */
	int64_t	 backoff_last_ms;
	int64_t	 steady_ms;		/* the loss of a zygote that lived this long is the first one again: no wait */
	int64_t	 clear_ms;		/* blocking reload: mail in hand may keep the old engine so long */
	int64_t	 linger_ms;		/* for those who were asked to end, before SIGKILL */
};
extern const struct pool_limits pool_limits_default;

/* Ends of a worker that nobody needs to hear about. */
#define END_RETIRED	"retired"
#define END_REPLACED	"its generation has ended"
/* Ends of one that may have been taken over. */
#define END_PROTOCOL	"broke the protocol"
#define END_SELFTEST	"failed its self-test"
#define END_IDLE	"dead or talking while idle"

enum worker_state {
	WORKER_TESTING,		/* the supervisor's, SELFTEST under way or due */
	WORKER_IDLE,
	WORKER_LEASED,
	WORKER_DYING,		/* told to end, or dead: the supervisor buries it */
};

struct worker {
	struct generation *gen;
	unsigned	 number;	/* unique in the pool */
	uint64_t	 id;		/* unique in the process */
	uint32_t	 child;		/* what its zygote calls it */
	pid_t		 pid;
	int		 sock, pidfd;
	clockid_t	 clock;		/* of its processor time, if timed */
	bool		 timed;
	int64_t		 born_ms;
	/* of whoever holds it */
	bool		 doubtful;	/* it failed at an object: was it the object, or is it no longer well? */
	uint32_t	 seq;
	uint8_t		 buf[PROTO_MAX];
	/* the supervisor's */
	bool		 fresh;		/* has never passed a self-test */
	bool		 asked;		/* SELFTEST is sent */
	bool		 told;		/* DYING: its socket is shut */
	bool		 gone;		/* the process has ended */
	int64_t		 until_ms;	/* end of patience: self-test, lingering, waiting for EXIT */
	/* mu: */
	enum worker_state state;
	bool		 pinned;	/* a lease still reads exit_*: do not free */
	bool		 dead;		/* seen to have ended while LEASED */
	bool		 exit_known;
	int		 exit_status;
	const char	*end;		/* DYING: why we ended it, static; NULL = it died by itself */
	unsigned	 messages;
	int64_t		 tested_ms;
};

enum generation_state { GENERATION_LOADING, GENERATION_WARMING, GENERATION_SERVING, GENERATION_DRAINING };

/* Of a generation that is LOADING: how far the dialogue with its zygote is. */
enum load_step {
	LOAD_UNASKED,		/* it loads by itself */
	LOAD_ASKED,		/* it looks into the folder */
	LOAD_FOUND,
	LOAD_CHECKING,		/* the database is loaded on trial */
	LOAD_CHECKED,
	LOAD_CLEARING,		/* the old generation ends; then it is told to load */
	LOAD_TOLD,
};

struct generation {
	struct workers	*pool;
	unsigned	 number;
	struct zygote	*zygote;	/* NULL when it has ended */
	GPtrArray	*workers;	/* of struct worker * */
	int64_t		 born_ms, load_by_ms;
	enum load_step	 step;
	struct proto_ready found;	/* from LOAD_FOUND on */
	int64_t		 clear_by_ms;	/* LOAD_CLEARING: no longer than this */
	unsigned	 forks;		/* asked for, unanswered */
	int64_t		 fork_by_ms;	/* the zygote answers until then */
	int64_t		 fork_at_ms;	/* not before: the last fresh worker failed */
	unsigned	 fresh_failures; /* in a row */
	bool		 judged;	/* READY was compared with what serves */
	bool		 lost;		/* the zygote's socket is closed: it ends, or has ended */
	int64_t		 linger_by_ms;	/* lost: SIGKILL then */
	char		*lost_why;
	char		*complaint;	/* the last thing it said about a fork that failed */
	char		*failed;	/* why it will not serve, or NULL */
	/* written before it serves, read under mu */
	struct proto_ready ready;
	/* mu: */
	enum generation_state state;
	unsigned	 live;		/* workers that are not DYING */
	unsigned	 testing;	/* those of them that left IDLE for a self-test */
	bool		 can_fork;
};

struct waiter {
	pthread_cond_t	 cond;
	struct worker	*got;
};

struct workers {
	struct workers_conf cfg;
	struct pool_limits lim;
	pthread_t	 thread;
	int		 wake;		/* eventfd: the supervisor has something to do */
	/* the supervisor's */
	GPtrArray	*gens;		/* of struct generation * */
	struct generation *coming;	/* being loaded, or NULL */
	int64_t		 start_at_ms;	/* when to start a zygote; INT64_MAX = no need */
	int64_t		 backoff_ms;
	unsigned	 next_generation, next_worker;
	uint64_t	 first_id;	/* of its workers: no other pool of this process has used it */
	char		*told_error;	/* last loading error that was logged as one */
	bool		 served;	/* some generation has, the last one with these definitions: */
	uint8_t		 served_id[32];
	uint64_t	 answering;	/* number of the reload that coming answers, or 0 */

	pthread_mutex_t	 mu;
	/* mu: */
	pthread_cond_t	 changed;	/* serving, stopping */
	pthread_cond_t	 exited;	/* some worker's end has become known */
	GQueue		 waiters;	/* of struct waiter *, first come first served */
	GPtrArray	*idle;		/* of struct worker *: serving generation, most recently used last */
	struct generation *serving;	/* written by the supervisor only */
	unsigned	 busy;
	unsigned	 visitors;	/* threads inside a waiting call */
	bool		 stopping, reload_wanted;
	int		 reload;	/* enum reload */
	uint64_t	 reloads_asked, reloads_done;
	enum reload_outcome outcome;	/* of the last one done */
	char		*outcome_text;
	bool		 crowded;	/* more wait than queue_max, and that has been told */
	char		*last_error;
	struct workers_stats counts;
};

/* As workers_new(), with other figures. */
struct workers *workers_new_limits(const struct workers_conf *cfg, const struct pool_limits *lim, GError **err);

/* Make the supervisor look around. Any thread. */
void	 pool_wake(struct workers *p);

/* After a step that waited with wait_until(wait, own): what the step has learnt about ticks and cuts is the message's too. */
void	 pool_wait_back(struct wait *wait, const struct wait *step, struct deadline own);

/* First come, first served: hand idle workers to waiting sessions. Locks: mu held. */
void	 pool_dispatch(struct workers *p);
/* A worker is free. Locks: mu held. */
void	 pool_idle(struct workers *p, struct worker *w);
/* A worker ends, for the static reason given (NULL: by itself), from any other state. Locks: mu held. */
void	 pool_dying(struct workers *p, struct worker *w, const char *end);
/* A worker leaves IDLE for a self-test. Locks: mu held. */
void	 pool_testing(struct workers *p, struct worker *w);
/* May this worker be spared for a while: another one is there to take its place. Locks: mu held. */
bool	 pool_can_spare(const struct workers *p, const struct worker *w);

/* The session's side. A worker that was taken is given back by exactly one of give and lose. */
struct worker *pool_take(struct workers *p, struct wait *wait, GError **err);
void	 pool_give(struct workers *p, struct worker *w);
/* It is dead, or has been killed for the static reason given: the spare takes over now. A killed one is not to be touched
 * again; for one that died by itself (end NULL) pool_cause() must follow. */
void	 pool_lose(struct workers *p, struct worker *w, const char *end);
/* What it died of, waited for briefly; then it may be freed. Returns text in buf or static. */
const char *pool_cause(struct workers *p, struct worker *w, struct wait *wait, char buf[ENDING_TEXT_MAX]);

/* loop.c: the supervisor's thread. supervisor.c: do everything that is due now; returns when to look again. */
void	*supervise(void *workers);
int64_t	 supervisor_tick(struct workers *p);

/* reload.c: what a generation that was asked has found, and what follows from it. For the supervisor only. */
void	 reload_tick(struct workers *p, struct generation *g, int64_t now, int64_t *next);
/* The database that g has found or loaded is what serves. */
bool	 reload_is_same(const struct workers *p, const uint8_t id[32]);
/* coming has found or loaded what serves: it is not needed. */
void	 reload_unchanged(struct workers *p, struct generation *g);
/* coming has come to an end, one way or the other: tell who waits for it. text is copied, or NULL. */
void	 reload_done(struct workers *p, enum reload_outcome outcome, const char *text);

/* generation.c: one generation, for the supervisor only */
struct generation *generation_start(struct workers *p, bool ask, GError **err);
void	 generation_set_state(struct generation *g, enum generation_state s);
enum generation_state generation_state(const struct generation *g);
/* Handle what its zygote has said. */
void	 generation_hear(struct generation *g);
/* Do what is due: forks, funerals. *next is lowered to the next moment at which something will be. */
void	 generation_tick(struct generation *g, int64_t now, int64_t *next);
/* It cannot come to serve: why. The first cause is kept. */
void	 generation_fail(struct generation *g, const char *fmt, ...) PRINTF(2, 3);
/* Close the zygote's socket; it ends, or is killed a little later. */
void	 generation_dismiss(struct generation *g, const char *why, int64_t linger_ms);
/* Workers that have passed a self-test and live. */
unsigned generation_tested(const struct generation *g);
void	 generation_free(struct generation **g);

/* hand.c: one worker, for the supervisor; worker_kill() for whoever holds it */
struct worker *worker_new(struct generation *g, const struct zygote_event *ev);
void	 worker_kill(struct worker *w);
/* Its self-test's answer has arrived. */
void	 worker_hear(struct worker *w);
/* Its process has ended. */
void	 worker_gone(struct worker *w, int64_t now);
/* Do what is due. True when it is buried and can be freed. */
bool	 worker_tick(struct worker *w, int64_t now, int64_t *next);
void	 worker_free(struct worker *w);

#endif
