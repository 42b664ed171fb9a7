#include "scanner/loader.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "scanner/channel.h"
#include "scanner/clamav.h"
#include "scanner/hugepages.h"
#include "scanner/jit.h"
#include "scanner/logic.h"

/* Larger than any scan's blocks, so that the heap is not given back and faulted in again for each
 * mail (facts-scanning.md 1). */
#define MMAP_THRESHOLD (32 * 1024 * 1024)
#define TRIM_THRESHOLD (256 * 1024 * 1024)

/* A tenth of what a scan gets on the same core (sched(7)). Not SCHED_IDLE: where scans keep all cores
 * busy for hours, new signatures would never be there. */
#define BACKGROUND_NICE 10

/* ioprio_set(2) has no wrapper and no header of its own. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_LOWEST      (2 << 13 | 7) /* of the usual class */

struct loader {
	pthread_t thread;
	const struct proto_settings *settings;
	const struct selftest *selftest;
	const char *folder;
	int sock;
	bool urgent;
	int done; /* eventfd */
	struct loaded result;
	GError *err;
};

static void
on_complaint(void *arg, const char *text)
{
	const struct loader *l = arg;
	g_autofree char *line = g_strdup_printf("libclamav: %s", text);

	channel_log(l->sock, line);
}

/* Both are wishes: refused ones cost other processes some speed while we load. */
void
loader_give_way(void)
{
	const struct sched_param none = { 0 };

	(void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
	(void)setpriority(PRIO_PROCESS, 0, BACKGROUND_NICE); /* in Linux: of this thread */
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_LOWEST);
}

/* The files may be replaced while they are read; then the engine would not be what its id says. */
static bool
unchanged(const struct loader *l, GError **err)
{
	struct generation now;

	if (!generation_read(l->settings->database, &now, err))
		return false;
	if (memcmp(now.id, l->result.generation.id, sizeof now.id) == 0)
		return true;
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
	    "database %s: changed while it was loaded; it will be loaded again",
	    l->settings->database);
	return false;
}

/* A kernel or a service manager that forbids new machine code costs speed, and nobody would see why. */
static void
tell_refused(const struct loader *l, struct jit_counts n)
{
	if (n.refused == 0)
		return;
	g_autofree char *line =
	    g_strdup_printf("pcre_jit: %u of %u regular expressions stay interpreted; is memory "
			    "that is both written and executed forbidden (MemoryDenyWriteExecute)?",
		n.refused, n.refused + n.compiled);
	channel_log(l->sock, line);
}

static void
prepare_logic(const struct loader *l)
{
	const bool wanted = l->settings->flags & PROTO_LOGIC_SHORTCUT;

	if (logic_prepare(wanted) || !wanted)
		return;
	g_autofree char *line =
	    g_strdup_printf("logic_shortcut: not used: this build of the scanner or "
			    "libclamav %s is not one that it is known to be right for",
		clamav_version());
	channel_log(l->sock, line);
}

static bool
load(struct loader *l, GError **err)
{
	g_autofree char *signature = g_build_filename(l->folder, "selftest.hsb", NULL);

	if (!generation_read(l->settings->database, &l->result.generation, err) ||
	    !selftest_write_signature(l->selftest, signature, err))
		return false;
	prepare_logic(l);
	if (l->settings->flags & PROTO_PCRE_JIT)
		jit_begin();
	l->result.engine = clamav_load(l->settings, signature, l->folder, on_complaint, l, err);
	tell_refused(l, jit_end());
	unlink(signature);
	if (!l->result.engine || !unchanged(l, err))
		return false;
	if (l->settings->flags & PROTO_HUGE_PAGES)
		huge_pages_collapse();
	return true;
}

static void *
run(void *arg)
{
	struct loader *l = arg;

	if (!l->urgent)
		loader_give_way();
	load(l, &l->err);
	eventfd_write(l->done, 1);
	return NULL;
}

struct look {
	const char *database;
	struct generation *out;
	GError **err;
	bool ok;
};

static void *
look(void *arg)
{
	struct look *l = arg;

	loader_give_way();
	l->ok = generation_read(l->database, l->out, l->err);
	return NULL;
}

bool
loader_look(const char *database, struct generation *out, GError **err)
{
	struct look l = { .database = database, .out = out, .err = err };
	pthread_t thread;

	if (pthread_create(&thread, NULL, look, &l) == 0)
		pthread_join(thread, NULL);
	else
		l.ok = generation_read(database, out, err);
	return l.ok;
}

struct loader *
loader_start(const struct proto_settings *s, const struct selftest *t, const char *folder, int sock,
    bool urgent)
{
	struct loader *l = g_new0(struct loader, 1);

	/* One heap for both threads: the engine shall not lie in an arena of a thread that is gone.
	 */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
	mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
	*l = (struct loader){ .settings = s,
		.selftest = t,
		.folder = folder,
		.sock = sock,
		.urgent = urgent,
		.done = eventfd(0, EFD_CLOEXEC) };
	if (l->done >= 0 && pthread_create(&l->thread, NULL, run, l) == 0)
		return l;
	fd_close(&l->done);
	g_free(l);
	return NULL;
}

int
loader_fd(const struct loader *l)
{
	return l->done;
}

void
loader_abandon(const struct loader *l)
{
	pthread_detach(l->thread);
}

bool
loader_join(struct loader **lp, struct loaded *out, GError **err)
{
	struct loader *l = *lp;

	pthread_join(l->thread, NULL);
	bool ok = l->err == NULL;
	if (ok)
		*out = l->result;
	else
		clamav_free(&l->result.engine);
	if (!ok)
		g_propagate_error(err, l->err);
	fd_close(&l->done);
	g_free(l);
	*lp = NULL;
	return ok;
}
