/* quarantine_about - see quarantine_about.h */
#include "effect/quarantine_about.h"

#include <string.h>
#include <time.h>

#include "verdict/action.h"

#define VERSION    1
#define COPY_BYTES (64 * 1024)

/* The object key that stands for bytes. */
#define BYTES "bytes"

json_t *
about_bytes(const char *s)
{
	json_t *text = s != NULL ? json_string(s) : json_null();
	GString *hex;

	if (text != NULL)
		return text;
	hex = g_string_new(NULL);
	for (; *s != '\0'; s++)
		g_string_append_printf(hex, "%02x", (unsigned char)*s);
	text = json_pack("{s:s}", BYTES, hex->str);
	g_string_free(hex, TRUE);
	return text;
}

char *
about_bytes_get(const json_t *v)
{
	const char *hex = json_string_value(json_object_get(v, BYTES));
	GString *out;

	if (json_is_string(v))
		return g_strdup(json_string_value(v));
	if (hex == NULL)
		return NULL;
	out = g_string_new(NULL);
	for (; g_ascii_isxdigit(hex[0]) && g_ascii_isxdigit(hex[1]); hex += 2)
		g_string_append_c(
		    out, (char)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1])));
	return g_string_free(out, FALSE);
}

json_t *
about_list(const GPtrArray *list)
{
	json_t *out = json_array();

	for (guint i = 0; i < list->len; i++)
		json_array_append_new(out, about_bytes(g_ptr_array_index(list, i)));
	return out;
}

GPtrArray *
about_list_get(const json_t *v)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; i < json_array_size(v); i++) {
		char *s = about_bytes_get(json_array_get(v, i));

		if (s != NULL)
			g_ptr_array_add(out, s);
	}
	return out;
}

static const char *
why_name(enum quarantine_why why)
{
	static const char *const names[] = { "action", "split", "copy" };

	return names[why];
}

static const GPtrArray *
recipients_of(const struct quarantine_case *c)
{
	return c->recipients != NULL ? c->recipients : c->message->recipients;
}

static json_t *
hex_text(const uint8_t digest[DIGEST_LEN])
{
	char hex[DIGEST_HEX];

	return json_string(digest_hex(digest, hex));
}

/* Takes why. Always returns false. */
static bool
unreadable(GError *why, GError **err)
{
	g_set_error_literal(err, QUARANTINE_ERROR, QUARANTINE_E_IO, why->message);
	g_error_free(why);
	return false;
}

bool
about_key(const struct quarantine_case *c, uint8_t out[DIGEST_LEN], GError **err)
{
	const GPtrArray *to = recipients_of(c);
	GError *why = NULL;
	const uint8_t *bytes = spool_digest(c->message->spool, &why);
	struct digest *d;

	if (bytes == NULL)
		return unreadable(why, err);
	d = digest_new();
	/* Every text with its NUL, so that no two lists look alike. */
	digest_add(d, bytes, DIGEST_LEN);
	digest_add(d, why_name(c->why), strlen(why_name(c->why)) + 1);
	digest_add(d, c->message->sender, strlen(c->message->sender) + 1);
	for (guint i = 0; i < to->len; i++)
		digest_add(d, g_ptr_array_index(to, i), strlen(g_ptr_array_index(to, i)) + 1);
	digest_end(d, out);
	digest_free(&d);
	return true;
}

/* Of the mail as it is kept: without the field that the spool begins with. */
static bool
hash_message(const struct message *m, uint8_t out[DIGEST_LEN], GError **err)
{
	g_autofree char *buf = g_malloc(COPY_BYTES);
	const uint64_t end = spool_size(m->spool);
	struct digest *d = digest_new();
	GError *why = NULL;

	for (uint64_t at = message_offset(); at < end && why == NULL;) {
		const size_t n = (size_t)MIN(end - at, (uint64_t)COPY_BYTES);

		if (spool_read(m->spool, at, buf, n, &why))
			digest_add(d, buf, n);
		at += n;
	}
	digest_end(d, out);
	digest_free(&d);
	return why == NULL || unreadable(why, err);
}

static json_t *
findings_of(const struct verdict *v)
{
	json_t *out = json_array();

	for (guint i = 0; v->findings != NULL && i < v->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(v->findings, i);
		json_t *o = json_object();

		json_object_set_new(o, "kind", json_string(finding_kind_name(f->kind)));
		json_object_set_new(o, "name", about_bytes(f->name));
		json_object_set_new(o, "object", about_bytes(f->object));
		json_object_set_new(o, "engine", about_bytes(f->engine));
		json_object_set_new(o, "sha256", about_bytes(f->sha256));
		json_object_set_new(o, "listed", json_boolean(f->listed));
		json_array_append_new(out, o);
	}
	return out;
}

static json_t *
engines_of(const struct scan_result *r)
{
	json_t *out = json_array();

	for (guint i = 0; r->parts != NULL && i < r->parts->len; i++) {
		const struct scan_part *p = g_ptr_array_index(r->parts, i);
		json_t *o = json_object();

		json_object_set_new(o, "title", about_bytes(p->title));
		json_object_set_new(o, "definitions", about_bytes(p->definitions));
		json_object_set_new(o, "class", json_string(verdict_class_name(p->cls)));
		json_array_append_new(out, o);
	}
	return out;
}

static void
put_time(json_t *o, int64_t now)
{
	g_autoptr(GDateTime) t = g_date_time_new_from_unix_utc(now);
	g_autofree char *text = t != NULL ? g_date_time_format(t, "%Y-%m-%dT%H:%M:%SZ") : NULL;

	json_object_set_new(o, "time", json_integer(now));
	json_object_set_new(o, "date", about_bytes(text));
}

static void
put_envelope(json_t *o, const struct quarantine_case *c)
{
	const struct message *m = c->message;
	json_t *client = json_object();

	json_object_set_new(client, "name", about_bytes(m->client_name));
	json_object_set_new(client, "addr", about_bytes(m->client_addr));
	json_object_set_new(client, "helo", about_bytes(m->helo));
	json_object_set_new(client, "daemon", about_bytes(m->daemon));
	json_object_set_new(o, "id", about_bytes(m->id));
	json_object_set_new(o, "sender", about_bytes(m->sender));
	json_object_set_new(o, "parameters", about_bytes(m->parameters));
	json_object_set_new(o, "recipients", about_list(recipients_of(c)));
	json_object_set_new(o, "recipients_total", json_integer(m->recipients_total));
	json_object_set_new(o, "client", client);
	json_object_set_new(o, "auth", about_bytes(m->auth));
	json_object_set_new(o, "message_id", about_bytes(m->message_id));
	json_object_set_new(o, "subject", about_bytes(m->subject));
}

static void
put_verdict(json_t *o, const struct quarantine_case *c)
{
	const struct verdict *v = &c->scan->verdict;
	const enum verdict_class cls = c->decision->cls;

	json_object_set_new(o, "why", json_string(why_name(c->why)));
	json_object_set_new(o, "rule", about_bytes(c->rule));
	json_object_set_new(o, "class", json_string(verdict_class_name(cls)));
	json_object_set_new(o, "action", json_string(action_name(c->decision->action)));
	json_object_set_new(o, "findings", findings_of(v));
	json_object_set_new(o, "more_findings", json_boolean(v->more));
	json_object_set_new(o, "reason", about_bytes(verdict_reason(v, cls)));
	json_object_set_new(o, "text", about_bytes(verdict_why(v, cls)));
	json_object_set_new(o, "engines", engines_of(c->scan));
	json_object_set_new(o, "definitions", about_bytes(c->scan->definitions));
	json_object_set_new(o, "objects", json_integer(c->scan->objects));
}

json_t *
about_make(const struct quarantine_case *c, const char *ref, int64_t now, GError **err)
{
	const uint64_t size = spool_size(c->message->spool) - message_offset();
	uint8_t whole[DIGEST_LEN], key[DIGEST_LEN];
	json_t *o;

	if (!hash_message(c->message, whole, err) || !about_key(c, key, err))
		return NULL;
	o = json_object();
	json_object_set_new(o, "version", json_integer(VERSION));
	json_object_set_new(o, "ref", json_string(ref));
	put_time(o, now);
	json_object_set_new(o, "host", about_bytes(c->host));
	put_verdict(o, c);
	put_envelope(o, c);
	json_object_set_new(o, "size", json_integer((json_int_t)size));
	json_object_set_new(o, "sha256", hex_text(whole));
	json_object_set_new(o, "body_sha256", hex_text(c->message->body_digest));
	json_object_set_new(o, "key", hex_text(key));
	return o;
}

char *
about_event(int64_t now, const char *event, json_t *rest)
{
	json_t *o = json_object();
	char *dumped, *line;

	put_time(o, now);
	json_object_set_new(o, "event", json_string(event));
	if (rest != NULL)
		json_object_update(o, rest);
	json_decref(rest);
	dumped = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	g_assert(dumped != NULL);
	line = g_strdup(dumped);
	free(dumped);
	json_decref(o);
	return line;
}

static void
read_event(struct about_past *p, const json_t *o)
{
	const char *event = json_string_value(json_object_get(o, "event"));
	g_autoptr(GPtrArray) to = about_list_get(json_object_get(o, "to"));

	if (g_strcmp0(event, "again") == 0) {
		p->again++;
		p->last = json_integer_value(json_object_get(o, "time"));
	} else if (g_strcmp0(event, "releasing") == 0) {
		p->interrupted = true;
	} else if (g_strcmp0(event, "failed") == 0) {
		p->interrupted = false;
	} else if (g_strcmp0(event, "released") == 0) {
		p->interrupted = false;
		for (guint i = 0; i < to->len; i++)
			g_hash_table_add(p->released, g_strdup(g_ptr_array_index(to, i)));
	}
}

void
about_past_read(struct about_past *p, const char *journal)
{
	g_auto(GStrv) lines = g_strsplit(journal, "\n", -1);

	*p = (struct about_past){ .released = g_hash_table_new_full(
				      g_str_hash, g_str_equal, g_free, NULL) };
	for (char **l = lines; *l != NULL; l++) {
		json_t *o = json_loads(*l, 0, NULL); /* a line that was cut is none */

		if (o != NULL)
			read_event(p, o);
		json_decref(o);
	}
}

void
about_past_clear(struct about_past *p)
{
	g_clear_pointer(&p->released, g_hash_table_unref);
}
