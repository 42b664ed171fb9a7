/*
 * arena - two steps of sealing: what a worker could add in between takes nothing away from us
 */
#include "worker/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/fsx.h"

/* Decoding shrinks; character sets and what is found twice expand, by less than this. */
#define FACTOR       16
#define SMALLEST     (1024 * 1024)
#define SEALS_BEFORE (F_SEAL_SHRINK | F_SEAL_GROW)
#define SEALS_AFTER  (F_SEAL_WRITE | F_SEAL_SEAL)

uint64_t
arena_bound(uint64_t message_size, uint64_t max_cumulative)
{
	uint64_t want = message_size > (UINT64_MAX - SMALLEST) / FACTOR
	    ? UINT64_MAX
	    : FACTOR * message_size + SMALLEST;

	return MIN(want, max_cumulative);
}

int
arena_new(uint64_t size, GError **err)
{
	AUTO(fd_close) int fd = -1;
	int out;

#ifdef MFD_NOEXEC_SEAL
	fd = memfd_create("avmilter-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
#endif
	if (fd < 0)
		fd = memfd_create("avmilter-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		fsx_fail(err, "arena: memfd", "make");
		return -1;
	}
	if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, SEALS_BEFORE) < 0) {
		fsx_fail(err, "arena: memfd", "size and seal");
		return -1;
	}
	out = fd;
	fd = -1;
	return out;
}

bool
arena_seal(int fd, uint64_t size)
{
	const int all = SEALS_BEFORE | SEALS_AFTER;
	struct stat st;
	int seals;

	/* EBUSY: still mapped for writing. EPERM: the worker has sealed the seals; then all of ours
	 * must be among them. */
	if (fcntl(fd, F_ADD_SEALS, SEALS_AFTER) < 0 && errno != EPERM)
		return false;
	seals = fcntl(fd, F_GET_SEALS);
	return seals >= 0 && (seals & all) == all && fstat(fd, &st) == 0 &&
	    (uint64_t)st.st_size == size;
}
