/* snapshot - see snapshot.h */
#include "milter/snapshot.h"

#include <string.h>

struct pool *
pool_new(const struct workers_conf *cfg, GError **err)
{
	struct pool *p = g_new0(struct pool, 1);

	p->cfg = *cfg;
	p->cfg.scanner_path = g_strdup(cfg->scanner_path);
	p->cfg.scanner_log = g_strdup(cfg->scanner_log);
	atomic_init(&p->refs, 1);
	p->workers = workers_new(&p->cfg, err);
	if (p->workers == NULL)
		pool_unref(&p);
	return p;
}

struct pool *
pool_ref(struct pool *p)
{
	atomic_fetch_add(&p->refs, 1);
	return p;
}

void
pool_unref(struct pool **pp)
{
	struct pool *p = *pp;

	*pp = NULL;
	if (p == NULL || atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	if (p->workers != NULL)
		workers_free(&p->workers);
	g_free((char *)(uintptr_t)p->cfg.scanner_path);
	g_free((char *)(uintptr_t)p->cfg.scanner_log);
	g_free(p);
}

bool
pool_fits(const struct pool *p, const struct workers_conf *cfg)
{
	return p != NULL && memcmp(&p->cfg.settings, &cfg->settings, sizeof(cfg->settings)) == 0 &&
	    strcmp(p->cfg.scanner_path, cfg->scanner_path) == 0 &&
	    strcmp(p->cfg.scanner_log, cfg->scanner_log) == 0 && p->cfg.count == cfg->count &&
	    p->cfg.queue_max == cfg->queue_max;
}

struct snapshot *
snapshot_new(unsigned number, struct conf *conf, struct pool *pool, struct engines *engines,
    struct rules *rules)
{
	struct snapshot *s = g_new0(struct snapshot, 1);

	atomic_init(&s->refs, 1);
	s->number = number;
	s->conf = conf;
	s->pool = pool;
	s->engines = engines;
	s->rules = rules;
	for (guint i = 0; i < engines->list->len; i++) {
		const struct engine *e = g_ptr_array_index(engines->list, i);

		s->active += e->conf->enabled == ENABLED_YES;
	}
	return s;
}

struct snapshot *
snapshot_ref(struct snapshot *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
snapshot_unref(struct snapshot **sp)
{
	struct snapshot *s = *sp;

	*sp = NULL;
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	script_free(&s->script);
	rules_free(&s->rules);
	engines_free(&s->engines);
	pool_unref(&s->pool);
	conf_unref(&s->conf);
	g_free(s);
}

struct workers *
snapshot_workers(const struct snapshot *s)
{
	return s->pool != NULL ? s->pool->workers : NULL;
}

struct snapshot *
snapshot_slot_get(struct snapshot_slot *slot)
{
	struct snapshot *s;

	pthread_mutex_lock(&slot->mu);
	s = slot->current != NULL ? snapshot_ref(slot->current) : NULL;
	pthread_mutex_unlock(&slot->mu);
	return s;
}

void
snapshot_slot_set(struct snapshot_slot *slot, struct snapshot *s)
{
	struct snapshot *old;

	pthread_mutex_lock(&slot->mu);
	old = slot->current;
	slot->current = s;
	pthread_mutex_unlock(&slot->mu);
	/* Outside the lock: the last reference may stop a pool of workers. */
	snapshot_unref(&old);
}
