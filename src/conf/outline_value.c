/*
 * outline_value - the statements of a configuration that give a value: options, aliases, free names
 */
#include <string.h>

#include "conf/hint.h"
#include "conf/outline_in.h"

#define MAP_NAME_MAX 64

/* A value behind = is followed by something on its line that begins no statement: "30 s", "a b". */
static void
check_rest(struct reader *r, const struct token *value)
{
	const struct token *t = reader_peek(r, 0), *t1 = reader_peek(r, 1);

	if (!token_is_text(t) || t->at.line != value->at.line || t1->type == TOKEN_EQUALS ||
	    t1->type == TOKEN_APPEND || t1->type == TOKEN_OPEN ||
	    (token_is_text(t1) && reader_peek(r, 2)->type == TOKEN_OPEN))
		return;
	problems_error(r->o->problems, t->at,
	    "'%.60s' is followed by '%.60s': write a number and its unit without a "
	    "blank, and a text with blanks in quotes",
	    value->text, t->text);
	r->i++;
}

static void
check_backslash(struct reader *r, const struct conf_option *o, const struct token *t)
{
	if ((o->flags & REGEX) && t->backslash)
		problems_warn(r->o->problems, t->at,
		    "backslashes in double quotes vanish, the regex is now %s: write it "
		    "in single quotes",
		    t->text);
}

/* { a, "b" } behind =, r on the brace. */
static void
list(struct reader *r, const struct conf_option *o)
{
	reader_emit(r, reader_next(r)->at, "{");
	for (;;) {
		const struct token *t = reader_next(r);

		if (t->type == TOKEN_CLOSE) {
			reader_emit(r, t->at, "}");
			return;
		}
		if (!token_is_text(t)) {
			g_autofree char *what = token_describe(t);

			problems_error(r->o->problems, t->at,
			    "a list is written {\"a\", \"b\"}, here is %s", what);
			if (t->type == TOKEN_END)
				return;
			if (t->type == TOKEN_OPEN) {
				r->i--;
				reader_skip(r);
			}
			continue;
		}
		check_backslash(r, o, t);
		reader_emit_text(r, t->at, t->text);
		if (reader_peek(r, 0)->type == TOKEN_COMMA) {
			reader_emit(r, reader_next(r)->at, ",");
		} else if (token_is_text(reader_peek(r, 0))) {
			problems_error(r->o->problems, reader_peek(r, 0)->at,
			    "a comma is missing before '%.60s'", reader_peek(r, 0)->text);
			reader_emit(r, t->at, ",");
		}
	}
}

/* NAME = value of an option; r behind the sign. */
void
read_option(struct reader *r, struct level *l, const struct token *name,
    const struct conf_option *o, bool append)
{
	g_autofree char *path = path_join(l->path, o->name);
	bool many = o->type == CONF_T_LIST || o->type == CONF_T_SET;
	const struct token *t = reader_peek(r, 0);

	if (append && !many)
		problems_error(r->o->problems, name->at, "%s takes one value: write %s = value",
		    name->text, name->text);
	if (!(append && g_hash_table_contains(l->seen, o->name)))
		level_first_time(r, l, name, o->name, name->text);
	if (t->type == TOKEN_OPEN && !many) {
		problems_error(r->o->problems, t->at,
		    "%s takes one value, not a list: write %s = value", name->text, name->text);
		reader_skip(r);
		return;
	}
	if (t->type != TOKEN_OPEN && !token_is_text(t)) {
		problems_error(r->o->problems, name->at, "%s has no value: write %s = value",
		    name->text, name->text);
		return;
	}
	if (!outline_mark(r->o, path))
		reader_mark(r, path, name->at);
	reader_emit(r, name->at, o->name);
	reader_emit(r, name->at, append && many ? "+=" : "=");
	if (t->type == TOKEN_OPEN) {
		list(r, o);
		return;
	}
	r->i++;
	check_backslash(r, o, t);
	reader_emit_text(r, t->at, t->text);
	check_rest(r, t);
}

/* ALIAS = value; r behind the sign. */
void
read_alias(struct reader *r, struct level *l, const struct token *name, const struct conf_alias *a)
{
	const struct conf_option *o = conf_option_find(l->scope, a->name);
	const struct token *value = reader_peek(r, 0);
	g_autofree char *path = NULL;
	bool on;

	g_assert(o);
	if (!a->value) {
		read_option(r, l, name, o, false);
		return;
	}
	if (!token_is_text(value) || !hint_boolean(value->text, &on)) {
		problems_error(r->o->problems, name->at,
		    "%s takes true or false; our own name is %s = \"%s\"", a->alias, a->name,
		    a->value);
		reader_skip(r);
		return;
	}
	r->i++;
	if (!level_first_time(r, l, name, a->name, name->text) || !on)
		return;
	path = path_join(l->path, o->name);
	reader_mark(r, path, name->at);
	reader_emit(r, name->at, o->name);
	reader_emit(r, name->at, "=");
	reader_emit_text(r, value->at, a->value);
}

void
read_pair(struct reader *r, struct level *l, const struct token *name)
{
	const struct conf_option *o =
	    conf_option_find(l->scope, strrchr(l->path, '.') ? strrchr(l->path, '.') + 1 : l->path);
	const struct token *value = reader_peek(r, 1);
	g_autofree char *path = path_join(l->path, name->text);

	if (reader_peek(r, 0)->type != TOKEN_EQUALS || !token_is_text(value)) {
		problems_error(r->o->problems, name->at, "write NAME = 'text' here");
		reader_skip(r);
		return;
	}
	r->i += 2;
	if (!is_name(name->text, MAP_NAME_MAX)) {
		problems_error(r->o->problems, name->at,
		    "the name '%.60s': write 1 to %d letters, digits, _ or -", name->text,
		    MAP_NAME_MAX);
		return;
	}
	if (!level_first_time(r, l, name, name->text, name->text))
		return;
	reader_mark(r, path, name->at);
	if (o)
		check_backslash(r, o, value);
	reader_emit(r, name->at, name->text);
	reader_emit(r, name->at, "=");
	reader_emit_text(r, value->at, value->text);
	check_rest(r, value);
}
