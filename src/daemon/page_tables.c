/*
 * page_tables - engines, the latest findings, and the small print of the status page
 */
#include "daemon/page_in.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static void
cell(GString *out, const char *class, const char *text)
{
	g_string_append(out, "<td class=\"");
	page_esc(out, class);
	g_string_append(out, "\">");
	page_esc(out, text);
	g_string_append(out, "</td>");
}

static void
cell_number(GString *out, const json_t *o, const char *path)
{
	g_string_append_printf(out, "<td class=\"r\">%" PRId64 "</td>", page_number(o, path));
}

static const char *
if_any(const char *text)
{
	return text[0] != '\0' ? text : "-";
}

/* One row; its name is a server's or an engine's own. */
static void
engine_row(GString *out, const json_t *e, const json_t *st)
{
	const bool ready = page_true(e, "ready");
	const char *age = page_text(e, "age");
	g_autofree char *definitions = g_strdup_printf(
	    "%s%s%s", if_any(page_text(e, "definitions")), age[0] != '\0' ? ", " : "", age);

	g_string_append(out, "<tr>");
	cell(out, "", page_text(e, "title"));
	cell(out, "", page_text(e, "kind"));
	cell(out, ready ? "up" : "down", ready ? "ready" : "not ready");
	cell(out, "", definitions);
	cell_number(out, st, "messages_checked");
	cell_number(out, st, "parts_checked");
	cell_number(out, st, "viruses_detected");
	cell_number(out, st, "failures");
	g_string_append_printf(
	    out, "<td class=\"r\">%.2f ms</td></tr>", page_real(st, "average_ms_per_part"));
}

static void
server_row(GString *out, const json_t *s)
{
	const bool up = strcmp(page_text(s, "state"), "in rotation") == 0;

	g_string_append(out, "<tr><td></td>");
	cell(out, "dim", page_text(s, "server"));
	cell(out, up ? "up" : "down", page_text(s, "state"));
	cell(out, "dim", if_any(page_text(s, "definitions")));
	g_string_append(out, "<td></td>");
	cell_number(out, s, "served");
	g_string_append(out, "<td></td>");
	cell_number(out, s, "failed");
	g_string_append(out, "<td></td></tr>");
}

void
page_engines(GString *out, const json_t *overview)
{
	const json_t *list = page_at(overview, "engines"), *e, *s;
	size_t i, k;

	g_string_append(out,
	    "<section><h2>Engines</h2><table><tr><th>Engine<th>Kind<th>State<th>Definitions"
	    "<th class=\"r\">Messages<th class=\"r\">Parts<th class=\"r\">Viruses<th class=\"r\">Failures"
	    "<th class=\"r\">Time a part</tr>");
	json_array_foreach (list, i, e) {
		engine_row(out, e,
		    json_object_get(page_at(overview, "stats.engines"), page_text(e, "title")));
		json_array_foreach (page_at(e, "servers"), k, s) {
			server_row(out, s);
		}
	}
	g_string_append(out, "</table></section>");
}

void
page_findings(GString *out, const json_t *overview)
{
	const json_t *list = page_at(overview, "history.findings"), *f;
	size_t i;

	g_string_append(out, "<section><h2>Latest findings</h2>");
	if (json_array_size(list) == 0) {
		g_string_append(out, "<p class=\"dim\">none since the start</p></section>");
		return;
	}
	g_string_append(
	    out, "<table><tr><th>Time (UTC)<th>Class<th>Name<th>Engine<th>Action<th>Queue id</tr>");
	json_array_foreach (list, i, f) {
		const time_t when = (time_t)page_number(f, "when");
		char text[32];
		struct tm tm;

		gmtime_r(&when, &tm);
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
		g_string_append(out, "<tr>");
		cell(out, "when", text);
		cell(out, page_text(f, "class"), page_text(f, "class"));
		cell(out, "name", page_text(f, "name"));
		cell(out, "", if_any(page_text(f, "engine")));
		cell(out, "", page_text(f, "action"));
		cell(out, "dim", page_text(f, "id"));
		g_string_append(out, "</tr>");
	}
	g_string_append(out, "</table></section>");
}

/* What is shown in the small tables: where it stands in the overview, and how it is called for people. */
enum form { COUNT, BYTES };

struct line {
	const char *name, *path;
	enum form form;
};

static const struct line waiting[] = {
	{ "Connections of mail servers", "status.sessions", COUNT },
	{ "Messages in hand", "status.messages_in_hand", COUNT },
	{ "Scanning processes", "status.workers.ready", COUNT },
	{ "of these busy", "status.workers.busy", COUNT },
	{ "Messages that wait for one", "status.workers.waiting", COUNT },
	{ "Processes that crashed", "status.workers.crashed", COUNT },
	{ "Processes that were ended", "status.workers.killed", COUNT },
	{ "Spool", "status.spool_bytes", BYTES },
};

static const struct line cache[] = {
	{ "Messages known", "stats.cache.memory.messages.hits", COUNT },
	{ "Messages not known", "stats.cache.memory.messages.misses", COUNT },
	{ "Parts known", "stats.cache.memory.objects.hits", COUNT },
	{ "Parts not known", "stats.cache.memory.objects.misses", COUNT },
	{ "Verdicts clean", "stats.cache.memory.entries_clean", COUNT },
	{ "Verdicts with findings", "stats.cache.memory.entries_with_findings", COUNT },
	{ "Memory", "stats.cache.memory.bytes", BYTES },
};

static const struct line quarantine[] = {
	{ "Mails", "stats.quarantine.entries", COUNT },
	{ "held", "stats.quarantine.held", COUNT },
	{ "released", "stats.quarantine.released", COUNT },
	{ "Size", "stats.quarantine.bytes", BYTES },
	{ "Store full", "stats.quarantine.refused", COUNT },
	{ "Disk failures", "stats.quarantine.failed", COUNT },
};

static void
small_table(GString *out, const char *title, const struct line *l, size_t n, const json_t *o)
{
	g_string_append_printf(out, "<section><h2>%s</h2><table>", title);
	for (; n > 0; n--, l++) {
		const int64_t value = page_number(o, l->path);
		g_autofree char *text = l->form == BYTES
		    ? g_format_size_full((guint64)MAX(value, 0), G_FORMAT_SIZE_IEC_UNITS)
		    : g_strdup_printf("%" PRId64, value);

		g_string_append(out, "<tr>");
		cell(out, "", l->name);
		cell(out, "r", text);
		g_string_append(out, "</tr>");
	}
	g_string_append(out, "</table></section>");
}

/* Threadpools and rules: names of the configuration with a number. */
static void
pools_table(GString *out, const json_t *overview)
{
	json_t *pools = (json_t *)(uintptr_t)page_at(overview, "stats.queue.threadpools"), *p;
	const char *name;

	g_string_append(out,
	    "<section><h2>Threadpools</h2><table><tr><th>Pool<th class=\"r\">Places<th "
	    "class=\"r\">Busy<th class=\"r\">Waiting</tr>");
	json_object_foreach (pools, name, p) {
		g_string_append(out, "<tr>");
		cell(out, "", name);
		cell_number(out, p, "places");
		cell_number(out, p, "inside");
		cell_number(out, p, "waiting");
		g_string_append(out, "</tr>");
	}
	g_string_append(out, "</table></section>");
}

static void
rules_table(GString *out, const json_t *overview)
{
	json_t *rules = (json_t *)(uintptr_t)page_at(overview, "stats.rules"), *n;
	const char *name;

	if (json_object_size(rules) == 0)
		return;
	g_string_append(
	    out, "<section><h2>Policy</h2><table><tr><th>Rule<th class=\"r\">Messages</tr>");
	json_object_foreach (rules, name, n) {
		g_autofree char *text =
		    g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(n));

		g_string_append(out, "<tr>");
		cell(out, "", name);
		cell(out, "r", text);
		g_string_append(out, "</tr>");
	}
	g_string_append(out, "</table></section>");
}

void
page_details(GString *out, const json_t *overview)
{
	g_string_append(out, "<div class=\"two\">");
	small_table(out, "Queue", waiting, G_N_ELEMENTS(waiting), overview);
	small_table(out, "Result cache", cache, G_N_ELEMENTS(cache), overview);
	if (json_is_object(page_at(overview, "stats.quarantine")))
		small_table(out, "Quarantine", quarantine, G_N_ELEMENTS(quarantine), overview);
	pools_table(out, overview);
	rules_table(out, overview);
	g_string_append(out, "</div>");
}
