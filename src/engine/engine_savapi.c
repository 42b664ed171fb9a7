/*
 * engine_savapi - Avira's SAVAPI daemon
 *
 * It is handed the name of a file; nothing else is possible. A connection is set up once and scans
 * many objects, one at a time. Without a licensed product it does nothing:
 *
 *	S: 100 SAVAPI:4.0
 *	C: SET PRODUCT 10776
 *	S: 100 PRODUCT:10776
 *	C: SCAN /var/spool/avmilter/avm-x7Kq2a
 *	S: 310 Eicar-Test-Signature ; virus ; Contains code of the Eicar-Test-Signature virus
 *	S: 319 OK
 */
#include <inttypes.h>
#include <string.h>

#include "conf/conf.h"
#include "engine/savapi_reply.h"
#include "engine/talk.h"

#define EOL       "\n"
#define MARGIN_MS 1000 /* its time ends before ours: then it can say so */

extern const struct engine_ops engine_savapi;

/* The number goes into a line of the protocol. */
static bool
init(struct engine *e, GError **err)
{
	const char *id = e->conf->savapi.product_id;

	if (strspn(id, "0123456789") == strlen(id))
		return true;
	g_set_error(err, CONF_ERROR, CONF_E_INVALID,
	    "product_id = \"%s\" is no number; write that of your licence, for example 10776", id);
	return false;
}

static bool
greet(struct engine *e, struct conn *c, GError **err)
{
	g_autoptr(GString) line = g_string_new(NULL);

	(void)e;
	if (!talk_hear(c, line, err))
		return false;
	if (savapi_value(line->str, "SAVAPI"))
		return true;
	g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX, "not that of SAVAPI");
	return false;
}

static void
goodbye(struct engine *e, struct conn *c)
{
	(void)e;
	talk_say(c, EOL, NULL, "QUIT");
}

/* Say a command and read its line. False and v FAILED. */
static bool
ask(struct conn *c, GString *line, struct verdict *v, const char *command, const char *value)
{
	GError *why = NULL;

	if (talk_say(c, EOL, &why, "%s%s", command, value) && talk_hear(c, line, &why))
		return true;
	conn_fail(c, v, command, why);
	return false;
}

struct setting {
	const char *key;
	bool needed; /* without it a part of the mail would not be looked at */
	enum reason refused;
};

static bool
set(struct conn *c, const struct setting *s, const char *value, struct verdict *v)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_autofree char *command = g_strdup_printf("SET %s ", s->key), *shown = NULL;

	if (!ask(c, line, v, command, value))
		return false;
	if (savapi_value(line->str, s->key) || (!s->needed && savapi_code(line->str) != 0))
		return true;
	shown = talk_shown(line->str);
	conn_refuse(c, v, savapi_code(line->str) ? s->refused : REASON_PROTOCOL, "SET %s %s: %s",
	    s->key, value, shown);
	return false;
}

/* What a connection needs before its first scan. False and v FAILED. */
static bool
set_up(struct conn *c, struct verdict *v)
{
	static const struct setting product = { "PRODUCT", true, REASON_NO_LICENSE },
				    archives = { "ARCHIVE_SCAN", true, REASON_REFUSED },
				    mailboxes = { "MAILBOX_SCAN", true, REASON_REFUSED },
				    heuristics = { "HEUR_LEVEL", false, REASON_REFUSED },
				    patience = { "SCAN_TIMEOUT", false, REASON_REFUSED };
	const struct engine *e = c->engine;
	int64_t s = MAX(1, (e->conf->timeout - MARGIN_MS) / 1000);
	g_autofree char *seconds = g_strdup_printf("%" PRId64, s);
	g_autofree char *level = g_strdup_printf("%" PRIu64, e->all->antivirus.heuristics);

	return set(c, &product, e->conf->savapi.product_id, v) && set(c, &patience, seconds, v) &&
	    set(c, &archives, "1", v) && set(c, &mailboxes, "1", v) &&
	    set(c, &heuristics, level, v);
}

/* Read the answer to SCAN to its end. */
static void
hear_all(struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	g_autofree char *where = talk_where(c);
	g_autoptr(GString) line = g_string_new(NULL);
	struct savapi_answer answer = { 0 };
	GError *why = NULL;

	do {
		if (!talk_hear(c, line, &why)) {
			conn_fail(c, v, "reply", why);
			return;
		}
	} while (!savapi_take(&answer, line->str, rq->label, c->engine->title, where, v));
	if (wire_unread(c->wire))
		conn_refuse(c, v, REASON_PROTOCOL, "reply: more than one answer");
	else if (!(v->states & 1u << SCAN_FAILED))
		conn_keep(c);
}

static void
scan(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	AUTO(content_clear) struct content content = { .fd = -1 };
	g_autofree char *path = NULL;
	GError *why = NULL;

	(void)e;
	content_init(&content, rq->objects, rq->object);
	path = talk_path(c, &content, &why);
	if (!path)
		conn_fail(c, v, "file for the server", why);
	else if (c->exchanges == 1 && !set_up(c, v))
		return;
	else if (!talk_say(c, EOL, &why, "SCAN %s", path))
		conn_fail(c, v, "sending", why);
	else
		hear_all(c, rq, v);
}

static void
probe(struct engine *e, struct conn *c, struct probe *out, struct verdict *v)
{
	g_autoptr(GString) line = g_string_new(NULL);
	const char *value;

	(void)e;
	if (!set_up(c, v) || !ask(c, line, v, "GET SAVAPI", ""))
		return;
	value = savapi_value(line->str, "SAVAPI");
	out->version = g_strdup_printf("SAVAPI %s", value ? value : "");
	g_strchomp(out->version);
	if (!ask(c, line, v, "GET VDF", ""))
		return;
	value = savapi_value(line->str, "VDF");
	if (value && value[0]) {
		out->definitions = g_strdup(value);
		out->tag = g_strdup(value);
	}
	verdict_complete(v);
	conn_keep(c);
}

const struct engine_ops engine_savapi = {
	.name = "savapi",
	.summary = "Avira's SAVAPI daemon, by path",
	.caps = ENGINE_CAP_PATH,
	.default_port = "4444",
	.init = init,
	.greet = greet,
	.scan = scan,
	.goodbye = goodbye,
	.probe = probe,
};
