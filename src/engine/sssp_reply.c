/*
 * sssp_reply - parsing and judging SSSP's answers
 */
#include "engine/sssp_reply.h"

#include <string.h>

#include "engine/talk.h"

#define CODE_DIGITS 4
#define UNNAMED     "unknown"
#define LOCKED      "Encrypted"

enum {
	CODE_OK = 0x0000,
	CODE_VIRUS = 0x0203,
	CODE_NOT_OPENED = 0x0210,
	CODE_ENCRYPTED = 0x0212,
	CODE_OLD_DATA = 0x021e,
};

/* What a code means that is none of these: PARTIAL or FAILED. */
static const struct code_row {
	uint16_t code;
	bool partial;
	enum reason reason;
	const char *text;
} code_rows[] = {
	{ 0x0201, false, REASON_ENGINE_ERROR, "is terminating" },
	{ 0x0202, false, REASON_ENGINE_ERROR, "sweep failure" },
	{ 0x0204, false, REASON_ENGINE_ERROR, "not initialised" },
	{ 0x0223, false, REASON_ENGINE_ERROR, "must be initialised again" },
	{ 0x020f, true, REASON_UNSUPPORTED, "not supported" },
	{ 0x0211, true, REASON_NOT_SCANNED, "compressed, not unpacked" },
	{ 0x0216, false, REASON_ENGINE_ERROR, "buffer too small" },
	{ 0x021a, true, REASON_CORRUPT, "corrupt" },
	{ 0x0220, false, REASON_ENGINE_ERROR, "main virus data missing" },
	{ 0x0225, true, REASON_MULTI_VOLUME, "part of a multi-volume archive" },
	{ 0x060f, true, REASON_LIMIT_TIME, "its scan ran out of time" },
};

void
sssp_clear(struct sssp_answer *a)
{
	g_clear_pointer(&a->failed, g_array_unref);
}

bool
sssp_is_accepted(const char *line)
{
	static const char word[] = "ACC ";
	size_t n;

	if (!g_str_has_prefix(line, word))
		return false;
	line += strlen(word);
	n = strspn(line, "0123456789abcdefABCDEF");
	if (n == 0 || line[n] != '/')
		return false;
	line += n + 1;
	n = strspn(line, "0123456789");
	return n > 0 && line[n] == '\0';
}

static void
fail(struct verdict *v, enum reason r, const char *where, const char *line)
{
	g_autofree char *shown = talk_shown(line);

	verdict_fail(v, r, "%s: %s", where, shown);
}

void
sssp_judge_refusal(const char *line, const char *where, struct verdict *v)
{
	if (strcmp(line, "REJ 4") == 0)
		verdict_partial(v, REASON_TOO_LARGE, "%s: larger than its maxscandata", where);
	else if (strcmp(line, "REJ 5") == 0)
		verdict_fail(v, REASON_REFUSED, "%s: not permitted on this channel", where);
	else
		fail(v, REASON_PROTOCOL, where, line);
}

bool
sssp_fact(const char *line, char **key, char **value)
{
	const char *colon = strchr(line, ':');

	if (!colon || colon == line)
		return false;
	*key = g_strndup(line, (gsize)(colon - line));
	*value = g_strstrip(g_strdup(colon + 1));
	return true;
}

/* Eat four hex digits and the blank behind them. */
static const char *
eat_code(const char *p, uint16_t *code)
{
	if (strspn(p, "0123456789abcdefABCDEF") != CODE_DIGITS ||
	    (p[CODE_DIGITS] != ' ' && p[CODE_DIGITS] != '\0'))
		return NULL;
	*code = (uint16_t)g_ascii_strtoull(p, NULL, 16);
	return p[CODE_DIGITS] ? p + CODE_DIGITS + 1 : p + CODE_DIGITS;
}

/* The object with the file inside it that a line names, %XX decoded. */
static char *
inside(const char *label, const char *file)
{
	g_autofree char *plain = g_uri_unescape_string(file, NULL);

	file = plain ? plain : file;
	return file[0] ? g_strdup_printf("%s/%s", label, file[0] == '/' ? file + 1 : file)
		       : g_strdup(label);
}

/* Name and file behind VIRUS. */
static void
take_virus(const char *rest, const char *label, const char *title, struct verdict *v)
{
	size_t n = strcspn(rest, " ");
	g_autofree char *name = g_strndup(rest, n);
	g_autofree char *where = inside(label, rest[n] ? rest + n + 1 : "");

	verdict_find(v, FINDING_INFECTED, name[0] ? name : UNNAMED, where, title);
}

/* A code that is not CODE_OK. False: unknown. */
static bool
judge_code(
    uint16_t code, const char *label, const char *title, const char *where, struct verdict *v)
{
	if (code == CODE_ENCRYPTED) {
		verdict_find(v, FINDING_ENCRYPTED, LOCKED, label, title);
		return true;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(code_rows); i++) {
		const struct code_row *row = &code_rows[i];

		if (row->code != code)
			continue;
		if (row->partial)
			verdict_partial(v, row->reason, "%s: %04X %s", where, code, row->text);
		else
			verdict_fail(v, row->reason, "%s: %04X %s", where, code, row->text);
		return true;
	}
	return false;
}

static bool
has_failed(const struct sssp_answer *a, uint16_t code)
{
	for (guint i = 0; a->failed && i < a->failed->len; i++)
		if (g_array_index(a->failed, uint16_t, i) == code)
			return true;
	return false;
}

/* FAIL behind its word: something inside was not looked at. */
static bool
take_failure(struct sssp_answer *a, const char *rest, const char *label, const char *title,
    const char *where, struct verdict *v)
{
	uint16_t code;
	const char *file = eat_code(rest, &code);
	g_autofree char *object = file ? inside(label, file) : NULL;

	if (!file || code == CODE_OK)
		return false;
	if (code == CODE_NOT_OPENED)
		verdict_partial(v, REASON_CORRUPT, "%s: %04X could not open", where, code);
	else if (code == CODE_VIRUS)
		a->said_infected = true;
	else if (!judge_code(code, object, title, where, v))
		return false;
	if (!has_failed(a, code)) {
		a->failed = a->failed ? a->failed : g_array_new(FALSE, FALSE, sizeof(code));
		g_array_append_val(a->failed, code);
	}
	return true;
}

static bool
take_done(struct sssp_answer *a, const char *rest)
{
	a->done_ok = g_str_has_prefix(rest, "OK ");
	if (!a->done_ok && !g_str_has_prefix(rest, "FAIL "))
		return false;
	a->done = eat_code(strchr(rest, ' ') + 1, &a->done_code) != NULL;
	a->said_infected = a->said_infected || (a->done && a->done_code == CODE_VIRUS);
	a->stale = a->done && a->done_code == CODE_OLD_DATA;
	return a->done;
}

/* Words of lines that tell nothing about the verdict: EVENT, TYPE, FILE and those to come. */
static bool
is_word(const char *line)
{
	size_t n = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n > 1 && (line[n] == ' ' || line[n] == '\0');
}

static bool
take_line(struct sssp_answer *a, const char *line, const char *label, const char *title,
    const char *where, struct verdict *v)
{
	uint16_t code;

	if (g_str_has_prefix(line, "VIRUS ")) {
		take_virus(line + strlen("VIRUS "), label, title, v);
		return true;
	}
	if (g_str_has_prefix(line, "OK ")) {
		if (!eat_code(line + strlen("OK "), &code))
			return false;
		a->said_infected = a->said_infected || code == CODE_VIRUS;
		return code == CODE_OK || code == CODE_VIRUS || code == CODE_OLD_DATA;
	}
	if (g_str_has_prefix(line, "FAIL "))
		return take_failure(a, line + strlen("FAIL "), label, title, where, v);
	if (g_str_has_prefix(line, "DONE "))
		return take_done(a, line + strlen("DONE "));
	return is_word(line) && strncmp(line, "REJ", 3) != 0 && strncmp(line, "ACC", 3) != 0;
}

/* The empty line has come. */
static void
judge(const struct sssp_answer *a, const char *label, const char *title, const char *where,
    struct verdict *v)
{
	uint16_t code = a->done_code;
	bool fine =
	    code == CODE_VIRUS || (a->done_ok && (code == CODE_OK || code == CODE_OLD_DATA));

	if (a->said_infected && !(v->kinds & 1u << FINDING_INFECTED))
		verdict_find(v, FINDING_INFECTED, UNNAMED, label, title);
	if (!a->done)
		verdict_fail(v, REASON_PROTOCOL, "%s: ended without a result", where);
	else if (code == CODE_NOT_OPENED && !has_failed(a, code))
		verdict_fail(v, REASON_REFUSED, "%s: %04X could not open", where, code);
	else if (!fine && !has_failed(a, code) && !judge_code(code, label, title, where, v))
		verdict_fail(v, REASON_PROTOCOL, "%s: unknown code %04X", where, code);
	else if (fine || code == CODE_ENCRYPTED)
		verdict_complete(v);
}

bool
sssp_take(struct sssp_answer *a, const char *line, const char *label, const char *title,
    const char *where, struct verdict *v)
{
	if (line[0] == '\0') {
		judge(a, label, title, where, v);
		return true;
	}
	if (++a->lines > SSSP_LINES_MAX) {
		verdict_fail(v, REASON_PROTOCOL, "%s: more than %u lines", where, SSSP_LINES_MAX);
		return true;
	}
	/* Behind DONE only the empty line may come. */
	if (!a->done && take_line(a, line, label, title, where, v))
		return false;
	fail(v, REASON_PROTOCOL, where, line);
	return true;
}
