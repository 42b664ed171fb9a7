/* alert_tell - what comes from events and from mails; see alert.h */
#include <string.h>

#include "base/deadline.h"
#include "effect/alert_in.h"
#include "effect/smtp.h"

/* Recipients of one mail whom a rule tells (notify = {recipient}). */
#define TOLD_MAX 100
#define TEST_MS  30000
/* Of an object in the log. */
#define LABEL_MAX 400

void
alerts_heard(void *arg, enum event_kind kind, const char *text)
{
	static const unsigned of[EVENT_COUNT] = {
		[EVENT_CRASH] = ALERT_CRASH,
		[EVENT_STARTUP] = ALERT_STARTUP,
		[EVENT_SHUTDOWN] = ALERT_SHUTDOWN,
		[EVENT_UPDATE] = ALERT_UPDATE,
		[EVENT_UPDATE_ERROR] = ALERT_UPDATE_ERROR,
		[EVENT_LOAD_EXCEEDED] = ALERT_LOAD_EXCEEDED,
	};
	struct alerts *a = arg;

	pthread_mutex_lock(&a->mu);
	if (alert_is_on(a->now, of[kind])) {
		g_autofree char *item = alert_write_event(a->now, text);

		alerts_add(a, of[kind], NULL, item);
	}
	pthread_mutex_unlock(&a->mu);
}

/* Is this mail one that we have written? Locks: mu. */
static bool
is_ours(struct alerts *a, const struct alert_mail_facts *f)
{
	const char *id = f->message->message_id;

	for (unsigned i = 0; id != NULL && f->facts->sender[0] == '\0' && i < ALERT_IDS_MAX; i++)
		if (a->ids[i] != NULL && strcmp(a->ids[i], id) == 0)
			return true;
	return false;
}

/* Everybody of the mail whose domain is ours, each by himself. Locks: mu. */
static void
tell_recipients(struct alerts *a, const struct alert_settings *s, const struct alert_mail_facts *f)
{
	const GPtrArray *all = f->facts->recipients;

	for (guint i = 0; i < MIN(all->len, TOLD_MAX); i++) {
		const char *to = g_ptr_array_index(all, i), *at = strrchr(to, '@');
		bool local = false;

		for (char *const *d = s->conf->alert.local_domains; at != NULL && *d != NULL; d++)
			local = local || g_ascii_strcasecmp(at + 1, *d) == 0;
		if (local && smtp_address_is_valid(to)) {
			g_autofree char *item = alert_note(s->texts, f, to);

			alerts_add(a, ALERT_NOTICE, to, item);
		}
	}
}

/* Those whom rules want told; the administrator knows already when it was an infection. Locks: mu. */
static void
tell_named(struct alerts *a, const struct alert_settings *s, const struct alert_mail_facts *f,
    const char *item, bool admin_knows)
{
	const GPtrArray *named = f->decision->notify;

	for (guint i = 0; named != NULL && i < named->len; i++) {
		const char *to = g_ptr_array_index(named, i);

		if (strcmp(to, "recipient") == 0)
			tell_recipients(a, s, f);
		else if (strcmp(to, "admin") != 0)
			alerts_add(a, ALERT_NOTICE, to, item);
		else if (!admin_knows && s->conf->alert.to[0] != NULL)
			alerts_add(a, ALERT_NOTICE, NULL, item);
	}
}

/* alert.aggregate = false: each infected mail has its own alert. */
static void
post_one(struct alerts *a, const struct alert_settings *s, const char *item)
{
	struct alert_batch *b = g_new0(struct alert_batch, 1);

	b->kind = ALERT_INFECTION;
	b->items = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(b->items, g_strdup(item));
	alerts_post(a, s, b);
}

void
alerts_message(struct alerts *a, const struct alert_mail_facts *f)
{
	g_autofree char *item = NULL;
	struct alert_settings *s;
	bool infected, alone, alert;

	if (a == NULL)
		return;
	s = alerts_settings(a);
	infected = f->decision->cls == CLASS_INFECTED && alert_is_on(s, ALERT_INFECTION);
	alone = infected && !s->conf->alert.aggregate;
	if (infected || f->decision->notify != NULL) {
		alert = alert_note_is_alert(f, s->conf->alert.to);
		item = alert_note(s->texts, f, NULL);
		pthread_mutex_lock(&a->mu);
		alert = alert || is_ours(a, f);
		if (alert) {
			a->stats.suppressed++;
		} else {
			if (infected && !alone)
				alerts_add(a, ALERT_INFECTION, NULL, item);
			tell_named(a, s, f, item, infected);
		}
		pthread_mutex_unlock(&a->mu);
		if (alone && !alert) {
			post_one(a, s, item);
			pthread_mutex_lock(&a->mu);
			pthread_cond_signal(&a->changed);
			pthread_mutex_unlock(&a->mu);
		}
	}
	alert_settings_unref(&s);
}

char *
alerts_test(struct alerts *a, const atomic_int_fast64_t *cut, GError **err)
{
	struct alert_settings *s = alerts_settings(a);
	struct alert_batch *b = g_new0(struct alert_batch, 1);
	const struct alert_how how = { .conf = s->conf,
		.helo = a->host,
		.cut = cut,
		.silence_ms = TEST_MS,
		.patience_ms = TEST_MS };
	GPtrArray *to = NULL;
	struct alert_letter *l;
	const char *relay = NULL;
	GString *mail;
	char *id, *out = NULL;

	b->kind = ALERT_TEST;
	b->items = g_ptr_array_new();
	mail = alerts_write(a, s, b, &id, &to);
	l = alert_letter_new(mail, to, now_ms());
	pthread_mutex_lock(&a->mu);
	alerts_remember(a, id);
	pthread_mutex_unlock(&a->mu);
	if (to->len == 0)
		g_set_error(err, CONF_ERROR, CONF_E_INVALID,
		    "alert.to is empty: nobody gets alerts; write to = {\"ADDRESS\"} in alert { }");
	else if (alert_send(l, &how, &relay, err) == ALERT_SENT)
		out = g_strdup(relay);
	g_ptr_array_unref(to);
	alert_letter_free(l);
	alert_batch_free(b);
	alert_settings_unref(&s);
	return out;
}

/* Words of the message file; the caller frees. Without alerts those that are built in. */
static char *
words(struct alerts *a, unsigned number)
{
	struct alert_settings *s = a != NULL ? alerts_settings(a) : NULL;
	struct alert_texts *own = s == NULL ? alert_texts_built_in() : NULL;
	char *text = g_strdup(alert_text(s != NULL ? s->texts : own, number));

	alert_texts_free(&own);
	alert_settings_unref(&s);
	return text;
}

static void
log_file(const char *what, const char *label, enum verdict_class cls, const char *name)
{
	g_autoptr(GString) s = g_string_new(what);

	g_string_append(s, s->len > 0 ? " \"" : "\"");
	log_esc(s, label, strlen(label), LABEL_MAX);
	g_string_append_printf(s, "\" %s", verdict_class_name(cls));
	if (name != NULL) {
		g_string_append(s, " (");
		log_esc(s, name, strlen(name), LABEL_MAX);
		g_string_append_c(s, ')');
	}
	log_info("%s", s->str);
}

void
alerts_log_files(struct alerts *a, const struct scan_result *r)
{
	g_autofree char *what = words(a, 4001);
	const struct finding *top = verdict_top(&r->verdict);

	for (guint i = 0; r->files != NULL && i < r->files->len; i++) {
		const struct scan_file *f = g_ptr_array_index(r->files, i);

		log_file(what, f->label, f->cls, f->name);
	}
	if (r->files == NULL) /* its verdict was known: it was not taken apart */
		log_file(
		    what, "message", verdict_class(&r->verdict), top != NULL ? top->name : NULL);
}
