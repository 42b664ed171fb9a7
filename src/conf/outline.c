/*
 * outline - the shape of a configuration: which key is written where, and the same text in a form
 * that libconfuse cannot misread
 */
#include "conf/outline.h"

#include <string.h>

#include "conf/hint.h"
#include "conf/outline_in.h"

#define TITLE_MAX      40  /* bytes of an engine's or threadpool's title (P26) */
#define RULE_TITLE_MAX 100 /* of a policy's */

char *
path_join(const char *path, const char *name)
{
	return *path ? g_strdup_printf("%s.%s", path, name) : g_strdup(name);
}

static void level(struct reader *r, struct level *l);

/* Is the title of a section in order? NULL is none. Says what is wrong. */
static bool
check_title(struct reader *r, struct level *l, const struct token *name, const struct token *title)
{
	bool rule = strcmp(name->text, "policy") == 0;
	g_autofree char *key = NULL;

	if (!conf_section_titled(name->text)) {
		if (title)
			problems_error(r->o->problems, title->at,
			    "%s has no title: write %s { ... }", name->text, name->text);
		return !title;
	}
	if (!title) {
		problems_error(r->o->problems, name->at,
		    "%s needs a title: write %s \"NAME\" { ... }", name->text, name->text);
		return false;
	}
	if (rule ? strlen(title->text) < 1 || strlen(title->text) > RULE_TITLE_MAX
		 : !is_name(title->text, TITLE_MAX)) {
		problems_error(r->o->problems, title->at,
		    "the title '%.60s' of %s: write 1 to %d %s", title->text, name->text,
		    rule ? RULE_TITLE_MAX : TITLE_MAX, rule ? "bytes" : "letters, digits, _ or -");
		return false;
	}
	/* Engines of all kinds share one space of titles: results, metrics and rules name the title
	 * alone. */
	key = conf_kind_find(name->text) ? g_strdup_printf("engine \"%s\"", title->text)
					 : g_strdup_printf("%s \"%s\"", name->text, title->text);
	return level_first_time(r, l, title, key, key);
}

/* NAME { or NAME "TITLE" {, r behind the name. */
static void
section(struct reader *r, struct level *l, const struct token *name, bool map)
{
	const struct token *title = reader_peek(r, 0)->type == TOKEN_OPEN ? NULL : reader_next(r);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *shown =
	    title ? g_strdup_printf("%s \"%s\"", name->text, title->text) : g_strdup(name->text);
	g_autofree char *path = path_join(l->path, shown);
	struct level inner = {
		.scope = map ? l->scope : name->text, .path = path, .map = map, .seen = seen
	};
	gsize keep = r->o->text->len;
	guint lines = r->o->lines->len;
	bool good = map ? title == NULL : check_title(r, l, name, title);

	if (map && title)
		problems_error(r->o->problems, title->at, "%s has no title: write %s { ... }",
		    name->text, name->text);
	if (!title)
		good = level_first_time(r, l, name, name->text, name->text) && good;
	if (good)
		reader_mark(r, path, name->at);
	reader_emit(r, name->at, name->text);
	if (title)
		reader_emit_text(r, title->at, title->text);
	reader_emit(r, reader_next(r)->at, "{");
	level(r, &inner);
	reader_emit(r, reader_next(r)->at, "}");
	if (!good) {
		g_string_truncate(r->o->text, keep);
		g_array_set_size(r->o->lines, lines);
	}
}

/* A name that is known, with the wrong sign behind it. */
static void
wrong_form(struct reader *r, struct level *l, const struct token *name, const struct conf_option *o)
{
	const char *n = name->text;

	if (!o && conf_scope_section(l->scope, n))
		problems_error(r->o->problems, name->at, "%s is a section: write %s%s { ... }", n,
		    n, conf_section_titled(n) ? " \"NAME\"" : "");
	else if (o && o->type == CONF_T_MAP)
		problems_error(r->o->problems, name->at,
		    "write %s { NAME = 'text' }, without an equal sign", n);
	else if (o && (o->type == CONF_T_LIST || o->type == CONF_T_SET))
		problems_error(r->o->problems, name->at, "write %s = {\"a\", \"b\"}", n);
	else
		problems_error(
		    r->o->problems, name->at, "the equal sign is missing: write %s = value", n);
	reader_skip(r);
}

/* One statement; r behind its name. */
static void
statement(struct reader *r, struct level *l, const struct token *name)
{
	const struct conf_option *o = conf_option_find(l->scope, name->text);
	const struct conf_alias *alias = o ? NULL : conf_alias_find(l->scope, name->text);
	bool is_section = !o && conf_scope_section(l->scope, name->text);
	const struct token *t = reader_peek(r, 0);
	bool braces =
	    t->type == TOKEN_OPEN || (token_is_text(t) && reader_peek(r, 1)->type == TOKEN_OPEN);
	bool sign = t->type == TOKEN_EQUALS || t->type == TOKEN_APPEND;

	if (!o && !alias && !is_section) {
		g_autofree char *text = hint_unknown(l->scope, name->text);

		problems_error(r->o->problems, name->at, "%s", text);
		reader_skip(r);
	} else if (braces && (is_section || (o && o->type == CONF_T_MAP))) {
		section(r, l, name, !is_section);
	} else if (sign && alias) {
		r->i++;
		read_alias(r, l, name, alias);
	} else if (sign && o && o->type != CONF_T_MAP) {
		r->i++;
		read_option(r, l, name, o, t->type == TOKEN_APPEND);
	} else {
		wrong_form(r, l, name, o);
	}
}

/* The statements up to the brace that closes this level, which is left, or the end. */
static void
level(struct reader *r, struct level *l)
{
	for (;;) {
		const struct token *t = reader_peek(r, 0);

		if (t->type == TOKEN_END || t->type == TOKEN_CLOSE)
			return;
		if (t->type == TOKEN_WORD || (l->map && token_is_text(t))) {
			r->i++;
			if (l->map)
				read_pair(r, l, t);
			else
				statement(r, l, t);
			continue;
		}
		if (token_is_text(t)) {
			problems_error(r->o->problems, t->at,
			    "'%.60s' stands where a name is expected: write names without quotes",
			    t->text);
		} else {
			g_autofree char *what = token_describe(t);

			problems_error(
			    r->o->problems, t->at, "%s stands where a name is expected", what);
		}
		reader_skip(r);
	}
}

struct outline *
outline_new(const GArray *tokens, struct problems *p)
{
	struct outline *o = g_new0(struct outline, 1);
	struct reader r = { .tokens = tokens, .o = o };
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct level top = { .scope = "top", .path = "", .seen = seen };

	o->text = g_string_new(NULL);
	o->lines = g_array_new(FALSE, FALSE, sizeof(struct place));
	o->marks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	o->problems = p;
	o->file = g_array_index(tokens, struct token, tokens->len - 1).at.file;
	level(&r, &top);
	return o;
}

void
outline_free(struct outline **o)
{
	if (!*o)
		return;
	g_string_free((*o)->text, TRUE);
	g_array_unref((*o)->lines);
	g_hash_table_unref((*o)->marks);
	g_clear_pointer(o, g_free);
}

const struct mark *
outline_mark(const struct outline *o, const char *path)
{
	return g_hash_table_lookup(o->marks, path);
}

struct place
outline_place(const struct outline *o, const char *path)
{
	g_autofree char *up = g_strdup(path);

	for (;;) {
		const struct mark *m = outline_mark(o, up);
		char *dot = strrchr(up, '.');

		if (m)
			return m->at;
		if (!dot)
			return (struct place){ o->file, 0 };
		*dot = '\0';
	}
}

struct place
outline_line(const struct outline *o, unsigned line)
{
	if (o->lines->len == 0)
		return (struct place){ o->file, 0 };
	return g_array_index(o->lines, struct place, CLAMP(line, 1, o->lines->len) - 1);
}
