/*
 * clamd_reply - parsing and judging clamd's answers
 */
#include "engine/clamd_reply.h"

#include "engine/age.h"

#include <glib.h>
#include <string.h>

#include "base/log.h"
#include "verdict/clamav_names.h"
#include "verdict/verdict.h"

#define EXTENDED_HASH 32  /* "(32 hex digits:size)" behind a name, ExtendedDetectionInfo */
#define SHOWN_MAX     200 /* bytes of a reply in an error text */

/* What an error text means, by its beginning; the rest is cl_strerror() of libclamav 1.4 and is
 * ENGINE_ERROR. */
static const struct error_row {
	const char *prefix;
	bool partial;
	enum reason reason;
} error_rows[] = {
	{ "INSTREAM size limit exceeded", true, REASON_TOO_LARGE },
	{ "Exceeded time limit", true, REASON_LIMIT_TIME },
	{ "Exceeded max recursion depth", true, REASON_LIMIT_DEPTH },
	{ "Exceeded max scan files", true, REASON_LIMIT_FILES },
	{ "Exceeded max", true, REASON_LIMIT_SIZE },
	{ "Can't unpack some data", true, REASON_CORRUPT },
	{ "Can't parse data", true, REASON_CORRUPT },
	{ "Bad format or broken data", true, REASON_CORRUPT },
	{ "COMMAND READ TIMED OUT", false, REASON_TIMEOUT },
	{ "UNKNOWN COMMAND", false, REASON_REFUSED },
	{ "COMMAND UNAVAILABLE", false, REASON_REFUSED },
	{ "File path check failure", false, REASON_REFUSED },
	{ "Access denied", false, REASON_REFUSED },
	{ "No file descriptor received", false, REASON_REFUSED },
	{ "Not a regular file", false, REASON_REFUSED },
	{ "Command invalid inside IDSESSION", false, REASON_REFUSED },
};

/* Words that are whole replies by themselves. */
static const char *const bare_errors[] = { "COMMAND READ TIMED OUT", "UNKNOWN COMMAND",
	"COMMAND UNAVAILABLE" };

/* Eat "N: ". */
static const char *
eat_id(const char *p, unsigned id)
{
	g_autofree char *want = g_strdup_printf("%u: ", id);

	return g_str_has_prefix(p, want) ? p + strlen(want) : NULL;
}

/* Eat WHAT ": "; NULL when it is not there. */
static const char *
eat_what(const char *p, enum clamd_way way, const char *path)
{
	size_t n;

	switch (way) {
	case CLAMD_STREAM:
		return g_str_has_prefix(p, "stream: ") ? p + strlen("stream: ") : NULL;
	case CLAMD_FD:
		if (!g_str_has_prefix(p, "fd["))
			return NULL;
		p += strlen("fd[");
		n = strspn(p, "0123456789");
		return n > 0 && g_str_has_prefix(p + n, "]: ") ? p + n + strlen("]: ") : NULL;
	case CLAMD_PATH:
		n = strlen(path);
		return strncmp(p, path, n) == 0 && g_str_has_prefix(p + n, ": ")
		    ? p + n + strlen(": ")
		    : NULL;
	}
	return NULL;
}

static bool
is_printable(const char *p)
{
	for (; *p; p++)
		if (g_ascii_iscntrl(*p))
			return false;
	return true;
}

/* The text before a last word, if that is the last word and something stands before it. */
static char *
before_word(const char *text, const char *word)
{
	size_t n = strlen(text), w = strlen(word);

	if (n <= w + 1 || strcmp(text + n - w, word) != 0 || text[n - w - 1] != ' ')
		return NULL;
	return g_strndup(text, n - w - 1);
}

/* Take "(hash:size)" off the end of a name. */
static void
strip_extended(char *name)
{
	char *open = strrchr(name, '(');
	size_t n;

	if (!open || open == name)
		return;
	n = strspn(open + 1, "0123456789abcdefABCDEF");
	if (n != EXTENDED_HASH || open[1 + n] != ':')
		return;
	n += 2;
	n += strspn(open + n, "0123456789");
	if (open[n] == ')' && open[n + 1] == '\0')
		*open = '\0';
}

static void
parse_text(struct clamd_reply *r, const char *text)
{
	if (strcmp(text, "OK") == 0) {
		r->said = CLAMD_OK;
	} else if (strcmp(text, "Empty file") == 0) {
		r->said = CLAMD_EMPTY;
	} else if (strcmp(text, "Excluded") == 0) {
		r->said = CLAMD_EXCLUDED;
	} else if ((r->text = before_word(text, "FOUND"))) {
		r->said = CLAMD_FOUND;
		strip_extended(r->text);
	} else if ((r->text = before_word(text, "ERROR"))) {
		r->said = CLAMD_ERROR;
	}
}

/* An error without WHAT, or a bare refusal. */
static void
parse_bare(struct clamd_reply *r, const char *text)
{
	r->text = before_word(text, "ERROR");
	for (size_t i = 0; !r->text && i < G_N_ELEMENTS(bare_errors); i++)
		if (strcmp(text, bare_errors[i]) == 0)
			r->text = g_strdup(text);
	if (r->text)
		r->said = CLAMD_ERROR;
}

void
clamd_reply_parse(struct clamd_reply *r, const char *reply, size_t len, unsigned id,
    enum clamd_way way, const char *path)
{
	g_autofree char *copy = g_strndup(reply, len);
	const char *p = copy, *text;

	*r = (struct clamd_reply){ .said = CLAMD_UNKNOWN };
	if (strlen(copy) != len)
		return;
	if (id > 0) {
		/* An error that ends the session may come without its number. */
		p = eat_id(copy, id);
		if (!p) {
			parse_bare(r, copy);
			return;
		}
	}
	text = eat_what(p, way, path);
	if (!is_printable(text ? text : p))
		return;
	if (text)
		parse_text(r, text);
	else
		parse_bare(r, p);
}

void
clamd_reply_clear(struct clamd_reply *r)
{
	g_clear_pointer(&r->text, g_free);
}

static void
judge_error(const char *text, struct verdict *v, const char *where)
{
	g_autoptr(GString) shown = g_string_new(NULL);

	log_esc(shown, text, strlen(text), SHOWN_MAX);
	for (size_t i = 0; i < G_N_ELEMENTS(error_rows); i++) {
		if (!g_str_has_prefix(text, error_rows[i].prefix))
			continue;
		if (error_rows[i].partial)
			verdict_partial(v, error_rows[i].reason, "%s: %s", where, shown->str);
		else
			verdict_fail(v, error_rows[i].reason, "%s: %s", where, shown->str);
		return;
	}
	verdict_fail(v, REASON_ENGINE_ERROR, "%s: %s", where, shown->str);
}

void
clamd_judge(const struct clamd_reply *r, size_t size, struct verdict *v, const char *label,
    const char *title, const char *where)
{
	switch (r->said) {
	case CLAMD_OK:
		verdict_complete(v);
		return;
	case CLAMD_FOUND:
		clamav_judge(v, r->text, label, title);
		if (v->kinds != 0)
			verdict_complete(v);
		return;
	case CLAMD_EMPTY:
		if (size == 0)
			verdict_complete(v);
		else
			verdict_partial(v, REASON_NOT_SCANNED,
			    "%s: took %zu bytes for an empty file", where, size);
		return;
	case CLAMD_EXCLUDED:
		verdict_partial(v, REASON_NOT_SCANNED, "%s: excluded by its ExcludePath", where);
		return;
	case CLAMD_ERROR:
		judge_error(r->text, v, where);
		return;
	case CLAMD_UNKNOWN:
		break;
	}
	verdict_fail(v, REASON_PROTOCOL, "%s: reply not understood", where);
}

bool
clamd_version_parse(const char *reply, char **version, char **definitions, int64_t *made)
{
	g_auto(GStrv) part = g_strsplit(reply, "/", 3);

	*version = *definitions = NULL;
	*made = 0;
	if (!g_str_has_prefix(reply, "ClamAV ") || !is_printable(reply))
		return false;
	*version = g_strdup(part[0]);
	if (part[1] && part[1][0] && strspn(part[1], "0123456789") == strlen(part[1]))
		*definitions = g_strdup(part[1]);
	if (*definitions && part[2])
		*made = age_of_text(part[2]);
	return true;
}
