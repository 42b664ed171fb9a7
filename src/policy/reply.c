/*
 * reply - expanding and sanitising
 */
#include "policy/reply.h"

#include <glib.h>
#include <string.h>

static const char *
value_of(const struct reply_words *w, const char *name, size_t len)
{
	const struct {
		const char *name, *value;
	} names[] = {
		{ "virus", w->virus },
		{ "engine", w->engine },
		{ "class", w->class_name },
		{ "ref", w->ref },
		{ "qid", w->qid },
		{ "host", w->host },
		{ "SCANNER", w->engine },
		{ "VIRUS", w->virus },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0)
			return names[i].value ? names[i].value : "";
	return "";
}

/* Append what SMTP can take. False when the line is full; a '%' counts twice, see reply.h. */
static bool
add(GString *to, size_t *used, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i] == '\t' || s[i] == '\r' || s[i] == '\n' ? ' ' : s[i];

		*used += c == '%' ? 2 : 1;
		if (*used > REPLY_TEXT_MAX)
			return false;
		g_string_append_c(to, c < ' ' || c > '~' ? '?' : c);
	}
	return true;
}

char *
reply_expand(const char *template, const struct reply_words *w)
{
	GString *out = g_string_sized_new(128);
	const char *p = template, *end;
	size_t used = 0;

	while (*p) {
		const char *value;

		if ((p[0] == '%' || p[0] == '$') && p[1] == '{' && (end = strchr(p, '}'))) {
			value = value_of(w, p + 2, (size_t)(end - p - 2));
			p = end + 1;
			if (!add(out, &used, value, strlen(value)))
				break;
			continue;
		}
		if (!add(out, &used, p++, 1))
			break;
	}
	return g_string_free(out, FALSE);
}
