/*
 * worker - one scanning process: takes a message apart, scans its objects, until its socket closes
 *
 * Everything that reads bytes of a mail runs here, behind the sandbox. A worker holds one message
 * at a time. It outlives its zygote, so that a zygote that was killed costs no mail, but never the
 * front: then its socket closes, and a request that takes far too long ends by SIGALRM should
 * nobody be left to kill it.
 */
#ifndef AVM_SCANNER_WORKER_H
#define AVM_SCANNER_WORKER_H

#include <stdint.h>

#include "scanner/selftest.h"
#include "worker/proto.h"

struct worker_setup {
	const struct proto_settings *settings;
	struct clamav	*engine;	/* NULL: only decomposes */
	const struct selftest *selftest;
	const char	*tmpdir;	/* private, made already */
	uint32_t	 number;
	unsigned	 sandbox;	/* SANDBOX_* to enter */
	int		 sock;		/* to the front */
	int zygote; /* socket for one line, should the sandbox fail; closed after */
};

/* The life of a worker, in a process just forked. Never returns. */
void	 worker_run(const struct worker_setup *w) __attribute__((noreturn));

#endif
