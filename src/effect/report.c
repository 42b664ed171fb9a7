/*
 * report - the log line, as text and as JSON from one list of fields
 */
#include "effect/report.h"

#include <jansson.h>
#include <string.h>

#define LONG_MAX_LEN      200  /* from, to, msgid, virus, object, text */
#define ADDRESSES_MAX_LEN 1000 /* withheld, redirect */
#define SHORT_MAX_LEN     128  /* client, auth, ... */

/* How a value looks in the text form. */
enum look { LOOK_BARE, LOOK_QUOTED };

/* Where the fields go: one of the two. */
struct out {
	GString *text;
	json_t *json;
};

/* The text itself, for JSON: valid UTF-8 without control characters, at most max source bytes. */
static char *
readable(const char *value, size_t max)
{
	g_autofree char *cut = g_strndup(value, max), *valid = g_utf8_make_valid(cut, -1);
	GString *s = g_string_new("");

	for (char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		g_string_append_unichar(s, g_unichar_iscntrl(c) ? 0xfffd : c);
	}
	return g_string_free(s, FALSE);
}

/* The beginning of value, escaped; bare: without blanks, which would end the value. At most max
 * source bytes. */
static GString *
escaped(const char *value, size_t max, bool bare)
{
	GString *s = g_string_new("");

	log_esc(s, value, strlen(value), max);
	if (bare)
		g_string_replace(s, " ", "\\x20", 0);
	return s;
}

/* As much of the value as needs at most 2 * max bytes. */
static void
add_escaped(GString *to, const char *value, size_t max, bool bare)
{
	size_t n = max;
	GString *s = escaped(value, n, bare);

	while (s->len > 2 * max) {
		g_string_free(s, TRUE);
		n -= n / 4 + 1;
		s = escaped(value, n, bare);
	}
	g_string_append_len(to, s->str, (gssize)s->len);
	g_string_free(s, TRUE);
}

static void
add_string(struct out *o, const char *key, const char *value, enum look look, size_t max)
{
	if (!value)
		return;
	if (o->json) {
		g_autofree char *text = readable(value, max);

		json_object_set_new(o->json, key, json_string(text));
		return;
	}
	/* Every mail is one of these lines: no printf() where an append does. */
	if (o->text->len > 0)
		g_string_append_c(o->text, ' ');
	g_string_append(o->text, key);
	g_string_append_c(o->text, '=');
	if (look == LOOK_QUOTED)
		g_string_append_c(o->text, '"');
	add_escaped(o->text, value, max, look == LOOK_BARE);
	if (look == LOOK_QUOTED)
		g_string_append_c(o->text, '"');
}

static void
add_word(struct out *o, const char *key, const char *value)
{
	add_string(o, key, value && value[0] ? value : NULL, LOOK_BARE, SHORT_MAX_LEN);
}

static void
add_quoted(struct out *o, const char *key, const char *value)
{
	add_string(o, key, value && value[0] ? value : NULL, LOOK_QUOTED, LONG_MAX_LEN);
}

static void
add_number(struct out *o, const char *key, uint64_t value)
{
	if (o->json)
		json_object_set_new(o->json, key, json_integer((json_int_t)value));
	else
		g_string_append_printf(o->text, " %s=%" G_GUINT64_FORMAT, key, (guint64)value);
}

/* Hundredths, without the locale's decimal point. */
static void
add_seconds(struct out *o, const char *key, int64_t ms)
{
	int64_t hundredths = (MAX(ms, 0) + 5) / 10;

	if (o->json)
		json_object_set_new(o->json, key, json_real((double)hundredths / 100));
	else
		g_string_append_printf(o->text, " %s=%" G_GINT64_FORMAT ".%02d", key,
		    hundredths / 100, (int)(hundredths % 100));
}

/* An address as the MTA gave it; <> when there is none. */
static const char *
address(const char *a)
{
	return a && a[0] ? a : "<>";
}

/* Comma separated, as many as fit; their names are those of the configuration. */
static void
add_symbols(struct out *o, const GPtrArray *list)
{
	g_autoptr(GString) text = g_string_new("");

	for (guint i = 0; list && i < list->len; i++)
		g_string_append_printf(
		    text, "%s%s", i ? "," : "", (char *)g_ptr_array_index(list, i));
	if (text->len > 0)
		add_string(o, "symbols", text->str, LOOK_BARE, ADDRESSES_MAX_LEN);
}

static void
add_finding(struct out *o, const struct report *r)
{
	const struct finding *top = verdict_top(&r->scan->verdict);

	add_word(o, "verdict", r->skipped ? "skipped" : verdict_class_name(r->decision->cls));
	if (top && !r->skipped) {
		add_quoted(o, "virus", top->name);
		add_quoted(o, "object", top->object);
	}
	if (!r->skipped)
		add_word(o, "engine", top && top->engine[0] ? top->engine : r->scan->engines);
	if (!r->skipped)
		add_symbols(o, r->decision->symbols);
	add_word(o, "action", action_name(r->decision->action));
}

static void
add_envelope(struct out *o, const struct message *m)
{
	/* An MTA that knows no name gives "[address]" in its place; Postfix itself logs "unknown". */
	const char *name = m->client_name && m->client_name[0] != '[' ? m->client_name : "unknown";
	g_autofree char *client = g_strdup_printf(
	    "%.*s[%.*s]", SHORT_MAX_LEN - 50, name, 46, m->client_addr ? m->client_addr : "local");

	add_string(o, "from", address(m->sender), LOOK_BARE, LONG_MAX_LEN);
	if (m->recipients->len > 0)
		add_string(
		    o, "to", address(g_ptr_array_index(m->recipients, 0)), LOOK_BARE, LONG_MAX_LEN);
	add_number(o, "nrcpt", m->recipients_total);
	add_word(o, "client", client);
	add_word(o, "auth", m->auth);
	add_string(o, "msgid", m->message_id && m->message_id[0] ? m->message_id : NULL, LOOK_BARE,
	    LONG_MAX_LEN);
	add_number(o, "size", m->size);
}

/* Definitions of the engine that found something, else of all. */
static const char *
definitions(const struct report *r)
{
	const struct finding *top = verdict_top(&r->scan->verdict);
	const char *own = top ? scan_result_definitions(r->scan, top->engine) : NULL;

	return own ? own : r->scan->definitions;
}

static void
add_reason(struct out *o, const struct report *r)
{
	const enum verdict_class c = r->decision->cls;

	if (r->effect_why) {
		add_quoted(o, "why", "effect");
		add_quoted(o, "text", r->effect_why);
	} else if (r->skipped) {
		add_quoted(o, "why", r->skipped);
	} else {
		add_quoted(o, "why", verdict_reason(&r->scan->verdict, c));
		add_quoted(o, "text", verdict_why(&r->scan->verdict, c));
	}
}

/* How the administrator lets a mail go: out of our store, or out of the MTA's queue, where neither
 * MTA runs milters again for it (decision 30). */
static void
add_release(struct out *o, const struct report *r)
{
	const char *id = r->m->id;
	g_autofree char *how = NULL;

	if (r->kept && r->kept[0])
		how = g_strdup_printf("avmilterctl quarantine release %s", r->kept);
	else if (!r->effect_why && r->decision->action == ACTION_QUARANTINE)
		how = g_strdup_printf(
		    "Postfix: postsuper -H %s; sendmail: sendmail -qQ -qI%s -Q", id, id);
	add_quoted(o, "release", how);
}

/* Addresses, comma separated. */
static void
add_addresses(struct out *o, const char *key, const GPtrArray *list)
{
	g_autoptr(GString) text = g_string_new("");

	for (guint i = 0; list && i < list->len; i++)
		g_string_append_printf(
		    text, "%s%s", i ? "," : "", (char *)g_ptr_array_index(list, i));
	if (text->len > 0)
		add_string(o, key, text->str, LOOK_BARE, ADDRESSES_MAX_LEN);
}

static void
add_policy(struct out *o, const struct report *r)
{
	const struct decision *d = r->decision;

	add_quoted(o, "rule", d->rule);
	if (r->effect_why)
		return;
	if (d->split)
		add_word(o, "split", conf_split_name(SPLIT_QUARANTINE));
	add_addresses(o, "withheld", d->withheld);
	add_addresses(o, "redirect", d->redirects);
}

static void
add_content(struct out *o, const struct report *r)
{
	const struct finding *top = verdict_top(&r->scan->verdict);

	if (top && !r->skipped)
		add_word(o, "sha256", top->sha256);
}

static void
add_all(struct out *o, const struct report *r)
{
	add_finding(o, r);
	add_envelope(o, r->m);
	add_number(o, "objects", r->scan->objects);
	add_word(o, "cache", r->scan->cache ? r->scan->cache : "off");
	add_seconds(o, "delay", r->delay_ms);
	if (!r->skipped)
		add_word(o, "sigs", definitions(r));
	add_word(o, "ref", r->m->ref);
	add_reason(o, r);
	if (r->decision->observed)
		add_word(o, "would", action_name(r->decision->would));
	if (r->scan->ignored > 0)
		add_number(o, "ignored", r->scan->ignored);
	if (r->scan->left_out > 0)
		add_number(o, "left_out", r->scan->left_out);
	if (r->scan->verdict.more)
		add_word(o, "more", "yes");
	add_release(o, r);
	add_policy(o, r);
	add_content(o, r);
}

static char *
as_json(const struct report *r)
{
	struct out o = { .json = json_object() };
	char *dumped, *line;

	add_string(&o, "id", r->m->id, LOOK_BARE, SHORT_MAX_LEN);
	add_all(&o, r);
	dumped = json_dumps(o.json, JSON_COMPACT | JSON_REAL_PRECISION(12));
	g_assert(dumped);
	line = g_strdup(dumped);
	free(dumped);
	json_decref(o.json);
	return line;
}

char *
report_line(const struct report *r, bool json)
{
	struct out o = { .text = NULL };

	if (json)
		return as_json(r);
	o.text = g_string_sized_new(512);
	add_all(&o, r);
	return g_string_free(o.text, FALSE);
}

enum log_level
report_level(const struct report *r)
{
	if (r->effect_why)
		return LOGLV_ERR;
	if (r->skipped)
		return LOGLV_INFO;
	switch (r->decision->cls) {
	case CLASS_INFECTED:
	case CLASS_EVASION:
	case CLASS_BLOCKED:
		return LOGLV_WARNING;
	case CLASS_ERROR:
		return LOGLV_ERR;
	default:
		return LOGLV_INFO;
	}
}
