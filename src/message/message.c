/*
 * message - from libmilter's pieces back to the bytes of the mail
 */
#include "message/message.h"

#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* In front of every mail, and the same for all of them, so that equal mails have equal hashes. */
#define SYNTHETIC "Received: from avmilter; Thu, 1 Jan 1970 00:00:00 +0000\r\n"
#define REF_LEN   10

/* One piece of memory: field and texts. */
static struct header *
header_new(const char *name, const char *value)
{
	const size_t name_len = strlen(name) + 1, value_len = strlen(value) + 1;
	struct header *h = g_malloc(sizeof(*h) + name_len + value_len);

	h->name = memcpy(h + 1, name, name_len);
	h->value = memcpy(h->name + name_len, value, value_len);
	return h;
}

/* Ten characters of 50 random bits: enough that no two mails of a year share one by accident. */
static char *
new_ref(void)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t random[REF_LEN];
	char *ref = g_malloc0(REF_LEN + 1);
	ssize_t n = getrandom(random, sizeof(random), 0);

	g_assert(n == (ssize_t)sizeof(random));
	for (size_t i = 0; i < REF_LEN; i++)
		ref[i] = alphabet[random[i] % (sizeof(alphabet) - 1)];
	return ref;
}

/* Keep bytes in the spool, or remember the first reason why not. */
static void
keep(struct message *m, const void *data, size_t len)
{
	if (!m->error)
		spool_append(m->spool, data, len, &m->error);
}

struct message *
message_new(struct spool_budget *b, const struct message_limits *lim, const struct client *c,
    const char *sender)
{
	struct message *m = g_new0(struct message, 1);

	m->id = g_strdup("NOQUEUE");
	m->ref = new_ref();
	m->sender = g_strdup(sender);
	m->recipients = g_ptr_array_new_with_free_func(g_free);
	m->client_name = g_strdup(c->name);
	m->client_addr = g_strdup(c->addr);
	m->helo = g_strdup(c->helo);
	m->daemon = g_strdup(c->daemon);
	m->submitted = c->submitted;
	m->headers = g_ptr_array_new_with_free_func(g_free);
	m->header_max = lim->header_max;
	for (unsigned i = 0; i < MESSAGE_WATCH_MAX && lim->watch[i]; i++)
		m->watched[i].name = g_strdup(lim->watch[i]);
	m->spool = spool_new(b, &lim->spool);
	m->body = digest_new();
	keep(m, SYNTHETIC, strlen(SYNTHETIC));
	return m;
}

void
message_add_recipient(struct message *m, const char *rcpt)
{
	size_t len = strlen(rcpt) + 1;

	m->recipients_total++;
	m->recipient_bytes += len;
	if (m->recipient_bytes <= MESSAGE_RECIPIENTS_BYTES)
		g_ptr_array_add(m->recipients, g_strdup(rcpt));
}

bool
header_is(const char *shown, const char *name)
{
	const size_t len = strlen(name);

	return strncasecmp(shown, name, len) == 0 &&
	    shown[len + strspn(shown + len, " \t")] == '\0';
}

unsigned
message_header_count(const struct message *m, const char *name)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MESSAGE_WATCH_MAX && m->watched[i].name; i++)
		if (strcasecmp(m->watched[i].name, name) == 0)
			return m->watched[i].count;
	for (guint i = 0; i < m->headers->len; i++)
		n += header_is(((struct header *)g_ptr_array_index(m->headers, i))->name, name);
	return n;
}

/* Fields that the rest of the program asks for by name; the first of its kind holds. */
static void
note_field(struct message *m, const struct header *h)
{
	char **to = header_is(h->name, "Message-ID") ? &m->message_id
	    : header_is(h->name, "Subject")          ? &m->subject
						     : NULL;

	if (to && !*to)
		*to = g_strstrip(g_strdup(h->value));
}

/* Spool a value with its folds: \n becomes CRLF, a CRLF that is there already stays one. */
static void
keep_folded(struct message *m, const char *value)
{
	const char *nl;

	for (; (nl = strchr(value, '\n')); value = nl + 1) {
		size_t n = (size_t)(nl - value);

		if (n > 0 && value[n - 1] == '\r')
			n--;
		keep(m, value, n);
		keep(m, "\r\n", 2);
		m->size += n + 2;
	}
	keep(m, value, strlen(value));
	m->size += strlen(value);
}

void
message_add_header(struct message *m, const char *name, const char *value)
{
	size_t len = strlen(name) + strlen(value) + strlen(":\r\n");

	for (unsigned i = 0; i < MESSAGE_WATCH_MAX && m->watched[i].name; i++)
		m->watched[i].count += header_is(name, m->watched[i].name);
	m->header_bytes += len;
	if (m->header_bytes > m->header_max)
		m->headers_over = true;
	if (!m->headers_over) {
		struct header *h = header_new(name, value);

		g_ptr_array_add(m->headers, h);
		note_field(m, h);
	}
	keep(m, name, strlen(name));
	keep(m, ":", 1);
	m->size += strlen(name) + 1;
	keep_folded(m, value);
	keep(m, "\r\n", 2);
	m->size += 2;
}

/* The blank line between header fields and body, once. */
static void
end_headers(struct message *m)
{
	if (m->in_body)
		return;
	m->in_body = true;
	keep(m, "\r\n", 2);
	m->size += 2;
}

void
message_add_body(struct message *m, const void *data, size_t len)
{
	end_headers(m);
	keep(m, data, len);
	digest_add(m->body, data, len);
	m->size += len;
	m->body_size += len;
}

void
message_seal(struct message *m)
{
	if (m->sealed)
		return;
	m->sealed = true;
	end_headers(m);
	digest_end(m->body, m->body_digest);
	if (!m->error)
		spool_seal(m->spool, &m->error);
}

uint64_t
message_offset(void)
{
	return strlen(SYNTHETIC);
}

void
message_free(struct message **mp)
{
	struct message *m = *mp;

	if (!m)
		return;
	*mp = NULL;
	g_free(m->id);
	g_free(m->ref);
	g_free(m->sender);
	g_free(m->parameters);
	g_ptr_array_unref(m->recipients);
	g_free(m->client_name);
	g_free(m->client_addr);
	g_free(m->helo);
	g_free(m->daemon);
	g_free(m->auth);
	g_free(m->message_id);
	g_free(m->subject);
	g_ptr_array_unref(m->headers);
	for (unsigned i = 0; i < MESSAGE_WATCH_MAX; i++)
		g_free(m->watched[i].name);
	spool_free(&m->spool);
	digest_free(&m->body);
	g_clear_error(&m->error);
	g_free(m);
}
