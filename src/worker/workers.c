/*
 * workers - the pool as a whole: made, asked, told to reload, ended
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "base/fsx.h"
#include "worker/pool.h"

/* Room for the workers of one pool; the pools of a process are made at different milliseconds. */
#define ID_BITS 20

static void
copy_conf(struct workers *p, const struct workers_conf *cfg)
{
	p->cfg = *cfg;
	p->cfg.count = MAX(cfg->count, 1);
	p->cfg.scanner_path = g_strdup(cfg->scanner_path);
	p->cfg.scanner_log = g_strdup(cfg->scanner_log ? cfg->scanner_log : "");
}

static void
destroy(struct workers *p)
{
	union {
		const char *in;
		char *out;
	} path = { .in = p->cfg.scanner_path }, file = { .in = p->cfg.scanner_log };

	fd_close(&p->wake);
	pthread_cond_destroy(&p->changed);
	pthread_cond_destroy(&p->exited);
	pthread_mutex_destroy(&p->mu);
	g_ptr_array_unref(p->gens);
	g_ptr_array_unref(p->idle);
	g_free(p->last_error);
	g_free(p->told_error);
	g_free(p->outcome_text);
	g_free(path.out);
	g_free(file.out);
	g_free(p);
}

/* The supervisor handles no signal of the daemon's. */
static int
start_thread(struct workers *p)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&p->thread, NULL, supervise, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

struct workers *
workers_new_limits(const struct workers_conf *cfg, const struct pool_limits *lim, GError **err)
{
	struct workers *p = g_new0(struct workers, 1);

	copy_conf(p, cfg);
	p->lim = *lim;
	p->reload = cfg->reload;
	p->start_at_ms = INT64_MAX;
	p->first_id = (uint64_t)now_ms() << ID_BITS;
	p->gens = g_ptr_array_new();
	p->idle = g_ptr_array_new();
	pthread_mutex_init(&p->mu, NULL);
	cond_init(&p->changed);
	cond_init(&p->exited);
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake < 0) {
		fsx_fail(err, "scanner", "eventfd");
		destroy(p);
		return NULL;
	}
	p->coming = generation_start(p, false, err);
	if (!p->coming) {
		destroy(p);
		return NULL;
	}
	errno = start_thread(p);
	if (errno != 0) {
		fsx_fail(err, "scanner", "start the supervising thread");
		zygote_kill(p->coming->zygote);
		waitpid(p->coming->zygote->pid, NULL, 0);
		generation_free(&p->coming);
		destroy(p);
		return NULL;
	}
	return p;
}

struct workers *
workers_new(const struct workers_conf *cfg, GError **err)
{
	return workers_new_limits(cfg, &pool_limits_default, err);
}

void
workers_free(struct workers **workers)
{
	struct workers *p = *workers;

	if (!p)
		return;
	*workers = NULL;
	pthread_mutex_lock(&p->mu);
	p->stopping = true;
	for (GList *l = p->waiters.head; l; l = l->next)
		pthread_cond_signal(&((struct waiter *)l->data)->cond);
	pthread_cond_broadcast(&p->changed);
	while (p->visitors > 0)
		pthread_cond_wait(&p->changed, &p->mu);
	g_assert(p->busy == 0);
	pthread_mutex_unlock(&p->mu);
	pool_wake(p);
	pthread_join(p->thread, NULL);
	destroy(p);
}

bool
workers_wait_ready(struct workers *p, struct wait *wait, GError **err)
{
	bool ready;

	pthread_mutex_lock(&p->mu);
	p->visitors++;
	while (!p->serving && !p->stopping)
		if (!wait_cond(wait, &p->changed, &p->mu))
			break;
	ready = p->serving && !p->stopping;
	if (!ready)
		g_set_error(err, WORKERS_ERROR,
		    p->stopping ? WORKERS_E_STOPPED : WORKERS_E_NOT_READY, "scanner: not ready: %s",
		    p->last_error ? p->last_error : "still loading");
	if (--p->visitors == 0 && p->stopping)
		pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mu);
	return ready;
}

uint64_t
workers_reload(struct workers *p)
{
	uint64_t number;

	pthread_mutex_lock(&p->mu);
	p->reload_wanted = true;
	number = ++p->reloads_asked;
	pthread_mutex_unlock(&p->mu);
	pool_wake(p);
	return number;
}

void
workers_set_reload(struct workers *p, int how)
{
	pthread_mutex_lock(&p->mu);
	p->reload = how;
	pthread_mutex_unlock(&p->mu);
}

bool
workers_reload_wait(struct workers *p, uint64_t number, struct wait *wait, enum reload_outcome *out,
    char **text, GError **err)
{
	bool done;

	*text = NULL;
	pthread_mutex_lock(&p->mu);
	p->visitors++;
	while (p->reloads_done < number && !p->stopping)
		if (!wait_cond(wait, &p->changed, &p->mu))
			break;
	done = p->reloads_done >= number && !p->stopping;
	*out = p->outcome;
	if (done)
		*text = g_strdup(p->outcome_text);
	else
		g_set_error(err, WORKERS_ERROR, p->stopping ? WORKERS_E_STOPPED : WORKERS_E_TIMEOUT,
		    "scanner: the definitions were still being loaded");
	if (--p->visitors == 0 && p->stopping)
		pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mu);
	return done;
}

bool
workers_ready_info(struct workers *p, struct proto_ready *out)
{
	bool ready;

	pthread_mutex_lock(&p->mu);
	ready = p->serving != NULL;
	if (ready)
		*out = p->serving->ready;
	pthread_mutex_unlock(&p->mu);
	return ready;
}

void
workers_stats(struct workers *p, struct workers_stats *out)
{
	pthread_mutex_lock(&p->mu);
	*out = p->counts;
	out->spare = p->idle->len;
	out->busy = p->busy;
	out->waiting = p->waiters.length;
	out->ready = p->serving ? p->idle->len + p->busy : 0;
	pthread_mutex_unlock(&p->mu);
}
