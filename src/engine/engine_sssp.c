/*
 * engine_sssp - Sophos SAVDI, protocol SSSP/1.0
 *
 *	S: OK SSSP/1.0
 *	C: SSSP/1.0
 *	S: ACC 5B992B5C/1
 *	C: SCANDATA 68
 *	C: ... 68 bytes
 *	S: ACC 5B992B5C/2
 *	S: VIRUS EICAR-AV-Test /message
 *	S: DONE OK 0203 Virus found during virus scan
 *	S:
 *
 * The ACC of a SCANDATA may come before the data have gone over or behind them. After a REJ the
 * server takes the rest of the data for commands, so the connection is closed.
 */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "engine/sssp_reply.h"
#include "engine/talk.h"

#define EOL       "\r\n"
#define VERSION   "SSSP/1.0"
#define METHOD    "SCANDATA"
#define FACTS_MAX 10000 /* lines of an answer to QUERY: one engine tells each of its files */
#define STALE_MS  3600000

extern const struct engine_ops engine_sssp;

/* What the probe found out. */
struct detail {
	uint64_t size_max; /* of SCANDATA, 0 = none told */
};

/* One exchange. */
struct exchange {
	struct conn *c;
	const struct scan_request *rq;
	GString *line;
	bool accepted;
	bool sent; /* all of the object, and it arrived */
};

static bool
greet(struct engine *e, struct conn *c, GError **err)
{
	g_autoptr(GString) line = g_string_new(NULL);

	(void)e;
	if (!talk_hear(c, line, err))
		return false;
	if (strcmp(line->str, "OK " VERSION) == 0) {
		if (!talk_say(c, EOL, err, VERSION) || !talk_hear(c, line, err))
			return false;
		if (sssp_is_accepted(line->str))
			return true;
	}
	g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX, "not that of " VERSION);
	return false;
}

static void
goodbye(struct engine *e, struct conn *c)
{
	(void)e;
	talk_say(c, EOL, NULL, "BYE");
}

/*
 * Ask for archives to be unpacked and for answers without more than we read. A channel may forbid
 * that: then savdid.conf holds, and says so.
 */
static bool
set_up(struct conn *c, GError **err)
{
	g_autoptr(GString) line = g_string_new(NULL);
	struct sssp_answer a = { 0 };
	AUTO(verdict_clear) struct verdict done = { 0 };
	bool over = false;

	if (!talk_say(
		c, EOL, err, "OPTIONS" EOL "output: brief" EOL "savigrp: GrpArchiveUnpack 1" EOL) ||
	    !talk_hear(c, line, err))
		return false;
	if (!sssp_is_accepted(line->str)) {
		if (g_str_has_prefix(line->str, "REJ "))
			return true;
		g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX, "not an answer to OPTIONS");
		return false;
	}
	while (!over && talk_hear(c, line, err))
		over = sssp_take(&a, line->str, "", c->engine->title, "OPTIONS", &done);
	sssp_clear(&a);
	if (over && !verdict_is_clean(&done))
		g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX, "OPTIONS: not understood");
	return over && verdict_is_clean(&done);
}

/* Command and object. What the server says meanwhile is its ACC or its end. */
static bool
send_object(struct exchange *x, const struct content *content, GError **err)
{
	uint64_t at = 0;

	if (!talk_say(x->c, EOL, err, METHOD " %" PRIu64, content->size) ||
	    !talk_send(x->c, x->rq, content, &at, err))
		return false;
	if (at < content->size && wire_unread(x->c->wire)) {
		if (!talk_hear(x->c, x->line, err))
			return false;
		x->accepted = sssp_is_accepted(x->line->str);
		if (x->accepted && !talk_send(x->c, x->rq, content, &at, err))
			return false;
	}
	x->sent = at == content->size;
	return true;
}

static bool
init(struct engine *e, GError **err)
{
	(void)err;
	e->data = g_new0(struct log_limit, 1);
	return true;
}

static void
fini(struct engine *e)
{
	g_free(e->data);
}

static void
note_stale(const struct conn *c)
{
	unsigned more;

	if (log_limit_pass(c->engine->data, STALE_MS, &more))
		log_warn("engine %s: %s: the server says that its virus data are old",
		    c->engine->title, c->address->text);
}

/* Read the lines behind ACC. */
static void
hear_all(struct exchange *x, const char *where, struct verdict *v)
{
	struct conn *c = x->c;
	struct sssp_answer a = { 0 };
	GError *why = NULL;
	bool over = false;

	while (!over && talk_hear(c, x->line, &why))
		over = sssp_take(&a, x->line->str, x->rq->label, c->engine->title, where, v);
	x->sent = x->sent && wire_reached(c->wire);
	if (!over)
		conn_fail(c, v, "reply", why);
	else if (!x->sent && verdict_is_clean(v))
		conn_refuse(c, v, REASON_PROTOCOL, "reply: came before the object was handed over");
	else if (wire_unread(c->wire))
		conn_refuse(c, v, REASON_PROTOCOL, "reply: more than one answer");
	else if (x->sent && !(v->states & 1u << SCAN_FAILED))
		conn_keep(c);
	if (a.stale)
		note_stale(c);
	sssp_clear(&a);
}

static void
judge(struct exchange *x, struct verdict *v)
{
	g_autofree char *where = talk_where(x->c);
	GError *why = NULL;

	if (!x->accepted && x->line->len == 0) {
		if (!talk_hear(x->c, x->line, &why)) {
			conn_fail(x->c, v, "reply", why);
			return;
		}
		x->accepted = sssp_is_accepted(x->line->str);
	}
	if (x->accepted)
		hear_all(x, where, v);
	else
		sssp_judge_refusal(x->line->str, where, v);
}

static void
scan(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	AUTO(content_clear) struct content content = { .fd = -1 };
	g_autoptr(GString) line = g_string_new(NULL);
	struct exchange x = { .c = c, .rq = rq, .line = line };
	const struct detail *d = c->probe ? c->probe->detail : NULL;
	GError *why = NULL;

	(void)e;
	content_init(&content, rq->objects, rq->object);
	if (d && d->size_max > 0 && content.size > d->size_max) {
		g_autofree char *where = talk_where(c);

		/* It would say REJ 4. */
		sssp_judge_refusal("REJ 4", where, v);
		conn_keep(c);
	} else if (c->exchanges == 1 && !set_up(c, &why)) {
		conn_fail(c, v, "OPTIONS", why);
	} else if (!send_object(&x, &content, &why)) {
		conn_fail(c, v, "sending", why);
	} else {
		judge(&x, v);
	}
}

/* What an answer to QUERY told. */
struct facts {
	struct probe *probe;
	struct detail *detail;
	bool methods, method; /* any was named; ours was */
};

static void
take_fact(struct facts *f, const char *line)
{
	g_autofree char *key = NULL, *value = NULL;

	if (!sssp_fact(line, &key, &value))
		return;
	if (strcmp(key, "version") == 0 && !f->probe->version) {
		f->probe->version = g_steal_pointer(&value);
	} else if (strcmp(key, "method") == 0) {
		f->methods = true;
		f->method = f->method || strcmp(value, METHOD) == 0;
	} else if (strcmp(key, "maxscandata") == 0) {
		f->detail->size_max = g_ascii_strtoull(value, NULL, 10);
	} else if (strcmp(key, "savversion") == 0 || strcmp(key, "virusdataversion") == 0) {
		g_free(f->probe->definitions);
		f->probe->definitions = g_steal_pointer(&value);
	} else if (strcmp(key, "virusdatachecksum") == 0 && !f->probe->tag) {
		f->probe->tag = g_steal_pointer(&value);
	}
}

/* Ask, and read the facts up to the empty line. A channel may forbid the question: then nothing is
 * known. */
static bool
query(struct conn *c, const char *what, struct facts *f, GError **err)
{
	g_autoptr(GString) line = g_string_new(NULL);

	if (!talk_say(c, EOL, err, "QUERY %s", what) || !talk_hear(c, line, err))
		return false;
	if (g_str_has_prefix(line->str, "REJ "))
		return true;
	if (sssp_is_accepted(line->str)) {
		for (unsigned i = 0; i < FACTS_MAX; i++) {
			if (!talk_hear(c, line, err))
				return false;
			if (line->len == 0)
				return true;
			take_fact(f, line->str);
		}
	}
	g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX, "not an answer to QUERY");
	return false;
}

static void
probe(struct engine *e, struct conn *c, struct probe *out, struct verdict *v)
{
	struct facts f = { .probe = out, .detail = g_new0(struct detail, 1) };
	GError *why = NULL;

	(void)e;
	out->detail = f.detail;
	out->detail_free = g_free;
	if (!query(c, "SERVER", &f, &why) || !query(c, "ENGINE", &f, &why)) {
		conn_fail(c, v, "QUERY", why);
	} else if (f.methods && !f.method) {
		conn_refuse(c, v, REASON_REFUSED,
		    "its channel does not allow " METHOD "; add it to savdid.conf");
	} else {
		if (!out->version)
			out->version = g_strdup("SAVDI");
		verdict_complete(v);
		conn_keep(c);
	}
}

const struct engine_ops engine_sssp = {
	.name = "sssp",
	.summary = "Sophos SAVDI by SSSP/1.0, by stream",
	.caps = ENGINE_CAP_STREAM,
	.default_port = "4010",
	.init = init,
	.greet = greet,
	.scan = scan,
	.goodbye = goodbye,
	.probe = probe,
	.fini = fini,
};
