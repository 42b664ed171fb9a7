/* release - see release.h */
#include "effect/release.h"

#include <string.h>

#include "base/auto.h"
#include "effect/quarantine_about.h"
#include "effect/release_pass.h"
#include "effect/release_payload.h"
#include "effect/smtp.h"

/* Recipients of one transaction; every server takes a hundred (RFC 5321 4.5.3.1.8). */
#define RECIPIENTS_MAX 100

/* The relay asks us about the mail before it answers, and may be busy (RFC 5321 4.5.3.2.6). */
#define CONNECT_MS  10000
#define SILENCE_MS  300000
#define PATIENCE_MS 600000

struct release {
	struct quarantine *q;
	const struct release_order *order;
	struct entry *entry; /* busy by our hand */
	json_t *about;
	struct payload payload;
	char *sender;
	GPtrArray *recipients; /* of the entry */
	GPtrArray *to;         /* who is to get it now, of char * */
	GPtrArray *taken;      /* who got it now, of char *, borrowed from to */
	json_t *refused;       /* [{"to", "reply"}] */
};

static bool
fail_damaged(const struct release *r, const char *what, GError **err)
{
	g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_IO, "%s/%s: %s", r->q->disk.path,
	    r->entry->ref, what);
	return false;
}

static bool
take_error(GError **err, GError *from)
{
	g_set_error_literal(err, QUARANTINE_ERROR, QUARANTINE_E_IO, from->message);
	g_error_free(from);
	return false;
}

static bool
read_about(struct release *r, GError **err)
{
	g_autofree char *text = qdisk_text(&r->q->disk, r->entry->ref, "about.json", err);

	if (text == NULL)
		return false;
	r->about = json_loads(text, 0, NULL);
	r->sender = about_bytes_get(json_object_get(r->about, "sender"));
	r->recipients = about_list_get(json_object_get(r->about, "recipients"));
	if (r->sender != NULL && json_is_string(json_object_get(r->about, "sha256")))
		return true;
	return fail_damaged(
	    r, "the description is damaged; the file message in it may be whole", err);
}

/* The bytes must be those that came. */
static bool
read_content(struct release *r, GError **err)
{
	const char *wanted = json_string_value(json_object_get(r->about, "sha256"));
	const int fd = qdisk_message(&r->q->disk, r->entry->ref, err);
	char hex[DIGEST_HEX];
	GError *why = NULL;

	if (fd < 0)
		return false;
	if (!payload_open(&r->payload, fd, &why))
		return take_error(err, why);
	if (strcmp(digest_hex(r->payload.whole, hex), wanted) != 0)
		return fail_damaged(
		    r, "the message is not what was kept (its sha256 differs)", err);
	if (r->payload.bare_lf)
		return fail_damaged(r,
		    "the message has a line feed without a carriage return, which SMTP cannot "
		    "carry unchanged; take the file message out of the folder",
		    err);
	return true;
}

/* Those of the entry's recipients who do not have it yet. */
static bool
choose_rest(struct release *r, GError **err)
{
	g_autofree char *journal = qdisk_text(&r->q->disk, r->entry->ref, "journal", err);
	struct about_past past;

	if (journal == NULL)
		return false;
	about_past_read(&past, journal);
	for (guint i = 0; i < r->recipients->len; i++) {
		const char *rcpt = g_ptr_array_index(r->recipients, i);

		/* Whoever was named twice gets it once. */
		if (g_hash_table_add(past.released, g_strdup(rcpt)))
			g_ptr_array_add(r->to, g_strdup(rcpt));
	}
	about_past_clear(&past);
	if (r->to->len > 0)
		return true;
	g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_DONE,
	    "%s: all of its recipients have it; --to ADDRESS sends another copy", r->entry->ref);
	return false;
}

static bool
choose_recipients(struct release *r, GError **err)
{
	const GPtrArray *to = r->order->to;

	if (to == NULL || to->len == 0)
		return choose_rest(r, err);
	for (guint i = 0; i < to->len; i++) {
		const char *rcpt = g_ptr_array_index(to, i);

		if (!smtp_address_is_valid(rcpt)) {
			g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_ADDRESS,
			    "--to: not an address that SMTP knows");
			return false;
		}
		g_ptr_array_add(
		    r->to, rcpt[0] == '<' ? g_strdup(rcpt) : g_strdup_printf("<%s>", rcpt));
	}
	return true;
}

/* One line in the journal; to may be NULL. */
static bool
note(const struct release *r, const char *event, const GPtrArray *to, json_t *refused, GError **err)
{
	json_t *o = json_object();
	g_autofree char *line = NULL;

	json_object_set_new(o, "by", about_bytes(r->order->by));
	if (to != NULL)
		json_object_set_new(o, "to", about_list(to));
	if (refused != NULL)
		json_object_set(o, "refused", refused);
	line = about_event(quarantine_now(), event, o);
	return qdisk_append(&r->q->disk, r->entry->ref, line, err);
}

/* What the functions of struct smtp_mail work with. */
struct carrier {
	struct payload *payload;
	struct quarantine *q;
	struct release_pass *pass;
};

static bool
carry(void *arg, void *buf, size_t len, size_t *got, GError **err)
{
	const struct carrier *c = arg;

	return payload_read(c->payload, buf, len, got, err);
}

static void
without_envid(void *arg)
{
	const struct carrier *c = arg;

	pass_without_token(c->q, c->pass);
}

static bool
said_utf8(const struct release *r)
{
	const char *p = json_string_value(json_object_get(r->about, "parameters"));
	g_autofree char *upper = p != NULL ? g_ascii_strup(p, -1) : NULL;

	return upper != NULL && strstr(upper, "SMTPUTF8") != NULL;
}

/* One transaction, for to[from .. from + n - 1]; answers[] gets each recipient's. */
static enum smtp_end
transact(
    struct release *r, struct smtp_recipient *answers, guint n, struct wait *wait, GError **err)
{
	const struct smtp_server server = {
		.address = r->order->relay,
		.helo = r->order->helo,
		.connect_ms = CONNECT_MS,
		.silence_ms = SILENCE_MS,
	};
	g_autoptr(GPtrArray) to = g_ptr_array_new();
	struct carrier c = { .payload = &r->payload, .q = r->q };
	struct smtp_mail m = {
		.sender = r->sender,
		.recipients = answers,
		.count = n,
		.eight_bit = r->payload.eight_bit,
		.utf8 = said_utf8(r),
		.size = r->payload.size,
		.read = carry,
		.without_envid = without_envid,
		.arg = &c,
	};
	enum smtp_end end;

	for (guint i = 0; i < n; i++)
		g_ptr_array_add(to, (char *)(uintptr_t)answers[i].address);
	c.pass = pass_new(r->q, r->entry->ref,
	    &(struct pass_mail){
		r->sender, to, r->payload.body, r->payload.plain ? r->payload.mime : NULL });
	m.envid = pass_envid(c.pass);
	r->payload.at = 0;
	end = smtp_send(&server, &m, wait, err);
	pass_end(r->q, c.pass, end == SMTP_TAKEN);
	return end;
}

static void
refuse_one(struct release *r, const struct smtp_recipient *a, const char *why)
{
	json_t *o = json_object();

	json_object_set_new(o, "to", about_bytes(a->address));
	if (why != NULL)
		json_object_set_new(o, "reply", about_bytes(why));
	else
		json_object_set_new(
		    o, "reply", json_sprintf("%u %s", a->code, a->reply != NULL ? a->reply : ""));
	json_array_append_new(r->refused, o);
}

/* What a transaction came to, in the journal. False and *err: nobody knows, or the journal cannot be written. */
static bool
settle(struct release *r, enum smtp_end end, const struct smtp_recipient *answers, guint n,
    GError *why, GError **err)
{
	g_autoptr(GPtrArray) got = g_ptr_array_new();

	if (end == SMTP_UNSURE) {
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_UNSURE,
		    "%s: the relay did not say whether it took the mail; it may have: %s",
		    r->entry->ref, why->message);
		return false;
	}
	for (guint i = 0; i < n; i++) {
		if (end == SMTP_TAKEN && smtp_recipient_is_taken(&answers[i])) {
			g_ptr_array_add(got, (char *)(uintptr_t)answers[i].address);
			g_ptr_array_add(r->taken, (char *)(uintptr_t)answers[i].address);
			atomic_fetch_add(&r->q->releases, 1);
		} else {
			refuse_one(r, &answers[i],
			    answers[i].code == 0 || smtp_recipient_is_taken(&answers[i])
				? why != NULL ? why->message : "was not asked"
				: NULL);
		}
	}
	return note(
	    r, got->len > 0 ? "released" : "failed", got->len > 0 ? got : NULL, r->refused, err);
}

/* All who are to get it, a hundred at a time. */
static bool
deliver(struct release *r, GError **err)
{
	struct wait wait;
	bool ok = true;

	wait_init(&wait, deadline_in(PATIENCE_MS), PATIENCE_MS, NULL, NULL);
	wait.cut = r->order->cut;
	for (guint at = 0; ok && at < r->to->len; at += RECIPIENTS_MAX) {
		const guint n = MIN(r->to->len - at, RECIPIENTS_MAX);
		struct smtp_recipient *answers = g_new0(struct smtp_recipient, n);
		g_autoptr(GError) why = NULL;
		enum smtp_end end;

		for (guint i = 0; i < n; i++)
			answers[i].address = g_ptr_array_index(r->to, at + i);
		ok = note(r, "releasing", r->to, NULL, err);
		if (ok) {
			end = transact(r, answers, n, &wait, &why);
			ok = settle(r, end, answers, n, why, err);
		}
		for (guint i = 0; i < n; i++)
			smtp_recipient_clear(&answers[i]);
		g_free(answers);
	}
	return ok;
}

/* What stands in the journal now is what the index is to say. */
static void
update_entry(struct release *r)
{
	struct entry *now = entry_read(&r->q->disk, r->entry->ref);

	quarantine_lock(r->q);
	r->entry->state = now->state;
	r->entry->interrupted = now->interrupted;
	index_touch(r->q, r->entry);
	quarantine_unlock(r->q);
	entry_free(now);
}

static void
tell(const struct release *r, const GError *err)
{
	GString *line = g_string_new(NULL);

	g_string_append_printf(line, "quarantine: release %s by=%s taken=%u", r->entry->ref,
	    r->order->by, r->taken->len);
	for (guint i = 0; i < r->taken->len; i++) {
		const char *rcpt = g_ptr_array_index(r->taken, i);

		g_string_append(line, i == 0 ? " to=\"" : ", ");
		log_esc(line, rcpt, strlen(rcpt), 200);
		if (i + 1 == r->taken->len)
			g_string_append_c(line, '"');
	}
	if (json_array_size(r->refused) > 0)
		g_string_append_printf(line, " refused=%zu", json_array_size(r->refused));
	if (err != NULL) {
		g_string_append(line, " error=\"");
		log_esc(line, err->message, strlen(err->message), 400);
		g_string_append_c(line, '"');
	}
	log_msg(err != NULL ? LOGLV_ERR : LOGLV_NOTICE, "%s", line->str);
	g_string_free(line, TRUE);
}

static json_t *
result(const struct release *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "ref", json_string(r->entry->ref));
	json_object_set_new(o, "state", json_string(quarantine_state_name(r->entry->state)));
	json_object_set_new(o, "taken", about_list(r->taken));
	json_object_set(o, "refused", r->refused);
	return o;
}

static void
clear(struct release *r)
{
	json_decref(r->about);
	json_decref(r->refused);
	payload_close(&r->payload);
	g_free(r->sender);
	g_clear_pointer(&r->recipients, g_ptr_array_unref);
	g_ptr_array_unref(r->taken);
	g_ptr_array_unref(r->to);
}

json_t *
release_entry(struct quarantine *q, const struct release_order *o, GError **err)
{
	struct release r = { .q = q, .order = o, .payload = { .fd = -1 } };
	GError *why = NULL;
	json_t *out = NULL;

	quarantine_lock(q);
	r.entry = index_seize(q, o->ref, err);
	quarantine_unlock(q);
	if (r.entry == NULL)
		return NULL;
	r.to = g_ptr_array_new_with_free_func(g_free);
	r.taken = g_ptr_array_new();
	r.refused = json_array();
	if (read_about(&r, &why) && read_content(&r, &why) && choose_recipients(&r, &why)) {
		(void)deliver(&r, &why);
		update_entry(&r);
		tell(&r, why);
	}
	if (why == NULL)
		out = result(&r);
	else
		g_propagate_error(err, why);
	quarantine_lock(q);
	r.entry->busy = false;
	quarantine_unlock(q);
	clear(&r);
	return out;
}
