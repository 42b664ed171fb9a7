/*
 * outline_reader - the tokens at hand, and the text for libconfuse that comes from them
 */
#include <string.h>

#include "conf/outline_in.h"

const struct token *
reader_peek(const struct reader *r, guint ahead)
{
	return &g_array_index(r->tokens, struct token, MIN(r->i + ahead, r->tokens->len - 1));
}

const struct token *
reader_next(struct reader *r)
{
	const struct token *t = reader_peek(r, 0);

	if (t->type != TOKEN_END)
		r->i++;
	return t;
}

void
reader_emit(struct reader *r, struct place at, const char *text)
{
	g_string_append_printf(r->o->text, "%s\n", text);
	g_array_append_val(r->o->lines, at);
}

void
reader_emit_text(struct reader *r, struct place at, const char *text)
{
	g_string_append_c(r->o->text, '\'');
	for (const char *c = text; *c; c++) {
		if (*c == '\'' || *c == '\\')
			g_string_append_c(r->o->text, '\\');
		if (*c == '\n')
			g_array_append_val(r->o->lines, at);
		g_string_append_c(r->o->text, *c);
	}
	reader_emit(r, at, "'");
}

void
reader_mark(struct reader *r, const char *path, struct place at)
{
	struct mark *m = g_new0(struct mark, 1);

	m->at = at;
	m->nth = g_hash_table_size(r->o->marks);
	g_hash_table_insert(r->o->marks, g_strdup(path), m);
}

void
reader_skip(struct reader *r)
{
	unsigned line = reader_peek(r, 0)->at.line, depth = 0;

	for (;;) {
		const struct token *t = reader_peek(r, 0);

		if (t->type == TOKEN_END || (depth == 0 && t->type == TOKEN_CLOSE))
			return;
		if (depth == 0 && t->at.line != line && token_is_text(t))
			return;
		r->i++;
		if (t->type == TOKEN_OPEN)
			depth++;
		else if (t->type == TOKEN_CLOSE && --depth == 0)
			return;
		line = t->at.line;
	}
}

bool
level_first_time(
    struct reader *r, struct level *l, const struct token *t, const char *key, const char *shown)
{
	const struct token *before = g_hash_table_lookup(l->seen, key);

	if (before) {
		problems_error(r->o->problems, t->at,
		    "%s is written twice, first in %s:%u: keep one of them", shown, before->at.file,
		    before->at.line);
		return false;
	}
	g_hash_table_insert(l->seen, g_strdup(key), (gpointer)(uintptr_t)t);
	return true;
}

bool
is_name(const char *s, size_t max)
{
	size_t len = strlen(s);

	return len >= 1 && len <= max &&
	    strspn(s, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-") == len;
}
