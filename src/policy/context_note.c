/* context_note - see context_note.h */
#include "policy/context_note.h"

#include <string.h>

static const struct finding *
strongest_of(const struct verdict *v, const char *title)
{
	for (guint i = 0; v->findings != NULL && i < v->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(v->findings, i);

		if (strcmp(f->engine, title) == 0)
			return f;
	}
	return NULL;
}

static void
note_engine(
    struct context *c, const struct conf_engine *e, const struct verdict *v, enum verdict_class cls)
{
	g_autofree char *info = g_strconcat(e->context_variable, "_info", NULL);
	const struct finding *f = strongest_of(v, e->title);

	context_set(c, e->context_variable, NULL);
	context_set(c, info, NULL);
	if (cls == CLASS_CLEAN)
		return;
	context_set(c, e->context_variable, cls == CLASS_ERROR ? "error" : "");
	context_set(c, info, f != NULL ? f->name : verdict_reason(v, cls));
}

void
context_note(struct context *c, const struct conf *conf, const struct scan_result *r)
{
	for (guint i = 0; r->parts != NULL && i < r->parts->len; i++) {
		const struct scan_part *part = g_ptr_array_index(r->parts, i);
		const struct conf_engine *e = conf_engine_find(conf, part->title);

		if (e != NULL)
			note_engine(c, e, &r->verdict, part->cls);
	}
}
