/* web - see web.h */
#include "daemon/web.h"

#include "base/log.h"
#include "daemon/metrics.h"
#include "daemon/numbers.h"
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

static const struct http_page pages[] = {
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", make_metrics, NULL },
	{ "/status", "application/json", make_status, NULL },
	{ NULL, NULL, NULL, NULL },
};

/* Where it is served now, and for whom. */
static char *
describe(const struct conf *conf)
{
	g_autofree char *allow = g_strjoinv(",", conf->control.http_allow);

	return g_strdup_printf("%s %s", conf->control.http, allow);
}

void
web_apply(struct server *s, const struct conf *conf)
{
	const char *address = conf->control.http;
	g_autofree char *wanted = describe(conf);
	g_autoptr(GError) err = NULL;

	if (s->http != NULL && g_strcmp0(s->http_where, wanted) == 0)
		return;
	web_stop(s); /* first: the address may be the same */
	if (address[0] == '\0')
		return;
	s->http = http_new(address, conf->control.http_allow, pages, s, &err);
	if (s->http == NULL) {
		log_err("no metrics and no status page: %s", err->message);
		return;
	}
	s->http_where = g_steal_pointer(&wanted);
	log_notice("metrics and status page: http://%s/", address);
}

void
web_stop(struct server *s)
{
	http_free(&s->http);
	g_clear_pointer(&s->http_where, g_free);
}
