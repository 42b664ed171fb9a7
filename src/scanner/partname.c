#include "scanner/partname.h"

#include <ctype.h>
#include <string.h>

#include "worker/proto.h"

#define JOINED_MAX (256 * 1024) /* bytes of all pieces of a name together: no reader takes more */

struct names {
	GPtrArray *list;
	bool more;
};

/* One parameter whose name is filename or name, or begins so. */
struct piece {
	GString *value;
	int section; /* of RFC 2231; -1 = none */
	bool quoted;
};

static void
piece_clear(void *p)
{
	struct piece *piece = p;

	g_string_free(piece->value, TRUE);
}

static void
add_one(struct names *n, const char *bytes, size_t len)
{
	if (len > PARTNAME_LEN_MAX) {
		bytes += len - PARTNAME_LEN_MAX;
		len = PARTNAME_LEN_MAX;
	}
	g_autofree char *flat = g_malloc0(len + 1);
	memcpy(flat, bytes, len);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)flat[i] < ' ' || flat[i] == 0x7f)
			flat[i] = '_';
	g_autofree char *name = g_utf8_make_valid(flat, (gssize)len);
	g_strstrip(name);
	if (*name == '\0')
		return;
	for (unsigned i = 0; i < n->list->len; i++)
		if (strcmp(n->list->pdata[i], name) == 0)
			return;
	if (n->list->len < PROTO_NAMES_MAX)
		g_ptr_array_add(n->list, g_steal_pointer(&name));
	else
		n->more = true;
}

/* As it stands; to its first NUL; without the dots and blanks that Windows drops at its end; without folders. */
static void
add(struct names *n, const char *bytes, size_t len)
{
	const char *nul = memchr(bytes, '\0', len);
	size_t at = 0;

	add_one(n, bytes, len);
	if (nul)
		len = (size_t)(nul - bytes);
	while (len > 0 && ((unsigned char)bytes[len - 1] <= ' ' || bytes[len - 1] == '.'))
		len--;
	add_one(n, bytes, len);
	/* An encoded word has such letters. */
	if (g_strstr_len(bytes, (gssize)len, "=?"))
		return;
	for (size_t i = 0; i < len; i++)
		if (bytes[i] == '/' || bytes[i] == '\\')
			at = i + 1;
	add_one(n, bytes + at, len - at);
}

/* charset'language'%41%42 without its front matter and percent signs; in any other text only the
 * percent signs. */
static void
add_percent(struct names *n, const char *value, size_t len)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const char *quote = memchr(value, '\'', len);
	size_t i = 0;

	if (quote) {
		const char *second = memchr(quote + 1, '\'', (size_t)(value + len - quote - 1));
		i = second ? (size_t)(second - value) + 1 : 0;
	}
	for (; i < len; i++) {
		if (value[i] == '%' && i + 2 < len && isxdigit((unsigned char)value[i + 1]) &&
		    isxdigit((unsigned char)value[i + 2])) {
			g_string_append_c(out,
			    (char)(g_ascii_xdigit_value(value[i + 1]) << 4 |
				g_ascii_xdigit_value(value[i + 2])));
			i += 2;
		} else {
			g_string_append_c(out, value[i]);
		}
	}
	add(n, out->str, out->len);
}

static void
add_variants(struct names *n, const GString *value)
{
	if (value->len > JOINED_MAX) {
		n->more = true;
		return;
	}
	add(n, value->str, value->len);
	if (memchr(value->str, '%', value->len) || memchr(value->str, '\'', value->len))
		add_percent(n, value->str, value->len);
	if (strstr(value->str, "=?")) {
		g_autofree char *decoded = g_mime_utils_header_decode_text(NULL, value->str);
		if (decoded)
			add(n, decoded, strlen(decoded));
	}
}

/* Some readers drop comments, and some end a name without quotes at a blank. */
static void
add_unquoted(struct names *n, const GString *value)
{
	g_autoptr(GString) out = g_string_new(NULL);
	unsigned depth = 0;

	if (value->len > JOINED_MAX || !strpbrk(value->str, "( \t"))
		return;
	for (const char *p = value->str; *p != '\0'; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && depth > 0)
			depth--;
		else if (depth == 0)
			g_string_append_c(out, *p);
	}
	g_strchug(out->str);
	add(n, out->str, strlen(out->str));
	add(n, out->str, strcspn(out->str, " \t"));
}

static bool
is_blank(char c)
{
	return isspace((unsigned char)c);
}

/* Behind "filename" or "name": [*N][*] = value. Returns where reading goes on; the value stays empty if
 * it is no parameter. */
static const char *
read_piece(const char *p, const char *end, struct piece *out)
{
	bool star = false;

	for (; p < end && (*p == '*' || isdigit((unsigned char)*p) || is_blank(*p)); p++) {
		if (star && isdigit((unsigned char)*p) && out->section < PARTNAME_LEN_MAX)
			out->section = MAX(out->section, 0) * 10 + (*p - '0');
		star |= *p == '*';
	}
	if (p == end || *p != '=')
		return p;
	for (p++; p < end && is_blank(*p); p++)
		continue;
	out->quoted = p < end && *p == '"';
	for (p += out->quoted; p < end && *p != (out->quoted ? '"' : ';'); p++) {
		if (out->quoted && *p == '\\' && p + 1 < end)
			p++;
		if (*p != '\r' && *p != '\n')
			g_string_append_c(out->value, *p);
	}
	return p;
}

static int
by_section(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->section < y->section ? -1 : x->section > y->section;
}

/* All pieces as they stand here; once: of several with one number the first. */
static void
add_joined(struct names *n, const GArray *pieces, bool once)
{
	g_autoptr(GString) all = g_string_new(NULL);
	int last = -1;

	for (unsigned i = 0; i < pieces->len; i++) {
		const struct piece *p = &g_array_index(pieces, struct piece, i);
		if (once && (p->section < 0 || p->section == last))
			continue;
		g_string_append_len(all, p->value->str, (gssize)p->value->len);
		last = p->section;
	}
	if (all->len > 0)
		add_variants(n, all);
}

static void
add_pieces(struct names *n, GArray *pieces)
{
	bool numbered = false;

	for (unsigned i = 0; i < pieces->len; i++) {
		const struct piece *p = &g_array_index(pieces, struct piece, i);
		/* What is behind the first of a name in pieces is no name. */
		numbered |= p->section >= 0;
		if (p->section > 0)
			continue;
		add_variants(n, p->value);
		if (!p->quoted)
			add_unquoted(n, p->value);
	}
	/* RFC 2231 cuts one name into several parameters, in any order. */
	if (pieces->len > 1 || numbered)
		add_joined(n, pieces, false);
	if (!numbered)
		return;
	g_array_sort(pieces, by_section);
	add_joined(n, pieces, false);
	add_joined(n, pieces, true);
}

static void
add_field(struct names *n, const char *p, const char *end)
{
	g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));

	g_array_set_clear_func(pieces, piece_clear);
	while (end - p >= 4) {
		if ((*p | 0x20) != 'n' || g_ascii_strncasecmp(p, "name", 4) != 0) {
			p++;
			continue;
		}
		struct piece piece = { .value = g_string_new(NULL), .section = -1 };
		p = read_piece(p + 4, end, &piece);
		if (piece.value->len > 0)
			g_array_append_val(pieces, piece);
		else
			piece_clear(&piece);
	}
	add_pieces(n, pieces);
}

static char **
finish(struct names *n, bool *more)
{
	*more = n->more;
	g_ptr_array_add(n->list, NULL);
	return (char **)g_ptr_array_free(n->list, FALSE);
}

char **
partname_collect(GMimeObject *part, bool *more)
{
	struct names n = { .list = g_ptr_array_new_with_free_func(g_free) };
	GMimeHeaderList *fields = g_mime_object_get_header_list(part);
	const char *name = GMIME_IS_PART(part) ? g_mime_part_get_filename(GMIME_PART(part)) : NULL;

	if (name)
		add(&n, name, strlen(name));
	for (int i = 0; i < g_mime_header_list_get_count(fields); i++) {
		GMimeHeader *h = g_mime_header_list_get_header_at(fields, i);
		const char *which = g_mime_header_get_name(h),
			   *raw = g_mime_header_get_raw_value(h);
		if (raw &&
		    (g_ascii_strcasecmp(which, "Content-Disposition") == 0 ||
			g_ascii_strcasecmp(which, "Content-Type") == 0))
			add_field(&n, raw, raw + strlen(raw));
	}
	return finish(&n, more);
}

char **
partname_of_fields(const struct field *fields, unsigned count, bool *more)
{
	struct names n = { .list = g_ptr_array_new_with_free_func(g_free) };

	for (unsigned i = 0; i < count; i++)
		if (fields[i].kind == FIELD_TYPE || fields[i].kind == FIELD_DISPOSITION)
			add_field(&n, (const char *)fields[i].value, (const char *)fields[i].end);
	return finish(&n, more);
}

char **
partname_of_text(const unsigned char *p, size_t len, bool *more)
{
	struct names n = { .list = g_ptr_array_new_with_free_func(g_free) };

	add(&n, (const char *)p, len);
	return finish(&n, more);
}
