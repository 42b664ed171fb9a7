/*
 * fprot_reply - parsing and judging fpscand's answers
 */
#include "engine/fprot_reply.h"

#include <string.h>

#include "engine/talk.h"

#define CODE_DIGITS_MAX 3
#define MEMBER          "->"
#define UNNAMED         "unknown"
#define DATE_DIGITS     12 /* YYYYMMDDHHMM, in front of a checksum */

enum {
	BIT_INFECTED = 1,
	BIT_SUSPICIOUS = 2,
	BIT_INTERRUPTED = 4,
	BIT_RESTRICTED = 8,
	BIT_PLATFORM = 16,
	BIT_INTERNAL = 32,
	BIT_NOT_SCANNED = 64,
	BIT_DISINFECTED = 128,
	BITS_FOUND = BIT_INFECTED | BIT_SUSPICIOUS | BIT_DISINFECTED,
	BITS_KNOWN = 255,
};

/* What a bit says about the scan. */
static const struct bit_row {
	unsigned bit;
	bool partial;
	enum reason reason;
	const char *text;
} bit_rows[] = {
	{ BIT_INTERRUPTED, false, REASON_ENGINE_ERROR, "interrupted" },
	{ BIT_PLATFORM, false, REASON_ENGINE_ERROR, "memory, file or permission" },
	{ BIT_INTERNAL, false, REASON_ENGINE_ERROR, "internal error" },
	{ BIT_RESTRICTED, true, REASON_LIMIT_SIZE, "its limits were reached" },
	{ BIT_NOT_SCANNED, true, REASON_NOT_SCANNED, "encrypted, unsupported or corrupt" },
};

/* One answer, taken apart. */
struct reply {
	unsigned code;
	char *text;         /* between < and > */
	const char *member; /* behind "->", or "" */
};

/* "> ID" with the end or a member behind it: text and file names may hold a > of their own. */
static const char *
find_end(const char *p, const char *id, const char **member)
{
	g_autofree char *tail = g_strdup_printf("> %s", id);
	size_t n = strlen(tail);

	for (p = strstr(p, tail); p; p = strstr(p + 1, tail)) {
		if (p[n] == '\0') {
			*member = "";
			return p;
		}
		if (g_str_has_prefix(p + n, MEMBER)) {
			*member = p + n + strlen(MEMBER);
			return p;
		}
	}
	return NULL;
}

static bool
parse(const char *line, const char *id, struct reply *r)
{
	size_t n = strspn(line, "0123456789");
	const char *end;

	if (n == 0 || n > CODE_DIGITS_MAX || !g_str_has_prefix(line + n, " <"))
		return false;
	r->code = (unsigned)g_ascii_strtoull(line, NULL, 10);
	line += n + strlen(" <");
	end = find_end(line, id, &r->member);
	if (end)
		r->text = g_strndup(line, (gsize)(end - line));
	return end != NULL;
}

/* "infected: NAME", "contains infected objects: NAME", "unwanted program: NAME". */
static void
find(const struct reply *r, const char *label, const char *title, struct verdict *v)
{
	const char *colon = strstr(r->text, ": ");
	const char *name = colon && colon[2] ? colon + 2 : UNNAMED;
	/* Only what nothing else speaks against is merely unwanted. */
	bool unwanted =
	    g_str_has_prefix(r->text, "unwanted ") && (r->code & BITS_FOUND) == BIT_INFECTED;
	g_autofree char *where =
	    r->member[0] ? g_strdup_printf("%s/%s", label, r->member) : g_strdup(label);

	verdict_find(v, unwanted ? FINDING_SUSPICIOUS : FINDING_INFECTED, name, where, title);
}

static void
judge(const struct reply *r, const char *label, const char *title, const char *where,
    struct verdict *v)
{
	bool whole = true;

	if (r->code & BITS_FOUND)
		find(r, label, title, v);
	for (size_t i = 0; i < G_N_ELEMENTS(bit_rows); i++) {
		const struct bit_row *row = &bit_rows[i];

		if (!(r->code & row->bit))
			continue;
		whole = false;
		if (row->partial)
			verdict_partial(v, row->reason, "%s: %u: %s", where, r->code, row->text);
		else
			verdict_fail(v, row->reason, "%s: %u: %s", where, r->code, row->text);
	}
	if (whole)
		verdict_complete(v);
}

void
fprot_judge(const char *line, const char *id, const char *label, const char *title,
    const char *where, struct verdict *v)
{
	struct reply r = { 0 };

	if (parse(line, id, &r) && r.code <= BITS_KNOWN &&
	    (r.code != 0 || (strcmp(r.text, "clean") == 0 && r.member[0] == '\0'))) {
		judge(&r, label, title, where, v);
	} else {
		g_autofree char *shown = talk_shown(line);

		verdict_fail(v, REASON_PROTOCOL, "%s: %s", where, shown);
	}
	g_free(r.text);
}

bool
fprot_version_parse(const char *line, char **version, char **definitions)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);

	*version = *definitions = NULL;
	if (!g_str_has_prefix(line, "FPSCAND:"))
		return false;
	*version = g_strdup_printf("fpscand %s", words[0] + strlen("FPSCAND:"));
	for (char **w = words + 1; *w; w++) {
		const char *date = *w + strlen("SIGNATURE:");

		if (g_str_has_prefix(*w, "SIGNATURE:") &&
		    strspn(date, "0123456789") >= DATE_DIGITS && !*definitions)
			*definitions = g_strndup(date, DATE_DIGITS);
	}
	return true;
}
