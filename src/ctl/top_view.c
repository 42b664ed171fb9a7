/*
 * top_view - one screen of top as text
 */
#include "ctl/top.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define DAY    86400
#define HOUR   3600
#define MINUTE 60

/* Heights of a bar. */
#define BARS 8

struct view {
	GString *out;
	const json_t *now, *before;
	unsigned width, lines, used;
	bool utf8;
};

static const json_t *
at(const json_t *o, const char *path)
{
	g_auto(GStrv) keys = g_strsplit(path, ".", -1);

	for (char **k = keys; *k != NULL && o != NULL; k++)
		o = json_object_get(o, *k);
	return o;
}

static int64_t
number(const json_t *o, const char *path)
{
	return json_integer_value(at(o, path));
}

static const char *
text(const json_t *o, const char *path)
{
	const char *s = json_string_value(at(o, path));

	return s != NULL ? s : "";
}

/* One line of ASCII, cut to the width. What is no printable ASCII is a question mark: names come from
 * mail, and every byte has to be one column wide. */
static void G_GNUC_PRINTF(2, 3) line(struct view *v, const char *fmt, ...)
{
	g_autofree char *s = NULL;
	unsigned n = 0;
	va_list ap;

	if (v->lines > 0 && v->used >= v->lines)
		return;
	va_start(ap, fmt);
	s = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	for (const char *p = s; *p != '\0' && n < v->width; p++, n++)
		g_string_append_c(v->out, g_ascii_isprint(*p) ? *p : '?');
	g_string_append_c(v->out, '\n');
	v->used++;
}

/* Of a counter, a second. */
static double
rate(const struct view *v, const char *path)
{
	const int64_t seconds =
	    number(v->now, "stats.seconds") - number(v->before, "stats.seconds");
	const int64_t n = number(v->now, path) - number(v->before, path);

	return v->before != NULL && seconds > 0 && n > 0 ? (double)n / (double)seconds : 0.0;
}

static void
head(struct view *v)
{
	const int64_t up = number(v->now, "status.uptime");
	const time_t now = (time_t)number(v->now, "time");
	struct tm tm;

	gmtime_r(&now, &tm);
	line(v, "avmilter %s  %s  up %" PRId64 " d %02d:%02d:%02d  %02d:%02d:%02d UTC",
	    text(v->now, "avmilter"),
	    !json_is_true(at(v->now, "status.serving"))    ? "stopping"
		: json_is_true(at(v->now, "status.ready")) ? "serving"
							   : "loading definitions",
	    up / DAY, (int)(up % DAY / HOUR), (int)(up % HOUR / MINUTE), (int)(up % MINUTE),
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void
counters(struct view *v)
{
	const int64_t hits = number(v->now, "stats.cache.memory.messages.hits");
	const int64_t asked = hits + number(v->now, "stats.cache.memory.messages.misses");
	g_autofree char *spool = g_format_size_full(
	    (guint64)MAX(number(v->now, "status.spool_bytes"), 0), G_FORMAT_SIZE_IEC_UNITS);

	line(v,
	    "messages %" PRId64 " (%.1f/s)  infected %" PRId64 "  error %" PRId64
	    "  skipped %" PRId64 "  average %.1f ms  delivered unscanned %" PRId64,
	    number(v->now, "stats.messages_checked"), rate(v, "stats.messages_checked"),
	    number(v->now, "stats.viruses_detected"), number(v->now, "stats.classes.error"),
	    number(v->now, "stats.skipped"),
	    json_number_value(at(v->now, "stats.average_ms_per_message")),
	    number(v->now, "stats.unscanned_delivered"));
	line(v,
	    "in hand %" PRId64 "  connections %" PRId64 "  scanning %" PRId64 " of %" PRId64
	    "  waiting %" PRId64 "  spool %s  cache %" PRId64 " %%  quarantine %" PRId64,
	    number(v->now, "status.messages_in_hand"), number(v->now, "status.sessions"),
	    number(v->now, "status.workers.busy"), number(v->now, "status.workers.ready"),
	    number(v->now, "stats.queue.waiting"), spool, asked > 0 ? hits * 100 / asked : 0,
	    number(v->now, "stats.quarantine.entries"));
}

/* Messages of a slot; without those that were clean or skipped when bad. */
static int64_t
slot_sum(const json_t *o, size_t i, bool bad)
{
	const json_t *slot = json_array_get(at(o, "history.slots"), i);
	const json_t *kinds = at(o, "history.kinds");
	int64_t n = 0;

	for (size_t k = 0; k < json_array_size(slot); k++) {
		const char *kind = json_string_value(json_array_get(kinds, k));

		if (!bad || kind == NULL ||
		    (strcmp(kind, "clean") != 0 && strcmp(kind, "skipped") != 0))
			n += json_integer_value(json_array_get(slot, k));
	}
	return n;
}

/* The last 24 hours, or as much of them as fits. */
static void
bars(struct view *v, const char *title, bool bad)
{
	static const char *const bar[BARS + 1] = { " ", "\u2581", "\u2582", "\u2583", "\u2584",
		"\u2585", "\u2586", "\u2587", "\u2588" };
	const size_t count = json_array_size(at(v->now, "history.slots"));
	const size_t room = v->width > strlen(title) + 2 ? v->width - strlen(title) - 2 : 0;
	const size_t first = count > room ? count - room : 0;
	int64_t max = 1;

	if (!v->utf8 || (v->lines > 0 && v->used >= v->lines))
		return;
	for (size_t i = first; i < count; i++)
		max = MAX(max, slot_sum(v->now, i, bad));
	g_string_append_printf(v->out, "%s |", title);
	for (size_t i = first; i < count; i++) {
		const int64_t n = slot_sum(v->now, i, bad);

		g_string_append(v->out, bar[n == 0 ? 0 : MAX(n * BARS / max, 1)]);
	}
	g_string_append_c(v->out, '\n');
	v->used++;
}

static void
engines(struct view *v)
{
	const json_t *list = at(v->now, "engines"), *e;
	size_t i;

	line(v, "%s", "");
	line(v, "%-16s %-8s %-9s %9s %9s %8s %8s %9s  %s", "ENGINE", "KIND", "STATE", "MESSAGES",
	    "PARTS", "VIRUSES", "FAILURES", "MS/PART", "DEFINITIONS");
	json_array_foreach (list, i, e) {
		const json_t *st = json_object_get(at(v->now, "stats.engines"), text(e, "title"));

		line(v,
		    "%-16s %-8s %-9s %9" PRId64 " %9" PRId64 " %8" PRId64 " %8" PRId64 " %9.2f  %s",
		    text(e, "title"), text(e, "kind"),
		    json_is_true(at(e, "ready")) ? "ready" : "not ready",
		    number(st, "messages_checked"), number(st, "parts_checked"),
		    number(st, "viruses_detected"), number(st, "failures"),
		    json_number_value(at(st, "average_ms_per_part")), text(e, "definitions"));
	}
}

static void
findings(struct view *v)
{
	const json_t *list = at(v->now, "history.findings"), *f;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	line(v, "%s", "");
	line(v, "%-8s %-12s %-10s %-16s %s", "TIME", "CLASS", "ACTION", "QUEUE ID", "NAME");
	json_array_foreach (list, i, f) {
		const time_t when = (time_t)number(f, "when");
		struct tm tm;

		gmtime_r(&when, &tm);
		line(v, "%02d:%02d:%02d %-12s %-10s %-16s %s", tm.tm_hour, tm.tm_min, tm.tm_sec,
		    text(f, "class"), text(f, "action"), text(f, "id"), text(f, "name"));
	}
}

GString *
top_view(const json_t *now, const json_t *before, unsigned width, unsigned lines, bool utf8)
{
	struct view v = { g_string_new(NULL), now, before, width, lines, 0, utf8 };

	head(&v);
	counters(&v);
	bars(&v, "24 h, all      ", false);
	bars(&v, "24 h, not clean", true);
	engines(&v);
	findings(&v);
	return v.out;
}
