/*
 * finish - what follows from other options: actions, zeros that stand for something, names that
 * come from titles
 */
#include "conf/finish.h"

#include <string.h>
#include <unistd.h>

#include "conf/fill.h"
#include "conf/walk.h"

#define EXTRACT_SIZE_DEFAULT    (100 * MIB)
#define CUMULATIVE_SIZE_DEFAULT (200 * MIB)
#define IO_THREADS              64
/* Levels of antivirus.heuristics (P12) at which the single keys of clamav change their default. */
#define HEURISTICS_PHISHING 2
#define HEURISTICS_ALL      3

static uint64_t
cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (uint64_t)n : 1;
}

static void
replace(char **field, char *with)
{
	g_free(*field);
	*field = with;
}

/* An on_* that says "action" or "auto" gets what `action` beside it says. */
static void
resolve(int action, int *on)
{
	if (*on == CONF_ACTION_ACTION)
		*on = action;
	else if (*on == CONF_ACTION_AUTO)
		*on = action == ACTION_REJECT ? ACTION_REJECT : ACTION_PASS;
}

#define RESOLVE_ALL(s)                                                                             \
	do {                                                                                       \
		resolve((s)->action, &(s)->on_infected);                                           \
		resolve((s)->action, &(s)->on_evasion);                                            \
		resolve((s)->action, &(s)->on_blocked);                                            \
		resolve((s)->action, &(s)->on_suspicious);                                         \
		resolve((s)->action, &(s)->on_encrypted);                                          \
		resolve((s)->action, &(s)->on_macro);                                              \
		resolve((s)->action, &(s)->on_unscannable);                                        \
		resolve((s)->action, &(s)->on_error);                                              \
	} while (0)

static void
finish_limits(struct conf_antivirus *a)
{
	if (a->max_extract_size == 0)
		a->max_extract_size = EXTRACT_SIZE_DEFAULT;
	if (a->max_cumulative_extract_size == 0)
		a->max_cumulative_extract_size = CUMULATIVE_SIZE_DEFAULT;
	if (a->max_extract_time == 0)
		a->max_extract_time = a->message_time_max;
	if (!*a->scratch_base)
		replace(&a->scratch_base, g_strdup(a->file_base));
	if (!*a->path_directory)
		replace(&a->path_directory, g_strdup(a->file_base));
}

static bool
written(const struct outline *o, const char *path, const char *name)
{
	g_autofree char *key = path_join(path, name);

	return outline_mark(o, key) != NULL;
}

static void
finish_clamav(
    struct conf_engine *e, const struct conf *c, const struct outline *o, const char *path)
{
	uint64_t level = c->antivirus.heuristics;
	bool asked = written(o, path, "timeout") || outline_mark(o, "antivirus.timeout");

	if (!asked || e->timeout == 0)
		e->timeout = c->antivirus.max_extract_time;
	if (!written(o, path, "alert_phishing"))
		e->clamav.alert_phishing = level >= HEURISTICS_PHISHING;
	if (!written(o, path, "alert_broken"))
		e->clamav.alert_broken = level >= HEURISTICS_ALL;
	if (!written(o, path, "pua"))
		e->clamav.pua = level >= HEURISTICS_ALL;
}

static void
finish_engine(struct conf_engine *e, const struct conf *c, const struct outline *o)
{
	g_autofree char *path = engine_path(e->kind, e->title);
	const struct conf_kind *kind = conf_kind_find(e->kind);

	RESOLVE_ALL(e);
	/* Workers take messages apart without an embedded engine as well. */
	/* Large mail leaves one of them free (base/lane.h), and all cores shall have work. */
	if (e->clamav.workers == 0)
		e->clamav.workers = cores() + 1;
	if (strcmp(e->kind, "clamav") == 0)
		finish_clamav(e, c, o, path);
	if (e->timeout == 0)
		e->timeout = c->antivirus.message_time_max;
	if (!*e->pool)
		replace(&e->pool, g_strdup(kind->class == KIND_NET ? "IO" : "CPU"));
	if (!*e->context_variable)
		replace(&e->context_variable, g_strdup_printf("%s_status", e->title));
	if (!*e->symbol) {
		g_autofree char *upper = g_ascii_strup(e->title, -1);

		replace(&e->symbol, g_strdup_printf("%s_VIRUS", upper));
	}
}

/* Scans that this machine does at a time: the embedded engine's are those of its workers. */
static uint64_t
local_scans(const struct conf *c)
{
	uint64_t n = cores();

	for (unsigned i = 0; i < c->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(c->engines, i);

		n = MAX(n, e->clamav.workers);
	}
	return n;
}

/* The named pool, made when nobody wrote it. */
static void
want_pool(struct conf *c, const char *name, uint64_t size)
{
	struct conf_threadpool *t;

	if (conf_threadpool_find(c, name))
		return;
	t = fill_threadpool(name);
	t->size = size;
	g_ptr_array_add(c->threadpools, t);
}

void
finish_conf(struct conf *c, const struct outline *o)
{
	if (c->engines->len == 0)
		g_ptr_array_add(c->engines, fill_engine(c, "clamav", "clamav"));
	finish_limits(&c->antivirus);
	for (unsigned i = 0; i < c->engines->len; i++)
		finish_engine(g_ptr_array_index(c->engines, i), c, o);
	RESOLVE_ALL(&c->antivirus);
	if (c->antivirus.timeout == 0)
		c->antivirus.timeout = c->antivirus.message_time_max;
	want_pool(c, "CPU", local_scans(c));
	want_pool(c, "IO", IO_THREADS);
	for (unsigned i = 0; i < c->threadpools->len; i++) {
		struct conf_threadpool *t = g_ptr_array_index(c->threadpools, i);

		if (t->size == 0)
			t->size = cores();
		if (t->queue_max == 0)
			t->queue_max = c->antivirus.queue_max;
	}
}
