/* stats - see stats.h */
#include "milter/stats.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/deadline.h"
#include "engine/score.h"

/* What eom.c and scan.c say of mail that they do not scan. */
static const char *const skip_words[STATS_SKIPS] = { "disabled", "policy", "sealed", "released",
	"filters", "context", "skip-macro", "skip-header", "script", "other" };

const char *
stats_skip_word(unsigned i)
{
	return skip_words[i];
}

const char *
stats_result_word(unsigned result)
{
	return result < CLASS_COUNT ? verdict_class_name((enum verdict_class)result) : "skipped";
}

void
stats_init(struct stats *s)
{
	history_init(&s->history);
	stats_reset(s);
}

void
stats_clear(struct stats *s)
{
	history_clear(&s->history);
}

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
	for (size_t i = 0; i < STATS_RESULTS; i++)
		for (size_t k = 0; k < ACTION_COUNT; k++)
			atomic_store(&s->answers[i][k], 0);
	for (size_t i = 0; i < STATS_SKIPS; i++)
		atomic_store(&s->skips[i], 0);
	histogram_reset(&s->eom);
	score_reset_all();
	atomic_store(&s->since_ms, now_ms());
}

static void
count_skip(struct stats *s, const char *why)
{
	unsigned i = 0;

	while (i < STATS_SKIPS - 1 && strcmp(skip_words[i], why) != 0)
		i++;
	atomic_fetch_add(&s->skipped, 1);
	atomic_fetch_add(&s->skips[i], 1);
}

static void
count_engines(const struct scan_result *r, bool repaired)
{
	for (guint i = 0; r->parts != NULL && i < r->parts->len; i++) {
		const struct scan_part *part = g_ptr_array_index(r->parts, i);

		score_message(score_of(part->title), part->cls, repaired);
	}
}

/* For people: what was found last. */
static void
note_finding(
    struct stats *s, const struct message *m, const struct scan_result *r, const struct decision *d)
{
	const struct finding *top = verdict_top(&r->verdict);
	struct history_finding f = { time(NULL), d->cls, d->action, "", "", "" };

	if (d->cls == CLASS_CLEAN)
		return;
	if (top != NULL && finding_class(top->kind) != d->cls)
		top = NULL; /* what it was called after is the reason */
	g_strlcpy(f.id, m->id != NULL ? m->id : "", sizeof(f.id));
	g_strlcpy(
	    f.name, top != NULL ? top->name : verdict_reason(&r->verdict, d->cls), sizeof(f.name));
	g_strlcpy(
	    f.engine, top != NULL && top->engine != NULL ? top->engine : "", sizeof(f.engine));
	history_note(&s->history, &f);
}

void
stats_message(struct stats *s, const struct message *m, const struct scan_result *r,
    const struct decision *d, const char *skipped, const char *effect_why, int64_t eom_us)
{
	const unsigned result = skipped != NULL ? HISTORY_SKIPPED : d->cls;

	atomic_fetch_add(&s->messages, 1);
	atomic_fetch_add(&s->bytes, m->size);
	atomic_fetch_add(&s->objects, r->objects);
	atomic_fetch_add(&s->eom_us, (uint64_t)(eom_us > 0 ? eom_us : 0));
	if (effect_why != NULL)
		atomic_fetch_add(&s->effects_failed, 1);
	histogram_add(&s->eom, eom_us);
	history_add(&s->history, result, now_ms());
	if (skipped != NULL) {
		count_skip(s, skipped);
	} else {
		count_engines(r, r->repaired && effect_why == NULL);
		note_finding(s, m, r, d);
		atomic_fetch_add(&s->classes[d->cls], 1);
		if (d->cls == CLASS_INFECTED)
			atomic_fetch_add(&s->viruses, 1);
	}
	atomic_fetch_add(&s->actions[d->action], 1);
	atomic_fetch_add(&s->answers[result][d->action], 1);
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
