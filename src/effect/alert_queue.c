/* alert_queue - see alert_queue.h */
#include "effect/alert_queue.h"

#include <string.h>

#include "base/deadline.h"
#include "effect/smtp.h"

#define CONNECT_MS   10000
#define FIRST_WAIT   2000
#define LAST_WAIT    (10 * 60 * 1000)
#define GIVE_UP_MS   (24 * 60 * 60 * 1000)
#define RELAYS       2
#define DOUBLED_MAX  16
#define PERMANENT(c) ((c) >= 500 && (c) < 600)

struct alert_letter *
alert_letter_new(GString *content, GPtrArray *to, int64_t now)
{
	struct alert_letter *l = g_new0(struct alert_letter, 1);

	l->content = content;
	l->to = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < to->len; i++)
		g_ptr_array_add(l->to, g_strdup(g_ptr_array_index(to, i)));
	l->born = l->due = now;
	return l;
}

void
alert_letter_free(struct alert_letter *l)
{
	g_string_free(l->content, TRUE);
	g_ptr_array_unref(l->to);
	g_free(l);
}

struct reader {
	const GString *content;
	size_t at;
};

static bool
read_some(void *arg, void *buf, size_t len, size_t *got, GError **err)
{
	struct reader *r = arg;

	(void)err;
	*got = MIN(len, r->content->len - r->at);
	memcpy(buf, r->content->str + r->at, *got);
	r->at += *got;
	return true;
}

/* Offer the letter to one relay; who has it leaves l->to. refusals counts by recipient. */
static enum smtp_end
offer(struct alert_letter *l, const char *relay, const struct alert_how *how, GHashTable *refused,
    GError **err)
{
	const struct smtp_server server = { .address = relay,
		.helo = how->helo,
		.connect_ms = CONNECT_MS,
		.silence_ms = how->silence_ms };
	struct reader r = { .content = l->content };
	g_autofree struct smtp_recipient *to = g_new0(struct smtp_recipient, l->to->len);
	struct smtp_mail m = { .sender = "",
		.recipients = to,
		.count = l->to->len,
		.size = l->content->len,
		.read = read_some,
		.arg = &r };
	enum smtp_end end;
	struct wait wait;

	wait_init(&wait, deadline_in(how->patience_ms), how->patience_ms, NULL, NULL);
	wait.cut = how->cut;
	for (guint i = 0; i < l->to->len; i++)
		to[i].address = g_ptr_array_index(l->to, i);
	end = smtp_send(&server, &m, &wait, err);
	for (guint i = l->to->len; i-- > 0;) {
		const bool taken = end == SMTP_TAKEN && smtp_recipient_is_taken(&to[i]);

		if (!taken && to[i].code != 0 && *err == NULL)
			g_set_error(err, NET_ERROR, NET_E_SYNTAX, "%s: RCPT: %u %s", relay,
			    to[i].code, to[i].reply != NULL ? to[i].reply : "");
		if (PERMANENT(to[i].code) || PERMANENT(m.verdict))
			g_hash_table_add(refused, g_strdup(to[i].address));
		else if (!taken)
			g_hash_table_remove(refused, to[i].address);
		smtp_recipient_clear(&to[i]);
		if (taken)
			g_ptr_array_remove_index(l->to, i);
	}
	return end;
}

/* One text of what the relays said. */
static void
join(GError **err, GError **more)
{
	if (*more == NULL)
		return;
	if (*err == NULL) {
		*err = g_steal_pointer(more);
		return;
	}
	g_prefix_error(more, "%s; ", (*err)->message);
	g_clear_error(err);
	*err = g_steal_pointer(more);
}

static void
put_off(struct alert_letter *l)
{
	const unsigned doubled = MIN(l->tries, DOUBLED_MAX);

	l->tries++;
	l->due = now_ms() + MIN(FIRST_WAIT * (INT64_C(1) << doubled), LAST_WAIT);
}

/* Everybody who is left was refused for good by every relay that was asked. */
static bool
is_hopeless(const struct alert_letter *l, GHashTable *const *refused, unsigned asked)
{
	for (unsigned i = 0; i < asked; i++)
		for (guint k = 0; k < l->to->len; k++)
			if (!g_hash_table_contains(refused[i], g_ptr_array_index(l->to, k)))
				return false;
	return asked > 0;
}

enum alert_sent
alert_send(struct alert_letter *l, const struct alert_how *how, const char **relay, GError **err)
{
	const char *const relays[RELAYS] = { how->conf->alert.smtp_primary,
		how->conf->alert.smtp_secondary };
	GHashTable *refused[RELAYS] = { NULL };
	enum smtp_end end = SMTP_NOT;
	unsigned asked = 0;
	bool hopeless;

	*relay = NULL;
	/* A mail that may have arrived is not shown to the other relay at once. */
	for (size_t i = 0; i < RELAYS && l->to->len > 0 && end != SMTP_UNSURE; i++) {
		GError *why = NULL;

		if (relays[i][0] == '\0')
			continue;
		refused[asked] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		end = offer(l, relays[i], how, refused[asked++], &why);
		if (end == SMTP_TAKEN)
			*relay = relays[i];
		join(err, &why);
	}
	hopeless = is_hopeless(l, refused, asked);
	for (unsigned i = 0; i < asked; i++)
		g_hash_table_unref(refused[i]);
	if (l->to->len == 0) {
		g_clear_error(err);
		return ALERT_SENT;
	}
	if (*err == NULL)
		g_set_error(err, NET_ERROR, NET_E_SYNTAX, "alert.smtp_primary is not set");
	put_off(l);
	return hopeless || now_ms() - l->born > GIVE_UP_MS ? ALERT_GIVEN_UP : ALERT_LATER;
}
