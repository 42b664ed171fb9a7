/* stats - see stats.h */
#include "milter/stats.h"

#include <stddef.h>

#include "base/deadline.h"

void
stats_reset(struct stats *s)
{
	atomic_uint_fast64_t *const all[] = {
		&s->sessions,
		&s->messages,
		&s->aborted,
		&s->bytes,
		&s->objects,
		&s->viruses,
		&s->skipped,
		&s->unscanned_delivered,
		&s->effects_failed,
		&s->eom_us,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		atomic_store(all[i], 0);
	for (size_t i = 0; i < CLASS_COUNT; i++)
		atomic_store(&s->classes[i], 0);
	for (size_t i = 0; i < ACTION_COUNT; i++)
		atomic_store(&s->actions[i], 0);
	atomic_store(&s->since_ms, now_ms());
}

void
stats_message(struct stats *s, const struct message *m, const struct scan_result *r,
    const struct decision *d, const char *skipped, const char *effect_why, int64_t eom_us)
{
	atomic_fetch_add(&s->messages, 1);
	atomic_fetch_add(&s->bytes, m->size);
	atomic_fetch_add(&s->objects, r->objects);
	atomic_fetch_add(&s->eom_us, (uint64_t)(eom_us > 0 ? eom_us : 0));
	if (effect_why != NULL)
		atomic_fetch_add(&s->effects_failed, 1);
	if (skipped != NULL) {
		atomic_fetch_add(&s->skipped, 1);
	} else {
		atomic_fetch_add(&s->classes[d->cls], 1);
		if (d->cls == CLASS_INFECTED)
			atomic_fetch_add(&s->viruses, 1);
	}
	atomic_fetch_add(&s->actions[d->action], 1);
}

void
stats_unscanned(
    struct stats *s, const struct conf *conf, const struct decision *d, const char *skipped)
{
	if (skipped != NULL || d->action != ACTION_PASS || d->observed)
		return;
	if (d->cls != CLASS_ERROR && d->cls != CLASS_UNSCANNABLE)
		return;
	if (d->rule != NULL) /* an administrator has said so */
		return;
	for (guint i = 0; i < conf->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(conf->engines, i);

		/* One engine of which it is said is enough to name it: its section may be the
		 * cause. */
		if ((d->cls == CLASS_ERROR ? e->on_error : e->on_unscannable) == ACTION_PASS)
			return;
	}
	if (policy_class_action(conf, d->cls) != ACTION_PASS)
		atomic_fetch_add(&s->unscanned_delivered, 1);
}
