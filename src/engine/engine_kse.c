/*
 * engine_kse - Kaspersky Scan Engine in HTTP mode, KAV protocol 1 (text)
 *
 *	C: POST /scanmemory HTTP/1.0 ... the object	(use_files: POST /scanfile, the body is its path)
 *	S: HTTP/1.0 200 OK ... DETECT EICAR-Test-File
 *
 * Its own time limit is told to it, so that it gives up before we do. Neither sender nor client address is told
 * (X-KAV-ObjectURL, X-KAV-HostIP): a verdict would then depend on them.
 */
#include <string.h>
#include <time.h>

#include "conf/conf.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/http.h"
#include "engine/kse_reply.h"
#include "engine/talk.h"

#define TOKEN_MAX 8192
#define SECOND_MS 1000
#define STATUS_OK 200
#define DATE_TEXT 16

extern const struct engine_ops engine_kse;

/* Field lines that are the same in every request; e->data. */
struct kse {
	char *authorization; /* "Authorization: TOKEN\r\n", or "" */
};

/* The time that the server may take: what is left, in whole seconds, and less than that. */
static int64_t
server_time(const struct conn *c)
{
	int64_t left = deadline_left(wire_wait(c->wire)->dl);

	return left > SECOND_MS ? (left - 1) / SECOND_MS * SECOND_MS : MAX(left, 1);
}

static char *
target_of(const struct conn *c, const char *what)
{
	const char *rest = c->address->rest ? c->address->rest : "";
	bool slash = rest[0] && !g_str_has_suffix(rest, "/");

	return g_strdup_printf("/%s%s%s", rest, slash ? "/" : "", what);
}

/* Ask and take the answer. False and v has a state. */
static bool
ask(struct conn *c, struct http_request *rq, const char *what, struct http_answer *a,
    struct verdict *v)
{
	const struct kse *k = c->engine->data;
	g_autofree char *target = target_of(c, what), *fields = NULL;
	GError *why = NULL;

	fields =
	    g_strdup_printf("X-KAV-ProtocolVersion: 1\r\nX-KAV-Timeout: %" G_GINT64_FORMAT "\r\n%s",
		server_time(c), k->authorization);
	rq->version = "HTTP/1.0";
	rq->target = target;
	rq->fields = fields;
	if (http_exchange(c, rq, a, &why))
		return true;
	if (a->head.status == STATUS_OK && a->body->len > 0) {
		AUTO(verdict_clear) struct verdict begun = { 0 };

		kse_judge(a->body, false, false, &begun, "", c->engine->title, "");
		if (begun.kinds != 0) { /* it broke off, but that was said */
			g_error_free(why);
			return true;
		}
	}
	conn_fail(c, v, wire_answered(c->wire) ? "reply" : "request", why);
	return false;
}

static void
judge(struct conn *c, const struct http_answer *a, const char *label, struct verdict *v)
{
	g_autofree char *where =
	    g_strdup_printf("engine %s: %s: reply", c->engine->title, c->address->text);

	if (a->head.status == STATUS_OK)
		kse_judge(a->body, a->whole, a->sent_all, v, label, c->engine->title, where);
	else
		http_judge_status(c, a, v);
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

static void
scan(struct engine *e, struct conn *c, const struct scan_request *rq, struct verdict *v)
{
	AUTO(content_clear) struct content content = { .fd = -1 };
	AUTO(http_answer_clear) struct http_answer a = { 0 };
	struct http_request request = { .method = "POST" };
	g_autofree char *path = NULL;

	content_init(&content, rq->objects, rq->object);
	if (e->conf->kse.use_files) {
		request.body = path = remote_path(c, &content, v);
		if (!path)
			return;
	} else {
		request.content = &content;
	}
	if (ask(c, &request, path ? "scanfile" : "scanmemory", &a, v))
		judge(c, &a, rq->label, v);
}

/* One question of a probe on a connection that may be used up. NULL and v FAILED; "" = it is not answered. */
static char *
query(struct conn *c, const char *what, struct verdict *v)
{
	AUTO(http_answer_clear) struct http_answer a = { 0 };
	struct http_request request = { .method = "GET" };
	bool again = c->exchanges > 1 && !c->keep;

	if (again && !conn_reopen(c, v))
		return NULL;
	c->exchanges++;
	c->keep = false;
	if (!ask(c, &request, what, &a, v))
		return NULL;
	if (a.head.status == STATUS_OK && a.whole)
		return g_strndup(a.body->str, a.body->len);
	/* 405: this may be asked from the server's own host only. */
	if (a.head.status == 404 || a.head.status == 405)
		return g_strdup("");
	if (a.head.status == STATUS_OK)
		conn_refuse(c, v, REASON_PROTOCOL, "/%s: an answer without an end", what);
	else
		http_judge_status(c, &a, v);
	return NULL;
}

static unsigned
today(void)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[DATE_TEXT];

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y%m%d", &tm);
	return (unsigned)g_ascii_strtoull(text, NULL, 10);
}

static void
probe(struct engine *e, struct conn *c, struct probe *out, struct verdict *v)
{
	g_autofree char *bases = query(c, "basesdate", v), *license = NULL;

	(void)e;
	if (!bases)
		return;
	out->definitions = kse_bases(bases);
	out->tag = g_strdup(out->definitions);
	out->version = g_strdup("Kaspersky Scan Engine");
	license = query(c, "licenseinfo", v);
	if (!license)
		return;
	if (kse_expired(license, today())) {
		conn_refuse(c, v, REASON_NO_LICENSE, "/licenseinfo: the licence has expired");
		return;
	}
	verdict_complete(v);
}

/* The token, as one line of a header. */
static bool
read_token(const char *file, struct kse *k, GError **err)
{
	g_autofree char *text = NULL;
	gsize len;

	if (!g_file_get_contents(file, &text, &len, err)) {
		g_prefix_error(err, "token_file: ");
		return false;
	}
	g_strstrip(text);
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			len = 0;
	if (len == 0 || len > TOKEN_MAX || !*text) {
		g_set_error(err, CONF_ERROR, CONF_E_INVALID,
		    "token_file %s: write one line of printable ASCII, at most %d bytes", file,
		    TOKEN_MAX);
		return false;
	}
	k->authorization = g_strdup_printf("Authorization: %s\r\n", text);
	return true;
}

static void
fini(struct engine *e)
{
	struct kse *k = e->data;

	g_free(k->authorization);
	g_free(k);
}

static bool
init(struct engine *e, GError **err)
{
	struct kse *k = g_new0(struct kse, 1);

	e->data = k;
	if (*e->conf->kse.token_file) {
		if (read_token(e->conf->kse.token_file, k, err))
			return true;
		fini(e);
		return false;
	}
	k->authorization = g_strdup("");
	return true;
}

const struct engine_ops engine_kse = {
	.name = "kse",
	.summary = "Kaspersky Scan Engine over HTTP or HTTPS, by content or by path",
	.caps = ENGINE_CAP_STREAM | ENGINE_CAP_PATH,
	.default_port = "9999",
	.init = init,
	.scan = scan,
	.probe = probe,
	.fini = fini,
};
