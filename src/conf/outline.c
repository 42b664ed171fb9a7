/*
 * outline - the shape of a configuration: which key is written where, and the same text in a form that libconfuse cannot misread
 */
#include "conf/outline.h"

#include <string.h>

#include "conf/hint.h"
#include "conf/option.h"
#include "conf/token.h"

#define TITLE_MAX	40	/* bytes of an engine's or threadpool's title (P26) */
#define RULE_TITLE_MAX	100	/* of a policy's */
#define MAP_NAME_MAX	64

struct reader {
	const GArray	*tokens;
	guint		 i;
	struct outline	*o;
};

/* The section that is being read. */
struct level {
	const char	*scope;		/* as option.h means it */
	const char	*path;
	bool		 map;		/* names are free */
	GHashTable	*seen;		/* name, or name and title -> struct token * */
};

static const struct token *
peek(const struct reader *r, guint ahead)
{
	return &g_array_index(r->tokens, struct token, MIN(r->i + ahead, r->tokens->len - 1));
}

static const struct token *
next(struct reader *r)
{
	const struct token *t = peek(r, 0);

	if (t->type != TOKEN_END)
		r->i++;
	return t;
}

char *
path_join(const char *path, const char *name)
{
	return *path ? g_strdup_printf("%s.%s", path, name) : g_strdup(name);
}

static void
emit(struct reader *r, struct place at, const char *text)
{
	g_string_append_printf(r->o->text, "%s\n", text);
	g_array_append_val(r->o->lines, at);
}

static void
emit_text(struct reader *r, struct place at, const char *text)
{
	g_string_append_c(r->o->text, '\'');
	for (const char *c = text; *c; c++) {
		if (*c == '\'' || *c == '\\')
			g_string_append_c(r->o->text, '\\');
		if (*c == '\n')
			g_array_append_val(r->o->lines, at);
		g_string_append_c(r->o->text, *c);
	}
	emit(r, at, "'");
}

static void
mark(struct reader *r, const char *path, struct place at)
{
	struct mark *m = g_new0(struct mark, 1);

	m->at = at;
	m->nth = g_hash_table_size(r->o->marks);
	g_hash_table_insert(r->o->marks, g_strdup(path), m);
}

/* Skip to where the next statement seems to begin: a text on another line, or behind the braces that open here. */
static void
skip_statement(struct reader *r)
{
	unsigned line = peek(r, 0)->at.line, depth = 0;

	for (;;) {
		const struct token *t = peek(r, 0);

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

/* Remember that key stands in this level; false, with an error, when it did already. */
static bool
first_time(struct reader *r, struct level *l, const struct token *t, const char *key, const char *shown)
{
	const struct token *before = g_hash_table_lookup(l->seen, key);

	if (before) {
		problems_error(r->o->problems, t->at, "%s is written twice, first in %s:%u: keep one of them", shown,
		    before->at.file, before->at.line);
		return false;
	}
	g_hash_table_insert(l->seen, g_strdup(key), (gpointer)(uintptr_t)t);
	return true;
}

/* A value behind = is followed by something on its line that begins no statement: "30 s", "a b". */
static void
check_rest(struct reader *r, const struct token *value)
{
	const struct token *t = peek(r, 0), *t1 = peek(r, 1);

	if (!token_is_text(t) || t->at.line != value->at.line || t1->type == TOKEN_EQUALS || t1->type == TOKEN_APPEND ||
	    t1->type == TOKEN_OPEN || (token_is_text(t1) && peek(r, 2)->type == TOKEN_OPEN))
		return;
	problems_error(r->o->problems, t->at,
	    "'%.60s' is followed by '%.60s': write a number and its unit without a blank, and a text with blanks in quotes",
	    value->text, t->text);
	r->i++;
}

static void
check_backslash(struct reader *r, const struct conf_option *o, const struct token *t)
{
	if ((o->flags & REGEX) && t->backslash)
		problems_warn(r->o->problems, t->at,
		    "backslashes in double quotes vanish, the regex is now %s: write it in single quotes", t->text);
}

/* { a, "b" } behind =, r on the brace. */
static void
list(struct reader *r, const struct conf_option *o)
{
	emit(r, next(r)->at, "{");
	for (;;) {
		const struct token *t = next(r);

		if (t->type == TOKEN_CLOSE) {
			emit(r, t->at, "}");
			return;
		}
		if (!token_is_text(t)) {
			g_autofree char *what = token_describe(t);

			problems_error(r->o->problems, t->at, "a list is written {\"a\", \"b\"}, here is %s", what);
			if (t->type == TOKEN_END)
				return;
			if (t->type == TOKEN_OPEN) {
				r->i--;
				skip_statement(r);
			}
			continue;
		}
		check_backslash(r, o, t);
		emit_text(r, t->at, t->text);
		if (peek(r, 0)->type == TOKEN_COMMA) {
			emit(r, next(r)->at, ",");
		} else if (token_is_text(peek(r, 0))) {
			problems_error(r->o->problems, peek(r, 0)->at, "a comma is missing before '%.60s'", peek(r, 0)->text);
			emit(r, t->at, ",");
		}
	}
}

/* NAME = value of an option; r behind the sign. */
static void
assign(struct reader *r, struct level *l, const struct token *name, const struct conf_option *o, bool append)
{
	g_autofree char *path = path_join(l->path, o->name);
	bool many = o->type == CONF_T_LIST || o->type == CONF_T_SET;
	const struct token *t = peek(r, 0);

	if (append && !many)
		problems_error(r->o->problems, name->at, "%s takes one value: write %s = value", name->text, name->text);
	if (!(append && g_hash_table_contains(l->seen, o->name)))
		first_time(r, l, name, o->name, name->text);
	if (t->type == TOKEN_OPEN && !many) {
		problems_error(r->o->problems, t->at, "%s takes one value, not a list: write %s = value", name->text, name->text);
		skip_statement(r);
		return;
	}
	if (t->type != TOKEN_OPEN && !token_is_text(t)) {
		problems_error(r->o->problems, name->at, "%s has no value: write %s = value", name->text, name->text);
		return;
	}
	if (!outline_mark(r->o, path))
		mark(r, path, name->at);
	emit(r, name->at, o->name);
	emit(r, name->at, append && many ? "+=" : "=");
	if (t->type == TOKEN_OPEN) {
		list(r, o);
		return;
	}
	r->i++;
	check_backslash(r, o, t);
	emit_text(r, t->at, t->text);
	check_rest(r, t);
}

/* ALIAS = value; r behind the sign. */
static void
assign_alias(struct reader *r, struct level *l, const struct token *name, const struct conf_alias *a)
{
	const struct conf_option *o = conf_option_find(l->scope, a->name);
	const struct token *value = peek(r, 0);
	g_autofree char *path = NULL;
	bool on;

	g_assert(o);
	if (!a->value) {
		assign(r, l, name, o, false);
		return;
	}
	if (!token_is_text(value) || !hint_boolean(value->text, &on)) {
		problems_error(r->o->problems, name->at, "%s takes true or false; our own name is %s = \"%s\"", a->alias, a->name,
		    a->value);
		skip_statement(r);
		return;
	}
	r->i++;
	if (!first_time(r, l, name, a->name, name->text) || !on)
		return;
	path = path_join(l->path, o->name);
	mark(r, path, name->at);
	emit(r, name->at, o->name);
	emit(r, name->at, "=");
	emit_text(r, value->at, a->value);
}

static void level(struct reader *r, struct level *l);

static bool
is_title(const char *s, size_t max)
{
	size_t len = strlen(s);

	return len >= 1 && len <= max && strspn(s, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-") == len;
}

/* Is the title of a section in order? NULL is none. Says what is wrong. */
static bool
check_title(struct reader *r, struct level *l, const struct token *name, const struct token *title)
{
	bool rule = strcmp(name->text, "policy") == 0;
	g_autofree char *key = NULL;

	if (!conf_section_titled(name->text)) {
		if (title)
			problems_error(r->o->problems, title->at, "%s has no title: write %s { ... }", name->text, name->text);
		return !title;
	}
	if (!title) {
		problems_error(r->o->problems, name->at, "%s needs a title: write %s \"NAME\" { ... }", name->text, name->text);
		return false;
	}
	if (rule ? strlen(title->text) < 1 || strlen(title->text) > RULE_TITLE_MAX : !is_title(title->text, TITLE_MAX)) {
		problems_error(r->o->problems, title->at, "the title '%.60s' of %s: write 1 to %d %s", title->text, name->text,
		    rule ? RULE_TITLE_MAX : TITLE_MAX, rule ? "bytes" : "letters, digits, _ or -");
		return false;
	}
	/* Engines of all kinds share one space of titles: results, metrics and rules name the title alone. */
	key = conf_kind_find(name->text) ? g_strdup_printf("engine \"%s\"", title->text)
					 : g_strdup_printf("%s \"%s\"", name->text, title->text);
	return first_time(r, l, title, key, key);
}

/* NAME { or NAME "TITLE" {, r behind the name. */
static void
section(struct reader *r, struct level *l, const struct token *name, bool map)
{
	const struct token *title = peek(r, 0)->type == TOKEN_OPEN ? NULL : next(r);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *shown = title ? g_strdup_printf("%s \"%s\"", name->text, title->text) : g_strdup(name->text);
	g_autofree char *path = path_join(l->path, shown);
	struct level inner = { .scope = map ? l->scope : name->text, .path = path, .map = map, .seen = seen };
	gsize keep = r->o->text->len;
	guint lines = r->o->lines->len;
	bool good = map ? title == NULL : check_title(r, l, name, title);

	if (map && title)
		problems_error(r->o->problems, title->at, "%s has no title: write %s { ... }", name->text, name->text);
	if (!title)
		good = first_time(r, l, name, name->text, name->text) && good;
	if (good)
		mark(r, path, name->at);
	emit(r, name->at, name->text);
	if (title)
		emit_text(r, title->at, title->text);
	emit(r, next(r)->at, "{");
	level(r, &inner);
	emit(r, next(r)->at, "}");
	if (!good) {
		g_string_truncate(r->o->text, keep);
		g_array_set_size(r->o->lines, lines);
	}
}

/* NAME = "text" in a section of free names; r behind the name. */
static void
pair(struct reader *r, struct level *l, const struct token *name)
{
	const struct conf_option *o = conf_option_find(l->scope, strrchr(l->path, '.') ? strrchr(l->path, '.') + 1 : l->path);
	const struct token *value = peek(r, 1);
	g_autofree char *path = path_join(l->path, name->text);

	if (peek(r, 0)->type != TOKEN_EQUALS || !token_is_text(value)) {
		problems_error(r->o->problems, name->at, "write NAME = 'text' here");
		skip_statement(r);
		return;
	}
	r->i += 2;
	if (!is_title(name->text, MAP_NAME_MAX)) {
		problems_error(r->o->problems, name->at, "the name '%.60s': write 1 to %d letters, digits, _ or -", name->text,
		    MAP_NAME_MAX);
		return;
	}
	if (!first_time(r, l, name, name->text, name->text))
		return;
	mark(r, path, name->at);
	if (o)
		check_backslash(r, o, value);
	emit(r, name->at, name->text);
	emit(r, name->at, "=");
	emit_text(r, value->at, value->text);
	check_rest(r, value);
}

/* A name that is known, with the wrong sign behind it. */
static void
wrong_form(struct reader *r, struct level *l, const struct token *name, const struct conf_option *o)
{
	const char *n = name->text;

	if (!o && conf_scope_section(l->scope, n))
		problems_error(r->o->problems, name->at, "%s is a section: write %s%s { ... }", n, n,
		    conf_section_titled(n) ? " \"NAME\"" : "");
	else if (o && o->type == CONF_T_MAP)
		problems_error(r->o->problems, name->at, "write %s { NAME = 'text' }, without an equal sign", n);
	else if (o && (o->type == CONF_T_LIST || o->type == CONF_T_SET))
		problems_error(r->o->problems, name->at, "write %s = {\"a\", \"b\"}", n);
	else
		problems_error(r->o->problems, name->at, "the equal sign is missing: write %s = value", n);
	skip_statement(r);
}

/* One statement; r behind its name. */
static void
statement(struct reader *r, struct level *l, const struct token *name)
{
	const struct conf_option *o = conf_option_find(l->scope, name->text);
	const struct conf_alias *alias = o ? NULL : conf_alias_find(l->scope, name->text);
	bool is_section = !o && conf_scope_section(l->scope, name->text);
	const struct token *t = peek(r, 0);
	bool braces = t->type == TOKEN_OPEN || (token_is_text(t) && peek(r, 1)->type == TOKEN_OPEN);
	bool sign = t->type == TOKEN_EQUALS || t->type == TOKEN_APPEND;

	if (!o && !alias && !is_section) {
		g_autofree char *text = hint_unknown(l->scope, name->text);

		problems_error(r->o->problems, name->at, "%s", text);
		skip_statement(r);
	} else if (braces && (is_section || (o && o->type == CONF_T_MAP))) {
		section(r, l, name, !is_section);
	} else if (sign && alias) {
		r->i++;
		assign_alias(r, l, name, alias);
	} else if (sign && o && o->type != CONF_T_MAP) {
		r->i++;
		assign(r, l, name, o, t->type == TOKEN_APPEND);
	} else {
		wrong_form(r, l, name, o);
	}
}

/* The statements up to the brace that closes this level, which is left, or the end. */
static void
level(struct reader *r, struct level *l)
{
	for (;;) {
		const struct token *t = peek(r, 0);

		if (t->type == TOKEN_END || t->type == TOKEN_CLOSE)
			return;
		if (t->type == TOKEN_WORD || (l->map && token_is_text(t))) {
			r->i++;
			if (l->map)
				pair(r, l, t);
			else
				statement(r, l, t);
			continue;
		}
		if (token_is_text(t)) {
			problems_error(r->o->problems, t->at, "'%.60s' stands where a name is expected: write names without quotes",
			    t->text);
		} else {
			g_autofree char *what = token_describe(t);

			problems_error(r->o->problems, t->at, "%s stands where a name is expected", what);
		}
		skip_statement(r);
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
