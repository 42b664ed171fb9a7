/*
 * spool: buffer, memfd, file; seals that hold; every way of being full, and recovery from it
 */
#include "message/spool.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"

#define KB 1024
#define MB (1024 * 1024)

static struct spool_limits
limits(const char *dir)
{
	return (struct spool_limits){
	    .memory_max = 2 * MB, .message_max = 0, .total_max = 1024u * MB, .file_base = dir};
}

static char *
pattern(size_t len)
{
	char *p = g_malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		p[i] = (char)(i * 7 + i / 251);
	return p;
}

/* What a process with the descriptor could try. */
static void
assert_sealed(int fd, bool on_disk)
{
	char c = 'X';

	assert_true(write(fd, &c, 1) < 0);
	assert_true(pwrite(fd, &c, 1, 0) < 0);
	assert_true(ftruncate(fd, 0) < 0);
	assert_true(ftruncate(fd, 1 << 30) < 0);
	assert_true(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	if (on_disk)
		assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	else
		assert_int_equal(fcntl(fd, F_GET_SEALS) &
		                     (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
		                 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* Write len bytes in pieces, seal, compare size, digest, bytes by both ways of reading, and the
 * seals. */
static void
round_trip(size_t len, size_t piece, bool want_disk)
{
	char *dir = unit_mkdir();
	struct spool_limits lim = limits(dir);
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	AUTO(spool_free) struct spool *sp = spool_new(b, &lim);
	g_autofree char *data = pattern(len), *back = g_malloc(len + 1);
	uint8_t sha[DIGEST_LEN];
	int fd;
	g_autoptr(GError) err = NULL;

	for (size_t at = 0; at < len; at += piece)
		assert_true(spool_append(sp, data + at, MIN(piece, len - at), NULL));
	assert_int_equal(spool_budget_used(b), len);
	assert_true(spool_seal(sp, NULL));
	assert_true(spool_seal(sp, NULL));
	assert_int_equal(spool_size(sp), len);
	assert_int_equal(spool_on_disk(sp), want_disk);
	digest_of(data, len, sha);
	assert_memory_equal(spool_digest(sp, NULL), sha, DIGEST_LEN);
	assert_ptr_equal(spool_digest(sp, NULL), spool_digest(sp, NULL));
	assert_true(spool_read(sp, 0, back, len, NULL));
	assert_memory_equal(back, data, len);
	fd = spool_fd(sp, NULL);
	assert_true(fd >= 0);
	assert_int_equal(spool_fd(sp, NULL), fd);
	assert_int_equal(lseek(fd, 0, SEEK_END), (off_t)len);
	memset(back, 0, len);
	assert_true(fsx_pread_all(fd, back, len, 0, NULL));
	assert_memory_equal(back, data, len);
	if (len > 0)
		assert_sealed(fd, want_disk);
	assert_false(spool_read(sp, len, back, 1, &err));
	assert_true(g_error_matches(err, SPOOL_ERROR, SPOOL_E_IO));
	assert_false(spool_read(sp, UINT64_MAX, back, 1, NULL));
	spool_free(&sp);
	assert_null(sp);
	assert_int_equal(spool_budget_used(b), 0);
	unit_rmdir(dir);
}

static void
sizes(void **state)
{
	(void)state;
	round_trip(0, 1, false);
	round_trip(1, 1, false);
	round_trip(5000, 1, false);
	round_trip(64 * KB, 1000, false);
	round_trip(64 * KB + 1, 64 * KB, false);
	round_trip(200 * KB, 777, false);
	round_trip(MB, 4096, false);
	round_trip(MB, 65535, false);
	round_trip(MB + 1, 65535, false);
	round_trip(MB + 1, MB + 1, false);
	round_trip(2 * MB, 4096, false);
	round_trip(2 * MB + 1, 4096, true);
	round_trip(3 * MB, 65535, true);
	round_trip(3 * MB, 3 * MB, true);
}

/* More messages in hand than chunks are kept idle, twice, of different sizes: each reads as it was written. */
static void
chunks_go_round(void **state)
{
	enum { N = 6 };
	struct spool_limits lim = limits("/nonexistent");
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	g_autofree char *data = pattern(MB + N), *back = g_malloc(MB);

	(void)state;
	for (size_t round = 0; round < 2; round++) {
		struct spool *sp[N];

		for (size_t i = 0; i < N; i++) {
			sp[i] = spool_new(b, &lim);
			assert_true(spool_append(sp[i], data + i, MB - i * round * 1000, NULL));
		}
		for (size_t i = 0; i < N; i++) {
			assert_true(spool_seal(sp[i], NULL));
			assert_true(spool_read(sp[i], 0, back, spool_size(sp[i]), NULL));
			assert_memory_equal(back, data + i, spool_size(sp[i]));
			spool_free(&sp[i]);
		}
	}
}

static void
small_needs_no_descriptor(void **state)
{
	struct spool_limits lim = limits("/nonexistent");
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	AUTO(spool_free) struct spool *sp = spool_new(b, &lim);
	struct rlimit old, none;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &old);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	assert_true(spool_append(sp, "abc", 3, NULL));
	assert_true(spool_seal(sp, NULL));
	setrlimit(RLIMIT_NOFILE, &old);
	assert_true(spool_fd(sp, NULL) >= 0);
}

/* memory_max below the buffer: straight to the file. */
static void
tiny_memory_max(void **state)
{
	char *dir = unit_mkdir();
	struct spool_limits lim = limits(dir);
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	struct spool *sp;

	(void)state;
	lim.memory_max = 10;
	sp = spool_new(b, &lim);
	assert_true(spool_append(sp, "0123456789", 10, NULL));
	assert_false(spool_on_disk(sp));
	assert_true(spool_append(sp, "x", 1, NULL));
	assert_true(spool_on_disk(sp));
	assert_true(spool_seal(sp, NULL));
	spool_free(&sp);
	lim.memory_max = 0;
	sp = spool_new(b, &lim);
	assert_true(spool_append(sp, "x", 1, NULL));
	assert_true(spool_on_disk(sp));
	spool_free(&sp);
	unit_rmdir(dir);
}

/* A poisoned spool gave everything back and says the same thing for ever. */
static void
assert_poisoned(struct spool *sp, struct spool_budget *b, int code)
{
	g_autoptr(GError) again = NULL, at_seal = NULL;

	assert_int_equal(spool_budget_used(b), 0);
	assert_false(spool_append(sp, "x", 1, &again));
	assert_true(g_error_matches(again, SPOOL_ERROR, code));
	assert_false(spool_seal(sp, &at_seal));
	assert_true(g_error_matches(at_seal, SPOOL_ERROR, code));
	assert_string_equal(again->message, at_seal->message);
}

static void
too_big(void **state)
{
	static const struct {
		uint64_t message_max, total_max, fits;
	} rows[] = {
	    {1000, 1 << 20, 1000},
	    {0, 2000, 1000},
	    {5000, 2000, 1000},
	    {1000, 2000, 1000},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct spool_limits lim = limits("/nonexistent");
		AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
		AUTO(spool_free) struct spool *sp = NULL;
		g_autofree char *data = pattern(2000);
		g_autoptr(GError) err = NULL;

		lim.message_max = rows[i].message_max;
		lim.total_max = rows[i].total_max;
		sp = spool_new(b, &lim);
		assert_true(spool_append(sp, data, rows[i].fits, NULL));
		assert_false(spool_append(sp, data, 1, &err));
		assert_true(g_error_matches(err, SPOOL_ERROR, SPOOL_E_TOOBIG));
		assert_non_null(strstr(err->message, "larger than 1000 bytes"));
		assert_poisoned(sp, b, SPOOL_E_TOOBIG);
	}
}

#ifndef AVM_SANITIZED
/* Memory that is short ends the message that wants it, and no other. */
static void
out_of_memory(void **state)
{
	struct spool_limits lim = limits("/nonexistent");
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	struct spool *before = spool_new(b, &lim), *sp = spool_new(b, &lim);
	g_autofree char *data = pattern(500);
	g_autoptr(GError) err = NULL;
	struct rlimit was, none;
	bool ok;

	(void)state;
	assert_true(spool_append(before, data, 500, NULL));
	assert_int_equal(getrlimit(RLIMIT_AS, &was), 0);
	none = (struct rlimit){ .rlim_cur = 4096, .rlim_max = was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	ok = spool_append(sp, data, 500, &err);
	assert_int_equal(setrlimit(RLIMIT_AS, &was), 0);
	assert_false(ok);
	assert_true(g_error_matches(err, SPOOL_ERROR, SPOOL_E_IO));
	assert_false(spool_append(sp, data, 1, NULL));
	assert_int_equal(spool_budget_used(b), 500);
	assert_true(spool_append(before, data, 500, NULL));
	assert_true(spool_seal(before, NULL));
	spool_free(&before);
	spool_free(&sp);
}
#endif

static void
budget(void **state)
{
	struct spool_limits lim = limits("/nonexistent");
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	struct spool *a, *c, *d;
	g_autofree char *data = pattern(500);
	g_autoptr(GError) err = NULL;

	(void)state;
	lim.total_max = 1000;
	a = spool_new(b, &lim);
	c = spool_new(b, &lim);
	d = spool_new(b, &lim);
	assert_true(spool_append(a, data, 400, NULL));
	assert_true(spool_append(c, data, 400, NULL));
	assert_true(spool_append(d, data, 100, NULL));
	assert_false(spool_append(d, data, 101, &err));
	assert_true(g_error_matches(err, SPOOL_ERROR, SPOOL_E_BUDGET));
	assert_int_equal(spool_budget_used(b), 800);
	spool_free(&d);
	assert_int_equal(spool_budget_used(b), 800);
	spool_free(&a);
	assert_true(spool_append(c, data, 100, NULL));
	d = spool_new(b, &lim);
	assert_true(spool_append(d, data, 500, NULL));
	spool_free(&c);
	spool_free(&d);
	assert_int_equal(spool_budget_used(b), 0);
}

static void
out_of_descriptors(void **state)
{
	char *dir = unit_mkdir();
	struct spool_limits lim = limits(dir);
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	g_autofree char *data = pattern(3 * MB);
	struct rlimit old, none;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &old);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
	for (size_t len = 3 * MB / 2; len <= 3 * MB; len *= 2) {
		AUTO(spool_free) struct spool *sp = spool_new(b, &lim);
		AUTO(spool_free) struct spool *later = spool_new(b, &lim);
		g_autoptr(GError) err = NULL;

		setrlimit(RLIMIT_NOFILE, &none);
		assert_false(spool_append(sp, data, len, &err));
		setrlimit(RLIMIT_NOFILE, &old);
		assert_true(g_error_matches(err, SPOOL_ERROR, SPOOL_E_IO));
		assert_non_null(strstr(err->message, "Too many open files"));
		assert_poisoned(sp, b, SPOOL_E_IO);
		/* Descriptors are back: so are we. */
		assert_true(spool_append(later, data, len, NULL));
		assert_true(spool_seal(later, NULL));
	}
	unit_rmdir(dir);
}

static void
folder_gone(void **state)
{
	char *dir = unit_mkdir();
	struct spool_limits lim = limits(dir);
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	AUTO(spool_free) struct spool *sp = spool_new(b, &lim);
	g_autofree char *data = pattern(3 * MB);
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_true(spool_append(sp, data, 2 * MB, NULL));
	assert_true(fsx_remove_tree(dir, NULL));
	assert_false(spool_append(sp, data, 1, &err));
	assert_true(g_error_matches(err, SPOOL_ERROR, SPOOL_E_IO));
	assert_non_null(strstr(err->message, dir));
	assert_poisoned(sp, b, SPOOL_E_IO);
	g_free(dir);
}

/* RLIMIT_FSIZE stands for a disk that refuses at some byte: anybody can set it. */
static void
file_refuses(void **state)
{
	char *dir = unit_mkdir();
	struct spool_limits lim = limits(dir);
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	AUTO(spool_free) struct spool *sp = spool_new(b, &lim);
	g_autofree char *data = pattern(3 * MB);
	struct rlimit old, small;
	g_autoptr(GError) err = NULL;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_true(spool_append(sp, data, 2 * MB + 1, NULL));
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){.rlim_cur = 2 * MB + 100 * KB, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	assert_false(spool_append(sp, data, 512 * KB, &err));
	setrlimit(RLIMIT_FSIZE, &old);
	assert_true(g_error_matches(err, SPOOL_ERROR, SPOOL_E_IO));
	assert_poisoned(sp, b, SPOOL_E_IO);
	unit_rmdir(dir);
}

/* A child in a mount namespace of its own with a file system of 256 KB: exit code 0 if everything
 * was as it must be, else the number of the first thing that was not. */
static int
on_tiny_disk(const char *dir)
{
	struct spool_limits lim = limits(dir);
	struct spool_budget *b = spool_budget_new();
	struct spool *full = NULL, *later = NULL;
	g_autofree char *data = pattern(2 * MB);
	GError *err = NULL;
	int rc = 0;

	lim.memory_max = 0;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=256k") < 0)
		return 77;
	full = spool_new(b, &lim);
	later = spool_new(b, &lim);
	if (spool_append(full, data, MB, &err))
		rc = 1;
	else if (!g_error_matches(err, SPOOL_ERROR, SPOOL_E_IO) ||
	         !strstr(err->message, "No space left on device"))
		rc = 2;
	else if (spool_budget_used(b) != 0)
		rc = 3;
	else if (!spool_append(later, data, 100 * KB, NULL) ||
	         !spool_seal(later, NULL)) /* the space is back */
		rc = 4;
	g_clear_error(&err);
	spool_free(&full);
	spool_free(&later);
	spool_budget_free(&b);
	return rc;
}

static void
disk_full(void **state)
{
	char *dir = unit_mkdir();
	int status = 0;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0)
		_exit(unshare(CLONE_NEWNS) == 0 ? on_tiny_disk(dir) : 77);
	assert_int_equal(waitpid(child, &status, 0), child);
	unit_rmdir(dir);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("# SKIP disk_full: no right to mount a tmpfs here; file_refuses "
		              "covers the code path\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

struct shared {
	struct spool *sp;
	int fd;
	const uint8_t *digest;
	bool ok;
};

/* What cannot be read has no digest, and says so each time. */
static void
no_digest_without_content(void **state)
{
	char *dir = unit_mkdir();
	struct spool_limits lim = limits(dir);
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	AUTO(spool_free) struct spool *sp = spool_new(b, &lim);
	g_autofree char *data = pattern(3 * MB), *link = NULL;
	g_autoptr(GError) err = NULL, again = NULL;
	int fd;

	(void)state;
	assert_true(spool_append(sp, data, 3 * MB, NULL));
	assert_true(spool_seal(sp, NULL));
	link = g_strdup_printf("/proc/self/fd/%d", spool_fd(sp, NULL));
	chmod(link, 0600);
	fd = open(link, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && ftruncate(fd, MB) == 0);
	close(fd);
	assert_null(spool_digest(sp, &err));
	assert_non_null(err);
	assert_null(spool_digest(sp, &again));
	assert_non_null(again);
	unit_rmdir(dir);
}

static void *
reader(void *arg)
{
	struct shared *s = arg;
	char buf[100];

	s->ok = true;
	for (int i = 0; i < 200; i++)
		s->ok &= spool_read(s->sp, (uint64_t)i, buf, sizeof(buf), NULL) &&
		         buf[0] == (char)(i * 7);
	s->fd = spool_fd(s->sp, NULL);
	s->digest = spool_digest(s->sp, NULL);
	return NULL;
}

/* Many threads read a sealed spool and ask for its descriptor and digest: one is made. */
static void
threads(void **state)
{
	struct spool_limits lim = limits("/nonexistent");
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	AUTO(spool_free) struct spool *sp = spool_new(b, &lim);
	struct shared s[4];
	pthread_t t[4];
	g_autofree char *data = g_malloc(1000);
	uint8_t sha[DIGEST_LEN];

	(void)state;
	for (int i = 0; i < 1000; i++)
		data[i] = (char)(i * 7);
	assert_true(spool_append(sp, data, 1000, NULL));
	assert_true(spool_seal(sp, NULL));
	for (int i = 0; i < 4; i++) {
		s[i].sp = sp;
		assert_int_equal(pthread_create(&t[i], NULL, reader, &s[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_true(s[i].ok);
		assert_int_equal(s[i].fd, s[0].fd);
		assert_ptr_equal(s[i].digest, s[0].digest);
	}
	digest_of(data, 1000, sha);
	assert_memory_equal(s[0].digest, sha, DIGEST_LEN);
	assert_true(s[0].fd >= 0);
}

static void *
spend(void *arg)
{
	struct spool_limits lim = limits("/nonexistent");
	char data[100] = {0};

	lim.total_max = 4000;
	for (int i = 0; i < 300; i++) {
		AUTO(spool_free) struct spool *sp = spool_new(arg, &lim);

		for (int k = 0; k < 25 && spool_append(sp, data, sizeof(data), NULL); k++)
			;
	}
	return NULL;
}

static void
budget_under_threads(void **state)
{
	AUTO(spool_budget_free) struct spool_budget *b = spool_budget_new();
	pthread_t t[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, spend, b), 0);
	for (int i = 0; i < 100; i++)
		assert_true(spool_budget_used(b) <= 4000);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(spool_budget_used(b), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sizes),
    cmocka_unit_test(chunks_go_round),
    cmocka_unit_test(small_needs_no_descriptor),
    cmocka_unit_test(tiny_memory_max),
    cmocka_unit_test(too_big),
    cmocka_unit_test(budget),
#ifndef AVM_SANITIZED
    cmocka_unit_test(out_of_memory),
#endif
    cmocka_unit_test(out_of_descriptors),
    cmocka_unit_test(folder_gone),
    cmocka_unit_test(file_refuses),
    cmocka_unit_test(disk_full),
    cmocka_unit_test(no_digest_without_content),
    cmocka_unit_test(threads),
    cmocka_unit_test(budget_under_threads),
};

UNIT_RUN(tests)
