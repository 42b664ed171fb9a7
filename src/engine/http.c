/*
 * http - asking and reading
 */
#include "engine/http.h"

#include <string.h>

#include "engine/engine.h"

#define CHUNK       (64 * 1024)
#define VERSION     "HTTP/1."
#define INTERIM_MAX 3 /* "100 Continue" that nobody asked for */

enum { STATUS_OK = 200, STATUS_NO_CONTENT = 204, STATUS_NOT_MODIFIED = 304 };

void
http_answer_clear(struct http_answer *a)
{
	icap_message_clear(&a->head);
	if (a->body)
		g_string_free(a->body, TRUE);
	a->body = NULL;
}

static bool
refuse(GError **err, const char *what)
{
	g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX, what);
	return false;
}

static bool
send_content(struct conn *c, const struct content *content, GError **err)
{
	g_autofree char *room = g_malloc(CHUNK);

	for (uint64_t at = 0; at < content->size && wire_sent_all(c->wire); at += CHUNK) {
		size_t n = (size_t)MIN(content->size - at, CHUNK);

		if (!content_read(content, at, room, n, err) || !wire_write(c->wire, room, n, err))
			return false;
	}
	return true;
}

static bool
send_request(struct conn *c, const struct http_request *rq, GError **err)
{
	g_autofree char *authority = address_authority(c->address),
			*line = g_strdup_printf("%s %s %s", rq->method, rq->target, rq->version);
	g_autoptr(GString) text = g_string_new(NULL);
	uint64_t size = rq->content ? rq->content->size : rq->body ? strlen(rq->body) : 0;

	g_string_printf(text, "%s\r\nHost: %s\r\n%s", line, authority, rq->fields);
	if (strcmp(rq->method, "GET") != 0)
		g_string_append_printf(text, "Content-Length: %" G_GUINT64_FORMAT "\r\n", size);
	g_string_append_printf(text, "\r\n%s", rq->body ? rq->body : "");
	conn_trace(c, 'C', line, strlen(line));
	return wire_write(c->wire, text->str, text->len, err) &&
	    (!rq->content || send_content(c, rq->content, err));
}

/* The next head that is not an interim one. */
static bool
read_head(struct conn *c, struct http_answer *a, GError **err)
{
	for (int i = 0; i < INTERIM_MAX; i++) {
		g_autofree char *line = NULL;

		icap_message_clear(&a->head);
		icap_message_init(&a->head);
		a->head.protocol = VERSION;
		if (!icap_message_read(&a->head, c->wire, err))
			return false;
		line = g_strdup_printf("%u %s", a->head.status, a->head.reason);
		conn_trace(c, 'S', line, strlen(line));
		if (a->head.status >= STATUS_OK)
			return true;
	}
	return refuse(err, "nothing but interim answers");
}

/* Every field of that name must say the same. NULL = there is none; *ok = false = they differ. */
static const char *
only_value(const struct icap_message *m, const char *name, bool *ok)
{
	const struct icap_field *first = icap_field_find(m, name);

	for (guint i = 0; i < m->fields->len; i++) {
		const struct icap_field *f = g_ptr_array_index(m->fields, i);

		if (g_ascii_strcasecmp(f->name, name) == 0 &&
		    (f->more || strcmp(f->value, first->value) != 0))
			*ok = false;
	}
	return first ? first->value : NULL;
}

static bool
read_chunked(struct conn *c, GString *body, GError **err)
{
	g_autofree char *room = g_malloc(CHUNK);
	struct chunked chunked = { 0 };
	ssize_t n;

	while ((n = wire_chunked(c->wire, &chunked, room, CHUNK, err)) > 0) {
		if (body->len + (size_t)n > HTTP_BODY_MAX) {
			g_set_error(err, NET_ERROR, NET_E_LONG, "a body of more than %d bytes",
			    HTTP_BODY_MAX);
			return false;
		}
		g_string_append_len(body, room, n);
	}
	return n == 0;
}

/* Byte by byte into the body, so that what came before a break is there. */
static bool
read_counted(struct conn *c, uint64_t len, GString *body, GError **err)
{
	while (body->len < len) {
		char byte;

		if (!wire_exact(c->wire, &byte, 1, err))
			return false;
		g_string_append_c(body, byte);
	}
	return true;
}

static bool
read_body(struct conn *c, struct http_answer *a, GError **err)
{
	bool ok = true;
	const char *coding = only_value(&a->head, "Transfer-Encoding", &ok);
	const char *length = only_value(&a->head, "Content-Length", &ok);
	uint64_t len = icap_number(&a->head, "Content-Length", UINT64_MAX);

	if (!ok || (coding && length) || (coding && g_ascii_strcasecmp(coding, "chunked") != 0) ||
	    (length && len == UINT64_MAX))
		return refuse(err, "the length of the answer is not understood");
	if (length && len > HTTP_BODY_MAX) {
		g_set_error(
		    err, NET_ERROR, NET_E_LONG, "a body of more than %d bytes", HTTP_BODY_MAX);
		return false;
	}
	a->whole = true;
	if (a->head.status == STATUS_NO_CONTENT || a->head.status == STATUS_NOT_MODIFIED)
		return true;
	if (coding)
		return read_chunked(c, a->body, err);
	if (length)
		return read_counted(c, len, a->body, err);
	a->whole = false; /* its end cannot be told from a break */
	return wire_rest(c->wire, HTTP_BODY_MAX, a->body, err);
}

/* May the connection serve again? */
static bool
is_lasting(const struct http_answer *a)
{
	if (icap_list_has(&a->head, "Connection", "close"))
		return false;
	return a->head.minor > 0 || icap_list_has(&a->head, "Connection", "keep-alive");
}

bool
http_exchange(struct conn *c, const struct http_request *rq, struct http_answer *a, GError **err)
{
	*a = (struct http_answer){ .body = g_string_new(NULL) };
	if (!send_request(c, rq, err) || !read_head(c, a, err))
		return false;
	a->sent_all = wire_reached(c->wire);
	if (!read_body(c, a, err)) {
		a->whole = false;
		return false;
	}
	if (a->whole && a->sent_all && a->head.status == STATUS_OK && is_lasting(a) &&
	    !wire_unread(c->wire))
		conn_keep(c);
	return true;
}

void
http_judge_status(struct conn *c, const struct http_answer *a, struct verdict *v)
{
	static const struct {
		unsigned status;
		enum reason reason;
	} rows[] = {
		{ 400, REASON_PROTOCOL },
		{ 401, REASON_REFUSED },
		{ 402, REASON_NO_LICENSE },
		{ 403, REASON_REFUSED },
		{ 404, REASON_REFUSED },
		{ 405, REASON_REFUSED },
		{ 408, REASON_TIMEOUT },
		{ 411, REASON_PROTOCOL },
		{ 415, REASON_REFUSED },
		{ 429, REASON_BUSY },
		{ 503, REASON_BUSY },
	};
	unsigned status = a->head.status;
	enum reason reason = status >= 400 ? REASON_ENGINE_ERROR : REASON_PROTOCOL;

	if (status == 413) {
		verdict_partial(v, REASON_TOO_LARGE, "engine %s: %s: HTTP status 413",
		    c->engine->title, c->address->text);
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].status == status)
			reason = rows[i].reason;
	conn_refuse(c, v, reason, "reply: HTTP status %u", status);
}

void
http_encode(GString *out, const char *text, size_t max)
{
	for (size_t i = 0; text[i] && i < max; i++)
		if (g_ascii_isalnum(text[i]) || strchr("-._~", text[i]))
			g_string_append_c(out, text[i]);
		else
			g_string_append_printf(out, "%%%02X", (unsigned char)text[i]);
}
