/* alert - the thread that writes and sends; see alert.h */
#include "effect/alert_in.h"

#include <errno.h>
#include <string.h>

#include "base/deadline.h"
#include "base/fsx.h"
#include "base/log.h"
#include "effect/alert_mail.h"

#define COMPLAIN_MS   60000
#define IDLE_MS       (60 * 60 * 1000)
#define FOREVER       INT64_MAX
#define MS_PER_SECOND 1000

struct alerts *
alerts_new(const struct conf *conf, const char *host, alert_scene_fn *ask, void *arg)
{
	struct alerts *a = g_new0(struct alerts, 1);

	a->host = g_strdup(host);
	a->ask = ask;
	a->arg = arg;
	a->started_ms = now_ms();
	atomic_init(&a->cut, FOREVER);
	pthread_mutex_init(&a->mu, NULL);
	cond_init(&a->changed);
	a->now = alert_settings_new(conf, host);
	a->streams = alert_streams_new();
	g_queue_init(&a->letters);
	return a;
}

struct alert_settings *
alerts_settings(struct alerts *a)
{
	struct alert_settings *s;

	pthread_mutex_lock(&a->mu);
	s = alert_settings_ref(a->now);
	pthread_mutex_unlock(&a->mu);
	return s;
}

void
alerts_apply(struct alerts *a, const struct conf *conf)
{
	struct alert_settings *fresh = alert_settings_new(conf, a->host), *old;

	pthread_mutex_lock(&a->mu);
	old = a->now;
	a->now = fresh;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mu);
	alert_settings_unref(&old);
}

bool
alerts_check(const struct conf *conf, GError **err)
{
	struct alert_texts *t = alert_texts_load(conf->alert.messages, err);
	const bool ok = t != NULL;

	alert_texts_free(&t);
	return ok;
}

/* Put a letter into the queue; of too many the oldest goes. Locks: mu. */
static void
enqueue(struct alerts *a, struct alert_letter *l)
{
	if (a->letters.length >= ALERT_QUEUE_MAX) {
		alert_letter_free(g_queue_pop_head(&a->letters));
		a->stats.dropped++;
	}
	g_queue_push_tail(&a->letters, l);
}

GString *
alerts_write(struct alerts *a, const struct alert_settings *s, const struct alert_batch *b,
    char **id, GPtrArray **to)
{
	struct alert_scene scene = { 0 };
	const bool about_message = b->kind == ALERT_INFECTION || b->kind == ALERT_NOTICE;
	struct alert_about about = { .host = a->host,
		.uptime_s = (now_ms() - a->started_ms) / MS_PER_SECOND,
		.scene = &scene };
	GString *mail;

	*id = alert_mail_id(a->host);
	about.id = *id;
	if (!about_message)
		a->ask(a->arg, &scene);
	mail = alert_write(s, b, &about, to);
	g_free(scene.definitions);
	return mail;
}

/* Remember a Message-ID. Takes it. Locks: mu. */
void
alerts_remember(struct alerts *a, char *id)
{
	g_free(a->ids[a->next_id]);
	a->ids[a->next_id] = id;
	a->next_id = (a->next_id + 1) % ALERT_IDS_MAX;
}

/* A batch becomes a letter. Takes the batch. */
void
alerts_post(struct alerts *a, const struct alert_settings *s, struct alert_batch *b)
{
	GPtrArray *to;
	char *id;
	GString *mail = alerts_write(a, s, b, &id, &to);
	struct alert_letter *l = alert_letter_new(mail, to, now_ms());

	pthread_mutex_lock(&a->mu);
	alerts_remember(a, id);
	if (l->to->len > 0)
		enqueue(a, l);
	else /* alert.to was taken out meanwhile */
		alert_letter_free(l);
	pthread_mutex_unlock(&a->mu);
	g_ptr_array_unref(to);
	alert_batch_free(b);
}

/* The letter that is to be tried now, out of the queue, or NULL. Locks: mu. */
static struct alert_letter *
next_letter(struct alerts *a)
{
	const int64_t now = now_ms();

	for (GList *i = a->letters.head; i != NULL; i = i->next) {
		struct alert_letter *l = i->data;

		if (l->due <= now || l->flush != a->flush) {
			l->flush = a->flush;
			g_queue_delete_link(&a->letters, i);
			return l;
		}
	}
	return NULL;
}

/* When there is something to do without anybody saying so. Locks: mu. */
static int64_t
next_due(struct alerts *a)
{
	int64_t next = alert_streams_next(a->streams);

	for (GList *i = a->letters.head; i != NULL; i = i->next)
		next = MIN(next, ((struct alert_letter *)i->data)->due);
	return next;
}

static void
complain(struct alerts *a, const struct alert_settings *s, const char *what, const GError *err)
{
	g_autoptr(GString) why = g_string_new(NULL);
	unsigned held;

	if (!conf_logs(s->conf, KIND_ALERT_ERROR) ||
	    !log_limit_pass(&a->complaints, COMPLAIN_MS, &held))
		return;
	log_esc(why, err->message, strlen(err->message), 400);
	if (held > 0)
		g_string_append_printf(why, " (and %u more)", held);
	log_err("%s %s: %s", alert_text(s->texts, 4002), what, why->str);
}

/* Try a letter, which is in nobody else's hands. Locks: mu, given up meanwhile. */
static void
try(struct alerts *a, struct alert_letter *l)
{
	struct alert_settings *s = alert_settings_ref(a->now);
	const struct alert_how how = { .conf = s->conf,
		.helo = a->host,
		.cut = &a->cut,
		.silence_ms = ALERT_SILENCE_MS,
		.patience_ms = ALERT_PATIENCE_MS };
	g_autoptr(GError) err = NULL;
	enum alert_sent sent;
	const char *relay;

	a->busy = true;
	pthread_mutex_unlock(&a->mu);
	sent = alert_send(l, &how, &relay, &err);
	if (sent == ALERT_LATER)
		complain(a, s, "will be repeated", err);
	else if (sent == ALERT_GIVEN_UP)
		complain(a, s, "given up", err);
	else
		log_debug("alert taken by %s", relay);
	alert_settings_unref(&s);
	pthread_mutex_lock(&a->mu);
	a->busy = false;
	if (sent == ALERT_LATER) {
		a->stats.deferred++;
		enqueue(a, l);
		return;
	}
	*(sent == ALERT_SENT ? &a->stats.sent : &a->stats.failed) += 1;
	alert_letter_free(l);
}

/* One piece of work, if there is one. Locks: mu, given up meanwhile. */
static bool
work(struct alerts *a)
{
	struct alert_batch *b =
	    alert_streams_take(a->streams, now_ms(), a->now->conf->alert.interval, a->flush > 0);
	struct alert_letter *l;

	if (b != NULL) {
		struct alert_settings *s = alert_settings_ref(a->now);

		a->busy = true;
		pthread_mutex_unlock(&a->mu);
		alerts_post(a, s, b);
		alert_settings_unref(&s);
		pthread_mutex_lock(&a->mu);
		a->busy = false;
		return true;
	}
	l = next_letter(a);
	if (l == NULL)
		return false;
	try(a, l);
	return true;
}

static void *
run(void *arg)
{
	struct alerts *a = arg;

	pthread_mutex_lock(&a->mu);
	while (!a->ending) {
		struct wait wait;

		if (work(a))
			continue;
		wait_init(&wait, deadline_in(CLAMP(next_due(a) - now_ms(), 0, IDLE_MS)), IDLE_MS,
		    NULL, NULL);
		(void)wait_cond(&wait, &a->changed, &a->mu);
	}
	pthread_mutex_unlock(&a->mu);
	return NULL;
}

void
alerts_add(struct alerts *a, unsigned kind, const char *to, const char *item)
{
	if (a->ending || !alert_streams_add(a->streams, kind, to, item))
		a->stats.dropped++;
	pthread_cond_signal(&a->changed);
}

bool
alerts_start(struct alerts *a, GError **err)
{
	const int rc = pthread_create(&a->thread, NULL, run, a);

	if (rc != 0) {
		errno = rc;
		return fsx_fail(err, "alerts", "start a thread");
	}
	a->started = true;
	event_listen(alerts_heard, a);
	return true;
}

void
alerts_flush(struct alerts *a)
{
	pthread_mutex_lock(&a->mu);
	a->flush++;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mu);
}

bool
alerts_idle(struct alerts *a)
{
	bool idle;

	pthread_mutex_lock(&a->mu);
	idle = !a->busy && alert_streams_next(a->streams) == INT64_MAX;
	for (GList *i = a->letters.head; i != NULL; i = i->next)
		idle = idle && ((struct alert_letter *)i->data)->flush == a->flush;
	pthread_mutex_unlock(&a->mu);
	return idle || !a->started;
}

void
alerts_stop(struct alerts *a)
{
	unsigned left;

	if (a == NULL || !a->started)
		return;
	event_listen(NULL, NULL);
	atomic_store(&a->cut, 0);
	pthread_mutex_lock(&a->mu);
	a->ending = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mu);
	pthread_join(a->thread, NULL);
	a->started = false;
	pthread_mutex_lock(&a->mu);
	left = a->letters.length;
	a->stats.dropped += left;
	pthread_mutex_unlock(&a->mu);
	if (left > 0)
		log_err("%u alert%s could not be sent before the end and %s lost", left,
		    left == 1 ? "" : "s", left == 1 ? "is" : "are");
}

void
alerts_free(struct alerts **a)
{
	struct alerts *was = g_steal_pointer(a);
	struct alert_letter *l;

	if (was == NULL)
		return;
	while ((l = g_queue_pop_head(&was->letters)) != NULL)
		alert_letter_free(l);
	alert_streams_free(&was->streams);
	alert_settings_unref(&was->now);
	for (size_t i = 0; i < ALERT_IDS_MAX; i++)
		g_free(was->ids[i]);
	pthread_cond_destroy(&was->changed);
	pthread_mutex_destroy(&was->mu);
	g_free(was->host);
	g_free(was);
}

void
alerts_stats(struct alerts *a, struct alerts_stats *out)
{
	*out = (struct alerts_stats){ 0 };
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->mu);
	*out = a->stats;
	out->queued = a->letters.length + (a->busy ? 1 : 0);
	pthread_mutex_unlock(&a->mu);
}
