/*
 * engine_icap - ICAP 1.0 (RFC 3507), as Symantec and everyone else speak it
 *
 * The object goes over as the body of an HTTP answer (RESPMOD) or request (REQMOD), or by name
 *(FILEMOD). "Allow: 204" is always sent; a preview only when the section asks for it. Content that
 *comes back in place of the object is read when the verdict depends on it and never kept: an
 *infected object stays infected, repaired or not.
 *
 *	C: RESPMOD icap://127.0.0.1:1344/avscan ICAP/1.0 ... chunked object		S: ICAP/1.0
 *204 No Content
 */
#include <string.h>

#include "conf/conf.h"
#include "engine/conn.h"
#include "engine/content.h"
#include "engine/engine.h"
#include "engine/icap_fields.h"
#include "engine/icap_findings.h"
#include "engine/icap_options.h"
#include "engine/icap_request.h"
#include "engine/icap_verdict.h"

#define CHUNK           (64 * 1024)
#define CHUNK_ROOM      (CHUNK + 32) /* with size line and line end */
#define DRAIN_MAX       (64 * 1024)  /* bytes of a page that are read to keep the connection */
#define DRAIN_MS        500
#define CONTINUES_MAX   3 /* "100 Continue" that nobody asked for */
#define STATUS_CONTINUE 100
#define NEUTRAL_NAME    "object.bin"

extern const struct engine_ops engine_icap;

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
	bool read_all; /* nothing of the answer is left on the connection */
};

static bool
read_head(struct conn *c, struct icap_message *m, GError **err)
{
	bool ok = icap_message_read(m, c->wire, err);

	if (m->status > 0) {
		g_autofree char *line = g_strdup_printf("%u %s", m->status, m->reason);

		conn_trace(c, 'S', line, strlen(line));
	}
	return ok;
}

static bool
write_text(struct conn *c, const GString *text, GError **err)
{
	conn_trace(c, 'C', text->str, text->len);
	return wire_write(c->wire, text->str, text->len, err);
}

/* The bytes from `from` up to `to` as chunks; stops when the server has spoken. */
static bool
send_chunks(struct exchange *x, uint64_t from, uint64_t to, GError **err)
{
	g_autofree char *room = g_malloc(CHUNK_ROOM);

	for (uint64_t at = from; at < to && !wire_halted(x->c->wire); at += CHUNK) {
		size_t n = (size_t)MIN(to - at, CHUNK);
		size_t head = (size_t)g_snprintf(room, CHUNK_ROOM, "%zx\r\n", n);

		if (!content_read(&x->content, at, room + head, n, err))
			return false;
		memcpy(room + head + n, "\r\n", 2);
		if (!wire_write(x->c->wire, room, head + n + 2, err))
			return false;
	}
	return true;
}

static bool
send_end(struct exchange *x, const char *end, GError **err)
{
	return wire_write(x->c->wire, end, strlen(end), err);
}

/* Send the preview. Sets *more when the rest may be asked for. */
static bool
send_preview(struct exchange *x, uint64_t preview, bool *more, GError **err)
{
	*more = preview < x->content.size;
	return send_chunks(x, 0, preview, err) &&
	       send_end(x, *more ? "0\r\n\r\n" : "0; ieof\r\n\r\n", err);
}

/* The next head that is not an interim one. */
static bool
read_final(struct exchange *x, GError **err)
{
	for (int i = 0; i < CONTINUES_MAX; i++) {
		if (!read_head(x->c, &x->head, err))
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

	if (!send_preview(x, preview, &more, err) || !read_head(x->c, &x->head, err))
		return false;
	if (x->head.status != STATUS_CONTINUE) {
		x->answer.after_preview = more;
		return true;
	}
	icap_message_clear(&x->head);
	icap_message_init(&x->head);
	return send_chunks(x, preview, x->content.size, err) && send_end(x, "0\r\n\r\n", err) &&
	       read_final(x, err);
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
	const char *name = o->names[0]                 ? o->names[0]
	                   : o->kind == OBJECT_MESSAGE ? "message.eml"
	                                               : NEUTRAL_NAME;

	return icap_options_ignore(x->options, name) ? NEUTRAL_NAME : name;
}

static char *
remote_path(struct exchange *x, GError **err)
{
	const struct conf_antivirus *av = &x->c->engine->all->antivirus;
	struct content_place place = {av->path_directory, av->path_group, av->path_mode};
	const char *path = content_path(&x->content, &place, err);

	return path ? content_remote_path(path, x->c->engine->conf->path_map) : NULL;
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
	return write_text(x->c, text, err);
}

/* Send everything and read the head of the answer. */
static bool
ask(struct exchange *x, GError **err)
{
	uint64_t preview = preview_of(x);
	g_autofree char *path = NULL;

	if (x->method == ICAP_FILEMOD && !(path = remote_path(x, err)))
		return false;
	if (!send_request(x, preview, path, err))
		return false;
	if (preview != ICAP_NO_PREVIEW)
		return previewed(x, preview, err);
	if (x->method != ICAP_FILEMOD &&
	    (!send_chunks(x, 0, x->content.size, err) || !send_end(x, "0\r\n\r\n", err)))
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
		g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX,
		                    "no HTTP head where Encapsulated puts one");
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
	struct chunked chunked = {0};
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

/* Read a page that nobody wants, if it is short: the connection can then be kept. */
static void
drain_body(struct exchange *x)
{
	g_autofree char *some = g_malloc(CHUNK);
	struct wait *wait = wire_wait(x->c->wire), cut = wait_until(wait, deadline_in(DRAIN_MS));
	struct chunked chunked = {0};
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
		          x->head.status > 0 || wire_answered(x->c->wire) ? "reply" : "request",
		          why);
		return;
	}
	x->answer.sent_all = wire_sent_all(x->c->wire);
	if (!read_parts(x, &why)) {
		salvage(x, v);
		conn_fail(x->c, v, "reply", why);
		return;
	}
	icap_judge(&x->answer, v, x->rq->label, x->c->engine->title, where);
	settle(x);
}

static enum icap_method
choose_method(const struct conn *c, const struct icap_options *o)
{
	switch (c->engine->conf->icap.method) {
	case METHOD_REQMOD:
		return ICAP_REQMOD;
	case METHOD_FILEMOD:
		return ICAP_FILEMOD;
	case METHOD_RESPMOD:
		return ICAP_RESPMOD;
	default:
		return o->reqmod && !o->respmod ? ICAP_REQMOD : ICAP_RESPMOD;
	}
}

static void
exchange_clear(struct exchange *x)
{
	content_clear(&x->content);
	icap_message_clear(&x->head);
	icap_message_clear(&x->http);
}

static void
run(struct conn *c, const struct scan_request *rq, enum icap_method method, struct verdict *v)
{
	AUTO(exchange_clear)
	struct exchange x = {.c = c, .rq = rq, .options = c->probe->detail, .method = method};
	int dialect = c->engine->conf->icap.dialect;

	x.dialect = dialect == DIALECT_AUTO ? x.options->dialect : icap_dialect_find(dialect);
	content_init(&x.content, rq->objects, rq->object);
	icap_message_init(&x.head);
	icap_message_init(&x.http);
	exchange(&x, v);
}

static void
scan(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	const struct icap_options *o = c->probe->detail;
	enum icap_method method = choose_method(c, o);

	(void)e;
	run(c, rq, method, v);
	if (method != ICAP_FILEMOD || v->failed != REASON_REFUSED || v->kinds != 0 || !o->respmod)
		return;
	/* 502: the server cannot open our file; it can still have the bytes. */
	verdict_clear(v);
	if (conn_reopen(c, v))
		run(c, rq, ICAP_RESPMOD, v);
}

/* An answer to OPTIONS that is not 200. */
static void
judge_options(struct conn *c, const struct icap_message *m, struct verdict *v)
{
	struct icap_answer a = {
	    .head = m, .dialect = icap_dialect_find(DIALECT_GENERIC), .method = ICAP_OPTIONS};
	g_autofree char *where =
	    g_strdup_printf("engine %s: %s: OPTIONS", c->engine->title, c->address->text);
	AUTO(verdict_clear) struct verdict got = {0};

	icap_judge(&a, &got, "", c->engine->title, where);
	if (got.failed != REASON_NONE)
		verdict_fail(v, got.failed, "%s", got.failed_why);
	else
		conn_refuse(c, v, REASON_PROTOCOL, "OPTIONS: answered %u", m->status);
}

static void
probe(struct engine *e, struct conn *c, struct probe *out, struct verdict *v)
{
	AUTO(icap_message_clear) struct icap_message m = {0};
	g_autofree char *authority = address_authority(c->address);
	const char *service = c->address->rest[0] ? c->address->rest : e->conf->icap.service;
	const struct icap_request request = {
	    .method = ICAP_OPTIONS, .authority = authority, .service = service};
	g_autoptr(GString) text = g_string_new(NULL);
	struct icap_parts parts;
	GError *why = NULL;

	icap_message_init(&m);
	icap_request_write(&request, text);
	if (!write_text(c, text, &why) || !read_head(c, &m, &why)) {
		conn_fail(c, v, "OPTIONS", why);
		return;
	}
	if (m.status != 200) {
		judge_options(c, &m, v);
		return;
	}
	if (!icap_options_read(&m, out)) {
		conn_refuse(c, v, REASON_NO_LICENSE, "OPTIONS: X-AV-License: 0");
		return;
	}
	verdict_complete(v);
	if (icap_parts_parse(&m, &parts) &&
	    (parts.body == ICAP_BODY_NULL || parts.body == ICAP_BODY_UNKNOWN) &&
	    !icap_list_has(&m, "Connection", "close") && !wire_unread(c->wire))
		conn_keep(c);
}

static bool
init(struct engine *e, GError **err)
{
	const GPtrArray *pairs = e->conf->icap.request_header;

	for (guint i = 0; i < pairs->len; i++) {
		const struct conf_pair *pair = g_ptr_array_index(pairs, i);
		g_autofree char *unknown = icap_fields_check(pair->value);

		if (!unknown)
			continue;
		g_set_error(err, CONF_ERROR, CONF_E_INVALID,
		            "request_header %s: %%{%s} is not known; write %%{sender}, "
		            "%%{recipient}, %%{client}, %%{helo}, %%{qid}, "
		            "%%{ref} or %%{msgid}",
		            pair->name, unknown);
		return false;
	}
	return true;
}

const struct engine_ops engine_icap = {
    .name = "icap",
    .summary = "ICAP: Symantec, Kaspersky, ESET, Trend, c-icap and others",
    .caps = ENGINE_CAP_STREAM | ENGINE_CAP_PATH | ENGINE_CAP_PROBED,
    .default_port = "1344",
    .tls_port = "11344",
    .init = init,
    .scan = scan,
    .probe = probe,
};
