/*
 * kick - the cure for libmilter's head-of-line blocking
 *
 * libmilter's pool (worker.c, _FFR_WORKERS_POOL) counts a worker as idle until it has really woken up. A burst of commands
 * is then queued on one worker, and while that one scans for seconds the other sessions wait behind it, new connections
 * included. A connection to our own socket makes the pool start or wake a worker, which serves whoever waits.
 *
 * It is needed only when the last worker that we know of enters an end of message: as long as another one is outside, that
 * one picks up whoever is ready. A worker is known once it has run a callback of ours.
 */
#ifndef AVM_MILTER_KICK_H
#define AVM_MILTER_KICK_H

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

struct endpoint;

struct kick {
	struct sockaddr_storage	 addr;
	socklen_t		 addr_len;	/* 0: no address, kicks do nothing */
	pthread_key_t		 key;		/* set in each thread that is counted */
	atomic_uint		 threads;	/* workers known */
	atomic_uint		 busy;		/* of them inside an end of message */
	atomic_uint_fast64_t	 sent;
};

/* Remember where our own listening socket is (NULL: nowhere, in tests). False and *err if the address cannot be resolved. */
bool	 kick_init(struct kick *k, const struct endpoint *e, GError **err);

/* A worker of libmilter runs a callback of ours. */
void	 kick_thread(struct kick *k);

/* An end of message begins, and kicks if nobody else is left to serve; and ends. */
void	 kick_enter(struct kick *k);
void	 kick_leave(struct kick *k);

/* Connect and close, always. */
void	 kick_send(struct kick *k);

#endif
