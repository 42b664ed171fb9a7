/* alert_write - see alert_write.h */
#include "effect/alert_write.h"

#include <time.h>

#include "base/log.h"
#include "conf/option.h"
#include "effect/alert_mail.h"

#define EVENT_MAX_LEN 800
#define VALUE_MAX_LEN 200

/* Numbers of the words of each kind. */
static const struct {
	const char *name;
	unsigned subject, body;
} kinds[ALERT_KINDS] = {
	[ALERT_INFECTION] = { "infection", 1020, 4000 },
	[ALERT_CRASH] = { "crash", 1008, 1009 },
	[ALERT_STARTUP] = { "startup", 1010, 1011 },
	[ALERT_SHUTDOWN] = { "shutdown", 1012, 1013 },
	[ALERT_UPDATE] = { "update", 1014, 1015 },
	[ALERT_UPDATE_ERROR] = { "update_error", 1018, 1019 },
	[ALERT_LOAD_EXCEEDED] = { "load_exceeded", 1016, 1017 },
	[ALERT_NOTICE] = { "notice", 1021, 1022 },
	[ALERT_TEST] = { "test", 1023, 1024 },
};

const char *
alert_kind_name(unsigned kind)
{
	return kinds[kind].name;
}

bool
alert_is_on(const struct alert_settings *s, unsigned kind)
{
	return s->conf->alert.to[0] != NULL && (s->conf->alert.on & (UINT64_C(1) << kind)) != 0;
}

struct alert_settings *
alert_settings_new(const struct conf *conf, const char *host)
{
	struct alert_settings *s = g_new0(struct alert_settings, 1);
	g_autoptr(GString) from = g_string_new(conf->alert.from);
	g_autoptr(GError) err = NULL;

	s->refs = 1;
	s->conf = conf_ref(conf);
	s->texts = alert_texts_load(conf->alert.messages, &err);
	if (s->texts == NULL) {
		g_auto(GStrv) lines = g_strsplit(err->message, "\n", -1);

		for (guint i = 0; lines[i] != NULL; i++)
			log_err("alert.messages: %s", lines[i]);
		log_err("alert.messages: the built-in texts are used until it is correct");
		s->texts = alert_texts_built_in();
	}
	g_string_replace(from, "%{host}", host, 0);
	s->from = g_strdup(from->str);
	return s;
}

struct alert_settings *
alert_settings_ref(struct alert_settings *s)
{
	g_atomic_int_inc(&s->refs);
	return s;
}

void
alert_settings_unref(struct alert_settings **s)
{
	struct alert_settings *was = g_steal_pointer(s);

	if (was == NULL || !g_atomic_int_dec_and_test(&was->refs))
		return;
	conf_unref(&was->conf);
	alert_texts_free(&was->texts);
	g_free(was->from);
	g_free(was);
}

static void
add(GString *to, const struct alert_settings *s, unsigned number, const char *value)
{
	alert_note_line(to, s->texts, number, value, VALUE_MAX_LEN);
}

static void
add_number(GString *to, const struct alert_settings *s, unsigned number, uint64_t value)
{
	g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);

	add(to, s, number, text);
}

char *
alert_write_event(const struct alert_settings *s, const char *text)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *when = g_date_time_format(now, "%Y-%m-%d %H:%M:%S %z");
	g_autofree char *cut = g_strndup(text, EVENT_MAX_LEN);
	g_autofree char *valid = g_utf8_make_valid(cut, -1);
	GString *item = g_string_new(NULL);

	add(item, s, 1006, when);
	g_string_append_printf(item, "%s\n", g_strdelimit(valid, "\r\n", ' '));
	return g_string_free(item, FALSE);
}

static void
add_scene(GString *to, const struct alert_settings *s, unsigned kind, const struct alert_about *a)
{
	add(to, s, 1001, a->host);
	if (kind == ALERT_INFECTION || kind == ALERT_NOTICE)
		return;
	add(to, s, 1002, s->conf->socket);
	if (a->scene != NULL) {
		if (kind == ALERT_UPDATE || kind == ALERT_UPDATE_ERROR || kind == ALERT_TEST)
			add(to, s, 1003, a->scene->definitions);
		if (kind == ALERT_LOAD_EXCEEDED) {
			add_number(to, s, 1004, s->conf->antivirus.queue_max);
			add_number(to, s, 1005, a->scene->waiting);
		}
	}
	add_number(to, s, 1007, (uint64_t)MAX(a->uptime_s, 0));
}

static GPtrArray *
recipients(const struct alert_settings *s, const struct alert_batch *b)
{
	GPtrArray *to = g_ptr_array_new_with_free_func(g_free);

	if (b->to != NULL)
		g_ptr_array_add(to, g_strdup(b->to));
	for (char *const *one = s->conf->alert.to; b->to == NULL && *one != NULL; one++)
		if ((*one)[0] != '\0')
			g_ptr_array_add(to, g_strdup(*one));
	return to;
}

GString *
alert_write(const struct alert_settings *s, const struct alert_batch *b,
    const struct alert_about *about, GPtrArray **to)
{
	const char *words = alert_text(s->texts, kinds[b->kind].body);
	g_autofree char *subject =
	    g_strdup_printf("%s (%s)", alert_text(s->texts, kinds[b->kind].subject), about->host);
	g_autoptr(GString) body = g_string_new(NULL);
	struct alert_head head = { .from = s->from,
		.subject = subject,
		.host = about->host,
		.event = kinds[b->kind].name,
		.id = about->id,
		.when = time(NULL) };

	if (words[0] != '\0')
		g_string_append_printf(body, "%s\n\n", words);
	add_scene(body, s, b->kind, about);
	for (guint i = 0; i < b->items->len; i++)
		g_string_append_printf(body, "\n%s", (const char *)g_ptr_array_index(b->items, i));
	if (b->more > 0) {
		g_string_append_c(body, '\n');
		add_number(body, s, 1040, b->more);
	}
	head.to = *to = recipients(s, b);
	return alert_mail(&head, body->str);
}
