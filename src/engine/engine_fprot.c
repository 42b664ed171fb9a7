/*
 * engine_fprot - fpscand, the daemon of F-Prot 6
 *
 *	C: SCAN --archive=10 --heurlevel=3 STREAM avm SIZE 68
 *	C: ... 68 bytes
 *	S: 1 <infected: EICAR_Test_File> avm->eicar.com
 *
 * No greeting; many objects over a connection, one at a time. The daemon of F-Prot 4 (f-protd, HTTP)
 * is another program and not spoken to.
 */
#include <inttypes.h>

#include "conf/conf.h"
#include "engine/fprot_reply.h"
#include "engine/talk.h"

#define EOL "\n"
/* The name of a stream: the number of the exchange, so that an answer to another one is none. */
#define ID_FORMAT     "avm%u"
#define HEUR_UNWANTED 3 /* value of antivirus.heuristics from which on unwanted programs are told */

extern const struct engine_ops engine_fprot;

static bool
send_object(struct conn *c, const struct scan_request *rq, const struct content *content,
    const char *id, bool *sent, GError **err)
{
	static const char *const levels[] = { "0", "2", "3", "4" }; /* P12 */
	const struct conf_antivirus *av = &c->engine->all->antivirus;
	uint64_t at = 0, heuristics = MIN(av->heuristics, G_N_ELEMENTS(levels) - 1);

	if (!talk_say(c, EOL, err,
		"SCAN --archive=%" PRIu64 " --heurlevel=%s%s STREAM %s SIZE %" PRIu64,
		av->max_extract_depth, levels[heuristics],
		heuristics >= HEUR_UNWANTED ? " --adware --applications" : "", id, content->size) ||
	    !talk_send(c, rq, content, &at, err))
		return false;
	*sent = at == content->size;
	return true;
}

static void
scan(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	AUTO(content_clear) struct content content = { .fd = -1 };
	g_autofree char *id = g_strdup_printf(ID_FORMAT, c->exchanges);
	g_autofree char *where = talk_where(c);
	g_autoptr(GString) line = g_string_new(NULL);
	GError *why = NULL;
	bool sent;

	content_init(&content, rq->objects, rq->object);
	if (!send_object(c, rq, &content, id, &sent, &why)) {
		conn_fail(c, v, "sending", why);
		return;
	}
	if (!talk_hear(c, line, &why)) {
		conn_fail(c, v, "reply", why);
		return;
	}
	fprot_judge(line->str, id, rq->label, e->title, where, v);
	sent = sent && wire_reached(c->wire);
	if (!sent && verdict_is_clean(v))
		conn_refuse(c, v, REASON_PROTOCOL, "reply: came before the object was handed over");
	else if (wire_unread(c->wire))
		conn_refuse(c, v, REASON_PROTOCOL, "reply: more than one answer");
	else if (sent && !(v->states & 1u << SCAN_FAILED))
		conn_keep(c);
}

/* The connection is not kept: behind the line that we need comes another of no fixed form. */
static void
probe(struct engine *e, struct conn *c, struct probe *out, struct verdict *v)
{
	g_autoptr(GString) line = g_string_new(NULL);
	GError *why = NULL;

	(void)e;
	if (!talk_say(c, EOL, &why, "HELP") || !talk_hear(c, line, &why)) {
		conn_fail(c, v, "HELP", why);
	} else if (!fprot_version_parse(line->str, &out->version, &out->definitions)) {
		conn_refuse(c, v, REASON_PROTOCOL, "HELP: reply not understood");
	} else {
		out->tag = g_strdup(out->definitions);
		verdict_complete(v);
	}
}

static void
goodbye(struct engine *e, struct conn *c)
{
	(void)e;
	talk_say(c, EOL, NULL, "QUIT");
}

const struct engine_ops engine_fprot = {
	.name = "fprot",
	.summary = "F-Prot 6 (fpscand), by stream",
	.caps = ENGINE_CAP_STREAM,
	.default_port = "10200",
	.scan = scan,
	.goodbye = goodbye,
	.probe = probe,
};
