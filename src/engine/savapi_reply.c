/*
 * savapi_reply - parsing and judging SAVAPI's answers
 */
#include "engine/savapi_reply.h"

#include <glib.h>
#include <string.h>

#include "engine/talk.h"

#define CODE_DIGITS 3
#define FIELD       " ; "
#define INSIDE      " <<< "
#define UNNAMED     "unknown"
#define MACRO_NAME  "Office macro"

enum {
	CODE_VALUE = 100,
	CODE_CLEAN = 200,
	CODE_CLEAN_ARCHIVE = 210,
	CODE_TIME = 220,
	CODE_ALERT_END = 300,
	CODE_ALERT = 310,
	CODE_END = 319,
	CODE_ERROR = 350,
	CODE_ALERT_REPAIRABLE = 420,
	CODE_MACRO = 422,
	CODE_IFRAME = 440,
};

/* Lines that tell something beside the verdict. */
static const unsigned notes[] = { 401, 404, 421, 423, 430, 450, 499 };

/* Types of alerts that are no malware; any other word is. */
static const char *const unwanted[] = { "adware", "dialer", "joke", "trackware", "pua" };

unsigned
savapi_code(const char *line)
{
	if (strspn(line, "0123456789") != CODE_DIGITS || line[0] == '0' ||
	    (line[CODE_DIGITS] != ' ' && line[CODE_DIGITS] != '\0'))
		return 0;
	return (unsigned)g_ascii_strtoull(line, NULL, 10);
}

/* What stands behind the code, of a line that has one. */
static const char *
text_of(const char *line)
{
	return line[CODE_DIGITS] == ' ' ? line + CODE_DIGITS + 1 : "";
}

const char *
savapi_value(const char *line, const char *key)
{
	size_t n = strlen(key);

	if (savapi_code(line) != CODE_VALUE)
		return NULL;
	line = text_of(line);
	return strncmp(line, key, n) == 0 && line[n] == ':' ? line + n + 1 : NULL;
}

static bool
is_unwanted(const char *type)
{
	for (size_t i = 0; i < G_N_ELEMENTS(unwanted); i++)
		if (g_ascii_strcasecmp(type, unwanted[i]) == 0)
			return true;
	return false;
}

/* "[path <<< ]name ; type ; description". Whatever it looks like, it is an alert. */
static void
take_alert(const char *text, const char *label, const char *title, struct verdict *v)
{
	g_auto(GStrv) field = g_strsplit(text, FIELD, 3);
	const char *type = field[0] && field[1] ? field[1] : "";
	const char *name = field[0] ? field[0] : "";
	const char *arrow = g_strrstr(name, INSIDE);
	g_autofree char *where = arrow
	    ? g_strdup_printf("%s/%.*s", label, (int)MIN(arrow - name, TALK_LINE_MAX), name)
	    : g_strdup(label);

	if (arrow)
		name = arrow + strlen(INSIDE);
	verdict_find(v, is_unwanted(type) ? FINDING_SUSPICIOUS : FINDING_INFECTED,
	    name[0] ? name : UNNAMED, where, title);
}

static bool
is_note(unsigned code)
{
	for (size_t i = 0; i < G_N_ELEMENTS(notes); i++)
		if (notes[i] == code)
			return true;
	return false;
}

/* A line after which more come. */
static bool
take_middle(struct savapi_answer *a, unsigned code, const char *text, const char *label,
    const char *title, struct verdict *v)
{
	if (code == CODE_ALERT || code == CODE_ALERT_REPAIRABLE || code == CODE_IFRAME)
		take_alert(text, label, title, v);
	else if (code == CODE_MACRO)
		verdict_find(v, FINDING_MACRO, MACRO_NAME, label, title);
	else if (is_note(code))
		a->notes++;
	else
		return false;
	return true;
}

static void
fail(struct verdict *v, enum reason r, const char *where, const char *line)
{
	g_autofree char *shown = talk_shown(line);

	verdict_fail(v, r, "%s: %s", where, shown);
}

/* The line that ends the answer. */
static void
take_last(const struct savapi_answer *a, unsigned code, const char *line, const char *label,
    const char *title, const char *where, struct verdict *v)
{
	switch (code) {
	case CODE_CLEAN:
	case CODE_CLEAN_ARCHIVE:
		verdict_complete(v);
		return;
	case CODE_TIME:
		verdict_partial(v, REASON_LIMIT_TIME, "%s: its scan ran out of time", where);
		return;
	case CODE_ALERT_END:
		if (v->kinds == 0)
			take_alert(text_of(line), label, title, v);
		verdict_complete(v);
		return;
	case CODE_END:
		if (v->kinds != 0 || a->notes > 0)
			verdict_complete(v);
		else
			fail(v, REASON_PROTOCOL, where, line);
		return;
	case CODE_ERROR:
		/* "File open error": its user may not read our files. */
		fail(v, strstr(line, "open") ? REASON_REFUSED : REASON_ENGINE_ERROR, where, line);
		return;
	default:
		fail(v, REASON_PROTOCOL, where, line);
	}
}

bool
savapi_take(struct savapi_answer *a, const char *line, const char *label, const char *title,
    const char *where, struct verdict *v)
{
	unsigned code = savapi_code(line);

	if (++a->lines > SAVAPI_LINES_MAX) {
		verdict_fail(v, REASON_PROTOCOL, "%s: more than %u lines", where, SAVAPI_LINES_MAX);
		return true;
	}
	if (code != 0 && take_middle(a, code, text_of(line), label, title, v))
		return false;
	take_last(a, code, line, label, title, where, v);
	return true;
}
