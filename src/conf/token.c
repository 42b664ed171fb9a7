/*
 * token - the text of one configuration file, cut into words, quoted texts and signs
 *
 * The rules are those of libconfuse's own scanner where that scanner says what it does; where it
 * drops bytes in silence (an unquoted *, an unset ${NAME}, a quote that ends three sections later)
 * this one reports an error.
 */
#include "conf/token.h"

#include <stdbool.h>
#include <string.h>

struct scanner {
	const char *p, *end;
	struct place at;
	GArray *out;
	struct problems *problems;
};

static void
token_clear(void *data)
{
	struct token *t = data;

	g_free(t->text);
}

GArray *
token_array_new(void)
{
	GArray *out = g_array_new(FALSE, FALSE, sizeof(struct token));

	g_array_set_clear_func(out, token_clear);
	return out;
}

static void
put(struct scanner *s, enum token_type type, const char *text, bool backslash)
{
	struct token t = { .type = type, .at = s->at, .backslash = backslash };

	if (!g_utf8_validate(text, -1, NULL))
		problems_error(
		    s->problems, s->at, "this text is not UTF-8: save the file as UTF-8");
	t.text = g_utf8_make_valid(text, -1);
	g_array_append_val(s->out, t);
}

static bool
is_delimiter(char c)
{
	return strchr(" \t\r\n\f\v\"'#{}()=,;", c) != NULL;
}

static bool
looking_at(const struct scanner *s, const char *what)
{
	return (size_t)(s->end - s->p) >= strlen(what) && memcmp(s->p, what, strlen(what)) == 0;
}

static void
skip_line(struct scanner *s)
{
	while (s->p < s->end && *s->p != '\n')
		s->p++;
}

static void
skip_comment(struct scanner *s)
{
	struct place start = s->at;

	for (s->p += 2; s->p < s->end; s->p++) {
		if (looking_at(s, "*/")) {
			s->p += 2;
			return;
		}
		if (*s->p == '\n')
			s->at.line++;
	}
	problems_error(s->problems, start, "this comment is never closed: write */ at its end");
}

/* ${NAME} or ${NAME:-otherwise} at s->p; what it stands for goes to out. */
static void
expand(struct scanner *s, GString *out)
{
	const char *close = memchr(s->p, '}', (size_t)(s->end - s->p));
	const char *line_end = memchr(s->p, '\n', (size_t)(s->end - s->p));
	g_autofree char *name = NULL;
	const char *value;
	char *otherwise;

	if (!close || (line_end && line_end < close)) {
		problems_error(s->problems, s->at,
		    "${ without }: write ${NAME}, or quote it in single quotes");
		s->p += 2;
		return;
	}
	name = g_strndup(s->p + 2, (size_t)(close - s->p) - 2);
	s->p = close + 1;
	otherwise = strstr(name, ":-");
	if (otherwise) {
		*otherwise = '\0';
		otherwise += 2;
	}
	value = g_getenv(name);
	if (!value)
		value = otherwise;
	if (value)
		g_string_append(out, value);
	else if (strcmp(name, "VIRUS") == 0 || strcmp(name, "SCANNER") == 0)
		problems_error(s->problems, s->at,
		    "${%s} in double quotes means the environment: write the text in "
		    "single quotes, or %%{%s}",
		    name, strcmp(name, "VIRUS") == 0 ? "virus" : "engine");
	else
		problems_error(s->problems, s->at,
		    "environment variable %s is not set: set it, write ${%s:-value}, or "
		    "quote it in single quotes",
		    name, name);
}

/* \nnn or \xhh with s->p on the first digit. */
static void
numeric_escape(struct scanner *s, GString *out, unsigned base, unsigned digits)
{
	unsigned value = 0, n = 0;

	while (n < digits && s->p < s->end && g_ascii_isxdigit(*s->p) &&
	    (unsigned)g_ascii_xdigit_value(*s->p) < base) {
		value = value * base + (unsigned)g_ascii_xdigit_value(*s->p++);
		n++;
	}
	if (value == 0 || value > 0xff)
		problems_error(s->problems, s->at,
		    "escape sequence for no character: write \\\\ for a backslash");
	else
		g_string_append_c(out, (char)value);
}

/* An escape in double quotes, s->p behind the backslash. Returns whether a regex would have meant
 * something else by it. */
static bool
escape(struct scanner *s, GString *out)
{
	static const char known[] = "nrbfaetv", meant[] = "\n\r\b\f\a\033\t\v";
	char c = *s->p;
	const char *at = strchr(known, c);

	if (c >= '0' && c <= '7') {
		numeric_escape(s, out, 8, 3);
		return true;
	}
	s->p++;
	if (c == 'x' && s->p < s->end && g_ascii_isxdigit(*s->p))
		numeric_escape(s, out, 16, 2);
	else
		g_string_append_c(out, at ? meant[at - known] : c);
	return c != '\\' && c != '"';
}

/* A quoted text; s->p on the opening quote. */
static void
quoted(struct scanner *s)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char quote = *s->p++;
	bool backslash = false;

	while (s->p < s->end && *s->p != quote && *s->p != '\n') {
		if (quote == '"' && looking_at(s, "${")) {
			expand(s, text);
		} else if (*s->p == '\\' && s->p + 1 < s->end && s->p[1] != '\n') {
			s->p++;
			if (quote == '"') {
				backslash |= escape(s, text);
				continue;
			}
			if (*s->p != '\\' && *s->p != '\'')
				g_string_append_c(text, '\\');
			g_string_append_c(text, *s->p++);
		} else {
			g_string_append_c(text, *s->p++);
		}
	}
	if (s->p < s->end && *s->p == quote)
		s->p++;
	else
		problems_error(s->problems, s->at,
		    "the quote %c is not closed on this line: write %c at the end of the text",
		    quote, quote);
	put(s, quote == '"' ? TOKEN_DOUBLE : TOKEN_SINGLE, text->str, backslash);
}

/* An unquoted word. What libconfuse would drop or take apart stays in the word, with an error. */
static void
word(struct scanner *s)
{
	g_autoptr(GString) text = g_string_new(NULL);
	bool complained = false;

	while (s->p < s->end && !is_delimiter(*s->p) && !looking_at(s, "+=")) {
		if (looking_at(s, "${")) {
			if (text->len > 0)
				problems_error(s->problems, s->at,
				    "${ inside a word: write the whole text in double quotes");
			expand(s, text);
			continue;
		}
		if (*s->p == '|' && !complained)
			problems_error(s->problems, s->at,
			    "unquoted |: choose one word; a key of a section is written "
			    "inside the section's braces");
		else if (strchr("*+", *s->p) && !complained)
			problems_error(
			    s->problems, s->at, "unquoted %c: write the text in quotes", *s->p);
		complained |= strchr("|*+", *s->p) != NULL;
		g_string_append_c(text, *s->p++);
	}
	put(s, TOKEN_WORD, text->str, false);
}

static void
sign(struct scanner *s, enum token_type type, size_t len)
{
	put(s, type, "", false);
	s->p += len;
}

/* A text that touches the one before it is two values for libconfuse and one for the reader. */
static void
check_gap(struct scanner *s, const char *before)
{
	const struct token *last;

	if (s->out->len == 0 || s->p != before)
		return;
	last = &g_array_index(s->out, struct token, s->out->len - 1);
	if (token_is_text(last))
		problems_error(s->problems, s->at,
		    "two texts without a blank or comma between them: write one in quotes");
}

/* Scan what begins at s->p. text_end is where the last text ended. */
static void
scan_one(struct scanner *s, const char **text_end)
{
	switch (*s->p) {
	case '\n':
		s->at.line++;
		s->p++;
		return;
	case ' ':
	case '\t':
	case '\r':
	case '\f':
	case '\v':
		s->p++;
		return;
	case '#':
		skip_line(s);
		return;
	case ';':
		problems_error(s->problems, s->at,
		    "no semicolons here: an option ends with its value; take the ; away");
		s->p++;
		return;
	case '{':
		sign(s, TOKEN_OPEN, 1);
		return;
	case '}':
		sign(s, TOKEN_CLOSE, 1);
		return;
	case '(':
		sign(s, TOKEN_LEFT, 1);
		return;
	case ')':
		sign(s, TOKEN_RIGHT, 1);
		return;
	case '=':
		sign(s, TOKEN_EQUALS, 1);
		return;
	case ',':
		sign(s, TOKEN_COMMA, 1);
		return;
	default:
		break;
	}
	if (looking_at(s, "+=")) {
		sign(s, TOKEN_APPEND, 2);
	} else if (looking_at(s, "//")) {
		skip_line(s);
	} else if (looking_at(s, "/*")) {
		skip_comment(s);
	} else {
		check_gap(s, *text_end);
		if (*s->p == '"' || *s->p == '\'')
			quoted(s);
		else
			word(s);
		*text_end = s->p;
	}
}

GArray *
tokens_new(const char *file, const char *text, size_t len, struct problems *p)
{
	struct scanner s = { .p = text, .end = text + len, .at = { file, 1 }, .problems = p };
	const char *text_end = NULL;
	const char *nul = memchr(text, '\0', len);

	s.out = token_array_new();
	if (nul) {
		for (const char *c = text; c < nul; c++)
			s.at.line += *c == '\n';
		problems_error(p, s.at, "a NUL byte: this is not a text file");
		s.p = s.end;
	} else if (looking_at(&s, "\xef\xbb\xbf")) {
		problems_error(p, s.at,
		    "the file begins with a byte order mark: save it as UTF-8 without one");
		s.p += 3;
	}
	while (s.p < s.end)
		scan_one(&s, &text_end);
	put(&s, TOKEN_END, "", false);
	return s.out;
}

char *
token_describe(const struct token *t)
{
	static const char *const signs[] = {
		[TOKEN_END] = "the end of the file",
		[TOKEN_OPEN] = "{",
		[TOKEN_CLOSE] = "}",
		[TOKEN_LEFT] = "(",
		[TOKEN_RIGHT] = ")",
		[TOKEN_EQUALS] = "=",
		[TOKEN_APPEND] = "+=",
		[TOKEN_COMMA] = ",",
	};

	if (token_is_text(t))
		return g_strdup_printf("'%.60s'", t->text);
	return g_strdup(signs[t->type]);
}
