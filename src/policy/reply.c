/*
 * reply - expanding and sanitising
 */
#include "policy/reply.h"

#include <glib.h>

#include "base/template.h"

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
	const struct template_word words[] = {
		{ "virus", w->virus },
		{ "engine", w->engine },
		{ "class", w->class_name },
		{ "ref", w->ref },
		{ "qid", w->qid },
		{ "host", w->host },
		{ "SCANNER", w->engine },
		{ "VIRUS", w->virus },
	};
	struct template t = { template, "%$", words, G_N_ELEMENTS(words) };
	GString *out = g_string_sized_new(128);
	struct template_piece piece;
	size_t used = 0;

	while (template_next(&t, &piece) && add(out, &used, piece.text, piece.len))
		;
	return g_string_free(out, FALSE);
}
