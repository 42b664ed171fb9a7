/*
 * zygote - one avmilter-scanner process: started, told its settings, asked for workers, listened to
 *
 * The process inherits four descriptors (null, its output twice, the socket), an environment of a few harmless names, no
 * signal mask and no part in a terminal's signals. What it and its workers write to their output becomes lines of our log, or
 * of scanner_log, escaped and rationed; they themselves hold no file that a log could be.
 *
 * Diagnostics: its texts are logged behind "scanner:"; everything else is returned as an event.
 * Threads:     one at a time.
 */
#ifndef AVM_WORKER_ZYGOTE_H
#define AVM_WORKER_ZYGOTE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "worker/packet.h"
#include "worker/worker.h"

struct zygote {
	pid_t	 pid;
	int	 sock, pidfd;
	int	 output;	/* read end of its output, or -1: closed */
	char	*log;		/* the file that its output goes to, "" = our log */
	uint32_t seq;
	bool	 ready;		/* READY has been seen */
	GString	*line;		/* unfinished line of output */
	int64_t	 ration_ms;	/* start of the second that is being counted */
	unsigned ration;	/* lines logged in it */
	struct log_limit complaints;	/* about log */
	uint8_t	 buf[PROTO_MAX];
};

enum zygote_event_kind {
	ZYGOTE_NOTHING = 0,	/* no more for now */
	ZYGOTE_FOUND,		/* PROTO_ASK: what lies in the folder */
	ZYGOTE_CHECKED,
	ZYGOTE_READY,
	ZYGOTE_FAILED,		/* before READY: it cannot load; it ends */
	ZYGOTE_WORKER,
	ZYGOTE_NO_WORKER,	/* a fork failed */
	ZYGOTE_EXIT,
	ZYGOTE_LOST,		/* socket closed or protocol broken: kill it */
};

struct zygote_event {
	enum zygote_event_kind kind;
	union {
		struct proto_ready  ready;	/* of READY and FOUND; text in it is terminated */
		struct proto_exit   exit;
		struct {
			struct proto_worker id;
			int sock, pidfd;	/* the receiver's */
		} worker;
		char text[PROTO_TEXT_MAX];	/* FAILED, NO_WORKER, LOST: escaped, fit for a log line */
	};
};

/* Start the program, with one argument or NULL; log: its output goes there, "" = into our log. NULL and *err when it cannot be run, or
 * log cannot be opened. */
struct zygote *zygote_spawn(const char *path, const char *log, const char *argument, GError **err);
/* Start the program and send its settings; ask: it is to say what it found and to wait. NULL and *err when it cannot be run. */
struct zygote *zygote_start(const struct workers_conf *cfg, bool ask, GError **err);
/* CHECK, LOAD or LOAD_NOW, to one that waits. False when the zygote does not listen. */
bool	 zygote_order(struct zygote *z, enum proto_op op);
/* Ask for one worker. False when the zygote does not listen. */
bool	 zygote_fork(struct zygote *z);
/* The next thing that it said; call until ZYGOTE_NOTHING. LOADING and LOG are logged inside. */
void	 zygote_next(struct zygote *z, struct zygote_event *ev);
/* Log what has arrived on z->output. */
void	 zygote_read_output(struct zygote *z);
/* Append to a log file, made when it is not there; with len 0 only see whether that can be done. False and *err. */
bool	 zygote_log_append(const char *path, const char *text, size_t len, GError **err);

/* Close the socket: it cleans up and ends. */
void	 zygote_dismiss(struct zygote *z);
void	 zygote_kill(struct zygote *z);
/* Reap it if it has ended; *status as waitpid(2) gives it. Does not wait. */
bool	 zygote_ended(struct zygote *z, int *status);
/* Forget an ended zygote. Accepts NULL. */
void	 zygote_free(struct zygote **z);

/* "SIGSEGV", "SIGSYS (sandbox)", "exit status 3": static, or in buf. */
#define ENDING_TEXT_MAX 48
const char *ending_text(int status, char buf[ENDING_TEXT_MAX]);

#endif
