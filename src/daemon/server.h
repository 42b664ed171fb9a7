/*
 * server - the daemon as a whole: what a start builds, what a stop takes down, what happens between
 *
 * Order of a start: see privileges.h. The milter socket is open before the signatures are loaded; mail that arrives
 * meanwhile waits at its end (decision 12).
 *
 * Threads: every function here belongs to the main thread unless it says otherwise
 */
#ifndef AVM_DAEMON_SERVER_H
#define AVM_DAEMON_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "control/server.h"
#include "daemon/options.h"
#include "daemon/pidfile.h"
#include "daemon/privileges.h"
#include "daemon/socket.h"
#include "daemon/updates.h"
#include "effect/alert.h"
#include "effect/quarantine.h"
#include "milter/milter.h"
#include "scan/memory.h"

struct web;

struct server {
	const struct options	*options;
	struct identity		*identity;
	struct conf		*started;	/* the configuration of the start: what needs a restart is compared with it */
	struct milter		 milter;
	struct socket_file	 socket_file;
	struct pidfile		*pidfile;
	struct memory		*memory;	/* outlives every snapshot */
	struct updates		*updates;
	struct alerts		*alerts;
	struct control		*control;	/* NULL: no control socket */
	struct web		*web;		/* NULL: no metrics and status page */
	unsigned		 latest;	/* number of the latest snapshot */
	struct snapshot		*next;		/* of a reload whose workers still load, or NULL */
	int64_t			 next_report_ms;
	int64_t			 started_ms;
	pthread_t		 milter_thread;
	bool			 milter_started;
	atomic_bool		 milter_ended;	/* smfi_main() has returned */
};

/*
 * Everything up to the giving up of root's rights: folders, sockets, pid file. conf is taken.
 *
 * Returns: EX_OK, or the exit code with *err
 */
int	 server_open(struct server *s, const struct options *o, struct conf *conf, GError **err);

/* Become the user, start workers, milter and control threads. Returns as server_open(). */
int	 server_start(struct server *s, GError **err);

/* Read the configuration again and take it into use, now or, when new workers have to load, once they are ready. */
void	 server_reload(struct server *s);
/* Look after a reload that waits for its workers. True while one does. */
bool	 server_tend(struct server *s);

/*
 * End: sockets, pid file, scanning processes. drain: first finish the mail in hand, no longer than drain_time.
 *
 * Trap: libmilter's threads go on until the process ends, because its own way to stop destroys locks that its other threads
 *       still use. Once it was started, whoever calls this must _exit() next and free nothing of s.
 */
void	 server_stop(struct server *s, bool drain);

/* Requests of other threads to the main thread (control socket). Any thread. */
void	 server_ask_reload(void);

#endif
