/* view - see view.h */
#include "script/view.h"

#include "engine/engine.h"
#include "worker/proto_script.h"

static void
view_client(struct bundle *b, const struct message *m)
{
	bundle_open(b, "client");
	bundle_text(b, "name", m->client_name);
	bundle_text(b, "addr", m->client_addr);
	bundle_text(b, "helo", m->helo);
	bundle_text(b, "daemon", m->daemon);
	bundle_flag(b, "submitted", m->submitted);
	bundle_close(b);
}

static void
view_headers(struct bundle *b, const GPtrArray *headers)
{
	bundle_open(b, "headers");
	for (guint i = 0; i < headers->len && i < VIEW_HEADERS_MAX; i++) {
		const struct header *h = g_ptr_array_index(headers, i);
		const char *value = h->value;

		bundle_open(b, "");
		bundle_text(b, "name", h->name);
		bundle_text(b, "value", *value == ' ' || *value == '\t' ? value + 1 : value);
		bundle_close(b);
	}
	bundle_close(b);
}

void
view_message(struct bundle *b, const char *key, const struct message *m, const struct facts *f)
{
	bundle_open(b, key);
	bundle_text(b, "id", m->id);
	bundle_text(b, "ref", m->ref);
	bundle_text(b, "sender", f->sender);
	bundle_text(b, "parameters", m->parameters);
	bundle_text(b, "auth", m->auth);
	bundle_text(b, "message_id", m->message_id);
	bundle_text(b, "subject", m->subject);
	bundle_number(b, "size", m->size);
	bundle_number(b, "recipients_total", m->recipients_total);
	bundle_number(b, "headers_total", m->headers->len);
	view_client(b, m);
	bundle_open(b, "recipients");
	for (guint i = 0; i < f->recipients->len; i++)
		bundle_text(b, "", g_ptr_array_index(f->recipients, i));
	bundle_close(b);
	view_headers(b, m->headers);
	bundle_close(b);
}

static void
view_findings(struct bundle *b, const struct verdict *v)
{
	bundle_open(b, "findings");
	for (guint i = 0; v->findings != NULL && i < v->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(v->findings, i);

		bundle_open(b, "");
		bundle_text(b, "class", verdict_class_name(finding_class(f->kind)));
		bundle_text(b, "name", f->name);
		bundle_text(b, "object", f->object);
		bundle_text(b, "engine", f->engine);
		bundle_text(b, "sha256", f->sha256);
		bundle_close(b);
	}
	bundle_close(b);
}

void
view_verdict(struct bundle *b, const char *key, const struct scan_result *r)
{
	const struct verdict *v = &r->verdict;
	const enum verdict_class cls = verdict_class(v);
	const struct finding *top = verdict_top(v);

	bundle_open(b, key);
	bundle_text(b, "class", verdict_class_name(cls));
	bundle_text(b, "state", scan_state_name(verdict_state(v)));
	bundle_flag(b, "clean", verdict_is_clean(v));
	bundle_text(b, "name", top != NULL ? top->name : NULL);
	bundle_text(b, "reason", verdict_reason(v, cls));
	bundle_text(b, "why", verdict_why(v, cls));
	bundle_number(b, "objects", r->objects);
	view_findings(b, v);
	bundle_open(b, "classes");
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		if (verdict_items(v) & 1u << c)
			bundle_flag(b, verdict_class_name((enum verdict_class)c), true);
	bundle_close(b);
	bundle_open(b, "engines");
	for (guint i = 0; r->parts != NULL && i < r->parts->len; i++) {
		const struct scan_part *part = g_ptr_array_index(r->parts, i);

		bundle_open(b, part->title);
		bundle_text(b, "class", verdict_class_name(part->cls));
		bundle_text(b, "definitions", part->definitions);
		bundle_close(b);
	}
	bundle_close(b);
	bundle_close(b);
}

static bool
is_container(const struct object *o)
{
	return o->type != NULL &&
	    (g_str_has_prefix(o->type, "multipart/") || g_str_has_prefix(o->type, "message/"));
}

static void
view_part(struct bundle *b, const struct object *o)
{
	char hex[DIGEST_HEX];

	bundle_open(b, "");
	bundle_number(b, "part", o->id);
	bundle_text(b, "path", o->path);
	bundle_text(b, "type", o->type);
	bundle_number(b, "size", o->size);
	bundle_text(b, "sha256", digest_hex(o->sha256, hex));
	bundle_flag(b, "container", is_container(o));
	bundle_text(b, "name", o->names != NULL ? o->names[0] : NULL);
	bundle_open(b, "names");
	for (char *const *n = o->names; n != NULL && *n != NULL; n++)
		bundle_text(b, "", *n);
	bundle_close(b);
	bundle_close(b);
}

void
view_parts(struct bundle *b, const char *key, const struct objects *objects)
{
	bundle_open(b, key);
	for (guint i = 1; i < objects->list->len && i <= VIEW_PARTS_MAX; i++)
		view_part(b, g_ptr_array_index(objects->list, i));
	bundle_close(b);
}

static void
view_variable(struct bundle *b, const char *name, const char *value)
{
	bundle_open(b, "");
	bundle_text(b, "name", name);
	bundle_text(b, "value", value);
	bundle_close(b);
}

void
view_context(struct bundle *b, const char *key, const struct context *c)
{
	GHashTableIter it;
	gpointer name, value;

	bundle_open(b, key);
	if (c->values != NULL) {
		g_hash_table_iter_init(&it, c->values);
		while (g_hash_table_iter_next(&it, &name, &value))
			view_variable(b, name, value);
	}
	bundle_close(b);
}

void
view_engines(struct bundle *b, const char *key, const struct engines *engines)
{
	bundle_open(b, key);
	for (guint i = 0; i < engines->list->len; i++)
		bundle_text(
		    b, "", ((const struct engine *)g_ptr_array_index(engines->list, i))->title);
	bundle_close(b);
}

void
view_noted(struct bundle *b, const char *key, const struct conf *conf, const struct scan_result *r,
    const struct context *c)
{
	bundle_open(b, key);
	for (guint i = 0; r->parts != NULL && i < r->parts->len; i++) {
		const struct scan_part *part = g_ptr_array_index(r->parts, i);
		const struct conf_engine *e = conf_engine_find(conf, part->title);
		g_autofree char *info =
		    e != NULL ? g_strconcat(e->context_variable, "_info", NULL) : NULL;

		if (e == NULL)
			continue;
		view_variable(b, e->context_variable, context_get(c, e->context_variable));
		view_variable(b, info, context_get(c, info));
	}
	bundle_close(b);
}

/* The one word that a script gets for a class; nothing but clean is CLEAN. */
static enum proto_scan_state
state_of(enum verdict_class c)
{
	switch (c) {
	case CLASS_CLEAN:
		return PROTO_AV_CLEAN;
	case CLASS_UNSCANNABLE:
	case CLASS_ENCRYPTED:
		return PROTO_AV_UNSCANNABLE;
	case CLASS_MACRO:
	case CLASS_SUSPICIOUS:
	case CLASS_BLOCKED:
	case CLASS_EVASION:
	case CLASS_INFECTED:
		return PROTO_AV_INFECTED;
	case CLASS_ERROR:
		break;
	}
	return PROTO_AV_ERROR;
}

void
view_scan(struct bundle *b, const struct verdict *v)
{
	const enum verdict_class cls = verdict_class(v);
	const struct finding *top = verdict_top(v);
	const char *reason = verdict_reason(v, cls), *why = verdict_why(v, cls);

	bundle_number(b, "status", state_of(cls));
	if (cls == CLASS_CLEAN)
		return;
	if (cls == CLASS_ERROR ||
	    cls == CLASS_UNSCANNABLE) { /* what is missing is worse than what was found */
		bundle_text(b, "info", why != NULL ? why : reason);
		bundle_text(b, "code", reason);
		return;
	}
	bundle_text(b, "info", top != NULL ? top->name : NULL);
	bundle_text(b, "engine", top != NULL ? top->engine : NULL);
	bundle_text(b, "code", verdict_class_name(cls));
}
