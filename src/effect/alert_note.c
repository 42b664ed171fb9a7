/* alert_note - see alert_note.h */
#include "effect/alert_note.h"

#include <string.h>

#include "base/log.h"
#include "effect/alert_mail.h"

#define VALUE_MAX_LEN  200
#define RECIPIENTS_MAX 20

void
alert_note_line(
    GString *to, const struct alert_texts *t, unsigned number, const char *value, size_t max)
{
	const char *label = alert_text(t, number);

	if (value == NULL || value[0] == '\0' || label[0] == '\0')
		return;
	g_string_append_printf(to, "%s ", label);
	log_esc(to, value, strlen(value), max);
	g_string_append_c(to, '\n');
}

static void
add(GString *to, const struct alert_texts *t, unsigned number, const char *value)
{
	alert_note_line(to, t, number, value, VALUE_MAX_LEN);
}

static void
add_recipients(GString *to, const struct alert_texts *t, const struct message *m, const char *only)
{
	const guint shown = MIN(m->recipients->len, RECIPIENTS_MAX);

	if (only != NULL) {
		add(to, t, 1031, only);
		return;
	}
	for (guint i = 0; i < shown; i++)
		add(to, t, 1031, g_ptr_array_index(m->recipients, i));
	if (m->recipients_total > shown) {
		g_autofree char *more = g_strdup_printf("+ %u", m->recipients_total - shown);

		add(to, t, 1031, more);
	}
}

static void
add_action(GString *to, const struct alert_texts *t, const struct alert_mail_facts *f)
{
	const struct decision *d = f->decision;
	g_autoptr(GString) s = g_string_new(action_name(d->action));

	if (d->observed)
		g_string_append_printf(s, " (would be %s)", action_name(d->would));
	if (f->effect_why != NULL)
		g_string_append_printf(s, " (%s)", f->effect_why);
	add(to, t, 1036, s->str);
}

static void
add_verdict(GString *to, const struct alert_texts *t, const struct alert_mail_facts *f)
{
	const struct finding *top = verdict_top(&f->scan->verdict);

	if (f->decision->cls != CLASS_INFECTED)
		add(to, t, 1039, verdict_class_name(f->decision->cls));
	if (top == NULL)
		return;
	add(to, t, 1034, top->name);
	add(to, t, 1035, top->object);
}

char *
alert_note(const struct alert_texts *t, const struct alert_mail_facts *f, const char *only)
{
	const struct message *m = f->message;
	g_autofree char *client =
	    g_strdup_printf("%s [%s]", m->client_name != NULL ? m->client_name : "unknown",
		m->client_addr != NULL ? m->client_addr : "local");
	g_autofree char *reference = g_strdup_printf("%s %s", m->ref, m->id);
	GString *s = g_string_new(NULL);

	add(s, t, 1030, m->sender != NULL && m->sender[0] != '\0' ? m->sender : "<>");
	add_recipients(s, t, m, only);
	add(s, t, 1032, m->message_id);
	add(s, t, 1033, m->subject != NULL ? m->subject + strspn(m->subject, " \t") : NULL);
	add_verdict(s, t, f);
	add_action(s, t, f);
	if (only == NULL)
		add(s, t, 1038, client);
	add(s, t, 1037, reference);
	return g_string_free(s, FALSE);
}

static bool
is_generated(const struct message *m)
{
	for (guint i = 0; i < m->headers->len; i++) {
		const struct header *h = g_ptr_array_index(m->headers, i);
		const char *value = h->value + strspn(h->value, " \t");

		if (header_is(h->name, ALERT_AUTO_FIELD))
			return g_ascii_strncasecmp(
				   value, ALERT_AUTO_VALUE, strlen(ALERT_AUTO_VALUE)) == 0;
	}
	return false;
}

static bool
is_one_of(const char *address, char *const *list)
{
	for (; *list != NULL; list++)
		if (g_ascii_strcasecmp(*list, address) == 0)
			return true;
	return false;
}

bool
alert_note_is_alert(const struct alert_mail_facts *f, char *const *to)
{
	if (f->facts->sender[0] != '\0' || f->facts->unknown > 0 || !is_generated(f->message))
		return false;
	for (guint i = 0; i < f->facts->recipients->len; i++)
		if (!is_one_of(g_ptr_array_index(f->facts->recipients, i), to))
			return false;
	return f->facts->recipients->len > 0;
}
