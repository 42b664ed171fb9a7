/* context - see context.h */
#include "message/context.h"

void
context_set(struct context *c, const char *name, const char *value)
{
	if (c->values == NULL)
		c->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (value != NULL)
		g_hash_table_replace(c->values, g_strdup(name), g_strdup(value));
	else
		g_hash_table_remove(c->values, name);
}

const char *
context_get(const struct context *c, const char *name)
{
	return c->values != NULL ? g_hash_table_lookup(c->values, name) : NULL;
}

void
context_clear(struct context *c)
{
	g_clear_pointer(&c->values, g_hash_table_unref);
}
