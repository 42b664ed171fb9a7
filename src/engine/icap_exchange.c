/*
 * icap_exchange - sending the object, reading the answer
 */
#include "engine/icap_exchange.h"

#include <string.h>

#include "conf/conf.h"
#include "engine/content.h"
#include "engine/icap_fields.h"
#include "engine/icap_findings.h"
#include "engine/icap_options.h"
#include "engine/icap_verdict.h"
#include "engine/talk.h"

#define CHUNK           (64 * 1024)
#define END             "0\r\n\r\n"
#define END_OF_ALL      "0; ieof\r\n\r\n" /* of a preview that holds the whole object */
#define CHUNK_ROOM      (CHUNK + 32)      /* with size line and line end */
#define DRAIN_MAX       (64 * 1024)       /* bytes of a page that are read to keep the connection */
#define DRAIN_MS        500
#define CURED_TIMES     2 /* what was repaired may be so many times the object, and that much more */
#define CURED_PLUS      (64 * 1024)
#define CONTINUES_MAX   3 /* "100 Continue" that nobody asked for */
#define STATUS_CONTINUE 100
#define NEUTRAL_NAME    "object.bin"

/* One exchange. */
struct exchange {
	struct conn *c;
	const struct scan_request *rq;
	const struct icap_options *options;
	const struct icap_dialect *dialect;
	struct content content;
	enum icap_method method;
	struct icap_message head, http;
	struct icap_answer answer;
	GByteArray *body; /* all of it, where somebody wants it in place of the object; or NULL */
	bool read_all;    /* nothing of the answer is left on the connection */
};

bool
icap_read_head(struct conn *c, struct icap_message *m, GError **err)
{
	bool ok = icap_message_read(m, c->wire, err);

	if (m->status > 0) {
		g_autofree char *line = g_strdup_printf("%u %s", m->status, m->reason);

		conn_trace(c, 'S', line, strlen(line));
	}
	return ok;
}

bool
icap_write_text(struct conn *c, const GString *text, GError **err)
{
	conn_trace(c, 'C', text->str, text->len);
	return wire_write(c->wire, text->str, text->len, err);
}

/* The bytes from `from` up to `to` as chunks, `end` behind the last one in the same write: a server
 * that counts bytes may answer between the two. Stops when the server has spoken. */
static bool
send_chunks(struct exchange *x, uint64_t from, uint64_t to, const char *end, GError **err)
{
	g_autofree char *room = g_malloc(CHUNK_ROOM);

	for (uint64_t at = from; at < to && wire_sent_all(x->c->wire); at += CHUNK) {
		size_t n = (size_t)MIN(to - at, CHUNK);
		size_t len = (size_t)g_snprintf(room, CHUNK_ROOM, "%zx\r\n", n);

		if (!content_read(&x->content, at, room + len, n, err))
			return false;
		len += n;
		len += (size_t)g_snprintf(
		    room + len, CHUNK_ROOM - len, "\r\n%s", to - at <= CHUNK ? end : "");
		if (!wire_write(x->c->wire, room, len, err))
			return false;
	}
	return from < to || wire_write(x->c->wire, end, strlen(end), err);
}

/* Send the preview. Sets *more when the rest may be asked for. */
static bool
send_preview(struct exchange *x, uint64_t preview, bool *more, GError **err)
{
	*more = preview < x->content.size;
	return send_chunks(x, 0, preview, *more ? END : END_OF_ALL, err);
}

/* The next head that is not an interim one. */
static bool
read_final(struct exchange *x, GError **err)
{
	for (int i = 0; i < CONTINUES_MAX; i++) {
		if (!icap_read_head(x->c, &x->head, err))
			return false;
		if (x->head.status != STATUS_CONTINUE)
			return true;
		icap_message_clear(&x->head);
		icap_message_init(&x->head);
	}
	g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX, "nothing but 100 Continue");
	return false;
}

/* Body and answer when a preview goes first. */
static bool
previewed(struct exchange *x, uint64_t preview, GError **err)
{
	bool more;

	if (!send_preview(x, preview, &more, err) || !icap_read_head(x->c, &x->head, err))
		return false;
	if (x->head.status != STATUS_CONTINUE) {
		x->answer.after_preview = more;
		return true;
	}
	icap_message_clear(&x->head);
	icap_message_init(&x->head);
	return send_chunks(x, preview, x->content.size, END, err) && read_final(x, err);
}

static uint64_t
preview_of(const struct exchange *x)
{
	if (!x->c->engine->conf->icap.preview || x->method == ICAP_FILEMOD ||
	    x->options->preview == ICAP_NO_PREVIEW)
		return ICAP_NO_PREVIEW;
	return MIN(x->options->preview, x->content.size);
}

/* The service with its arguments. */
static char *
service_of(const struct exchange *x)
{
	const struct conf_icap *conf = &x->c->engine->conf->icap;
	const char *service = x->c->address->rest[0] ? x->c->address->rest : conf->service;

	if (!(x->dialect->flags & ICAP_ACTION) || strchr(service, '?'))
		return g_strdup(service);
	return g_strdup_printf("%s?action=%s", service, conf_icap_repair_name(conf->repair));
}

/* A name for the URL: servers decide by its extension. One that the server would leave out is not
 * used. */
static const char *
name_of(const struct exchange *x)
{
	const struct object *o = x->rq->object;
	const char *name = o->names[0]  ? o->names[0]
	    : o->kind == OBJECT_MESSAGE ? "message.eml"
					: NEUTRAL_NAME;

	return icap_options_ignore(x->options, name) ? NEUTRAL_NAME : name;
}

static bool
send_request(struct exchange *x, uint64_t preview, const char *path, GError **err)
{
	const struct conf_icap *conf = &x->c->engine->conf->icap;
	const struct object *o = x->rq->object;
	g_autofree char *authority = address_authority(x->c->address), *service = service_of(x);
	g_autoptr(GPtrArray) fields = icap_fields_new(conf->request_header, x->rq->message);
	g_autoptr(GString) text = g_string_new(NULL);
	const struct icap_request request = {
		.method = x->method,
		.authority = authority,
		.service = service,
		.name = name_of(x),
		.type = o->kind == OBJECT_MESSAGE ? "message/rfc822" : o->type,
		.size = x->content.size,
		.preview = preview,
		.path = path,
		.client = conf->send_client ? icap_fields_client(x->rq->message) : NULL,
		.fields = fields,
	};

	icap_request_write(&request, text);
	return icap_write_text(x->c, text, err);
}

/* Send everything and read the head of the answer. */
static bool
ask(struct exchange *x, GError **err)
{
	uint64_t preview = preview_of(x);
	g_autofree char *path = NULL;

	if (x->method == ICAP_FILEMOD && !(path = talk_path(x->c, &x->content, err)))
		return false;
	if (!send_request(x, preview, path, err))
		return false;
	if (preview != ICAP_NO_PREVIEW)
		return previewed(x, preview, err);
	if (x->method != ICAP_FILEMOD && !send_chunks(x, 0, x->content.size, END, err))
		return false;
	return read_final(x, err);
}

/* The heads in front of the body: of the HTTP answer we want to know more. */
static bool
read_inner_heads(struct exchange *x, GError **err)
{
	const struct icap_parts *p = &x->answer.parts;
	g_autofree char *heads = g_malloc(p->heads_len + 1);

	if (p->heads_len == 0)
		return true;
	if (!wire_exact(x->c->wire, heads, p->heads_len, err))
		return false;
	if (!p->response_head)
		return true;
	if (!icap_http_parse(heads + p->response_at, p->heads_len - p->response_at, &x->http)) {
		g_set_error_literal(
		    err, NET_ERROR, NET_E_SYNTAX, "no HTTP head where Encapsulated puts one");
		return false;
	}
	x->answer.http = &x->http;
	return true;
}

/* Read the body beside the object; stops at the first difference. */
static bool
compare_body(struct exchange *x, GError **err)
{
	g_autofree char *theirs = g_malloc(CHUNK), *ours = g_malloc(CHUNK);
	struct chunked chunked = { 0 };
	uint64_t at = 0;
	ssize_t n;

	x->answer.echo = ICAP_ECHO_DIFFERENT;
	while ((n = wire_chunked(x->c->wire, &chunked, theirs, CHUNK, err)) > 0) {
		if ((uint64_t)n > x->content.size - at)
			return true;
		if (!content_read(&x->content, at, ours, (size_t)n, err))
			return false;
		if (memcmp(ours, theirs, (size_t)n) != 0)
			return true;
		at += (uint64_t)n;
	}
	if (n < 0)
		return false;
	if (at == x->content.size)
		x->answer.echo = ICAP_ECHO_SAME;
	x->read_all = true;
	return true;
}

/* May what comes be the object, repaired? */
static bool
may_be_cured(const struct exchange *x)
{
	const struct icap_answer *a = &x->answer;

	return x->rq->cured && a->sent_all && (a->head->status == 200 || a->head->status == 201) &&
	    (a->parts.body == ICAP_BODY_RES || a->parts.body == ICAP_BODY_REQ) &&
	    (!a->http || a->http->status == 200);
}

static bool
is_echo(struct exchange *x)
{
	g_autofree char *ours = g_malloc(CHUNK);

	for (uint64_t at = 0; at < x->content.size; at += CHUNK) {
		const size_t n = (size_t)MIN(x->content.size - at, CHUNK);

		if (x->body->len != x->content.size ||
		    !content_read(&x->content, at, ours, n, NULL) ||
		    memcmp(ours, x->body->data + at, n) != 0)
			return false;
	}
	return x->body->len == x->content.size;
}

/* Keep the body, if it does not go beyond all bounds. */
static bool
keep_body(struct exchange *x, GError **err)
{
	const uint64_t max = CURED_TIMES * x->content.size + CURED_PLUS;
	g_autofree char *some = g_malloc(CHUNK);
	struct chunked chunked = { 0 };
	ssize_t n;

	x->answer.echo = ICAP_ECHO_DIFFERENT;
	x->body = g_byte_array_new();
	while ((n = wire_chunked(x->c->wire, &chunked, some, CHUNK, err)) > 0) {
		if (x->body->len + (uint64_t)n > max) {
			g_clear_pointer(&x->body, g_byte_array_unref);
			return true;
		}
		g_byte_array_append(x->body, (const guint8 *)some, (guint)n);
	}
	if (n < 0)
		return false;
	x->read_all = true;
	if (is_echo(x))
		x->answer.echo = ICAP_ECHO_SAME;
	return true;
}

/* Hand over what came in place of the object, when all that was found is gone from it. */
static void
hand_over(struct exchange *x, const struct verdict *v)
{
	const struct icap_answer *a = &x->answer;

	if (!x->body || v->kinds == 0 || a->echo != ICAP_ECHO_DIFFERENT ||
	    !(icap_says_cured(a->head) || (a->http && icap_says_cured(a->http))))
		return;
	g_clear_pointer(x->rq->cured, g_bytes_unref);
	*x->rq->cured = g_byte_array_free_to_bytes(g_steal_pointer(&x->body));
}

/* Read a page that nobody wants, if it is short: the connection can then be kept. */
static void
drain_body(struct exchange *x)
{
	g_autofree char *some = g_malloc(CHUNK);
	struct wait *wait = wire_wait(x->c->wire), cut = wait_until(wait, deadline_in(DRAIN_MS));
	struct chunked chunked = { 0 };
	size_t sum = 0;
	ssize_t n;

	wire_begin(x->c->wire, &cut);
	while (sum <= DRAIN_MAX && (n = wire_chunked(x->c->wire, &chunked, some, CHUNK, NULL)) > 0)
		sum += (size_t)n;
	x->read_all = chunked.done;
	wire_begin(x->c->wire, wait);
}

/* Everything behind the head that the verdict needs. False and *err: it is not all there. */
static bool
read_parts(struct exchange *x, GError **err)
{
	struct icap_answer *a = &x->answer;

	if (!icap_parts_parse(&x->head, &a->parts)) {
		g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX, "Encapsulated not understood");
		return false;
	}
	if (a->parts.body == ICAP_BODY_UNKNOWN ||
	    (a->parts.body == ICAP_BODY_NULL && a->parts.heads_len == 0)) {
		x->read_all = true;
		return true;
	}
	if (!read_inner_heads(x, err))
		return false;
	if (a->parts.body == ICAP_BODY_NULL)
		x->read_all = true;
	else if (may_be_cured(x))
		return keep_body(x, err);
	else if (icap_needs_echo(a) && a->sent_all)
		return compare_body(x, err);
	else if (a->sent_all && !icap_needs_echo(a))
		drain_body(x);
	return true;
}

/* In order and nothing left: the connection may serve again. */
static void
settle(struct exchange *x)
{
	g_autofree char *tag = icap_tag(&x->head);

	if (tag && g_strcmp0(tag, x->c->probe->tag) != 0)
		conn_is_outdated(x->c);
	if (x->head.status < 400 && x->read_all && x->answer.sent_all && !wire_unread(x->c->wire) &&
	    !icap_list_has(&x->head, "Connection", "close"))
		conn_keep(x->c);
}

/* An answer that broke off may have announced a finding before: that counts. */
static void
salvage(struct exchange *x, struct verdict *v)
{
	icap_findings(&x->head, x->rq->label, x->c->engine->title, v);
}

static void
exchange(struct exchange *x, struct verdict *v)
{
	g_autofree char *where =
	    g_strdup_printf("engine %s: %s: reply", x->c->engine->title, x->c->address->text);
	GError *why = NULL;

	x->answer = (struct icap_answer){
		.head = &x->head,
		.dialect = x->dialect,
		.method = x->method,
		.would_204 = x->options->allow_204,
		.size = x->content.size,
	};
	if (!ask(x, &why)) {
		salvage(x, v);
		conn_fail(x->c, v,
		    x->head.status > 0 || wire_answered(x->c->wire) ? "reply" : "request", why);
		return;
	}
	x->answer.sent_all = wire_reached(x->c->wire);
	if (!read_parts(x, &why)) {
		salvage(x, v);
		conn_fail(x->c, v, "reply", why);
		return;
	}
	icap_judge(&x->answer, v, x->rq->label, x->c->engine->title, where);
	hand_over(x, v);
	settle(x);
}

static void
exchange_clear(struct exchange *x)
{
	g_clear_pointer(&x->body, g_byte_array_unref);
	content_clear(&x->content);
	icap_message_clear(&x->head);
	icap_message_clear(&x->http);
}

void
icap_exchange(
    struct conn *c, const struct scan_request *rq, enum icap_method method, struct verdict *v)
{
	AUTO(exchange_clear)
	struct exchange x = { .c = c, .rq = rq, .options = c->probe->detail, .method = method };
	int dialect = c->engine->conf->icap.dialect;

	x.dialect = dialect == DIALECT_AUTO ? x.options->dialect : icap_dialect_find(dialect);
	content_init(&x.content, rq->objects, rq->object);
	icap_message_init(&x.head);
	icap_message_init(&x.http);
	exchange(&x, v);
}
