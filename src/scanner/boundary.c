#include "scanner/boundary.h"

#include <glib.h>
#include <string.h>

#include "verdict/evasion.h"

#define WORD "boundary"

static const unsigned char *
skip_blanks(const unsigned char *p, const unsigned char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

static bool
has(const unsigned char *p, const unsigned char *end, const char *what)
{
	return memmem(p, (size_t)(end - p), what, strlen(what)) != NULL;
}

/* What no boundary consists of. */
static bool
has_control(const unsigned char *p, const unsigned char *end)
{
	for (; p < end; p++)
		if ((*p < ' ' && *p != '\t' && *p != '\r' && *p != '\n') || *p >= 0x7f)
			return true;
	return false;
}

bool
boundary_same(const struct boundary *a, const struct boundary *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->whole, b->whole, a->len) == 0);
}

static void
keep(struct boundary *b, const unsigned char *p, const unsigned char *end)
{
	const struct boundary now = { .whole = p, .len = (size_t)(end - p) };

	if (b->count++ == 0) {
		b->whole = p;
		b->len = now.len;
		memcpy(b->text, p, MIN(now.len, BOUNDARY_MAX));
	} else if (!boundary_same(b, &now)) {
		b->odd |= EVASION_BIT(BND_DUP);
	}
	if (now.len == 0)
		b->odd |= EVASION_BIT(BND_EMPTY);
	if (has(p, end, "=?") && has(p, end, "?="))
		b->odd |= EVASION_BIT(BND_2047);
	if (has_control(p, end))
		b->odd |= EVASION_BIT(BND_BAD_TOKEN);
}

/* Behind the value: a semicolon or the end; a comment, or junk? */
static void
judge_tail(struct boundary *b, const unsigned char *p, const unsigned char *end, uint64_t junk)
{
	p = skip_blanks(p, end);
	if (p < end && *p == '(')
		b->odd |= EVASION_BIT(BND_COMMENT);
	else if (p < end && *p != ';')
		b->odd |= junk;
}

static const unsigned char *
read_quoted(struct boundary *b, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = p;

	for (; q < end && *q != '"'; q++)
		if (*q == '\\' && q + 1 < end) {
			b->odd |= EVASION_BIT(BND_ESCAPE);
			q++;
		}
	keep(b, p, q);
	if (q > p && (*p == ' ' || *p == '\t' || q[-1] == ' ' || q[-1] == '\t'))
		b->odd |= EVASION_BIT(BND_SPACE);
	if (q == end) {
		b->odd |= EVASION_BIT(BND_UNTERMINATED);
		return q;
	}
	judge_tail(b, q + 1, end, EVASION_BIT(BND_BAD_TOKEN));
	return q + 1;
}

static const unsigned char *
read_bare(struct boundary *b, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = p;

	while (q<end && * q> ' ' && *q != ';' && *q != '(')
		q++;
	keep(b, p, q);
	if (memchr(p, '"', (size_t)(q - p)) || (q > p && *p == '\''))
		b->odd |= EVASION_BIT(BND_BAD_TOKEN);
	if (memchr(p, '\\', (size_t)(q - p)))
		b->odd |= EVASION_BIT(BND_ESCAPE);
	if (q < end && *q < ' ' && skip_blanks(q, end) == q)
		b->odd |= EVASION_BIT(BND_BAD_TOKEN);
	judge_tail(b, q, end, EVASION_BIT(BND_SPACE));
	return q;
}

/* p stands behind the word. Returns where reading goes on. */
static const unsigned char *
read_parameter(struct boundary *b, const unsigned char *p, const unsigned char *end)
{
	uint64_t odd = 0;

	for (; p < end && *p != '=' && *p != ';'; p++) {
		if (*p == '*')
			odd |= EVASION_BIT(BND_2231);
		else if (*p == '(')
			odd |= EVASION_BIT(BND_COMMENT);
		else if (odd == 0 && skip_blanks(p, end) == p)
			return p;
	}
	if (p == end || *p == ';')
		return p;
	b->odd |= odd;
	p = skip_blanks(p + 1, end);
	if (p < end && *p == '(') {
		b->odd |= EVASION_BIT(BND_COMMENT);
		const unsigned char *close = memchr(p, ')', (size_t)(end - p));
		p = skip_blanks(close ? close + 1 : end, end);
	}
	return p < end && *p == '"' ? read_quoted(b, p + 1, end) : read_bare(b, p, end);
}

/* A parameter's name begins at the start, or behind a semicolon, blank or comment. */
static bool
may_begin(const unsigned char *p, const unsigned char *start)
{
	return p == start || p[-1] == ';' || p[-1] <= ' ' || p[-1] == ')' || p[-1] == ',';
}

void
boundary_read(const unsigned char *value, const unsigned char *end, struct boundary *out)
{
	const unsigned char *p = value;

	*out = (struct boundary){ .text = "" };
	while ((size_t)(end - p) >= strlen(WORD)) {
		if ((*p | 0x20) == 'b' && may_begin(p, value) &&
		    g_ascii_strncasecmp((const char *)p, WORD, strlen(WORD)) == 0)
			p = read_parameter(out, p + strlen(WORD), end);
		else
			p++;
	}
}
