/* skip - see skip.h */
#include "policy/skip.h"

const char *
skip_note(const struct rules *r, const struct facts *f, const struct message *m, const char *macro,
    struct context *c)
{
	const struct conf_trust *t = &r->conf->trust;
	const char *why = NULL;

	if (macro != NULL && macro[0] != '\0')
		why = "skip-macro";
	else if (t->skip_header[0] != '\0' && rules_trusts(r, f) &&
	    message_header_count(m, t->skip_header) > 0)
		why = "skip-header";
	if (why != NULL && r->conf->antivirus.skip_context_variable[0] != '\0')
		context_set(c, r->conf->antivirus.skip_context_variable, why);
	return why;
}

static bool
is_skipped(const struct engine *e, const struct context *c)
{
	const char *name = e->conf->skip_context_variable;

	return name[0] != '\0' && context_get(c, name) != NULL;
}

bool
skip_engines(struct engines *all, const struct context *c, struct engines *some)
{
	unsigned active = 0;

	*some = *all;
	some->list = g_ptr_array_new();
	for (guint i = 0; i < all->list->len; i++) {
		struct engine *e = g_ptr_array_index(all->list, i);

		if (is_skipped(e, c))
			continue;
		g_ptr_array_add(some->list, e);
		active += engine_is_active(e);
	}
	if (some->list->len == all->list->len) {
		g_ptr_array_unref(some->list);
		some->list = all->list;
	}
	return active > 0;
}

void
skip_engines_clear(struct engines *some, const struct engines *all)
{
	if (some->list != all->list)
		g_clear_pointer(&some->list, g_ptr_array_unref);
}

bool
skip_header_lies(const struct rules *r, const struct facts *f)
{
	return r->conf->trust.skip_header[0] != '\0' && !rules_trusts(r, f);
}
