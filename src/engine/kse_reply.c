/*
 * kse_reply - from the body to the verdict
 */
#include "engine/kse_reply.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "verdict/verdict.h"

#define SHOWN_MAX 200
#define NAMES_MAX 100
#define YEAR_MIN  1990
#define YEAR_MAX  9999
#define UNNAMED   "unknown"
#define ENDS      ",;"
#define MACRO     " AND CONTAINS OFFICE MACRO"
#define UNWANTED  "not-a-virus:" /* adware and the like; HEUR: is malware that has no name yet */

/* Whole bodies that name nothing. */
static const struct word_row {
	const char *body;
	enum finding_kind kind; /* found, the scan complete; else */
	enum reason partial;    /* PARTIAL, else */
	enum reason failed;
} word_rows[] = {
	{ "NON_SCANNED (PASSWORD PROTECTED)", FINDING_ENCRYPTED, REASON_NONE, REASON_NONE },
	{ "NON_SCANNED (CORRUPTED)", FINDING_NONE, REASON_CORRUPT, REASON_NONE },
	{ "NON_SCANNED (SKIPPED)", FINDING_NONE, REASON_NOT_SCANNED, REASON_NONE },
	{ "NON_SCANNED", FINDING_NONE, REASON_NOT_SCANNED, REASON_NONE },
	{ "NON_SCANNED (ACCESS DENIED)", FINDING_NONE, REASON_NONE, REASON_REFUSED },
	{ "NON_SCANNED (CANCELED)", FINDING_NONE, REASON_NONE, REASON_TIMEOUT },
	{ "SERVER_ERROR", FINDING_NONE, REASON_NONE, REASON_ENGINE_ERROR },
};

/* Words in front of names; each of them means that something was found. */
static const char *const found_words[] = { "DETECT", "DETECTED", "DISINFECTED", "DELETED" };

/* The text without its line end; NULL when it holds what no answer does. */
static char *
text_of(const GString *body)
{
	g_autofree char *text = g_strndup(body->str, body->len);

	if (strlen(text) != body->len)
		return NULL;
	g_strchomp(text);
	for (const char *p = text; *p; p++)
		if (g_ascii_iscntrl(*p) && *p != '\t')
			return NULL;
	return g_steal_pointer(&text);
}

/* What stands behind one of the words of a finding; NULL = none of them stands there. */
static const char *
names_of(const char *text)
{
	for (size_t i = 0; i < G_N_ELEMENTS(found_words); i++) {
		size_t n = strlen(found_words[i]);

		if (strncmp(text, found_words[i], n) == 0 && (text[n] == '\0' || text[n] == ' '))
			return text + n;
	}
	return NULL;
}

/* True when the text announced a finding. */
static bool
judge_found(char *text, struct verdict *v, const char *label, const char *title)
{
	const char *p = names_of(text);
	g_auto(GStrv) names = NULL;
	bool found = false;

	if (!p)
		return false;
	if (g_str_has_suffix(p, MACRO)) {
		text[strlen(text) - strlen(MACRO)] = '\0';
		verdict_find(v, FINDING_MACRO, "Office-Macro", label, title);
	}
	names = g_strsplit_set(p, ENDS, NAMES_MAX);
	for (char **n = names; *n; n++) {
		const char *name = g_strstrip(*n);

		if (!*name)
			continue;
		verdict_find(v,
		    g_str_has_prefix(name, UNWANTED) ? FINDING_SUSPICIOUS : FINDING_INFECTED, name,
		    label, title);
		found = true;
	}
	if (!found)
		verdict_find(v, FINDING_INFECTED, UNNAMED, label, title);
	return true;
}

static void
judge_row(const struct word_row *row, struct verdict *v, const char *label, const char *title,
    const char *where)
{
	if (row->kind != FINDING_NONE) {
		verdict_find(v, row->kind, "Password-Protected", label, title);
		verdict_complete(v);
	} else if (row->partial != REASON_NONE) {
		verdict_partial(v, row->partial, "%s: %s", where, row->body);
	} else {
		verdict_fail(v, row->failed, "%s: %s", where, row->body);
	}
}

/* A body that says nothing of a finding. */
static void
judge_words(
    const char *text, struct verdict *v, const char *label, const char *title, const char *where)
{
	g_autoptr(GString) shown = g_string_new(NULL);

	if (strcmp(text, "CLEAN") == 0) {
		verdict_complete(v);
		return;
	}
	if (strcmp(text, "CLEAN" MACRO) == 0) {
		verdict_find(v, FINDING_MACRO, "Office-Macro", label, title);
		verdict_complete(v);
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(word_rows); i++)
		if (strcmp(text, word_rows[i].body) == 0) {
			judge_row(&word_rows[i], v, label, title, where);
			return;
		}
	log_esc(shown, text, strlen(text), SHOWN_MAX);
	verdict_fail(v, REASON_PROTOCOL, "%s: not understood: \"%s\"", where, shown->str);
}

void
kse_judge(const GString *body, bool whole, bool sent_all, struct verdict *v, const char *label,
    const char *title, const char *where)
{
	g_autofree char *text = text_of(body);

	if (text && judge_found(text, v, label, title)) {
		if (whole)
			verdict_complete(v);
		else
			verdict_fail(v, REASON_LOST, "%s: broke off after a finding", where);
		return;
	}
	if (!whole)
		verdict_fail(v, REASON_PROTOCOL, "%s: an answer without an end", where);
	else if (!sent_all && text && g_str_has_prefix(text, "CLEAN"))
		verdict_fail(
		    v, REASON_PROTOCOL, "%s: CLEAN before the object was handed over", where);
	else if (!text)
		verdict_fail(v, REASON_PROTOCOL, "%s: holds bytes that no answer has", where);
	else
		judge_words(text, v, label, title, where);
}

/* "9.02.2014", with blanks in front. Returns what stands behind it, or NULL. */
static const char *
eat_date(const char *text, unsigned *day, unsigned *month, unsigned *year)
{
	int end = 0;

	if (sscanf(text, " %2u.%2u.%4u%n", day, month, year, &end) != 3 || end == 0)
		return NULL;
	if (*day == 0 || *day > 31 || *month == 0 || *month > 12 || *year < YEAR_MIN ||
	    *year > YEAR_MAX)
		return NULL;
	return text + end;
}

char *
kse_bases(const char *body)
{
	static const char word[] = "database version:";
	unsigned day, month, year, hour, minute;
	const char *p = g_str_has_prefix(body, word)
	    ? eat_date(body + strlen(word), &day, &month, &year)
	    : NULL;

	if (!p || sscanf(p, " %2u:%2u", &hour, &minute) != 2 || hour > 23 || minute > 59)
		return NULL;
	return g_strdup_printf("%04u%02u%02u.%02u%02u", year, month, day, hour, minute);
}

bool
kse_expired(const char *body, unsigned today)
{
	static const char word[] = "license expiration date:";
	const char *at = strstr(body, word);
	unsigned day, month, year;

	if (strstr(body, "has expired"))
		return true;
	return at && eat_date(at + strlen(word), &day, &month, &year) &&
	    (year * 100 + month) * 100 + day < today;
}
