/*
 * conf - the configuration: loading, sharing, finding
 */
#include "conf/conf.h"

#include <confuse.h>
#include <pthread.h>
#include <string.h>

#include "conf/confuse_glue.h"
#include "conf/field.h"
#include "conf/fill.h"
#include "conf/finish.h"
#include "conf/rules.h"
#include "conf/source.h"
#include "conf/structs.h"
#include "conf/walk.h"

/* libconfuse's scanner keeps its state in globals. */
static pthread_mutex_t confuse_lock = PTHREAD_MUTEX_INITIALIZER;

G_DEFINE_QUARK(conf - error - quark, conf_error)

/* From tokens to a struct; NULL when libconfuse refuses them. Errors are in p. */
static struct conf *
build(const GArray *tokens, struct problems *p)
{
	struct outline *o = outline_new(tokens, p);
	struct conf *c = NULL;
	cfg_t *tree;

	pthread_mutex_lock(&confuse_lock);
	tree = confuse_parse(o);
	if (tree)
		c = fill_conf(tree, o);
	if (tree)
		cfg_free(tree);
	pthread_mutex_unlock(&confuse_lock);
	/* What follows from values makes no sense while values are wrong. */
	if (c && problems_errors(p) == 0) {
		finish_conf(c, o);
		rules_check(c, o);
	}
	outline_free(&o);
	return c;
}

/* Takes tokens and p. */
static struct conf *
finish(GArray *tokens, struct problems *p, GError **err)
{
	struct conf *c = tokens ? build(tokens, p) : NULL;

	if (!c || problems_errors(p) > 0) {
		g_autofree char *text = problems_error_text(p);

		g_set_error(err, CONF_ERROR, tokens ? CONF_E_INVALID : CONF_E_FILE, "%s", text);
		conf_unref(&c);
	} else {
		c->warnings = problems_warnings(p);
	}
	if (tokens)
		g_array_unref(tokens);
	problems_free(&p);
	return c;
}

struct conf *
conf_load(const char *path, GError **err)
{
	struct problems *p = problems_new();

	return finish(source_read(path, p), p, err);
}

struct conf *
conf_parse(const char *text, const char *name, GError **err)
{
	struct problems *p = problems_new();

	return finish(source_text(name, text, p), p, err);
}

struct conf *
conf_ref(const struct conf *c)
{
	struct conf *own = (struct conf *)(uintptr_t)c;

	__atomic_add_fetch(&own->refs, 1, __ATOMIC_RELAXED);
	return own;
}

static void
clear_field(const char *path, const struct conf_option *o, void *field, void *user)
{
	(void)path;
	(void)user;
	field_clear(o, field);
}

void
conf_unref(struct conf **cp)
{
	struct conf *c = *cp;
	size_t n;
	const struct conf_section *s = conf_sections(&n);

	*cp = NULL;
	if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (s[i].kind == SECTION_TOP || s[i].kind == SECTION_PLAIN ||
		    strcmp(s[i].name, "each") == 0)
			walk_section(s[i].name, walk_base(c, &s[i]), clear_field, NULL);
	g_ptr_array_free(c->engines, TRUE);
	g_ptr_array_free(c->threadpools, TRUE);
	g_ptr_array_free(c->policies, TRUE);
	g_strfreev(c->warnings);
	g_free(c);
}

char *const *
conf_warnings(const struct conf *c)
{
	return c->warnings;
}

bool
conf_logs(const struct conf *c, enum conf_log_kind kind)
{
	static const uint64_t groups[CONF_log_kind_COUNT] = {
		[KIND_CRASH] = 1u << KIND_ERROR,
		[KIND_UPDATE_ERROR] = 1u << KIND_ERROR,
		[KIND_LOAD_EXCEEDED] = 1u << KIND_ERROR,
		[KIND_ALERT_ERROR] = 1u << KIND_ERROR,
		[KIND_INFECTION] = 1u << KIND_WARNING,
		[KIND_STARTUP] = 1u << KIND_INFO,
		[KIND_SHUTDOWN] = 1u << KIND_INFO,
		[KIND_UPDATE] = 1u << KIND_INFO,
	};

	return (c->log.kinds & (UINT64_C(1) << kind | groups[kind])) != 0;
}

const struct conf_engine *
conf_engine_find(const struct conf *c, const char *title)
{
	for (unsigned i = 0; i < c->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(c->engines, i);

		if (strcmp(e->title, title) == 0)
			return e;
	}
	return NULL;
}

const struct conf_threadpool *
conf_threadpool_find(const struct conf *c, const char *name)
{
	for (unsigned i = 0; i < c->threadpools->len; i++) {
		const struct conf_threadpool *t = g_ptr_array_index(c->threadpools, i);

		if (strcmp(t->title, name) == 0)
			return t;
	}
	return NULL;
}
