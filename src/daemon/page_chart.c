/*
 * page_chart - the last 24 hours as a picture: all messages above, those that were not clean
 * below on a scale of their own, because they are few
 */
#include "daemon/page_in.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define LEFT       44
#define SLOT_WIDTH 7
#define BAR_WIDTH  6
#define TOP        22
#define ALL_HEIGHT 120
#define BAD_HEIGHT 70
#define GAP        34
#define FOOT       22

#define HOUR 3600

/* What is drawn in one colour, from the bottom up; the classes c0 to c4 of the style. */
enum group { CLEAN, SKIPPED, DOUBTFUL, ERRORS, BAD, GROUPS };

static const struct {
	const char *label;
	const char *kinds[5];
} groups[GROUPS] = {
	[CLEAN] = { "clean", { "clean" } },
	[SKIPPED] = { "skipped", { "skipped" } },
	[DOUBTFUL] = { "macro, encrypted, suspicious, unscannable",
	    { "macro", "encrypted", "suspicious", "unscannable" } },
	[ERRORS] = { "error", { "error" } },
	[BAD] = { "infected, evasion, blocked", { "infected", "evasion", "blocked" } },
};

struct chart {
	GString *out;
	const json_t *slots;
	size_t count;
	enum group of[32]; /* the kinds, in the order of the overview */
	int64_t first;     /* when the first slot began, wall clock */
	int64_t seconds;   /* of a slot */
};

static enum group
group_of(const char *kind)
{
	for (int g = 0; g < GROUPS; g++)
		for (size_t i = 0; i < G_N_ELEMENTS(groups[g].kinds); i++)
			if (groups[g].kinds[i] != NULL && strcmp(groups[g].kinds[i], kind) == 0)
				return (enum group)g;
	return DOUBTFUL;
}

static bool
begin(struct chart *c, GString *out, const json_t *o)
{
	const json_t *kinds = page_at(o, "history.kinds");

	*c = (struct chart){ .out = out, .slots = page_at(o, "history.slots") };
	c->count = json_array_size(c->slots);
	c->seconds = page_number(o, "history.slot_seconds");
	if (c->count == 0 || c->seconds <= 0 || json_array_size(kinds) > G_N_ELEMENTS(c->of))
		return false;
	c->first = page_number(o, "history.slot_began") - ((int64_t)c->count - 1) * c->seconds;
	for (size_t i = 0; i < json_array_size(kinds); i++) {
		const char *kind = json_string_value(json_array_get(kinds, i));

		c->of[i] = group_of(kind != NULL ? kind : "");
	}
	return true;
}

static void
count_slot(const struct chart *c, size_t i, uint64_t n[GROUPS])
{
	const json_t *slot = json_array_get(c->slots, i);

	memset(n, 0, GROUPS * sizeof(n[0]));
	for (size_t k = 0; k < json_array_size(slot) && k < G_N_ELEMENTS(c->of); k++)
		n[c->of[k]] += (uint64_t)json_integer_value(json_array_get(slot, k));
}

static uint64_t
sum(const uint64_t n[GROUPS], enum group from)
{
	uint64_t all = 0;

	for (int g = from; g < GROUPS; g++)
		all += n[g];
	return all;
}

/* The next 1, 2 or 5 times a power of ten. */
static uint64_t
round_up(uint64_t n)
{
	uint64_t step = 1;

	for (;;) {
		if (n <= step)
			return step;
		if (n <= 2 * step)
			return 2 * step;
		if (n <= 5 * step)
			return 5 * step;
		step *= 10;
	}
}

static void
draw_scale(const struct chart *c, int top, int height, uint64_t max, const char *title)
{
	const int right = LEFT + (int)c->count * SLOT_WIDTH;

	g_string_append_printf(c->out, "<text x=\"%d\" y=\"%d\">%s</text>", LEFT, top - 8, title);
	for (int i = 0; i <= 1; i++) {
		const int y = top + height * (1 - i);

		g_string_append_printf(c->out,
		    "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", LEFT, right,
		    y, y);
		g_string_append_printf(c->out,
		    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%" PRIu64 "</text>", LEFT - 6,
		    y + 4, i == 0 ? 0 : max);
	}
}

static void
draw_bar(const struct chart *c, size_t i, enum group from, int bottom, int height, uint64_t max)
{
	uint64_t n[GROUPS];
	double y = bottom;

	count_slot(c, i, n);
	for (int g = from; g < GROUPS; g++) {
		/* What happened is seen, however little it is beside the rest. */
		const double h = n[g] > 0 ? MAX((double)n[g] * height / (double)max, 1.0) : 0.0;

		if (n[g] == 0)
			continue;
		y -= h;
		g_string_append_printf(c->out,
		    "<rect class=\"c%d\" x=\"%zu\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"/>", g,
		    LEFT + i * SLOT_WIDTH, y, BAR_WIDTH, h);
	}
}

/* What a pointer that rests there is told. */
static void
draw_hint(const struct chart *c, size_t i)
{
	const time_t when = (time_t)(c->first + (int64_t)i * c->seconds);
	uint64_t n[GROUPS];
	struct tm tm;

	count_slot(c, i, n);
	if (sum(n, CLEAN) == 0)
		return;
	gmtime_r(&when, &tm);
	g_string_append_printf(c->out, "<title>%02d:%02d UTC:", tm.tm_hour, tm.tm_min);
	for (int g = 0; g < GROUPS; g++)
		if (n[g] > 0)
			g_string_append_printf(c->out, " %" PRIu64 " %s;", n[g], groups[g].label);
	g_string_append(c->out, "</title>");
}

static void
draw_hours(const struct chart *c, int y)
{
	const int64_t end = c->first + (int64_t)c->count * c->seconds;

	for (int64_t t = (c->first / (2 * HOUR) + 1) * 2 * HOUR; t < end; t += 2 * HOUR) {
		const int64_t x = LEFT + (t - c->first) * SLOT_WIDTH / c->seconds;

		g_string_append_printf(c->out,
		    "<text x=\"%" PRId64 "\" y=\"%d\" text-anchor=\"middle\">%02d:00</text>", x, y,
		    (int)(t / HOUR % 24));
	}
}

static void
draw_legend(const struct chart *c)
{
	static const int at[GROUPS] = { 190, 250, 325, 610, 670 };

	for (int g = 0; g < GROUPS; g++)
		g_string_append_printf(c->out,
		    "<rect class=\"c%d\" x=\"%d\" y=\"6\" width=\"9\" height=\"9\"/>"
		    "<text x=\"%d\" y=\"15\">%s</text>",
		    g, at[g], at[g] + 13, groups[g].label);
}

void
page_chart(GString *out, const json_t *overview)
{
	const int bad_top = TOP + ALL_HEIGHT + GAP, bottom = bad_top + BAD_HEIGHT;
	uint64_t all = 1, bad = 1, n[GROUPS];
	struct chart c;

	if (!begin(&c, out, overview))
		return;
	for (size_t i = 0; i < c.count; i++) {
		count_slot(&c, i, n);
		all = MAX(all, sum(n, CLEAN));
		bad = MAX(bad, sum(n, DOUBTFUL));
	}
	all = round_up(all);
	bad = round_up(bad);
	g_string_append_printf(out,
	    "<svg viewBox=\"0 0 %zu %d\" role=\"img\" aria-label=\"Messages of the last 24 "
	    "hours\">",
	    LEFT + c.count * SLOT_WIDTH + 4, bottom + FOOT);
	draw_legend(&c);
	draw_scale(&c, TOP, ALL_HEIGHT, all, "all messages");
	draw_scale(&c, bad_top, BAD_HEIGHT, bad, "of these not clean");
	for (size_t i = 0; i < c.count; i++) {
		g_string_append(out, "<g>");
		draw_hint(&c, i);
		draw_bar(&c, i, CLEAN, TOP + ALL_HEIGHT, ALL_HEIGHT, all);
		draw_bar(&c, i, DOUBTFUL, bottom, BAD_HEIGHT, bad);
		g_string_append(out, "</g>");
	}
	draw_hours(&c, bottom + FOOT - 6);
	g_string_append(out, "</svg>");
}
