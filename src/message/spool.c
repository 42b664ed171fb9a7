/*
 * spool - a buffer, then a memfd, then an unlinked file
 *
 * Locks: spool.lock guards, in a sealed spool, fd while spool_fd() makes it for content that stands in
 * the buffer, and the digest. Everything else is written before spool_seal() and only read after it.
 */
#include "message/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fsx.h"
#include "message/buffer.h"

#define COPY_CHUNK (64 * 1024)
#define ALL_SEALS  (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

G_DEFINE_QUARK(avm_spool_error, spool_error)

struct spool_budget {
	_Atomic uint64_t used;
	struct chunks *chunks;
};

enum place { IN_BUFFER = 0, IN_MEMFD, IN_FILE };

struct spool {
	struct spool_budget *budget;
	struct spool_limits lim;
	enum place place;
	struct buffer buffer; /* IN_BUFFER; stays after spool_fd() has made a memfd of it */
	int fd;               /* or -1 */
	uint64_t size;
	uint64_t held; /* of the budget */
	bool digested; /* sha256 is set */
	uint8_t sha256[DIGEST_LEN];
	GError *poison;
	bool sealed;
	pthread_mutex_t lock;
};

struct spool_budget *
spool_budget_new(void)
{
	struct spool_budget *b = g_new0(struct spool_budget, 1);

	b->chunks = chunks_new();
	return b;
}

void
spool_budget_free(struct spool_budget **b)
{
	if (*b != NULL)
		chunks_free(&(*b)->chunks);
	g_clear_pointer(b, g_free);
}

uint64_t
spool_budget_used(const struct spool_budget *b)
{
	return atomic_load(&b->used);
}

/* Take len bytes, unless all spools together would pass total. */
static bool
budget_take(struct spool_budget *b, uint64_t len, uint64_t total)
{
	uint64_t used = atomic_load(&b->used);

	do
		if (used > total || len > total - used)
			return false;
	while (!atomic_compare_exchange_weak(&b->used, &used, used + len));
	return true;
}

static void
budget_return(struct spool *sp)
{
	atomic_fetch_sub(&sp->budget->used, sp->held);
	sp->held = 0;
}

struct spool *
spool_new(struct spool_budget *b, const struct spool_limits *limits)
{
	struct spool *sp = g_new0(struct spool, 1);

	sp->budget = b;
	sp->lim = *limits;
	sp->fd = -1;
	pthread_mutex_init(&sp->lock, NULL);
	return sp;
}

/* Give everything back and remember why. Takes cause, which need not be a SPOOL_ERROR yet. */
static bool
poison(struct spool *sp, enum spool_error code, GError *cause, GError **err)
{
	g_set_error_literal(&sp->poison, SPOOL_ERROR, (gint)code, cause->message);
	g_error_free(cause);
	buffer_clear(&sp->buffer, sp->budget->chunks);
	fd_close(&sp->fd);
	budget_return(sp);
	sp->size = 0;
	if (err)
		*err = g_error_copy(sp->poison);
	return false;
}

static int
make_memfd(GError **err)
{
	int fd = -1;

#ifdef MFD_NOEXEC_SEAL
	fd = memfd_create("avmilter-spool", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno != EINVAL) { /* EINVAL: a kernel before 6.3 */
		fsx_fail(err, "spool: memfd", "make");
		return -1;
	}
#endif
	if (fd < 0)
		fd = memfd_create("avmilter-spool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		fsx_fail(err, "spool: memfd", "make");
	return fd;
}

static bool
copy_buffer(const struct spool *sp, int to, GError **err)
{
	size_t n;

	for (size_t at = 0; at < sp->size; at += n) {
		const char *piece = buffer_piece(&sp->buffer, at, &n);

		if (!fsx_pwrite_all(to, piece, n, (off_t)at, err))
			return false;
	}
	return true;
}

/* The content so far, which stands in the buffer or in a memfd, goes to `to`. */
static bool
copy_to(const struct spool *sp, int to, GError **err)
{
	g_autofree char *chunk = NULL;

	if (sp->place == IN_BUFFER)
		return copy_buffer(sp, to, err);
	chunk = g_malloc(COPY_CHUNK);
	for (uint64_t at = 0; at < sp->size; at += COPY_CHUNK) {
		size_t n = (size_t)MIN(sp->size - at, COPY_CHUNK);

		if (!fsx_pread_all(sp->fd, chunk, n, (off_t)at, err) ||
		    !fsx_pwrite_all(to, chunk, n, (off_t)at, err))
			return false;
	}
	return true;
}

/* Move on to a larger home. */
static bool
move_to(struct spool *sp, enum place place, GError **err)
{
	AUTO(fd_close)
	int fd = place == IN_FILE ? fsx_unnamed(sp->lim.file_base, err) : make_memfd(err);

	if (fd < 0 || !copy_to(sp, fd, err))
		return false;
	buffer_clear(&sp->buffer, sp->budget->chunks);
	fd_close(&sp->fd);
	sp->fd = fd;
	sp->place = place;
	fd = -1;
	return true;
}

/* Put the bytes where a content of sp->size + len belongs. */
static bool
store(struct spool *sp, const void *data, size_t len, GError **err)
{
	uint64_t size = sp->size + len;
	enum place want = size > sp->lim.memory_max ? IN_FILE
	    : size > BUFFER_MAX                     ? IN_MEMFD
						    : IN_BUFFER;

	if (want > sp->place && !move_to(sp, want, err))
		return false;
	if (sp->place != IN_BUFFER)
		return fsx_pwrite_all(sp->fd, data, len, (off_t)sp->size, err);
	return buffer_append(&sp->buffer, sp->budget->chunks, data, len) ||
	    fsx_fail(err, "message", "keep in memory");
}

/* The largest content that could ever be kept (decision 25). */
static uint64_t
size_bound(const struct spool *sp)
{
	uint64_t half = sp->lim.total_max / 2;

	return sp->lim.message_max ? MIN(sp->lim.message_max, half) : half;
}

bool
spool_append(struct spool *sp, const void *data, size_t len, GError **err)
{
	GError *cause = NULL;

	g_assert(!sp->sealed);
	if (sp->poison) {
		if (err)
			*err = g_error_copy(sp->poison);
		return false;
	}
	if (len == 0)
		return true;
	if (sp->size > size_bound(sp) || len > size_bound(sp) - sp->size) {
		cause = g_error_new(SPOOL_ERROR, SPOOL_E_TOOBIG,
		    "spool: the message is larger than %" PRIu64
		    " bytes (spool.message_max, or half of spool.total_max)",
		    size_bound(sp));
		return poison(sp, SPOOL_E_TOOBIG, cause, err);
	}
	if (!budget_take(sp->budget, len, sp->lim.total_max)) {
		cause = g_error_new(SPOOL_ERROR, SPOOL_E_BUDGET,
		    "spool: other messages hold the %" PRIu64
		    " bytes of spool.total_max; it passes, or raise the option",
		    sp->lim.total_max);
		return poison(sp, SPOOL_E_BUDGET, cause, err);
	}
	sp->held += len;
	if (!store(sp, data, len, &cause)) {
		g_prefix_error(&cause, "spool: ");
		return poison(sp, SPOOL_E_IO, cause, err);
	}
	sp->size += len;
	return true;
}

/* From here nobody can change a byte through this descriptor: a memfd by its seals, a file because
 * the only descriptor left is for reading. */
static bool
harden(int *fd, enum place place, GError **err)
{
	char link[64];
	int ro;

	if (place == IN_MEMFD)
		return fcntl(*fd, F_ADD_SEALS, ALL_SEALS) == 0 ||
		    fsx_fail(err, "spool: memfd", "seal");
	if (fchmod(*fd, 0400) < 0)
		return fsx_fail(err, "spool: file", "chmod");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", *fd);
	ro = open(link, O_RDONLY | O_CLOEXEC);
	if (ro < 0)
		return fsx_fail(err, link, "open for reading");
	fd_close(fd);
	*fd = ro;
	return true;
}

bool
spool_seal(struct spool *sp, GError **err)
{
	GError *cause = NULL;

	if (sp->sealed)
		return true;
	if (sp->poison) {
		if (err)
			*err = g_error_copy(sp->poison);
		return false;
	}
	if (sp->place != IN_BUFFER && !harden(&sp->fd, sp->place, &cause))
		return poison(sp, SPOOL_E_IO, cause, err);
	sp->sealed = true;
	return true;
}

uint64_t
spool_size(const struct spool *sp)
{
	return sp->size;
}

static bool
digest_content(struct spool *sp, GError **err)
{
	AUTO(digest_free) struct digest *d = digest_new();
	g_autofree char *chunk = g_malloc(COPY_CHUNK);

	for (uint64_t at = 0; at < sp->size; at += COPY_CHUNK) {
		const size_t n = (size_t)MIN(sp->size - at, COPY_CHUNK);

		if (!spool_read(sp, at, chunk, n, err))
			return false;
		digest_add(d, chunk, n);
	}
	digest_end(d, sp->sha256);
	return true;
}

const uint8_t *
spool_digest(struct spool *sp, GError **err)
{
	bool known;

	g_assert(sp->sealed);
	pthread_mutex_lock(&sp->lock);
	if (!sp->digested)
		sp->digested = digest_content(sp, err);
	known = sp->digested;
	pthread_mutex_unlock(&sp->lock);
	return known ? sp->sha256 : NULL;
}

int
spool_fd(struct spool *sp, GError **err)
{
	AUTO(fd_close) int fd = -1;
	int out;

	g_assert(sp->sealed);
	pthread_mutex_lock(&sp->lock);
	if (sp->fd < 0) {
		fd = make_memfd(err);
		if (fd >= 0 && copy_buffer(sp, fd, err) && harden(&fd, IN_MEMFD, err)) {
			sp->fd = fd;
			fd = -1;
		}
	}
	out = sp->fd;
	pthread_mutex_unlock(&sp->lock);
	return out;
}

bool
spool_read(const struct spool *sp, uint64_t at, void *buf, size_t len, GError **err)
{
	g_assert(sp->sealed);
	if (at > sp->size || len > sp->size - at) {
		g_set_error(err, SPOOL_ERROR, SPOOL_E_IO,
		    "spool: read beyond the end (%zu bytes at %" PRIu64 " of %" PRIu64 ")", len, at,
		    sp->size);
		return false;
	}
	if (sp->place != IN_BUFFER)
		return fsx_pread_all(sp->fd, buf, len, (off_t)at, err);
	buffer_read(&sp->buffer, (size_t)at, buf, len);
	return true;
}

bool
spool_on_disk(const struct spool *sp)
{
	return sp->place == IN_FILE;
}

void
spool_free(struct spool **sp)
{
	struct spool *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	buffer_clear(&s->buffer, s->budget->chunks);
	fd_close(&s->fd);
	budget_return(s);
	g_clear_error(&s->poison);
	pthread_mutex_destroy(&s->lock);
	g_free(s);
}
