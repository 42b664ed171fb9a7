/*
 * engine_klms - Kaspersky Security for Linux Mail Server, socket rds_av
 *
 * clamd's SCAN in its older clothes: a command that begins with n, lines that end in LF, one command a connection, no
 * question that would tell a version:
 *
 *	C: nSCAN /var/spool/avmilter/avm-x7Kq2a
 *	S: /var/spool/avmilter/avm-x7Kq2a: EICAR-Test-File FOUND
 */
#include "engine/klms_reply.h"
#include "engine/talk.h"

#define EOL "\n"

extern const struct engine_ops engine_klms;

static void
scan(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	AUTO(content_clear) struct content content = { .fd = -1 };
	g_autofree char *path = NULL, *where = talk_where(c);
	g_autoptr(GString) line = g_string_new(NULL);
	GError *why = NULL;

	content_init(&content, rq->objects, rq->object);
	path = talk_path(c, &content, &why);
	if (!path)
		conn_fail(c, v, "file for the server", why);
	else if (!talk_say(c, EOL, &why, "nSCAN %s", path))
		conn_fail(c, v, "sending", why);
	else if (!talk_hear(c, line, &why))
		conn_fail(c, v, "reply", why);
	else if (wire_unread(c->wire))
		conn_refuse(c, v, REASON_PROTOCOL, "reply: more than one answer");
	else
		klms_judge(line->str, path, rq->label, e->title, where, v);
}

const struct engine_ops engine_klms = {
	.name = "klms",
	.summary = "Kaspersky Security for Linux Mail Server (rds_av), by path",
	.caps = ENGINE_CAP_PATH,
	.scan = scan,
};
