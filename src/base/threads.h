/*
 * threads - a pool of threads for work that waits: engines on the network, mostly
 *
 * Threads are made when there is work and nobody idle, up to the maximum, and stay until the pool ends. GLib's own pool is not
 * used: its locks are invisible to ThreadSanitizer (decision 15).
 *
 * Locks: one mutex, not held while a task runs.
 */
#ifndef AVM_BASE_THREADS_H
#define AVM_BASE_THREADS_H

#include <stdbool.h>

struct threads;

typedef void (*threads_task)(void *arg);

/* A pool of at most max threads; none exists yet. */
struct threads *threads_new(unsigned max);
/* Run fn(arg) in some thread, soon. False when no thread could be made and none exists: nothing will run. Any thread. */
bool	 threads_submit(struct threads *t, threads_task fn, void *arg);
/* Let everything that was submitted end, then the threads. Nobody may submit any more. */
void	 threads_free(struct threads **t);

#endif
