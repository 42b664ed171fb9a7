/*
 * fill - from libconfuse's tree to struct conf: values, defaults, what engines inherit
 */
#include "conf/fill.h"

#include <string.h>

#include "conf/field.h"
#include "conf/token.h"
#include "conf/walk.h"

/* The section that is being filled. */
struct filling {
	cfg_t *sec;
	const char *path;
	const struct outline *o;
	const struct conf *inherit; /* engines: where each comes from */
};

static void
set_default(const struct conf_option *o, void *field)
{
	g_autofree char *why = NULL;
	const char *one[1] = { o->def };
	bool good = true;

	if (o->type == CONF_T_LIST || o->type == CONF_T_SET) {
		g_autoptr(GPtrArray) values = g_ptr_array_new();
		g_autoptr(GArray) tokens = NULL;
		struct problems *p = problems_new();

		tokens = tokens_new("default", o->def, strlen(o->def), p);
		for (guint i = 0; i < tokens->len; i++)
			if (token_is_text(&g_array_index(tokens, struct token, i)))
				g_ptr_array_add(
				    values, g_array_index(tokens, struct token, i).text);
		good = o->flags & NEEDED ||
		    field_set(o, field, (const char *const *)values->pdata, values->len, &why);
		problems_free(&p);
	} else if (o->type != CONF_T_MAP && !(o->flags & NEEDED)) {
		good = field_set(o, field, one, 1, &why);
	}
	g_assert(good);
	field_finish(o, field);
}

bool
fill_is_default(const struct conf_option *o, const void *field)
{
	union {
		char *text;
		char **list;
		GPtrArray *map;
		uint64_t number;
	} def = { .number = 0 };
	bool equal;

	set_default(o, &def);
	equal = field_equal(o, field, &def);
	field_clear(o, &def);
	return equal;
}

static void
default_field(const char *path, const struct conf_option *o, void *field, void *user)
{
	(void)path;
	(void)user;
	set_default(o, field);
}

static void
clear_field(const char *path, const struct conf_option *o, void *field, void *user)
{
	(void)path;
	(void)user;
	field_clear(o, field);
}

static void
set_map(const struct filling *f, const char *path, const struct conf_option *o, void *field)
{
	cfg_t *map = cfg_getsec(f->sec, o->name);
	unsigned n = map ? cfg_num(map) : 0;

	for (unsigned i = 0; i < n; i++) {
		cfg_opt_t *pair = cfg_getnopt(map, i);
		const char *value = cfg_opt_getnstr(pair, 0);
		g_autofree char *key = path_join(path, cfg_opt_name(pair));
		g_autofree char *why = NULL;

		if (value && !field_set_pair(o, field, cfg_opt_name(pair), value, &why))
			problems_error(f->o->problems, outline_place(f->o, key), "%s %s", key, why);
	}
}

static void
set_values(const struct filling *f, const char *path, const struct conf_option *o, void *field)
{
	cfg_opt_t *opt = cfg_getopt(f->sec, o->name);
	unsigned n = opt ? cfg_opt_size(opt) : 0;
	g_autofree const char **values = g_new0(const char *, n + 1);
	g_autofree char *why = NULL;

	for (unsigned i = 0; i < n; i++)
		values[i] = cfg_opt_getnstr(opt, i);
	if (n != 1 && o->type != CONF_T_LIST && o->type != CONF_T_SET)
		return; /* without a value: the outline has said so */
	if (!field_set(o, field, values, n, &why))
		problems_error(f->o->problems, outline_place(f->o, path), "%s %s", path, why);
}

/* Set a field from the section, else from what it inherits, else to its default. */
static void
fill_field(const char *path, const struct conf_option *o, void *field, void *user)
{
	const struct filling *f = user;
	g_autofree char *key = path_join(f->path, o->name);

	(void)path;
	if (f->inherit && strcmp(o->section, "each") == 0)
		field_copy(o, field, (const char *)&f->inherit->antivirus + o->offset);
	else
		set_default(o, field);
	if (!f->sec || !outline_mark(f->o, key)) {
		if (f->o && (o->flags & NEEDED))
			problems_error(f->o->problems, outline_place(f->o, f->path),
			    "%s needs %s: write %s = %s%s%s", f->path, o->name, o->name,
			    o->type == CONF_T_STR ? "\"" : "",
			    strcmp(o->name, "servers") == 0 ? "{\"ADDRESS\"}" : o->def,
			    o->type == CONF_T_STR ? "\"" : "");
		return;
	}
	if (o->type == CONF_T_MAP) {
		field_clear(o, field);
		field_finish(o, field);
		set_map(f, key, o, field);
	} else {
		set_values(f, key, o, field);
	}
}

static void
fill_engine_field(const char *path, const struct conf_option *o, void *field, void *user)
{
	field_clear(o, field);
	fill_field(path, o, field, user);
}

struct conf_engine *
fill_engine(const struct conf *c, const char *kind, const char *title)
{
	struct conf_engine *e = g_new0(struct conf_engine, 1);
	struct filling f = { .path = "", .inherit = c };

	e->kind = conf_kind_find(kind)->name;
	e->test = conf_kind_find(kind)->class == KIND_TEST;
	e->title = g_strdup(title);
	e->file = g_strdup("");
	walk_engine(e, default_field, NULL);
	walk_engine_scope("", e, fill_engine_field, &f);
	return e;
}

struct conf_threadpool *
fill_threadpool(const char *title)
{
	struct conf_threadpool *t = g_new0(struct conf_threadpool, 1);

	t->title = g_strdup(title);
	t->file = g_strdup("");
	walk_section("threadpool", t, default_field, NULL);
	return t;
}

void
engine_destroy(void *engine)
{
	struct conf_engine *e = engine;

	walk_engine(e, clear_field, NULL);
	g_free(e->title);
	g_free(e->file);
	g_free(e);
}

void
threadpool_destroy(void *pool)
{
	struct conf_threadpool *t = pool;

	walk_section("threadpool", t, clear_field, NULL);
	g_free(t->title);
	g_free(t->file);
	g_free(t);
}

void
policy_destroy(void *policy)
{
	struct conf_policy *p = policy;

	walk_section("policy", p, clear_field, NULL);
	g_free(p->title);
	g_free(p->file);
	g_free(p);
}

/* One engine of the file, and where it stands there. */
struct placed {
	struct conf_engine *e;
	unsigned nth;
};

static int
by_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return x->nth < y->nth ? -1 : x->nth > y->nth;
}

/* All engine sections, in the order of the file, which libconfuse keeps only for each kind. */
static void
fill_engines(struct conf *c, cfg_t *av, const struct outline *o)
{
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(struct placed));
	size_t n;
	const struct conf_kind *k = conf_kinds(&n);

	for (size_t i = 0; i < n; i++) {
		for (unsigned j = 0; j < cfg_size(av, k[i].name); j++) {
			cfg_t *sec = cfg_getnsec(av, k[i].name, j);
			g_autofree char *path = engine_path(k[i].name, cfg_title(sec));
			struct filling f = { .sec = sec, .path = path, .o = o, .inherit = c };
			const struct mark *m = outline_mark(o, path);
			struct placed p = { fill_engine(c, k[i].name, cfg_title(sec)), m->nth };

			g_free(p.e->file);
			p.e->file = g_strdup(m->at.file);
			p.e->line = m->at.line;
			walk_engine_scope(path, p.e, fill_engine_field, &f);
			g_array_append_val(found, p);
		}
	}
	g_array_sort(found, by_place);
	for (guint i = 0; i < found->len; i++)
		g_ptr_array_add(c->engines, g_array_index(found, struct placed, i).e);
}

static void
fill_titled(struct conf *c, cfg_t *tree, const struct outline *o)
{
	for (unsigned i = 0; i < cfg_size(tree, "threadpool"); i++) {
		cfg_t *sec = cfg_getnsec(tree, "threadpool", i);
		g_autofree char *path = g_strdup_printf("threadpool \"%s\"", cfg_title(sec));
		struct filling f = { .sec = sec, .path = path, .o = o };
		struct conf_threadpool *t = g_new0(struct conf_threadpool, 1);

		t->title = g_strdup(cfg_title(sec));
		t->file = g_strdup(outline_place(o, path).file);
		t->line = outline_place(o, path).line;
		walk_section("threadpool", t, fill_field, &f);
		g_ptr_array_add(c->threadpools, t);
	}
	for (unsigned i = 0; i < cfg_size(tree, "policy"); i++) {
		cfg_t *sec = cfg_getnsec(tree, "policy", i);
		g_autofree char *path = g_strdup_printf("policy \"%s\"", cfg_title(sec));
		struct filling f = { .sec = sec, .path = path, .o = o };
		struct conf_policy *p = g_new0(struct conf_policy, 1);

		p->title = g_strdup(cfg_title(sec));
		p->file = g_strdup(outline_place(o, path).file);
		p->line = outline_place(o, path).line;
		walk_section("policy", p, fill_field, &f);
		g_ptr_array_add(c->policies, p);
	}
}

struct conf *
fill_conf(cfg_t *tree, const struct outline *o)
{
	struct conf *c = g_new0(struct conf, 1);
	size_t n;
	const struct conf_section *s = conf_sections(&n);

	c->refs = 1;
	c->engines = g_ptr_array_new_with_free_func(engine_destroy);
	c->threadpools = g_ptr_array_new_with_free_func(threadpool_destroy);
	c->policies = g_ptr_array_new_with_free_func(policy_destroy);
	for (size_t i = 0; i < n; i++) {
		bool each = strcmp(s[i].name, "each") == 0;
		const char *path = each ? "antivirus" : s[i].kind == SECTION_TOP ? "" : s[i].name;
		struct filling f = { .path = path, .o = o };

		if (s[i].kind != SECTION_TOP && s[i].kind != SECTION_PLAIN && !each)
			continue;
		f.sec = *path ? cfg_getsec(tree, path) : tree;
		walk_section(s[i].name, walk_base(c, &s[i]), fill_field, &f);
	}
	fill_engines(c, cfg_getsec(tree, "antivirus"), o);
	fill_titled(c, tree, o);
	return c;
}
