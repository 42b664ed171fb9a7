#include "scanner/oddity.h"

#include <string.h>

#include "scanner/boundary.h"
#include "scanner/encname.h"
#include "verdict/evasion.h"

#define PROLOGUE_MAX (64 * 1024) /* bytes behind a block in which its first delimiter stands */
#define TYPE_LEN     128         /* bytes of a type that are compared */
#define ENCODING     "Content-Transfer-Encoding"

/* A value without blanks around it and semicolons at its end. */
struct text {
	const unsigned char *p, *end;
};

static struct text
trim(const unsigned char *p, const unsigned char *end)
{
	while (p < end && *p <= ' ')
		p++;
	while (end > p && (end[-1] <= ' ' || end[-1] == ';'))
		end--;
	return (struct text){ p, end };
}

static bool
is(struct text t, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(t.end - t.p) == n && g_ascii_strncasecmp((const char *)t.p, word, n) == 0;
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_blanks(const unsigned char *p, const unsigned char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p == end;
}

/* Between a field's name and its value: ":" it should be. */
static uint64_t
odd_colon(const struct field *f)
{
	const unsigned char *p = f->name_end, *colon = f->value;

	if (colon == p || colon[-1] != ':')
		return EVASION_BIT(HDR_NAME_BAD);
	if (!is_blanks(p, colon - 1))
		return EVASION_BIT(HDR_NAME_BAD);
	if (colon - 1 > p || (colon < f->end && *colon == ':'))
		return EVASION_BIT(HDR_NAME_ODD);
	return 0;
}

/* Does a continuation line hold a field that says something? Lists of field names (DKIM) do not. */
static bool
says_something(const struct field *f)
{
	const unsigned char *p = f->value;

	if (f->kind == FIELD_ENCODING)
		return encname_find(p, headerblock_value_end(f)) != 0;
	if (f->kind != FIELD_TYPE)
		return false;
	while (p < f->end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < f->end && (g_ascii_isalnum(*p) || *p == '-'))
		p++;
	return p < f->end && *p == '/';
}

/* With nothing but blanks before the name: a continuation line. */
static bool
is_indented(const struct field *f)
{
	return f->line < f->name && is_blanks(f->line, f->name);
}

/* first: nothing is in front of it that it could continue. */
static uint64_t
odd_name(const struct source *src, const struct field *f, bool first)
{
	const unsigned char *stop = src->base + src->len;
	uint64_t odd = 0;

	if (is_indented(f)) {
		odd |= first ? 0 : EVASION_BIT(HDR_HIDDEN_IN_FOLD);
	} else if (f->line < f->name) {
		odd |= EVASION_BIT(HDR_NAME_BAD);
	}
	odd |= odd_colon(f);
	if (memchr(f->line, '\0', (size_t)(f->end - f->line)))
		odd |= EVASION_BIT(HDR_NUL);
	if (f->end < stop && *f->end == '\r' && (f->end + 1 == stop || f->end[1] != '\n'))
		odd |= EVASION_BIT(HDR_BARE_CR);
	return odd;
}

static uint64_t
odd_encoding(const struct field *f)
{
	static const char *const known[] = { "", "7bit", "8bit", "binary", "base64",
		"quoted-printable", "7-bit", "8-bit", "utf-8", "us-ascii", "none" };
	const unsigned legacy = ENCODING_UU | ENCODING_YENC | ENCODING_BINHEX | ENCODING_GZIP;
	struct text t = trim(f->value, f->end);
	unsigned bits = encname_find(f->value, f->end);

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (is(t, known[i]))
			return 0;
	if (bits & legacy)
		return EVASION_BIT(CTE_LEGACY) | (bits & ENCODING_YENC ? EVASION_BIT(YENC) : 0);
	return bits ? EVASION_BIT(CTE_ODD_B64QP) : EVASION_BIT(CTE_UNKNOWN);
}

/* "multipart/" and a subtype, up to the parameters? */
static bool
plain_multipart(struct text t)
{
	static const char word[] = "multipart/";
	const unsigned char *p = t.p + strlen(word);

	if ((size_t)(t.end - t.p) <= strlen(word) ||
	    g_ascii_strncasecmp((const char *)t.p, word, strlen(word)) != 0)
		return false;
	while (p < t.end && (g_ascii_isalnum(*p) || strchr("-._+", *p)))
		p++;
	while (p < t.end && *p <= ' ')
		p++;
	return p == t.end || *p == ';';
}

/* What the type fields of a block say. */
struct types {
	char first[TYPE_LEN];
	struct boundary boundary;
	unsigned count;
	bool multipart;
};

static uint64_t
odd_type(const struct field *f, struct types *all)
{
	struct text t = trim(f->value, f->end);
	const unsigned char *semicolon = memchr(t.p, ';', (size_t)(t.end - t.p));
	struct text type = trim(t.p, semicolon ? semicolon : t.end);
	g_autofree char *low = g_ascii_strdown(
	    (const char *)type.p, (gssize)MIN((size_t)(type.end - type.p), TYPE_LEN - 1));
	struct boundary b;
	uint64_t odd;

	boundary_read(t.p, t.end, &b);
	odd = b.odd;
	if (strstr(low, "ultipart") || (encname_type(type.p, type.end) & TYPE_MULTIPART)) {
		all->multipart = true;
		odd |= plain_multipart(t) ? 0 : EVASION_BIT(CT_MP_ODD);
	} else if (!strchr(low, '/')) {
		odd |= EVASION_BIT(CT_INVALID);
	}
	if (strcmp(low, "message/partial") == 0)
		odd |= EVASION_BIT(MSG_PARTIAL);
	if (all->count++ == 0) {
		g_strlcpy(all->first, low, sizeof all->first);
		all->boundary = b;
	} else if (strcmp(all->first, low) != 0 || !boundary_same(&all->boundary, &b)) {
		odd |= EVASION_BIT(CT_CONFLICT);
	}
	return odd;
}

/* Is there a delimiter of this boundary behind the block? */
static bool
is_used(const struct source *src, const struct block *b, const char *boundary)
{
	g_autofree char *line = g_strconcat("--", boundary, NULL);
	size_t left = (size_t)(src->base + src->len - b->head);

	return memmem(b->head, MIN(left, (size_t)(b->tail - b->head) + PROLOGUE_MAX), line,
		   strlen(line)) != NULL;
}

static uint64_t
odd_boundary(const struct source *src, const struct block *b, const struct types *t)
{
	if (t->count == 0)
		return 0;
	if (*t->boundary.text == '\0')
		return t->multipart && t->boundary.count == 0 ? EVASION_BIT(BND_MISSING) : 0;
	bool used = is_used(src, b, t->boundary.text);
	if (t->multipart)
		return used ? 0 : EVASION_BIT(BND_UNUSED);
	return used ? EVASION_BIT(BND_ON_LEAF) : 0;
}

/* Letters and a colon. */
static bool
is_field(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = p;

	while (q<end && * q> ' ' && *q < 0x7f && *q != ':')
		q++;
	return q > p && q < end && *q == ':';
}

static bool
has_bare_cr(const unsigned char *p, const unsigned char *end)
{
	while ((p = p < end ? memchr(p, '\r', (size_t)(end - p)) : NULL) != NULL)
		if (++p < end && *p != '\n')
			return true;
	return false;
}

/* What lines of other kinds stand among and behind the fields. */
static uint64_t
odd_lines(const struct block *b, const struct field *last)
{
	const unsigned char *junk = b->starts[START_JUNK], *blank = b->starts[START_BLANK];
	uint64_t odd = 0;

	if (junk && junk < last->line)
		odd |= EVASION_BIT(HDR_JUNK_LINE);
	else if (junk && !(blank && blank <= junk))
		odd |= EVASION_BIT(HB_NO_BLANK);
	if (blank && (!junk || blank <= junk) && !is_blank(*b->head))
		odd |=
		    is_field(blank, b->tail) ? EVASION_BIT(HDR_WS_FOLD) : EVASION_BIT(HDR_WS_LINE);
	if (has_bare_cr(b->head, b->tail))
		odd |= EVASION_BIT(BARE_CR);
	if (memchr(b->head, '\0', (size_t)(b->tail - b->head)))
		odd |= EVASION_BIT(NUL);
	return odd;
}

static uint64_t
odd_whole(const struct block *b, const struct types *t)
{
	bool encoded = b->encodings & (ENCODING_BASE64 | ENCODING_QP);

	if (!encoded)
		return 0;
	if (t->multipart)
		return EVASION_BIT(MP_ENCODED);
	return g_str_has_prefix(t->first, "message/") ? EVASION_BIT(MSG_ENCODED) : 0;
}

uint64_t
oddity_of_block(const struct source *src, const struct blocks *all, const struct block *b)
{
	struct types types = { .count = 0 };
	unsigned encodings = 0, fields = 0;
	uint64_t odd = 0;

	if (!b->placed || b->fields == 0)
		return 0;
	for (unsigned i = b->first_field; i < b->first_field + b->fields; i++) {
		const struct field *f = &g_array_index(all->fields, struct field, i);
		struct text name = { f->name, f->name_end };
		if (is_indented(f) && !says_something(f))
			continue;
		odd |= odd_name(src, f, is_blank(*b->head));
		if (f->kind == FIELD_TYPE && (is(name, "Content-Type") || odd_colon(f))) {
			odd |= odd_type(f, &types);
		} else if (f->kind == FIELD_ENCODING && (is(name, ENCODING) || odd_colon(f))) {
			unsigned bits = encname_find(f->value, f->end);
			odd |= odd_encoding(f);
			if (fields++ > 0 && bits != encodings)
				odd |= EVASION_BIT(CTE_CONFLICT);
			encodings = bits;
		}
	}
	return odd | odd_boundary(src, b, &types) | odd_whole(b, &types) |
	    odd_lines(b, &g_array_index(all->fields, struct field, b->first_field + b->fields - 1));
}

uint64_t
oddity_of_base64(const struct base64_look *l)
{
	return (l->odd_pad ? EVASION_BIT(B64_EARLY_PAD) : 0) | (l->nul ? EVASION_BIT(B64_NUL) : 0) |
	    (l->foreign > 0 ? EVASION_BIT(B64_JUNK) : 0) |
	    (l->bad_length ? EVASION_BIT(B64_BADLEN) : 0);
}

uint64_t
oddity_of_qp(const struct qp_look *l)
{
	return (l->bad > 0 ? EVASION_BIT(QP_BAD_ESC) : 0) |
	    (l->bad > l->escapes + l->soft ? EVASION_BIT(QP_MANY_BAD) : 0);
}
