/* generation - see generation.h */
#include "daemon/generation.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "scan/memory.h"
#include "verdict/evasion.h"

/* How often a wait for the first failure looks around. */
#define LOOK_MS 50

#define INSTALLED_SCANNER LIBEXECDIR "/avmilter/avmilter-scanner"

const struct conf_engine *
generation_embedded(const struct conf *conf)
{
	for (guint i = 0; i < conf->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(conf->engines, i);

		if (strcmp(e->kind, "clamav") == 0 && e->enabled != ENABLED_NO)
			return e;
	}
	return NULL;
}

/* The section whose clamav options hold; those of a section of another kind are the defaults. */
static const struct conf_clamav *
scanner_options(const struct conf *conf)
{
	const struct conf_engine *e = generation_embedded(conf);

	if (e == NULL)
		e = g_ptr_array_index(conf->engines, 0);
	return &e->clamav;
}

char *
generation_scanner_path(const struct conf *conf)
{
	const char *configured = scanner_options(conf)->scanner_path;
	g_autofree char *self = NULL, *folder = NULL, *beside = NULL;

	if (access(configured, X_OK) == 0 || strcmp(configured, INSTALLED_SCANNER) != 0)
		return g_strdup(configured);
	self = g_file_read_link("/proc/self/exe", NULL);
	if (self == NULL)
		return g_strdup(configured);
	folder = g_path_get_dirname(self);
	beside = g_build_filename(folder, "avmilter-scanner", NULL);
	return g_strdup(access(beside, X_OK) == 0 ? beside : configured);
}

bool
generation_needs_workers(const struct conf *conf)
{
	for (guint i = 0; i < conf->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(conf->engines, i);
		const struct engine_ops *ops = engine_ops_find(e->kind);

		if (e->enabled != ENABLED_NO &&
		    (e->mime_decompose || (ops != NULL && (ops->caps & ENGINE_CAP_WORKER))))
			return true;
	}
	return false;
}

static uint64_t
heuristic_flags(const struct conf *conf, const struct conf_clamav *c)
{
	const uint64_t level = conf->antivirus.heuristics;

	return (level >= 1 ? PROTO_HEURISTICS : 0) | (level >= 2 ? PROTO_HEURISTICS_PARTITION : 0) |
	    (level >= 3 ? PROTO_HEURISTICS_FIRST : 0) |
	    (c->alert_encrypted ? PROTO_ALERT_ENCRYPTED : 0) |
	    (c->alert_macros ? PROTO_ALERT_MACROS : 0) |
	    (c->alert_broken ? PROTO_ALERT_BROKEN : 0) |
	    (c->alert_phishing ? PROTO_ALERT_PHISHING : 0) | (c->pua ? PROTO_PUA : 0) |
	    (c->bytecode ? PROTO_BYTECODE : 0) | (c->huge_pages ? PROTO_HUGE_PAGES : 0) |
	    (c->pin_workers ? PROTO_PIN_WORKERS : 0) | (c->layer_cache ? PROTO_LAYER_CACHE : 0) |
	    (c->pcre_jit ? PROTO_PCRE_JIT : 0) | (c->logic_shortcut ? PROTO_LOGIC_SHORTCUT : 0);
}

static bool
put_path(char to[PROTO_PATH_MAX], const char *path, const char *option, GError **err)
{
	if (path[0] == '/' && g_strlcpy(to, path, PROTO_PATH_MAX) < PROTO_PATH_MAX)
		return true;
	g_set_error(err, CONF_ERROR, CONF_E_INVALID,
	    "%s = \"%s\": must be an absolute path shorter than %d bytes", option, path,
	    PROTO_PATH_MAX);
	return false;
}

static bool
one_embedded(const struct conf *conf, GError **err)
{
	const struct conf_engine *first = NULL;

	for (guint i = 0; i < conf->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(conf->engines, i);

		if (strcmp(e->kind, "clamav") != 0 || e->enabled == ENABLED_NO)
			continue;
		if (first != NULL) {
			g_set_error(err, CONF_ERROR, CONF_E_INVALID,
			    "%s:%u: clamav \"%s\": there is one embedded engine and \"%s\" is it; "
			    "put all definitions into one folder",
			    e->file, e->line, e->title, first->title);
			return false;
		}
		first = e;
	}
	return true;
}

bool
generation_workers_conf(const struct conf *conf, struct workers_conf *out, GError **err)
{
	const struct conf_antivirus *a = &conf->antivirus;
	const struct conf_engine *embedded = generation_embedded(conf);
	const struct conf_clamav *c = scanner_options(conf);
	struct proto_settings *s = &out->settings;

	memset(out, 0, sizeof(*out));
	if (!one_embedded(conf, err) || !put_path(s->database, c->database, "database", err) ||
	    !put_path(s->scratch, a->scratch_base, "scratch_base", err))
		return false;
	s->flags = heuristic_flags(conf, c) | (embedded != NULL ? PROTO_ENGINE : 0) |
	    (embedded != NULL && !embedded->use_wire_rep ? PROTO_LF : 0) |
	    (conf->sandbox == SANDBOX_REQUIRE ? PROTO_REQUIRE_SANDBOX : 0) |
	    (a->sweep ? PROTO_SWEEP : 0) | (a->paranoid ? PROTO_PARANOID : 0);
	for (char **code = a->paranoid_codes; a->paranoid && *code != NULL; code++)
		(void)evasion_select(*code, &s->evasion);
	s->max_extract_size = a->max_extract_size;
	s->max_cumulative_extract_size = a->max_cumulative_extract_size;
	s->max_file_count = a->max_file_count;
	s->max_extract_time_ms = (uint64_t)a->max_extract_time;
	s->max_extract_depth = a->max_extract_depth;
	s->header_max = a->header_max;
	s->ac_depth = (uint32_t)c->ac_depth;
	out->count = (unsigned)MAX(c->workers, 1);
	out->queue_max = (unsigned)a->queue_max;
	out->scanner_path = generation_scanner_path(conf); /* owned by the caller */
	out->scanner_log = c->scanner_log;
	out->reload = c->reload;
	return true;
}

/* The workers of an earlier snapshot, if they are what cfg asks for. */
static struct pool *
reuse_pool(const struct snapshot *of, const struct workers_conf *cfg)
{
	return of != NULL && pool_fits(of->pool, cfg) ? pool_ref(of->pool) : NULL;
}

static struct pool *
find_pool(const struct conf *conf, const struct heritage *from, bool *fresh, GError **err)
{
	struct workers_conf cfg;
	struct pool *p;

	if (!generation_workers_conf(conf, &cfg, err))
		return NULL;
	cfg.suspect = from->memory != NULL ? memory_suspect : NULL;
	cfg.suspect_arg = from->memory;
	p = reuse_pool(from->current, &cfg);
	if (p == NULL) {
		struct proto_ready ready;

		p = reuse_pool(from->coming, &cfg);
		if (p == NULL)
			p = pool_new(&cfg, err);
		*fresh = p != NULL && !workers_ready_info(p->workers, &ready);
	}
	if (p != NULL)
		workers_set_reload(p->workers, cfg.reload);
	g_free((char *)(uintptr_t)cfg.scanner_path);
	return p;
}

struct script *
generation_script(const struct conf *conf, GError **err)
{
	g_autofree char *scanner = generation_scanner_path(conf);

	return script_new(conf, scanner, scanner_options(conf)->scanner_log, err);
}

/* The policy script, before anything else is begun: it is what administrators change most. */
static bool
load_script(const struct conf *conf, struct script **script, GError **err)
{
	*script = NULL;
	if (conf->lua.script[0] != '\0')
		*script = generation_script(conf, err);
	return *script != NULL || conf->lua.script[0] == '\0';
}

static struct snapshot *
build_rest(struct conf *conf, struct rules *rules, const struct heritage *from, bool test_engines,
    bool *fresh, GError **err)
{
	struct pool *pool = NULL;
	struct engines *engines;

	if (generation_needs_workers(conf)) {
		pool = find_pool(conf, from, fresh, err);
		if (pool == NULL)
			return NULL;
	}
	engines = engines_new(conf, pool != NULL ? pool->workers : NULL, test_engines, err);
	if (engines == NULL) {
		pool_unref(&pool);
		return NULL;
	}
	engines->memory = from->memory;
	engines_start(engines);
	return snapshot_new(from->number + 1, conf, pool, engines, rules);
}

struct snapshot *
generation_build(
    struct conf *conf, const struct heritage *from, bool test_engines, bool *fresh, GError **err)
{
	const struct rules *old = from->current != NULL ? from->current->rules : NULL;
	struct rules *rules = rules_new(conf, old, err);
	struct snapshot *snap = NULL;
	struct script *script = NULL;

	*fresh = false;
	if (rules != NULL && load_script(conf, &script, err))
		snap = build_rest(conf, rules, from, test_engines, fresh, err);
	if (snap != NULL) {
		snap->script = script;
		return snap;
	}
	script_free(&script);
	rules_free(&rules);
	conf_unref(&conf);
	return NULL;
}

bool
generation_wait_loaded(struct workers *w, int64_t max_ms, GError **err)
{
	const struct deadline dl = deadline_in(max_ms);

	for (;;) {
		g_autoptr(GError) why = NULL;
		struct workers_stats st = { 0 };
		struct wait step;

		wait_init(&step, deadline_min(dl, deadline_in(LOOK_MS)), LOOK_MS, NULL, NULL);
		if (workers_wait_ready(w, &step, &why))
			return true;
		workers_stats(w, &st);
		if (st.failures > 0 || deadline_passed(dl)) {
			g_propagate_error(err, g_steal_pointer(&why));
			return false;
		}
	}
}
