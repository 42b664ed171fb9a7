/*
 * engine_clamd - ClamAV's daemon
 *
 * On a unix socket the object goes over as a descriptor, otherwise as a stream; a path only when
 * the section says so. Commands begin with z, so command and reply end with NUL. Where the server
 * knows IDSESSION a connection serves many objects, one at a time:
 *
 *	C: zIDSESSION\0 zFILDES\0\0 + descriptor
 *	S: 1: fd[12]: OK\0
 *	C: zFILDES\0\0 + descriptor
 *	S: 2: fd[12]: Eicar-Test-Signature FOUND\0
 *
 * else one command, one reply, and a close:
 *
 *	C: zINSTREAM\0 00 00 00 05 hello 00 00 00 00
 *	S: stream: OK\0
 *
 * A stream that is too large is answered while we still send; base/wire.h sees to it that the
 * answer is read.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "engine/clamd_list.h"
#include "engine/clamd_reply.h"
#include "engine/conn.h"
#include "engine/content.h"
#include "engine/engine.h"
#include "engine/talk.h"

#define REPLY_MAX  (64 * 1024) /* names are short, paths come back in full */
#define CHUNK      (64 * 1024)
#define CHUNK_HEAD 4 /* uint32, big endian */

extern const struct engine_ops engine_clamd;

/* What the probe found out. */
struct clamd_detail {
	bool sessions;
};

static bool
send_command(struct conn *c, const char *command, GError **err)
{
	conn_trace(c, 'C', command, strlen(command));
	return wire_write(c->wire, command, strlen(command) + 1, err);
}

/* Read one reply. An end of the connection before the NUL is an error: "stream: OK" may be the
 * beginning of a name. */
static bool
read_reply(struct conn *c, GString *reply, GError **err)
{
	bool ok = wire_until(c->wire, '\0', REPLY_MAX, reply, err);

	conn_trace(c, 'S', reply->str, reply->len);
	return ok;
}

/* The object as chunks, the empty one that ends it in the same write as the last. Stops when the
 * server has spoken. */
static bool
send_stream(struct conn *c, const struct content *content, GError **err)
{
	g_autofree char *room = g_malloc(CHUNK_HEAD + CHUNK + CHUNK_HEAD);
	static const char end[CHUNK_HEAD];

	for (uint64_t at = 0; at < content->size && wire_sent_all(c->wire); at += CHUNK) {
		size_t n = (size_t)MIN(content->size - at, CHUNK);
		uint32_t head = htonl((uint32_t)n);
		bool last = content->size - at <= CHUNK;

		memcpy(room, &head, CHUNK_HEAD);
		if (!content_read(content, at, room + CHUNK_HEAD, n, err))
			return false;
		memcpy(room + CHUNK_HEAD + n, end, CHUNK_HEAD);
		if (!wire_write(c->wire, room, CHUNK_HEAD + n + (last ? CHUNK_HEAD : 0), err))
			return false;
	}
	return content->size > 0 || wire_write(c->wire, end, CHUNK_HEAD, err);
}

static bool
send_fd(struct conn *c, struct content *content, GError **err)
{
	static const char command[] = "zFILDES\0"; /* and one byte that carries the descriptor */
	int fd = content_fd(content, err);

	conn_trace(c, 'C', command, sizeof(command) - 2);
	return fd >= 0 && wire_write_fd(c->wire, command, sizeof(command), fd, err);
}

static bool
send_path(struct conn *c, const char *path, GError **err)
{
	g_autofree char *command = g_strdup_printf("zSCAN %s", path);

	return send_command(c, command, err);
}

static enum clamd_way
choose_way(const struct conn *c)
{
	switch (c->engine->conf->clamd.pass_by) {
	case PASS_FD:
		return CLAMD_FD;
	case PASS_PATH:
		return CLAMD_PATH;
	case PASS_STREAM:
		return CLAMD_STREAM;
	default:
		return wire_passes_fds(c->wire) ? CLAMD_FD : CLAMD_STREAM;
	}
}

static bool
send_object(
    struct conn *c, struct content *content, enum clamd_way way, const char *path, GError **err)
{
	switch (way) {
	case CLAMD_FD:
		return send_fd(c, content, err);
	case CLAMD_PATH:
		return send_path(c, path, err);
	case CLAMD_STREAM:
		return send_command(c, "zINSTREAM", err) && send_stream(c, content, err);
	}
	return false;
}

/* Is c a session? Its first exchange makes it one if the server knows how. */
static bool
begin_session(struct conn *c, GError **err)
{
	const struct clamd_detail *d = c->probe ? c->probe->detail : NULL;

	if (!d || !d->sessions)
		return false;
	return c->exchanges > 1 || send_command(c, "zIDSESSION", err);
}

/* From the reply to the verdict. */
static void
judge(struct conn *c, const GString *reply, unsigned id, enum clamd_way way, const char *path,
    const struct scan_request *rq, size_t size, struct verdict *v)
{
	g_autofree char *where =
	    g_strdup_printf("engine %s: %s: reply", c->engine->title, c->address->text);
	/* A descriptor has arrived with the first byte of its command. */
	const bool has = way == CLAMD_STREAM ? wire_reached(c->wire) : wire_sent_all(c->wire);
	struct clamd_reply r;

	clamd_reply_parse(&r, reply->str, reply->len, id, way, path);
	if (r.said == CLAMD_OK && !has)
		conn_refuse(c, v, REASON_PROTOCOL, "reply: OK before the object was handed over");
	else if (r.said == CLAMD_OK && wire_unread(c->wire))
		conn_refuse(c, v, REASON_PROTOCOL, "reply: more than one answer");
	else
		clamd_judge(&r, size, v, rq->label, c->engine->title, where);
	if (id > 0 && (r.said == CLAMD_OK || r.said == CLAMD_FOUND) && has && !wire_unread(c->wire))
		conn_keep(c);
	clamd_reply_clear(&r);
}

/* It told the first name; where names are ignored the others matter too. */
static void
ask_for_more(
    struct conn *c, struct content *content, const struct scan_request *rq, struct verdict *v)
{
	const struct finding *first = verdict_top(v);
	g_autofree char *path = NULL, *name = NULL;
	g_autoptr(GError) why = NULL;

	if (!first || !*c->engine->conf->whitelist || !clamd_list_possible(c))
		return;
	name = g_strdup(first->name);
	path = talk_path(c, content, &why);
	if (path)
		clamd_list(c, path, name, rq, v);
	else
		log_warn("engine %s: file for the server: %s", c->engine->title, why->message);
}

static void
scan(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	AUTO(content_clear) struct content content = { .fd = -1 };
	g_autoptr(GString) reply = g_string_new(NULL);
	g_autofree char *path = NULL;
	GError *why = NULL;
	enum clamd_way way = choose_way(c);
	unsigned id;

	(void)e;
	content_init(&content, rq->objects, rq->object);
	if (way == CLAMD_PATH && !(path = talk_path(c, &content, &why))) {
		conn_fail(c, v, "file for the server", why);
		return;
	}
	id = begin_session(c, &why) ? c->exchanges : 0;
	if (why || !send_object(c, &content, way, path, &why))
		conn_fail(c, v, "sending", why);
	else if (!read_reply(c, reply, &why))
		conn_fail(c, v, "reply", why);
	else
		judge(c, reply, id, way, path, rq, (size_t)content.size, v);
	ask_for_more(c, &content, rq, v);
}

/* One command outside a session on a fresh connection. False and v FAILED. */
static bool
ask(struct conn *c, const char *command, GString *reply, struct verdict *v)
{
	GError *why = NULL;

	g_string_truncate(reply, 0);
	if (send_command(c, command, &why) && read_reply(c, reply, &why))
		return true;
	conn_fail(c, v, command + 1, why);
	return false;
}

/* VERSIONCOMMANDS tells everything: "ClamAV 1.4.6/27500/Thu ...| COMMANDS: SCAN QUIT ... IDSESSION
 * ...". */
static bool
take_version(const char *reply, struct probe *out, struct clamd_detail *d)
{
	g_auto(GStrv) half = g_strsplit(reply, "|", 2);
	g_auto(GStrv) words = g_strsplit(half[0] && half[1] ? half[1] : "", " ", -1);

	d->sessions = g_strv_contains((const char *const *)words, "IDSESSION");
	return half[0] &&
	    clamd_version_parse(half[0], &out->version, &out->definitions, &out->made);
}

static void
probe(struct engine *e, struct conn *c, struct probe *out, struct verdict *v)
{
	static const char *const commands[] = { "zVERSIONCOMMANDS", "zVERSION", "zPING" };
	struct clamd_detail *d = g_new0(struct clamd_detail, 1);
	g_autoptr(GString) reply = g_string_new(NULL);

	(void)e;
	out->detail = d;
	out->detail_free = g_free;
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (i > 0 && !conn_reopen(c, v))
			return;
		if (!ask(c, commands[i], reply, v))
			return;
		if (take_version(reply->str, out, d) || strcmp(reply->str, "PONG") == 0) {
			out->tag = g_strdup(out->definitions);
			verdict_complete(v);
			return;
		}
	}
	conn_refuse(c, v, REASON_PROTOCOL, "PING: reply not understood");
}

static void
goodbye(struct engine *e, struct conn *c)
{
	(void)e;
	send_command(c, "zEND", NULL);
}

const struct engine_ops engine_clamd = {
	.name = "clamd",
	.summary = "ClamAV's daemon, by descriptor, stream or path",
	.caps = ENGINE_CAP_STREAM | ENGINE_CAP_FD | ENGINE_CAP_PATH,
	.default_port = "3310",
	.scan = scan,
	.goodbye = goodbye,
	.probe = probe,
};
