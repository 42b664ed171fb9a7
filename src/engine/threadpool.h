/*
 * threadpool - so many requests at a time, for the engines that name it (P7)
 *
 * CPU and IO exist without being written. `size` bounds the requests that are under way, whoever's thread they run in; the
 * pool's own threads help sessions with several objects or engines. Who comes when all places are taken waits in the order of
 * coming. More than queue_max waiting is told once (event load_exceeded) until the queue has been half as long again; ten times
 * as many are refused.
 *
 * Threads: any.
 */
#ifndef AVM_ENGINE_THREADPOOL_H
#define AVM_ENGINE_THREADPOOL_H

#include "base/lane.h"
#include "base/threads.h"

struct conf_threadpool;
struct threadpool;

/* conf is borrowed and lives longer. */
struct threadpool *threadpool_new(const struct conf_threadpool *conf);
/* Let its threads end what they do. Nobody may submit any more. */
void	 threadpool_stop(struct threadpool *p);
/* Stopped, and nobody inside. */
void	 threadpool_free(struct threadpool **p);

const char *threadpool_name(const struct threadpool *p);
/* For work that may be done by another thread than the session's; threads are made when something is submitted. */
struct threads *threadpool_threads(struct threadpool *p);

/* Wait for a place; LANE_IN: call threadpool_leave(). Blocks within the wait's deadline, ticking. */
enum lane_answer threadpool_enter(struct threadpool *p, struct wait *wait) MUST_USE;
void	 threadpool_leave(struct threadpool *p);

/* Waiting requests that are too many; 0 = no bound. */
unsigned threadpool_refuse_at(const struct threadpool *p);

void	 threadpool_stats(struct threadpool *p, struct lane_stats *out);

#endif
