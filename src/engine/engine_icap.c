/*
 * engine_icap - ICAP 1.0 (RFC 3507), as Symantec and everyone else speak it
 *
 * The object goes over as the body of an HTTP answer (RESPMOD) or request (REQMOD), or by name
 * (FILEMOD). "Allow: 204" is always sent; a preview only when the section asks for it. Content that
 * comes back in place of the object is read when the verdict depends on it, and handed over when it is
 * repaired and somebody asks for it (action repair); an infected object stays infected either way.
 *
 *	C: RESPMOD icap://127.0.0.1:1344/avscan ICAP/1.0 ... the object in chunks
 *	S: ICAP/1.0 204 No Content
 */
#include "conf/conf.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/icap_exchange.h"
#include "engine/icap_fields.h"
#include "engine/icap_options.h"
#include "engine/icap_request.h"
#include "engine/icap_verdict.h"

extern const struct engine_ops engine_icap;

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
scan(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	const struct icap_options *o = c->probe->detail;
	enum icap_method method = choose_method(c, o);

	(void)e;
	icap_exchange(c, rq, method, v);
	if (method != ICAP_FILEMOD || v->failed != REASON_REFUSED || v->kinds != 0 || !o->respmod)
		return;
	/* 502: the server cannot open our file; it can still have the bytes. */
	verdict_clear(v);
	if (conn_reopen(c, v))
		icap_exchange(c, rq, ICAP_RESPMOD, v);
}

/* An answer to OPTIONS that is not 200. */
static void
judge_options(struct conn *c, const struct icap_message *m, struct verdict *v)
{
	struct icap_answer a = {
		.head = m, .dialect = icap_dialect_find(DIALECT_GENERIC), .method = ICAP_OPTIONS
	};
	g_autofree char *where =
	    g_strdup_printf("engine %s: %s: OPTIONS", c->engine->title, c->address->text);
	AUTO(verdict_clear) struct verdict got = { 0 };

	icap_judge(&a, &got, "", c->engine->title, where);
	if (got.failed != REASON_NONE)
		verdict_fail(v, got.failed, "%s", got.failed_why);
	else
		conn_refuse(c, v, REASON_PROTOCOL, "OPTIONS: answered %u", m->status);
}

static void
probe(struct engine *e, struct conn *c, struct probe *out, struct verdict *v)
{
	AUTO(icap_message_clear) struct icap_message m = { 0 };
	g_autofree char *authority = address_authority(c->address);
	const char *service = c->address->rest[0] ? c->address->rest : e->conf->icap.service;
	const struct icap_request request = {
		.method = ICAP_OPTIONS, .authority = authority, .service = service
	};
	g_autoptr(GString) text = g_string_new(NULL);
	struct icap_parts parts;
	GError *why = NULL;

	icap_message_init(&m);
	icap_request_write(&request, text);
	if (!icap_write_text(c, text, &why) || !icap_read_head(c, &m, &why)) {
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
