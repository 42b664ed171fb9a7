#include "scanner/place.h"

#include <string.h>

#define ENCODING     "Content-Transfer-Encoding"
#define BOUNDARY_LEN 70 /* RFC 2046 */

/* Types whose content is signed or encrypted; signed content in them is opened, and cannot be changed. */
static const char *const sealed_types[] = { "application/pkcs7-mime", "application/x-pkcs7-mime",
	"application/pgp-encrypted", "application/pgp-signature", "application/pkcs7-signature",
	"application/x-pkcs7-signature", "application/pgp" };

bool
place_seals(GMimeObject *multipart)
{
	GMimeContentType *type = g_mime_object_get_content_type(multipart);

	return type &&
	    (g_mime_content_type_is_type(type, "multipart", "signed") ||
		g_mime_content_type_is_type(type, "multipart", "encrypted"));
}

bool
place_is_sealed(const char *type)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sealed_types); i++)
		if (strcmp(type, sealed_types[i]) == 0)
			return true;
	return false;
}

/* Does "--boundary" stand there, and end there? */
static bool
is_delimiter(const struct source *src, uint64_t at, const char *boundary)
{
	const size_t len = strlen(boundary);
	const unsigned char *p = src->base + at, *end = src->base + src->len;

	if ((size_t)(end - p) < 2 + len || memcmp(p, "--", 2) != 0 ||
	    memcmp(p + 2, boundary, len) != 0)
		return false;
	p += 2 + len;
	if (end - p >= 2 && memcmp(p, "--", 2) == 0)
		p += 2;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p == end || *p == '\r' || *p == '\n';
}

/* RFC 2046 5.1.1, as far as readers agree: some drop blanks at its end. */
static bool
is_plain_boundary(const char *b)
{
	const size_t len = b ? strlen(b) : 0;

	for (size_t i = 0; i < len; i++)
		if (!g_ascii_isgraph(b[i]) && (b[i] != ' ' || i == 0 || i + 1 == len))
			return false;
	return len > 0 && len <= BOUNDARY_LEN;
}

/* Nobody must be able to take one boundary around the part for another. */
static bool
are_distinct(const struct fences *f)
{
	if (!is_plain_boundary(f->boundary))
		return false;
	for (const struct fences *o = f->outer; o; o = o->outer)
		if (!o->boundary || g_str_has_prefix(f->boundary, o->boundary) ||
		    g_str_has_prefix(o->boundary, f->boundary))
			return false;
	return !f->outer || are_distinct(f->outer);
}

/* The line that ends before at is a delimiter. */
static bool
follows_delimiter(const struct source *src, uint64_t at, const char *boundary)
{
	const unsigned char *nl;

	if (at == 0 || src->base[at - 1] != '\n')
		return false;
	nl = at > 1 ? memrchr(src->base, '\n', at - 1) : NULL;
	return is_delimiter(src, nl ? (uint64_t)(nl + 1 - src->base) : 0, boundary);
}

/* Behind the part, and behind one line end that is the delimiter's own. */
static bool
precedes_delimiter(const struct source *src, uint64_t end, const char *boundary)
{
	if (end > 0 && src->base[end - 1] == '\n' && is_delimiter(src, end, boundary))
		return true;
	if (end < src->len && src->base[end] == '\r')
		end++;
	return end < src->len && src->base[end] == '\n' && is_delimiter(src, end + 1, boundary);
}

/* Is there another delimiter line in it? To some readers a CR alone ends a line. */
static bool
holds_delimiter(const struct source *src, uint64_t at, uint64_t end, const struct fences *fences)
{
	while (at < end) {
		const unsigned char *p = src->base + at, *stop = src->base + end;

		for (const struct fences *f = fences; f; f = f->outer)
			if (is_delimiter(src, at, f->boundary))
				return true;
		while (p < stop && *p != '\r' && *p != '\n')
			p++;
		if (p == stop)
			return false;
		at = (uint64_t)(p + 1 - src->base);
	}
	return false;
}

/* Where the empty line begins that ends right before body; false when there is none. */
static bool
find_blank(const struct source *src, uint64_t body, uint64_t *blank)
{
	const unsigned char *base = src->base;

	if (body < 2 || base[body - 1] != '\n')
		return false;
	*blank = body - (base[body - 2] == '\r' ? 2 : 1);
	return *blank > 0 && base[*blank - 1] == '\n';
}

static int64_t
header_at(GMimeHeaderList *fields, int i)
{
	return g_mime_header_get_offset(g_mime_header_list_get_header_at(fields, i));
}

/* The one field that says how the body is encoded; false when there are several. */
static bool
find_encoding(GMimeHeaderList *fields, struct proto_place *p)
{
	const int n = g_mime_header_list_get_count(fields);
	unsigned count = 0;

	p->field = p->field_end = p->blank;
	for (int i = 0; i < n; i++) {
		GMimeHeader *h = g_mime_header_list_get_header_at(fields, i);
		int64_t at = header_at(fields, i),
			next = i + 1 < n ? header_at(fields, i + 1) : (int64_t)p->blank;

		if (g_ascii_strcasecmp(g_mime_header_get_name(h), ENCODING) != 0)
			continue;
		if (++count > 1 || at < (int64_t)p->begin || next < at || next > (int64_t)p->blank)
			return false;
		p->field = (uint64_t)at;
		p->field_end = (uint64_t)next;
	}
	return true;
}

/* The only leaf of what was forwarded, or the leaf itself. */
static GMimePart *
only_leaf(GMimeObject *o)
{
	while (GMIME_IS_MESSAGE_PART(o)) {
		GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));

		o = inner ? g_mime_message_get_mime_part(inner) : NULL;
		if (!o)
			return NULL;
	}
	return GMIME_IS_PART(o) ? GMIME_PART(o) : NULL;
}

/* The bytes of a leaf's content. */
static bool
find_body(const struct source *src, GMimePart *part, uint64_t *body, uint64_t *end)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	int64_t to;

	if (!stream || !GMIME_IS_STREAM_MEM(stream) || stream->bound_start < 0)
		return false;
	to = stream->bound_end < 0 ? (int64_t)src->len : stream->bound_end;
	*body = (uint64_t)stream->bound_start;
	*end = (uint64_t)to;
	return to >= stream->bound_start && *end <= src->len;
}

static bool
find(const struct source *src, GMimeObject *o, const struct fences *fences, struct proto_place *p)
{
	GMimeHeaderList *fields = g_mime_object_get_header_list(o);
	GMimePart *leaf = only_leaf(o);
	int64_t first = g_mime_header_list_get_count(fields) > 0 ? header_at(fields, 0) : -1;

	if (!leaf || !are_distinct(fences) || !find_body(src, leaf, &p->body, &p->end) ||
	    !find_blank(src, p->body, &p->blank))
		return false;
	p->begin = first >= 0 ? (uint64_t)first : p->blank;
	if (p->begin > p->blank || !follows_delimiter(src, p->begin, fences->boundary) ||
	    !precedes_delimiter(src, p->end, fences->boundary) ||
	    holds_delimiter(src, p->begin, p->end, fences))
		return false;
	p->field = p->field_end = p->blank;
	p->plain = GMIME_OBJECT(leaf) == o && find_encoding(fields, p);
	if (!p->plain)
		p->field = p->field_end = p->blank;
	return true;
}

void
place_find(
    const struct source *src, GMimeObject *o, const struct fences *fences, struct proto_place *out)
{
	struct proto_place p = { .placing = PLACING_FOUND };

	*out = (struct proto_place){ .placing = PLACING_CROOKED };
	if (find(src, o, fences, &p))
		*out = p;
}
