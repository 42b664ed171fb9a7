/* web - see web.h */
#include "daemon/web.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/http.h"
#include "daemon/metrics.h"
#include "daemon/numbers.h"
#include "daemon/page.h"
#include "daemon/server.h"

static GString *
make_metrics(void *arg, GError **err)
{
	(void)err;
	return metrics_text(arg);
}

static GString *
make_status(void *arg, GError **err)
{
	json_t *o = numbers_overview(arg, err);
	GString *out;
	char *text;

	if (o == NULL)
		return NULL;
	text = json_dumps(o, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	out = g_string_new(text);
	g_string_append_c(out, '\n');
	free(text);
	json_decref(o);
	return out;
}

static GString *
make_page(void *arg, GError **err)
{
	json_t *o = numbers_overview(arg, err);
	GString *out = o != NULL ? page_html(o) : NULL;

	json_decref(o);
	return out;
}

#define PAGES 3

struct web {
	struct http *http;
	char *where;                       /* what it serves: see describe() */
	char *policy;                      /* of the page for people */
	struct http_page pages[PAGES + 1]; /* an empty one at the end */
};

/* Where it is served, and for whom. */
static char *
describe(const struct conf *conf)
{
	g_autofree char *allow = g_strjoinv(",", conf->control.http_allow);

	return g_strdup_printf("%s %s", conf->control.http, allow);
}

static struct web *
web_new(struct server *s, const struct conf *conf, GError **err)
{
	struct web *w = g_new0(struct web, 1);

	w->policy = page_policy();
	w->where = describe(conf);
	w->pages[0] = (struct http_page){ "/", "text/html; charset=utf-8", make_page, w->policy };
	w->pages[1] = (struct http_page){ "/metrics", "text/plain; version=0.0.4; charset=utf-8",
		make_metrics, NULL };
	w->pages[2] = (struct http_page){ "/status", "application/json", make_status, NULL };
	w->http = http_new(conf->control.http, conf->control.http_allow, w->pages, s, err);
	return w;
}

void
web_apply(struct server *s, const struct conf *conf)
{
	g_autofree char *wanted = describe(conf);
	g_autoptr(GError) err = NULL;

	if (s->web != NULL && strcmp(s->web->where, wanted) == 0)
		return;
	web_stop(s); /* first: the address may be the same */
	if (conf->control.http[0] == '\0')
		return;
	s->web = web_new(s, conf, &err);
	if (s->web->http != NULL) {
		log_notice("metrics and status page: http://%s/", conf->control.http);
		return;
	}
	web_stop(s);
	log_err("no metrics and no status page: %s", err->message);
}

void
web_stop(struct server *s)
{
	struct web *w = s->web;

	if (w == NULL)
		return;
	http_free(&w->http);
	g_free(w->where);
	g_free(w->policy);
	g_free(w);
	s->web = NULL;
}
