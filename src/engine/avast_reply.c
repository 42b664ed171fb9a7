/*
 * avast_reply - from the answer to the verdict
 */
#include "engine/avast_reply.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "verdict/verdict.h"

#define SHOWN_MAX   200
#define UNNAMED     "unknown"
#define MEMBER_MARK "|>" /* between an archive and what is in it */
#define ERROR_WORD  "Error "

enum { WARNINGS_FROM = 42000, PASSWORD_PROTECTED = 42056 };

/* Numbers of warnings; the rest above WARNINGS_FROM is PARTIAL(not-scanned). */
static const struct {
	long number;
	enum reason partial;
} warnings[] = {
	{ 42110, REASON_LIMIT_SIZE }, /* decompression bomb */
	{ 42125, REASON_CORRUPT },    /* zip */
	{ 42140, REASON_CORRUPT },    /* ISO */
	{ 42144, REASON_CORRUPT },    /* OLE */
};

/* Ends of names that mean unwanted, not malicious; [Heur] and [Susp] are malware. */
static const char *const unwanted[] = { "[PUP]", "[Adw]" };

static void
protocol_error(const struct avast_object *o, const char *text, size_t len, struct verdict *v)
{
	g_autoptr(GString) shown = g_string_new(NULL);

	log_esc(shown, text, len, SHOWN_MAX);
	verdict_fail(v, REASON_PROTOCOL, "%s: not understood: \"%s\"", o->where, shown->str);
}

/* The object, and what inside of it was meant. */
static char *
place_of(const struct avast_object *o, const char *path)
{
	const char *member = path ? strstr(path, MEMBER_MARK) : NULL;

	return member ? g_strconcat(o->label, "/", member + strlen(MEMBER_MARK), NULL)
		      : g_strdup(o->label);
}

static void
take_virus(const struct avast_object *o, const char *name, const char *path, struct verdict *v)
{
	g_autofree char *place = place_of(o, path);
	enum finding_kind kind = FINDING_INFECTED;

	for (size_t i = 0; i < G_N_ELEMENTS(unwanted); i++)
		if (g_str_has_suffix(name, unwanted[i]))
			kind = FINDING_SUSPICIOUS;
	verdict_find(v, kind, *name ? name : UNNAMED, place, o->title);
}

static bool
speaks_of_license(const char *text)
{
	g_autofree char *low = g_ascii_strdown(text, -1);

	return strstr(low, "license") || strstr(low, "licence");
}

static void
take_warning(const struct avast_object *o, long number, const char *text, const char *path,
    struct verdict *v)
{
	g_autofree char *place = place_of(o, path);
	g_autoptr(GString) shown = g_string_new(NULL);
	enum reason partial = REASON_NOT_SCANNED;

	log_esc(shown, text, strlen(text), SHOWN_MAX);
	for (size_t i = 0; i < G_N_ELEMENTS(warnings); i++)
		if (warnings[i].number == number)
			partial = warnings[i].partial;
	if (speaks_of_license(text))
		verdict_fail(v, REASON_NO_LICENSE, "%s: %ld %s", o->where, number, shown->str);
	else if (number < WARNINGS_FROM)
		verdict_fail(v, REASON_ENGINE_ERROR, "%s: %ld %s", o->where, number, shown->str);
	else if (o->warnings_as_threat)
		verdict_find(v, FINDING_INFECTED, *text ? text : UNNAMED, place, o->title);
	else if (number == PASSWORD_PROTECTED)
		verdict_find(
		    v, FINDING_ENCRYPTED, *text ? text : "Password protected", place, o->title);
	else
		verdict_partial(v, partial, "%s: %ld %s", o->where, number, shown->str);
}

/* "detections": [{"virus": NAME}, ...]. False when it is not of that form. */
static bool
take_detections(
    const struct avast_object *o, const json_t *list, const char *path, struct verdict *v)
{
	if (!json_is_array(list) || json_array_size(list) == 0)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name =
		    json_string_value(json_object_get(json_array_get(list, i), "virus"));

		if (!name)
			return false;
		take_virus(o, name, path, v);
	}
	return true;
}

static bool
take_issue(const struct avast_object *o, const json_t *issue, struct verdict *v)
{
	const char *path = json_string_value(json_object_get(issue, "path"));
	const json_t *virus = json_object_get(issue, "virus"),
		     *list = json_object_get(issue, "detections"),
		     *id = json_object_get(issue, "warning_id");
	const char *text = json_string_value(json_object_get(issue, "warning_str"));

	if ((!virus && !list && !id) || (virus && !json_is_string(virus)) ||
	    (id && !json_is_integer(id)))
		return false;
	if (virus)
		take_virus(o, json_string_value(virus), path, v);
	if (id)
		take_warning(o, (long)json_integer_value(id), text ? text : "", path, v);
	return !list || take_detections(o, list, path, v);
}

void
avast_judge_json(
    const GString *body, bool sent_all, const struct avast_object *o, struct verdict *v)
{
	json_t *root = json_loadb(body->str, body->len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *issues = json_object_get(root, "issues");
	bool understood = json_is_array(issues);

	for (size_t i = 0; understood && i < json_array_size(issues); i++)
		understood = take_issue(o, json_array_get(issues, i), v);
	/* What stands beside an empty list may say why it is empty. */
	if (understood && json_array_size(issues) == 0)
		understood = json_object_size(root) == 1;
	if (!understood)
		protocol_error(o, body->str, body->len, v);
	else if (json_array_size(issues) == 0 && !sent_all)
		verdict_fail(v, REASON_PROTOCOL, "%s: no issues before the object was handed over",
		    o->where);
	else if (v->states == 0)
		verdict_complete(v);
	json_decref(root);
}

/* Eat text up to an unescaped stop, without its backslashes. NULL when there is no stop. */
static char *
unescape(const char **p, char stop)
{
	GString *out = g_string_new(NULL);
	const char *s = *p;

	for (; *s && *s != stop; s++) {
		if (*s == '\\' && s[1])
			s++;
		g_string_append_c(out, *s);
	}
	if (*s != stop) {
		g_string_free(out, TRUE);
		return NULL;
	}
	*p = *s ? s + 1 : s;
	return g_string_free(out, FALSE);
}

/* Eat "[X]" and the digits and dot behind it, up to a TAB (which is eaten) or the end. 0 = it is not that. */
static char
eat_mark(const char **p)
{
	const char *s = *p;
	char mark = s[0] == '[' && s[1] && s[2] == ']' ? s[1] : '\0';

	if (!mark)
		return '\0';
	s += 3;
	s += strspn(s, "0123456789.");
	if (*s != '\t' && *s != '\0')
		return '\0';
	*p = *s ? s + 1 : s;
	return mark;
}

/* "0 EICAR\ Test-NOT\ virus!!!" */
static void
take_found(const struct avast_object *o, const char *p, const char *path, struct verdict *v)
{
	size_t digits = strspn(p, "0123456789");
	g_autofree char *name = NULL;

	if (digits > 0 && p[digits] == ' ')
		p += digits + 1;
	name = unescape(&p, '\0');
	take_virus(o, name, path, v);
}

/* "Error 42110 The\ file\ ..." */
static bool
take_error(const struct avast_object *o, const char *p, const char *path, struct verdict *v)
{
	g_autofree char *text = NULL;
	char *end;
	long number;

	if (!g_str_has_prefix(p, ERROR_WORD) || !g_ascii_isdigit(p[strlen(ERROR_WORD)]))
		return false;
	number = strtol(p + strlen(ERROR_WORD), &end, 10);
	if (*end != ' ' && *end != '\0')
		return false;
	p = *end ? end + 1 : end;
	text = unescape(&p, '\0');
	take_warning(o, number, text, path, v);
	return true;
}

bool
avast_judge_line(const char *line, const char *path, const struct avast_object *o, bool *clean,
    struct verdict *v)
{
	static const char word[] = "SCAN ";
	const char *p = line + strlen(word);
	g_autofree char *name = NULL;
	bool itself;

	if (!g_str_has_prefix(line, word) || !(name = unescape(&p, '\t')) ||
	    !g_str_has_prefix(name, path)) {
		protocol_error(o, line, strlen(line), v);
		return false;
	}
	itself = name[strlen(path)] == '\0';
	if (!itself && !g_str_has_prefix(name + strlen(path), MEMBER_MARK)) {
		protocol_error(o, line, strlen(line), v);
		return false;
	}
	switch (eat_mark(&p)) {
	case '+':
		*clean |= itself;
		return true;
	case 'L':
		take_found(o, p, name, v);
		return true;
	case 'E':
		if (take_error(o, p, name, v))
			return true;
		break;
	default:
		break;
	}
	protocol_error(o, line, strlen(line), v);
	return false;
}

bool
avast_judge_end(const char *line, const struct avast_object *o, struct verdict *v)
{
	g_autoptr(GString) shown = g_string_new(NULL);
	g_autofree char *low = NULL;

	if (strcmp(line, "200 SCAN OK") == 0)
		return true;
	if (line[0] != '4' && line[0] != '5') {
		protocol_error(o, line, strlen(line), v);
		return false;
	}
	log_esc(shown, line, strlen(line), SHOWN_MAX);
	low = g_ascii_strdown(line, -1);
	verdict_fail(v,
	    strstr(low, "permission denied") ? REASON_REFUSED
		: strstr(low, "too many")    ? REASON_BUSY
		: speaks_of_license(line)    ? REASON_NO_LICENSE
					     : REASON_ENGINE_ERROR,
	    "%s: %s", o->where, shown->str);
	return false;
}

char *
avast_escape(const char *path)
{
	GString *out = g_string_new(NULL);

	for (; *path; path++) {
		if (*path == '\n' || *path == '\r') {
			g_string_free(out, TRUE);
			return NULL;
		}
		if (strchr(" \t\\", *path))
			g_string_append_c(out, '\\');
		g_string_append_c(out, *path);
	}
	return g_string_free(out, FALSE);
}
