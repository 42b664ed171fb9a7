/*
 * grammar - the strict forms of the header fields that a fingerprint may leave out
 */
#include "scan/grammar.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

#define DIGITS        "0123456789"
#define PUNCTUATION   ".,:;@<>()[]_+=/-"
#define COMMENT_DEPTH 3

/* A letter or digit of ASCII, or one of more. */
static bool
is_plain(char c, const char *more)
{
	return g_ascii_isalnum(c) || (c != '\0' && strchr(more, c) != NULL);
}

/* One line of a value, len bytes without its fold: no "--" in front, not blank. */
static bool
line_is_plain(const char *s, size_t len)
{
	size_t skip = 0;

	while (skip < len && (s[skip] == ' ' || s[skip] == '\t'))
		skip++;
	if (skip == len)
		return false;
	return len - skip < 2 || s[skip] != '-' || s[skip + 1] != '-';
}

/* The bytes of a fold at s: LF or CRLF, as the spool writes both, in front of a blank; 0 = there is
 * none. */
static size_t
fold_length(const char *s)
{
	size_t n = s[0] == '\r' && s[1] == '\n' ? 2 : s[0] == '\n' ? 1 : 0;

	return n > 0 && (s[n] == ' ' || s[n] == '\t') ? n : 0;
}

bool
grammar_flatten(const char *value, char *flat, size_t size)
{
	const char *line = value, *at = value;
	size_t n = 0;

	if (strlen(value) >= size)
		return false;
	for (;;) {
		size_t fold = fold_length(at);

		if ((fold > 0 || *at == '\0') && !line_is_plain(line, (size_t)(at - line)))
			return false;
		if (*at == '\0')
			break;
		if (fold > 0) {
			at += fold;
			line = at;
			continue;
		}
		if (!is_plain(*at, PUNCTUATION " \t"))
			return false;
		flat[n++] = *at == '\t' ? ' ' : *at;
		at++;
	}
	flat[n] = '\0';
	g_strstrip(flat);
	return strcasestr(flat, "content-") == NULL && strstr(flat, "://") == NULL;
}

/* Step over what set holds; how many bytes. */
static size_t
span(const char **s, const char *set)
{
	size_t n = strspn(*s, set);

	*s += n;
	return n;
}

/* The same with letters and digits besides. */
static size_t
plain(const char **s, const char *more)
{
	const char *at = *s;

	while (is_plain(**s, more))
		++*s;
	return (size_t)(*s - at);
}

static size_t
letters(const char **s)
{
	const char *at = *s;

	while (g_ascii_isalpha(**s))
		++*s;
	return (size_t)(*s - at);
}

static bool
literal(const char **s, char c)
{
	if (**s != c)
		return false;
	++*s;
	return true;
}

static void
blanks(const char **s)
{
	span(s, " ");
}

/* <left@right> */
static bool
angle(const char **s)
{
	return literal(s, '<') && plain(s, ".,_+=/-") > 0 && literal(s, '@') &&
	    plain(s, ".:_-[]") > 0 && literal(s, '>');
}

bool
grammar_msgid(const char *s)
{
	return angle(&s) && *s == '\0';
}

bool
grammar_path(const char *s)
{
	return strcmp(s, "<>") == 0 || (angle(&s) && *s == '\0');
}

/* min to max digits. */
static bool
number(const char **s, size_t min, size_t max)
{
	size_t n = span(s, DIGITS);

	return n >= min && n <= max;
}

/* One of the three-letter words in list. */
static bool
word3(const char **s, const char *list)
{
	for (; *list != '\0'; list += 3)
		if (strncasecmp(*s, list, 3) == 0) {
			*s += 3;
			return true;
		}
	return false;
}

/* A comment with at most COMMENT_DEPTH levels. */
static bool
comment(const char **s)
{
	unsigned depth = 0;

	do {
		if (**s == '(')
			depth++;
		else if (**s == ')')
			depth--;
		else if (**s == '\0')
			return false;
		++*s;
	} while (depth > 0 && depth <= COMMENT_DEPTH);
	return depth == 0;
}

static bool
time_of_day(const char **s)
{
	if (!number(s, 1, 2) || !literal(s, ':') || !number(s, 2, 2))
		return false;
	return !literal(s, ':') || number(s, 2, 2);
}

static bool
zone(const char **s)
{
	size_t n;

	if (literal(s, '+') || literal(s, '-'))
		return number(s, 4, 4);
	n = letters(s);
	return n > 0 && n <= 5;
}

bool
grammar_date(const char *s)
{
	if (word3(&s, "MonTueWedThuFriSatSun") && !literal(&s, ','))
		return false;
	blanks(&s);
	if (!number(&s, 1, 2))
		return false;
	blanks(&s);
	if (!word3(&s, "JanFebMarAprMayJunJulAugSepOctNovDec"))
		return false;
	blanks(&s);
	if (!number(&s, 4, 4))
		return false;
	blanks(&s);
	if (!time_of_day(&s))
		return false;
	blanks(&s);
	if (!zone(&s))
		return false;
	blanks(&s);
	if (*s == '(' && !comment(&s))
		return false;
	return *s == '\0';
}

/* A word of a clause: no blank, comment or semicolon inside. */
static size_t
clause_word(const char **s)
{
	return plain(s, ".,:@<>[]_+=/-");
}

static bool
is_clause_name(const char *w, size_t len)
{
	static const char *const names[] = { "from", "by", "via", "with", "id", "for", "tls",
		"helo" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strlen(names[i]) == len && strncasecmp(w, names[i], len) == 0)
			return true;
	return false;
}

/* Name, one to four words, comments anywhere behind the name: from x (y [z]) by ... up to the
 * semicolon. */
static bool
clauses(const char **s)
{
	unsigned words = 1; /* in front of the first name nothing is missing */
	bool named = false;

	while (**s != ';') {
		const char *w = *s;
		size_t len;

		if (*w == '(') {
			if (!comment(s))
				return false;
		} else if ((len = clause_word(s)) == 0) {
			return false;
		} else if (is_clause_name(w, len)) {
			if (words == 0)
				return false;
			named = true;
			words = 0;
		} else if (!named || ++words > 4) {
			return false;
		}
		blanks(s);
	}
	return words > 0;
}

bool
grammar_received(const char *s)
{
	if (!clauses(&s) || !literal(&s, ';'))
		return false;
	blanks(&s);
	return grammar_date(s);
}

bool
grammar_tags(const char *s)
{
	static const char *const tags[] = { "v", "a", "b", "bh", "c", "d", "h", "i", "l", "q", "s",
		"t", "x", "cv" };
	bool seen[G_N_ELEMENTS(tags)] = { false };

	while (*s != '\0') {
		const char *name = s;
		size_t len = letters(&s), i;

		for (i = 0; i < G_N_ELEMENTS(tags); i++)
			if (strlen(tags[i]) == len && strncmp(tags[i], name, len) == 0)
				break;
		if (i == G_N_ELEMENTS(tags) || seen[i])
			return false;
		seen[i] = true;
		blanks(&s);
		if (!literal(&s, '='))
			return false;
		plain(&s, ".:@_+=/- ");
		if (*s != '\0' && !literal(&s, ';'))
			return false;
		blanks(&s);
	}
	return seen[2]; /* a signature */
}

/* One statement: words with an equal sign, and comments. */
static bool
statement(const char **s)
{
	unsigned words = 0;

	for (blanks(s); **s != ';' && **s != '\0'; blanks(s)) {
		const char *w = *s;

		if (*w == '(') {
			if (!comment(s))
				return false;
			continue;
		}
		if (plain(s, ".,:@<>[]_+=/-") == 0 || memchr(w, '=', (size_t)(*s - w)) == NULL)
			return false;
		words++;
	}
	return words > 0;
}

bool
grammar_results(const char *s)
{
	if (!literal(&s, 'i') || !literal(&s, '=') || !number(&s, 1, 2) || !literal(&s, ';'))
		return false;
	blanks(&s);
	if (plain(&s, ".-_") == 0)
		return false;
	for (blanks(&s); literal(&s, ';');)
		if (!statement(&s))
			return false;
	return *s == '\0';
}
