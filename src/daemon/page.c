/* page - see page.h */
#include "daemon/page.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "daemon/page_in.h"

/* How often a browser asks again, in seconds. */
#define REFRESH "30"

#define DAY    86400
#define HOUR   3600
#define MINUTE 60

void
page_esc(GString *out, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	for (char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		const gunichar c = g_utf8_get_char(p);

		if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
			g_string_append_printf(out, "&#%u;", c);
		else if (g_unichar_iscntrl(c) || g_unichar_type(c) == G_UNICODE_FORMAT)
			g_string_append(out, "\xef\xbf\xbd");
		else
			g_string_append_unichar(out, c);
	}
}

const json_t *
page_at(const json_t *o, const char *path)
{
	g_auto(GStrv) keys = g_strsplit(path, ".", -1);

	for (char **k = keys; *k != NULL && o != NULL; k++)
		o = json_object_get(o, *k);
	return o;
}

int64_t
page_number(const json_t *o, const char *path)
{
	return json_integer_value(page_at(o, path));
}

double
page_real(const json_t *o, const char *path)
{
	return json_number_value(page_at(o, path));
}

const char *
page_text(const json_t *o, const char *path)
{
	const char *text = json_string_value(page_at(o, path));

	return text != NULL ? text : "";
}

bool
page_true(const json_t *o, const char *path)
{
	return json_is_true(page_at(o, path));
}

static void
put_uptime(GString *out, int64_t s)
{
	if (s >= DAY)
		g_string_append_printf(out, "%" PRId64 " d %" PRId64 " h", s / DAY, s % DAY / HOUR);
	else if (s >= HOUR)
		g_string_append_printf(
		    out, "%" PRId64 " h %" PRId64 " min", s / HOUR, s % HOUR / MINUTE);
	else
		g_string_append_printf(
		    out, "%" PRId64 " min %" PRId64 " s", s / MINUTE, s % MINUTE);
}

static void
put_header(GString *out, const json_t *o)
{
	const bool serving = page_true(o, "status.serving"), ready = page_true(o, "status.ready");
	const char *last_error = page_text(o, "status.updates.last_error");
	const time_t now = (time_t)page_number(o, "time");
	char text[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	g_string_append(out, "<header><h1>avmilter ");
	page_esc(out, page_text(o, "avmilter"));
	g_string_append_printf(out, "</h1><span class=\"state%s\">%s</span><span class=\"dim\">up ",
	    serving && ready ? "" : " no",
	    !serving    ? "stopping"
		: ready ? "serving"
			: "loading definitions, mail waits");
	put_uptime(out, page_number(o, "status.uptime"));
	g_string_append_printf(out, "</span><span class=\"dim\">%s UTC</span></header>", text);
	if (last_error[0] == '\0')
		return;
	g_string_append(out, "<section class=\"down\">The last update of the definitions failed: ");
	page_esc(out, last_error);
	g_string_append(out, "</section>");
}

static void
tile(GString *out, const char *class, const char *value, const char *what)
{
	g_string_append_printf(
	    out, "<div class=\"n %s\">%s<small>%s</small></div>", class, value, what);
}

static void
tile_number(GString *out, const char *class, int64_t n, const char *what)
{
	g_autofree char *text = g_strdup_printf("%" PRId64, n);

	tile(out, class, text, what);
}

static void
put_tiles(GString *out, const json_t *o)
{
	const int64_t hits = page_number(o, "stats.cache.memory.messages.hits");
	const int64_t asked = hits + page_number(o, "stats.cache.memory.messages.misses");
	const int64_t lost = page_number(o, "stats.unscanned_delivered");
	const int64_t errors = page_number(o, "stats.classes.error");
	g_autofree char *ms =
	    g_strdup_printf("%.1f ms", page_real(o, "stats.average_ms_per_message"));
	g_autofree char *rate =
	    asked > 0 ? g_strdup_printf("%" PRId64 " %%", hits * 100 / asked) : g_strdup("-");

	g_string_append(out, "<section class=\"tiles\">");
	tile_number(out, "", page_number(o, "stats.messages_checked"), "messages");
	tile_number(out, "", page_number(o, "stats.viruses_detected"), "infected");
	tile_number(out, errors > 0 ? "bad" : "", errors, "not scanned: error");
	tile(out, "", ms, "per message");
	tile_number(out, "", page_number(o, "stats.queue.waiting"), "waiting");
	tile(out, "", rate, "answered from the cache");
	tile_number(out, lost > 0 ? "bad" : "ok", lost, "delivered unscanned");
	g_string_append(out, "</section>");
}

GString *
page_html(const json_t *overview)
{
	GString *out =
	    g_string_new("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
			 "<meta name=\"viewport\" content=\"width=device-width\">"
			 "<meta http-equiv=\"refresh\" content=\"" REFRESH "\">"
			 "<link rel=\"icon\" href=\"data:,\">"
			 "<title>avmilter</title><style>");

	g_string_append_printf(out, "%s</style></head><body><main>", page_style());
	put_header(out, overview);
	put_tiles(out, overview);
	g_string_append(out, "<section><h2>The last 24 hours</h2>");
	page_chart(out, overview);
	g_string_append(out, "</section>");
	page_engines(out, overview);
	page_findings(out, overview);
	page_details(out, overview);
	g_string_append(out,
	    "<p class=\"dim\">For programs: /metrics (Prometheus), /status (JSON). "
	    "Counted since the start, or the last avmilterctl stats reset.</p>"
	    "</main></body></html>\n");
	return out;
}

char *
page_policy(void)
{
	g_autofree char *hash = NULL;
	uint8_t digest[DIGEST_LEN];

	digest_of(page_style(), strlen(page_style()), digest);
	hash = g_base64_encode(digest, sizeof(digest));
	return g_strdup_printf("default-src 'none'; style-src 'sha256-%s'; img-src data:; "
			       "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
	    hash);
}
