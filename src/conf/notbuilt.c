/*
 * notbuilt - refuse by name what asks for something that is not built yet
 */
#include <string.h>

#include "conf/fill.h"
#include "conf/option.h"
#include "conf/rules.h"
#include "conf/structs.h"
#include "conf/walk.h"

struct refusing {
	const struct conf *c;
	const struct outline *o;
};

static bool __attribute__((unused)) is(const struct conf_engine *e, const char *kind)
{
	return strcmp(e->kind, kind) == 0;
}

/* Say that what stands at path.key is not built. What a section has from antivirus is reported
 * where it is written. Unused while the table is empty. */
G_GNUC_UNUSED static void
refuse(const struct outline *o, const char *path, const char *key, const char *what)
{
	g_autofree char *own = !*key ? g_strdup(path) : path_join(path, key),
			*general = path_join("antivirus", key);
	const char *at = outline_mark(o, own) || !*key || !outline_mark(o, general) ? own : general;

	problems_error(o->problems, outline_place(o, at),
	    "%s: this version cannot do that yet (%s): take it away", at, what);
}

static void
check_top(const struct conf *c, const struct outline *o)
{
#define NOTBUILT_top(condition, key, what, example)                                                \
	if (condition)                                                                             \
		refuse(o, "", key, what);
#include "conf/notbuilt.def"
	(void)c;
	(void)o;
}

static void
check_engine(const struct conf_engine *e, const struct outline *o)
{
	g_autofree char *path = engine_path(e->kind, e->title);

#define NOTBUILT_engine(condition, key, what, example)                                             \
	if (condition)                                                                             \
		refuse(o, path, key, what);
#include "conf/notbuilt.def"
	(void)path;
	(void)o;
	(void)path;
}

static void
check_policy(const struct conf_policy *p, const struct outline *o)
{
	g_autofree char *path = g_strdup_printf("policy \"%s\"", p->title);

#define NOTBUILT_policy(condition, key, what, example)                                             \
	if (condition)                                                                             \
		refuse(o, path, key, what);
#include "conf/notbuilt.def"
	(void)path;
	(void)o;
	(void)path;
}

static void
check_action(const char *path, const struct conf_option *option, void *field, void *user)
{
	const struct refusing *r = user;
	const struct conf *c = r->c;
	const struct outline *o = r->o;
	/* Only what is written: an action that comes from another one is reported there. */
	int a = option->type == CONF_T_ACTION && outline_mark(o, path) ? *(int *)field : -1;

#define NOTBUILT_action(condition, key, what, example)                                             \
	if (condition)                                                                             \
		refuse(o, path, key, what);
#include "conf/notbuilt.def"
	(void)a;
	(void)c;
}

static void
check_key(const char *path, const struct conf_option *option, void *field, void *user)
{
	const struct outline *o = user;
	g_autofree char *name = path_join(option->section, option->name);

	if (!outline_mark(o, path) || fill_is_default(option, field))
		return;
#define called(row) (strcmp(name, row) == 0)
#define NOTBUILT_key(condition, key, what, example)                                                \
	if (condition)                                                                             \
		refuse(o, path, "", what);
#include "conf/notbuilt.def"
#undef called
	(void)name;
}

void
notbuilt_check_keys(const struct conf *c, const struct outline *o)
{
	walk_conf((struct conf *)(uintptr_t)c, check_key, (void *)(uintptr_t)o);
}

void
notbuilt_check(const struct conf *c, const struct outline *o)
{
	struct refusing r = { .c = c, .o = o };

	check_top(c, o);
	for (unsigned i = 0; i < c->engines->len; i++)
		check_engine(g_ptr_array_index(c->engines, i), o);
	for (unsigned i = 0; i < c->policies->len; i++)
		check_policy(g_ptr_array_index(c->policies, i), o);
	walk_conf((struct conf *)(uintptr_t)c, check_action, &r);
}
