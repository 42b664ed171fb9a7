/*
 * engine_avast - Avast for Linux: its REST service, and the socket of the scanning daemon
 *
 *	C: POST /v1/scan?filename=part.zip&email=false&heuristics=80 HTTP/1.1 ... the object
 *	S: HTTP/1.1 200 OK ... {"issues":[]}		(use_files: ?path=, and no object)
 *
 * The socket takes names of files only, many over one connection:
 *
 *	S: 220 DAEMON
 *	C: SCAN /dir/file
 *	S: 210 SCAN DATA
 *	S: SCAN /dir/file<TAB>[+]0.0
 *	S: 200 SCAN OK
 */
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "engine/avast_reply.h"
#include "engine/conn.h"
#include "engine/content.h"
#include "engine/engine.h"
#include "engine/http.h"
#include "engine/talk.h"

#define STATUS_OK 200
#define NAME_ROOM 200 /* bytes of a name that the server is told */
#define CRLF      "\r\n"
#define LINES_MAX 10000 /* of one answer */
#define CODE_LEN  4     /* "200 " */
#define DATA_SCAN "210 SCAN DATA"
#define DATA_VPS  "210 VPS DATA"
#define END_VPS   "200 VPS OK"
#define WORD_VPS  "VPS "

extern const struct engine_ops engine_avast;

static bool
speaks_rest(const struct engine *e, const struct address *a)
{
	switch (e->conf->avast.protocol) {
	case AVAST_REST:
		return true;
	case AVAST_SOCKET:
		return false;
	default:
		return !a->path;
	}
}

/* The object's file as the server sees it. NULL and v FAILED. */
static char *
remote_path(struct conn *c, struct content *content, struct verdict *v)
{
	GError *why = NULL;
	char *path = talk_path(c, content, &why);

	if (!path)
		conn_fail(c, v, "file for the server", why);
	return path;
}

static bool
has_parameter(const struct engine *e, const char *name)
{
	const GPtrArray *pairs = e->conf->avast.parameter;

	for (guint i = 0; i < pairs->len; i++)
		if (strcmp(((const struct conf_pair *)g_ptr_array_index(pairs, i))->name, name) ==
		    0)
			return true;
	return false;
}

static void
add_parameter(GString *target, const char *name, const char *value)
{
	g_string_append_c(target, strchr(target->str, '?') ? '&' : '?');
	http_encode(target, name, NAME_ROOM);
	g_string_append_c(target, '=');
	http_encode(target, value, strlen(value));
}

/* One that the section does not set itself. */
static void
add_default(const struct engine *e, GString *target, const char *name, const char *value)
{
	if (!has_parameter(e, name))
		add_parameter(target, name, value);
}

/* P12: heuristics 0 to 3. */
static const char *
heuristics_of(const struct engine *e)
{
	static const char *const words[] = { "0", "40", "80", "100" };

	return words[MIN(e->all->antivirus.heuristics, G_N_ELEMENTS(words) - 1)];
}

static char *
target_of(const struct conn *c, const struct scan_request *rq, const char *path)
{
	const struct engine *e = c->engine;
	const struct object *o = rq->object;
	const char *name = o->names[0]  ? o->names[0]
	    : o->kind == OBJECT_MESSAGE ? "message.eml"
					: "object.bin";
	g_autofree char *shown = g_strndup(name, NAME_ROOM);
	GString *target = g_string_new("/");

	if (c->address->rest[0])
		g_string_append_printf(target, "%s%s", c->address->rest,
		    g_str_has_suffix(c->address->rest, "/") ? "" : "/");
	g_string_append(target, "v1/scan");
	if (path)
		add_parameter(target, "path", path);
	else
		add_default(e, target, "filename", shown);
	add_default(e, target, "email", o->kind == OBJECT_MESSAGE ? "true" : "false");
	add_default(e, target, "heuristics", heuristics_of(e));
	for (guint i = 0; i < e->conf->avast.parameter->len; i++) {
		const struct conf_pair *pair = g_ptr_array_index(e->conf->avast.parameter, i);

		add_parameter(target, pair->name, pair->value);
	}
	return g_string_free(target, FALSE);
}

static void
scan_rest(struct conn *c, const struct scan_request *rq, struct content *content,
    const struct avast_object *o, struct verdict *v)
{
	AUTO(http_answer_clear) struct http_answer a = { 0 };
	struct http_request request = { .version = "HTTP/1.1",
		.method = "POST",
		.fields = "Content-Type: application/octet-stream\r\n" };
	g_autofree char *path = NULL, *target = NULL;
	GError *why = NULL;

	if (c->engine->conf->avast.use_files && !(path = remote_path(c, content, v)))
		return;
	request.target = target = target_of(c, rq, path);
	request.content = path ? NULL : content;
	if (!http_exchange(c, &request, &a, &why))
		conn_fail(c, v, wire_answered(c->wire) ? "reply" : "request", why);
	else if (a.head.status == STATUS_OK)
		avast_judge_json(a.body, a.sent_all, o, v);
	else
		http_judge_status(c, &a, v);
}

static bool
is_code(const char *line)
{
	return strspn(line, "0123456789") == CODE_LEN - 1 && line[CODE_LEN - 1] == ' ';
}

/* The lines between 210 and the end. What was found counts also when the answer breaks off. */
static void
read_answer(struct conn *c, const char *path, const struct avast_object *o, struct verdict *v)
{
	g_autoptr(GString) line = g_string_new(NULL);
	GError *why = NULL;
	bool clean = false, begun = false;

	for (unsigned i = 0; i < LINES_MAX; i++) {
		if (!talk_hear(c, line, &why)) {
			conn_fail(c, v, "reply", why);
			return;
		}
		if (!begun && strcmp(line->str, DATA_SCAN) == 0) {
			begun = true;
			continue;
		}
		if (is_code(line->str))
			break;
		if (!begun || !avast_judge_line(line->str, path, o, &clean, v)) {
			if (!begun)
				conn_refuse(c, v, REASON_PROTOCOL, "reply: no " DATA_SCAN);
			return;
		}
	}
	if (!avast_judge_end(line->str, o, v))
		return;
	if (v->states == 0 && v->kinds == 0 && !clean)
		conn_refuse(c, v, REASON_PROTOCOL, "reply: says nothing about the file");
	else if (v->states == 0)
		verdict_complete(v);
	if (!wire_unread(c->wire))
		conn_keep(c);
}

static void
scan_socket(
    struct conn *c, struct content *content, const struct avast_object *o, struct verdict *v)
{
	g_autofree char *path = remote_path(c, content, v), *escaped = NULL;
	GError *why = NULL;

	if (!path)
		return;
	escaped = avast_escape(path);
	if (!escaped) {
		conn_refuse(c, v, REASON_REFUSED, "the file's name cannot be written in a command");
		return;
	}
	if (!talk_say(c, CRLF, &why, "SCAN %s", escaped))
		conn_fail(c, v, "request", why);
	else
		read_answer(c, path, o, v);
}

static void
scan(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	AUTO(content_clear) struct content content = { .fd = -1 };
	g_autofree char *where =
	    g_strdup_printf("engine %s: %s: reply", e->title, c->address->text);
	const struct avast_object o = { rq->label, e->title, where,
		e->conf->avast.warnings_as_threat };

	content_init(&content, rq->objects, rq->object);
	if (speaks_rest(e, c->address))
		scan_rest(c, rq, &content, &o, v);
	else
		scan_socket(c, &content, &o, v);
}

static bool
greet(struct engine *e, struct conn *c, GError **err)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_autoptr(GString) shown = g_string_new(NULL);

	if (speaks_rest(e, c->address))
		return true;
	if (!talk_hear(c, line, err))
		return false;
	if (g_str_has_prefix(line->str, "220 "))
		return true;
	log_esc(shown, line->str, line->len, NAME_ROOM);
	g_set_error(err, NET_ERROR, NET_E_SYNTAX, "\"%s\" instead of 220", shown->str);
	return false;
}

static void
goodbye(struct engine *e, struct conn *c)
{
	if (!speaks_rest(e, c->address))
		talk_say(c, CRLF, NULL, "QUIT");
}

/* REST tells nothing about itself: that a connection came up is all there is to know. */
static void
probe(struct engine *e, struct conn *c, struct probe *out, struct verdict *v)
{
	g_autoptr(GString) line = g_string_new(NULL);
	GError *why = NULL;

	out->version = g_strdup("Avast");
	if (speaks_rest(e, c->address)) {
		verdict_complete(v);
		conn_keep(c);
		return;
	}
	if (!talk_say(c, CRLF, &why, "VPS") || !talk_hear(c, line, &why)) {
		conn_fail(c, v, "VPS", why);
		return;
	}
	while (strcmp(line->str, DATA_VPS) == 0 || g_str_has_prefix(line->str, WORD_VPS)) {
		if (g_str_has_prefix(line->str, WORD_VPS)) {
			g_free(out->definitions);
			out->definitions = g_strdup(line->str + strlen(WORD_VPS));
		}
		if (!talk_hear(c, line, &why)) {
			conn_fail(c, v, "VPS", why);
			return;
		}
	}
	out->tag = g_strdup(out->definitions);
	verdict_complete(v); /* it lives, also when it does not know the command */
	if (strcmp(line->str, END_VPS) == 0 && !wire_unread(c->wire))
		conn_keep(c);
}

const struct engine_ops engine_avast = {
	.name = "avast",
	.summary = "Avast for Linux, over REST or the socket of its daemon",
	.caps = ENGINE_CAP_STREAM | ENGINE_CAP_PATH,
	.default_port = "8080",
	.tls_port = "443",
	.scan = scan,
	.greet = greet,
	.goodbye = goodbye,
	.probe = probe,
};
