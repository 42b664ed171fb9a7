/*
 * diff - what differs between two configurations, and a configuration as text
 */
#include <string.h>

#include "conf/field.h"
#include "conf/outline.h"
#include "conf/structs.h"
#include "conf/walk.h"

struct entry {
	const struct conf_option *o;
	void *field;
};

/* path -> struct entry * for every field of c. */
static void
index_field(const char *path, const struct conf_option *o, void *field, void *user)
{
	struct entry *e = g_new0(struct entry, 1);

	*e = (struct entry){ o, field };
	g_hash_table_insert(user, g_strdup(path), e);
}

static GHashTable *
index_conf(const struct conf *c)
{
	GHashTable *out = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	walk_conf((struct conf *)(uintptr_t)c, index_field, out);
	return out;
}

/* One walk over the new configuration with the old one beside it. */
struct comparing {
	GHashTable *old;
	unsigned flag;
	GPtrArray *lines; /* what differs */
};

static void
compare_field(const char *path, const struct conf_option *o, void *field, void *user)
{
	const struct comparing *cmp = user;
	const struct entry *e = g_hash_table_lookup(cmp->old, path);
	g_autofree char *before = NULL, *after = NULL;

	/* A section that is new or gone concerns an engine, and engines may come and go. */
	if (!(o->flags & cmp->flag) || !e || field_equal(o, e->field, field))
		return;
	before = field_text(o, e->field);
	after = field_text(o, field);
	g_ptr_array_add(cmp->lines, g_strdup_printf("%s: %s -> %s", path, before, after));
}

/* The changed options that have the flag. */
static char **
changed(const struct conf *old, const struct conf *new, unsigned flag)
{
	struct comparing cmp = { index_conf(old), flag, g_ptr_array_new() };

	walk_conf((struct conf *)(uintptr_t) new, compare_field, &cmp);
	g_hash_table_unref(cmp.old);
	g_ptr_array_add(cmp.lines, NULL);
	return (char **)g_ptr_array_free(cmp.lines, FALSE);
}

char **
conf_needs_restart(const struct conf *old, const struct conf *new)
{
	return changed(old, new, RESTART);
}

/* The engine that the scanning processes belong to. */
static const struct conf_engine *
embedded(const struct conf *c)
{
	for (unsigned i = 0; i < c->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(c->engines, i);

		if (strcmp(e->kind, "clamav") == 0 && e->enabled != ENABLED_NO)
			return e;
	}
	return NULL;
}

bool
conf_scanner_equal(const struct conf *a, const struct conf *b)
{
	const struct conf_engine *x = embedded(a), *y = embedded(b);
	g_auto(GStrv) lines = changed(a, b, SCANNER);

	return !lines[0] && !x == !y && (!x || strcmp(x->title, y->title) == 0);
}

struct twin {
	const struct conf_engine *a, *b;
	bool equal;
};

static void
compare_twin(const char *path, const struct conf_option *o, void *field, void *user)
{
	struct twin *t = user;
	size_t offset = (size_t)((char *)field - (const char *)t->a);

	(void)path;
	t->equal = t->equal && field_equal(o, field, (const char *)t->b + offset);
}

bool
conf_engine_equal(const struct conf_engine *a, const struct conf_engine *b)
{
	struct twin t = { a, b, strcmp(a->kind, b->kind) == 0 && strcmp(a->title, b->title) == 0 };

	walk_engine((struct conf_engine *)(uintptr_t)a, compare_twin, &t);
	return t.equal;
}

static void
write_field(const char *path, const struct conf_option *o, void *field, void *user)
{
	g_autofree char *text = field_text(o, field);

	g_string_append_printf(user, "%s = %s\n", path, text);
}

void
conf_write(const struct conf *c, GString *out)
{
	walk_conf((struct conf *)(uintptr_t)c, write_field, out);
}
