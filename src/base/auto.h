/*
 * auto - values that free themselves when their scope ends, and the attributes we use
 *
 * AUTO(spool_free) struct spool *sp = NULL; calls spool_free(&sp) on every way out. Every x_free() of ours
 * takes struct x **, accepts NULL and nulls the caller's pointer, so it works as a cleanup function as it is.
 */
#ifndef AVM_BASE_AUTO_H
#define AVM_BASE_AUTO_H

#include <unistd.h>

#define AUTO(fn)	__attribute__((cleanup(fn)))
#define PRINTF(f, a)	__attribute__((format(printf, f, a)))
#define MUST_USE	__attribute__((warn_unused_result))

/* Close *fd unless it is -1, and set it to -1. For AUTO(fd_close) int fd = -1; */
static inline void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#endif
