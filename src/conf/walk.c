/*
 * walk - every field of a configuration, with its path and row
 */
#include "conf/walk.h"

#include <string.h>

#include "conf/outline.h"

static void *
at(void *base, size_t offset)
{
	return (char *)base + offset;
}

void *
walk_base(struct conf *c, const struct conf_section *s)
{
	g_assert(
	    s->kind == SECTION_TOP || s->kind == SECTION_PLAIN || strcmp(s->name, "each") == 0);
	return at(c, s->offset);
}

void *
walk_engine_field(struct conf_engine *e, const struct conf_option *o)
{
	if (strcmp(o->section, "each") == 0)
		return at(e, conf_option_each_offset(o));
	return at(e, conf_section_find(o->section)->offset + o->offset);
}

char *
engine_path(const char *kind, const char *title)
{
	return g_strdup_printf("antivirus.%s \"%s\"", kind, title);
}

static void
walk_rows(const char *path, const char *section, void *base, walk_fn fn, void *user)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	for (size_t i = 0; i < n; i++) {
		g_autofree char *key = NULL;

		if (strcmp(o[i].section, section) != 0)
			continue;
		key = path_join(path, o[i].name);
		fn(key, &o[i], at(base, o[i].offset), user);
	}
}

void
walk_section(const char *section, void *base, walk_fn fn, void *user)
{
	walk_rows("", section, base, fn, user);
}

/* Rows of e: all that it has a field for, or with a path only those its kind may have. */
static void
engine_rows(const char *path, struct conf_engine *e, walk_fn fn, void *user)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	for (size_t i = 0; i < n; i++) {
		enum section_kind kind = conf_section_find(o[i].section)->kind;
		g_autofree char *key = NULL;

		if (path ? !conf_scope_has(e->kind, o[i].section)
			 : kind != SECTION_PART && kind != SECTION_ENGINE)
			continue;
		key = path ? path_join(path, o[i].name) : NULL;
		fn(key, &o[i], walk_engine_field(e, &o[i]), user);
	}
}

void
walk_engine(struct conf_engine *e, walk_fn fn, void *user)
{
	engine_rows(NULL, e, fn, user);
}

void
walk_engine_scope(const char *path, struct conf_engine *e, walk_fn fn, void *user)
{
	engine_rows(path, e, fn, user);
}

static void
walk_antivirus(struct conf *c, walk_fn fn, void *user)
{
	walk_rows("antivirus", "antivirus", &c->antivirus, fn, user);
	walk_rows("antivirus", "each", &c->antivirus, fn, user);
	for (unsigned i = 0; i < c->engines->len; i++) {
		struct conf_engine *e = g_ptr_array_index(c->engines, i);
		g_autofree char *path = engine_path(e->kind, e->title);

		walk_engine_scope(path, e, fn, user);
	}
}

void
walk_conf(struct conf *c, walk_fn fn, void *user)
{
	size_t n;
	const struct conf_section *s = conf_sections(&n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(s[i].name, "antivirus") == 0)
			walk_antivirus(c, fn, user);
		else if (s[i].kind == SECTION_TOP || s[i].kind == SECTION_PLAIN)
			walk_rows(s[i].kind == SECTION_TOP ? "" : s[i].name, s[i].name,
			    walk_base(c, &s[i]), fn, user);
	}
	for (unsigned i = 0; i < c->threadpools->len; i++) {
		struct conf_threadpool *t = g_ptr_array_index(c->threadpools, i);
		g_autofree char *path = g_strdup_printf("threadpool \"%s\"", t->title);

		walk_rows(path, "threadpool", t, fn, user);
	}
	for (unsigned i = 0; i < c->policies->len; i++) {
		struct conf_policy *p = g_ptr_array_index(c->policies, i);
		g_autofree char *path = g_strdup_printf("policy \"%s\"", p->title);

		walk_rows(path, "policy", p, fn, user);
	}
}
