#include "scanner/engine.h"

#include <string.h>

#include "scanner/clamav.h"
#include "scanner/generation.h"
#include "scanner/memo.h"

/* libclamav's own bound; above it, it warns and takes this. */
#define FILE_SIZE_MAX ((uint64_t)INT32_MAX - 2)

/* libclamav counts layers of its own making too: the mail, its body, streams of a document, an
 * unpacked program. With these our default of 10 archives within archives becomes its own default
 * of 17 levels. */
#define LEVELS_OWN 7

/* However small the limits are, the self-test must fit; what is above a limit of the configuration
 * is told by our own callbacks. */
#define SCAN_SIZE_MIN 1048576
#define FILES_MIN     10

/* libclamav's unpackers write whole blocks and stop before the one that would pass their limit.
 * With so much more than our own limit, a member that was cut is still larger than ours. */
#define FILE_SIZE_SLACK 65536

/* Who hears complaints while loading, and the last error, which says which file was bad. */
struct loading {
	complaint_listener *say;
	void *arg;
	char *last;
};

static void
on_complaint(void *arg, const char *text)
{
	struct loading *l = arg;

	g_free(l->last);
	l->last = g_strdup(text);
	if (l->say)
		l->say(l->arg, text);
}

static void
set_options(struct cl_scan_options *o, uint64_t flags)
{
	static const struct {
		uint64_t flag;
		uint32_t general, heuristic;
	} table[] = {
		{ PROTO_HEURISTICS, CL_SCAN_GENERAL_HEURISTICS, 0 },
		{ PROTO_HEURISTICS_FIRST, CL_SCAN_GENERAL_HEURISTIC_PRECEDENCE, 0 },
		{ PROTO_HEURISTICS_PARTITION, 0, CL_SCAN_HEURISTIC_PARTITION_INTXN },
		{ PROTO_ALERT_ENCRYPTED, 0,
		    CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE | CL_SCAN_HEURISTIC_ENCRYPTED_DOC },
		{ PROTO_ALERT_MACROS, 0, CL_SCAN_HEURISTIC_MACROS },
		{ PROTO_ALERT_BROKEN, 0,
		    CL_SCAN_HEURISTIC_BROKEN | CL_SCAN_HEURISTIC_BROKEN_MEDIA },
		{ PROTO_ALERT_PHISHING, 0,
		    CL_SCAN_HEURISTIC_PHISHING_SSL_MISMATCH | CL_SCAN_HEURISTIC_PHISHING_CLOAK },
	};

	memset(o, 0, sizeof *o);
	o->parse = ~0u;
	o->general = CL_SCAN_GENERAL_ALLMATCHES;
	/* Never without: what is beyond a limit would be "clean". */
	o->heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (flags & table[i].flag) {
			o->general |= table[i].general;
			o->heuristic |= table[i].heuristic;
		}
}

static bool
set_number(
    struct cl_engine *e, enum cl_engine_field field, uint64_t value, const char *name, GError **err)
{
	cl_error_t rc = cl_engine_set_num(e, field, (long long)value);

	if (rc == CL_SUCCESS)
		return true;
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
	    "libclamav refuses %s = %" G_GUINT64_FORMAT ": %s", name, value, cl_strerror(rc));
	return false;
}

/* Sizes from which on libclamav leaves out a step (normalising HTML and text, programs in other
 * files, regular expressions) and says nothing about it: never below what we scan. */
static bool
set_silent_limits(struct cl_engine *e, uint64_t size, GError **err)
{
	static const struct {
		enum cl_engine_field field;
		const char *name;
	} steps[] = { { CL_ENGINE_MAX_EMBEDDEDPE, "max_embedded_pe" },
		{ CL_ENGINE_MAX_HTMLNORMALIZE, "max_html_normalize" },
		{ CL_ENGINE_MAX_HTMLNOTAGS, "max_html_no_tags" },
		{ CL_ENGINE_MAX_SCRIPTNORMALIZE, "max_script_normalize" },
		{ CL_ENGINE_PCRE_MAX_FILESIZE, "pcre_max_file_size" } };

	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		long long now = cl_engine_get_num(e, steps[i].field, NULL);
		uint64_t want = now > 0 ? MAX((uint64_t)now, size) : size;
		if (!set_number(e, steps[i].field, want, steps[i].name, err))
			return false;
	}
	return true;
}

static bool
set_limits(struct cl_engine *e, const struct proto_settings *s, GError **err)
{
	uint64_t files = s->max_file_count > 0 ? MAX(s->max_file_count, FILES_MIN) : 0;

	return set_number(e, CL_ENGINE_DISABLE_CACHE, 1, "disable_cache", err) &&
	    set_number(e, CL_ENGINE_MAX_SCANSIZE,
		MAX(s->max_cumulative_extract_size, SCAN_SIZE_MIN), "max_cumulative_extract_size",
		err) &&
	    set_number(e, CL_ENGINE_MAX_FILESIZE, s->max_extract_size + FILE_SIZE_SLACK,
		"max_extract_size", err) &&
	    set_silent_limits(e, s->max_extract_size + FILE_SIZE_SLACK, err) &&
	    set_number(e, CL_ENGINE_MAX_RECURSION, s->max_extract_depth + LEVELS_OWN,
		"max_extract_depth", err) &&
	    set_number(e, CL_ENGINE_MAX_FILES, files, "max_file_count", err) &&
	    set_number(
		e, CL_ENGINE_MAX_SCANTIME, s->max_extract_time_ms, "max_extract_time", err) &&
	    (s->ac_depth == 0 ||
		set_number(e, CL_ENGINE_AC_MAXDEPTH, s->ac_depth, "ac_depth", err));
}

static unsigned
db_options(uint64_t flags)
{
	unsigned o = 0;

	if (flags & PROTO_ALERT_PHISHING)
		o |= CL_DB_PHISHING | CL_DB_PHISHING_URLS;
	if (flags & PROTO_BYTECODE)
		o |= CL_DB_BYTECODE;
	if (flags & PROTO_PUA)
		o |= CL_DB_PUA;
	return o;
}

static bool
fail_load(const struct proto_settings *s, const struct loading *l, cl_error_t rc, GError **err)
{
	g_autofree char *remedy = generation_remedy(s->database);

	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
	    "database %s: %s%s%s; remove the broken file, then %s", s->database, cl_strerror(rc),
	    l->last ? ": " : "", l->last ? l->last : "", remedy);
	return false;
}

static bool
load(struct clamav *c, const char *selftest, const char *tmpdir, struct loading *l, GError **err)
{
	const struct proto_settings *s = &c->limits;
	unsigned count = 0, own = 0;
	cl_error_t rc = cl_engine_set_str(c->engine, CL_ENGINE_TMPDIR, tmpdir);

	if (rc == CL_SUCCESS)
		rc = cl_load(s->database, c->engine, &count, db_options(s->flags));
	if (rc != CL_SUCCESS)
		return fail_load(s, l, rc, err);
	c->signatures = count;
	if (count == 0) {
		g_autofree char *remedy = generation_remedy(s->database);
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "database %s: holds no signature; %s", s->database, remedy);
		return false;
	}
	rc = cl_load(selftest, c->engine, &own, db_options(s->flags));
	if (rc == CL_SUCCESS)
		rc = cl_engine_compile(c->engine);
	return rc == CL_SUCCESS || fail_load(s, l, rc, err);
}

struct clamav *
clamav_load(const struct proto_settings *s, const char *selftest, const char *tmpdir,
    complaint_listener *say, void *arg, GError **err)
{
	struct clamav *c = g_new0(struct clamav, 1);
	struct loading l = { .say = say, .arg = arg };
	bool ok = false;

	c->limits = *s;
	c->limits.max_extract_size = MIN(s->max_extract_size, FILE_SIZE_MAX - FILE_SIZE_SLACK);
	set_options(&c->options, s->flags);
	complaint_listen(on_complaint, &l);
	cl_error_t rc = cl_init(CL_INIT_DEFAULT);
	if (rc == CL_SUCCESS)
		c->engine = cl_engine_new();
	if (c->engine)
		ok = set_limits(c->engine, &c->limits, err) && load(c, selftest, tmpdir, &l, err);
	else
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "libclamav: %s",
		    cl_strerror(rc == CL_SUCCESS ? CL_EMEM : rc));
	complaint_listen(NULL, NULL);
	g_free(l.last);
	if (ok)
		engine_set_callbacks(c->engine);
	else
		clamav_free(&c);
	return c;
}

bool
clamav_try(const struct proto_settings *s, const char *path, const char *tmpdir, uint64_t *count,
    GError **err)
{
	struct loading l = { 0 };
	struct cl_engine *e = NULL;
	unsigned found = 0;
	cl_error_t rc;

	complaint_listen(on_complaint, &l);
	rc = cl_init(CL_INIT_DEFAULT);
	if (rc == CL_SUCCESS && (e = cl_engine_new()) == NULL)
		rc = CL_EMEM;
	if (rc == CL_SUCCESS)
		rc = cl_engine_set_str(e, CL_ENGINE_TMPDIR, tmpdir);
	if (rc == CL_SUCCESS)
		rc = cl_load(path, e, &found, db_options(s->flags));
	if (rc == CL_SUCCESS)
		rc = cl_engine_compile(e);
	if (e != NULL)
		cl_engine_free(e);
	complaint_listen(NULL, NULL);
	*count += found;
	if (rc != CL_SUCCESS)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s%s%s", cl_strerror(rc),
		    l.last ? ": " : "", l.last ? l.last : "");
	g_free(l.last);
	return rc == CL_SUCCESS;
}

void
clamav_free(struct clamav **c)
{
	if (!*c)
		return;
	memo_free(&(*c)->memo);
	if ((*c)->engine)
		cl_engine_free((*c)->engine);
	g_free(*c);
	*c = NULL;
}

uint64_t
clamav_signatures(const struct clamav *c)
{
	return c->signatures;
}

const char *
clamav_version(void)
{
	return cl_retver();
}

bool
clamav_set_tmpdir(struct clamav *c, const char *dir, GError **err)
{
	cl_error_t rc = cl_engine_set_str(c->engine, CL_ENGINE_TMPDIR, dir);

	if (rc != CL_SUCCESS)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "libclamav: %s: %s", dir,
		    cl_strerror(rc));
	return rc == CL_SUCCESS;
}
