/*
 * icap_verdict - judging ICAP answers
 */
#include "engine/icap_verdict.h"

#include <string.h>

#include "base/log.h"
#include "engine/icap_findings.h"

#define REASON_SHOWN 100
#define HTTP         "HTTP/"

/* ICAP statuses that mean one thing whatever the product. The text is the server's own. */
static const struct status_row {
	unsigned status;
	enum reason failed;
} status_rows[] = {
	{ 206, REASON_PROTOCOL }, /* only legal when we had offered it */
	{ 400, REASON_REFUSED },
	{ 404, REASON_REFUSED },
	{ 405, REASON_REFUSED },
	{ 407, REASON_REFUSED },
	{ 408, REASON_TIMEOUT },
	{ 418, REASON_ENGINE_ERROR },
	{ 500, REASON_ENGINE_ERROR },
	{ 501, REASON_REFUSED },
	{ 502, REASON_REFUSED },
	{ 503, REASON_BUSY },
	{ 505, REASON_REFUSED },
	{ 506, REASON_BUSY },
	{ 539, REASON_NO_LICENSE },
	{ 551, REASON_ENGINE_ERROR },
	{ 558, REASON_NO_LICENSE },
};

bool
icap_http_parse(const char *text, size_t len, struct icap_message *m)
{
	g_autofree char *copy = g_strndup(text, len);
	g_auto(GStrv) lines = NULL;
	const char *p = copy + strlen(HTTP);

	if (strlen(copy) != len || !g_str_has_prefix(copy, HTTP))
		return false;
	lines = g_strsplit(copy, "\n", -1);
	p += strspn(p, "0123456789.");
	p += strspn(p, " ");
	if (strspn(p, "0123456789") != 3)
		return false;
	m->status = (unsigned)g_ascii_strtoull(p, NULL, 10);
	m->reason = g_strchomp(g_strdup(lines[0]));
	for (char **l = lines + 1; *l && !m->complete; l++) {
		if (g_str_has_suffix(*l, "\r"))
			(*l)[strlen(*l) - 1] = '\0';
		if (!icap_message_line(m, *l, NULL))
			return false;
	}
	return true;
}

/* "blocked: HTTP/1.1 403 VirusFound" as the name of a finding. */
static void
find_block(
    struct verdict *v, const char *what, const char *text, const char *label, const char *title)
{
	g_autofree char *name =
	    g_strdup_printf("%s%s%.*s", what, text[0] ? ": " : "", REASON_SHOWN, text);

	verdict_find(v, FINDING_INFECTED, name, label, title);
	verdict_complete(v);
}

static void
skip(struct verdict *v, const char *where, const char *why)
{
	verdict_partial(v, REASON_NOT_SCANNED, "%s: %s", where, why);
}

/* Nothing was found and the server says so: is that the whole object it speaks of? */
static void
nothing_found(const struct icap_answer *a, struct verdict *v, const char *where)
{
	if (a->after_preview)
		skip(v, where, "answered after the preview, without the rest of the object");
	else if (!a->sent_all)
		skip(v, where, "answered before it had the whole object");
	else
		verdict_complete(v);
}

/* 200 and an HTTP answer that is not the one we sent. */
static void
judge_http_status(const struct icap_answer *a, struct verdict *v, const char *label,
    const char *title, const char *where)
{
	unsigned status = a->http->status;

	if (status >= 500 ||
	    (status != 403 && status >= 400 && a->dialect->inner_4xx == ICAP_ERROR))
		verdict_fail(v, REASON_ENGINE_ERROR, "%s: HTTP %u inside of a 200", where, status);
	else
		find_block(v, "blocked", a->http->reason, label, title);
}

static bool
http_is_block(const struct icap_answer *a)
{
	return a->http && a->http->status != 200;
}

bool
icap_needs_echo(const struct icap_answer *a)
{
	return a->head->status == 200 && !http_is_block(a) &&
	    (a->parts.body == ICAP_BODY_RES || a->parts.body == ICAP_BODY_REQ);
}

static void
judge_null(const struct icap_answer *a, struct verdict *v, const char *where)
{
	if (a->method == ICAP_FILEMOD || a->size == 0 || a->dialect->null_200 == ICAP_CLEAN)
		nothing_found(a, v, where);
	else
		skip(v, where, "200 without a body says nothing about the object");
}

static void
judge_200(const struct icap_answer *a, struct verdict *v, const char *label, const char *title,
    const char *where)
{
	if (http_is_block(a))
		judge_http_status(a, v, label, title, where);
	else if (a->parts.body == ICAP_BODY_NULL)
		judge_null(a, v, where);
	else if (!icap_needs_echo(a) || a->method == ICAP_FILEMOD)
		verdict_fail(
		    v, REASON_PROTOCOL, "%s: 200 without the parts that belong to it", where);
	else if (a->echo == ICAP_ECHO_DIFFERENT)
		find_block(v, "modified by the server", "", label, title);
	else if (a->echo == ICAP_ECHO_UNREAD)
		skip(v, where, "gave the object back before it had all of it");
	else if (a->would_204)
		skip(v, where,
		    "gave the object back although 204 was allowed: it has not looked (too large, "
		    "or excluded)");
	else
		nothing_found(a, v, where);
}

/* 201 and 403: something is wrong with the object, and nobody says what. */
static void
judge_forbidden(const struct icap_answer *a, struct verdict *v, const char *label,
    const char *title, const char *where)
{
	if (icap_value(a->head, "X-Attribute")) {
		verdict_find(v, FINDING_BLOCKED, "content category", label, title);
		verdict_complete(v);
	} else if (a->head->status == 201) {
		find_block(v, "modified by the server", "", label, title);
	} else if (a->dialect->status_403 == ICAP_FOUND || a->method == ICAP_FILEMOD) {
		find_block(v, "forbidden", "", label, title);
	} else {
		verdict_fail(v, REASON_REFUSED, "%s: 403: the server does not serve us", where);
	}
}

static void
judge_status(const struct icap_answer *a, struct verdict *v, const char *label, const char *title,
    const char *where)
{
	const char *code = icap_value(a->head, "X-Error-Code");
	g_autoptr(GString) shown = g_string_new(NULL);
	enum reason failed = REASON_PROTOCOL;

	if (a->head->status == 500 && code && icap_judge_error(code, label, title, v))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(status_rows); i++)
		if (status_rows[i].status == a->head->status)
			failed = status_rows[i].failed;
	log_esc(shown, a->head->reason, strlen(a->head->reason), REASON_SHOWN);
	verdict_fail(v, failed, "%s: %u %s", where, a->head->status, shown->str);
}

void
icap_judge(const struct icap_answer *a, struct verdict *v, const char *label, const char *title,
    const char *where)
{
	bool any = icap_findings(a->head, label, title, v);

	/* Some products put their fields into the HTTP answer inside. */
	any = (a->http && icap_findings(a->http, label, title, v)) || any;
	if (any) {
		if (v->kinds != 0)
			verdict_complete(v);
		return;
	}
	switch (a->head->status) {
	case 200:
		judge_200(a, v, label, title, where);
		return;
	case 201:
	case 403:
		judge_forbidden(a, v, label, title, where);
		return;
	case 202:
		verdict_partial(v, REASON_PENDING, "%s: accepted for later analysis", where);
		return;
	case 204:
		nothing_found(a, v, where);
		return;
	default:
		judge_status(a, v, label, title, where);
	}
}
