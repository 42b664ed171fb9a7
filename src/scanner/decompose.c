#include "scanner/decompose.h"

#include <gmime/gmime.h>
#include <string.h>

#include "base/auto.h"
#include "scanner/arena.h"
#include "scanner/containers.h"
#include "scanner/harvest.h"
#include "scanner/partname.h"
#include "scanner/place.h"
#include "scanner/shape.h"
#include "scanner/sweep.h"
#include "verdict/evasion.h"

#define TYPE_MAX                                                                                   \
	127 /* bytes of a media type (RFC 4288 4.2: 127 each way; longer ones are nobody's) */

static void walk_source(
    struct harvest *r, const struct source *src, const char *path, unsigned depth);
static void walk_object(struct harvest *r, const struct source *src, GMimeObject *o,
    const char *fence, const char *path, unsigned depth);

/* For AUTO(): GMime declares no cleanup functions of its own. */
static void
unref(void *object)
{
	g_clear_object((GObject **)object);
}

static char *
path_join(const char *path, int number)
{
	return *path ? g_strdup_printf("%s.%d", path, number) : g_strdup_printf("%d", number);
}

/* The declared type in lower case, "" if there is none. */
static char *
declared_type(GMimeObject *o)
{
	GMimeContentType *type = g_mime_object_get_content_type(o);

	if (!type ||
	    !g_mime_header_list_get_header(g_mime_object_get_header_list(o), "Content-Type"))
		return g_strdup("");
	g_autofree char *text = g_mime_content_type_get_mime_type(type);
	g_autofree char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, TYPE_MAX));
	for (char *p = valid; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			*p = '_';
	return g_ascii_strdown(valid, -1);
}

/* Hand out a leaf; raw is what it was decoded from. */
static void
emit_leaf(struct harvest *r, GMimeObject *o, const struct source *bytes, const struct source *raw,
    GMimeContentEncoding encoding, const char *path)
{
	const struct leaf leaf = { .raw = raw->base,
		.raw_end = raw->base + raw->len,
		.data = bytes->base,
		.len = bytes->len,
		.decoded = bytes->base != raw->base,
		.base64 = encoding == GMIME_CONTENT_ENCODING_BASE64,
		.qp = encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE };
	bool more = false;
	g_autofree char *type = declared_type(o);
	g_auto(GStrv) names = partname_collect(o, &more);
	struct part p = { .kind = OBJECT_PART,
		.store = bytes->store,
		.offset = bytes->offset,
		.size = bytes->len,
		.path = path,
		.type = type,
		.names = names };

	if (!harvest_fits(r, bytes->len, path))
		return;
	/* A filter that chooses by name must not be blind to the seventeenth. */
	if (more)
		verdict_partial(r->v, REASON_LIMIT_FILES, "part %s has too many names", path);
	harvest_emit(r, &p);
	harvest_remember(r, &leaf);
}

/* Decode raw bytes into the arena; false, with v told, when a limit is in the way. */
static bool
decode(struct harvest *r, GMimeContentEncoding encoding, const void *raw, size_t len,
    const char *path, struct source *out)
{
	size_t n = 0;

	out->base = r->arena.base + r->arena.used;
	out->store = STORE_ARENA;
	out->offset = r->arena.used;
	switch (arena_decode(&r->arena, encoding, raw, len, r->job->limits->max_extract_size, &n)) {
	case ARENA_FULL:
		verdict_partial(
		    r->v, REASON_LIMIT_CUMULATIVE, "no room for part %s in the output arena", path);
		return false;
	case ARENA_OVER:
		verdict_partial(
		    r->v, REASON_LIMIT_SIZE, "part %s is larger than max_extract_size", path);
		return false;
	case ARENA_DONE:
		break;
	}
	out->len = n;
	return true;
}

/* The bytes of a part's content as they stand in its source, still encoded. */
static bool
raw_slice(struct harvest *r, const struct source *src, GMimePart *part, const char *path,
    struct source *raw)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	int64_t end;

	*raw = (struct source){ .base = src->base, .store = src->store, .offset = src->offset };
	if (!stream)
		return true;
	end = stream->bound_end < 0 ? (int64_t)src->len : stream->bound_end;
	if (!GMIME_IS_STREAM_MEM(stream) || stream->bound_start < 0 || end < stream->bound_start ||
	    (uint64_t)end > src->len) {
		verdict_fail(r->v, REASON_MIME_PARSE, "part %s lies outside of its message", path);
		return false;
	}
	raw->base += stream->bound_start;
	raw->offset += (uint64_t)stream->bound_start;
	raw->len = (size_t)(end - stream->bound_start);
	return true;
}

/* message/ types whose body is a message (unlike the reports, which are made of fields). */
static bool
holds_message(const char *type)
{
	static const char *const reports[] = { "message/partial", "message/delivery-status",
		"message/global-delivery-status", "message/disposition-notification",
		"message/global-disposition-notification", "message/feedback-report",
		"message/tracking-status" };

	if (!g_str_has_prefix(type, "message/"))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(reports); i++)
		if (strcmp(type, reports[i]) == 0)
			return false;
	return true;
}

/* The type as it is written: GMime turns an encoded message/ into application/octet-stream. */
static char *
written_type(GMimeObject *o)
{
	GMimeHeader *h =
	    g_mime_header_list_get_header(g_mime_object_get_header_list(o), "Content-Type");
	const char *raw = h ? g_mime_header_get_raw_value(h) : NULL;
	g_autofree char *text = g_strdup(raw ? raw : "");

	g_strstrip(text);
	return g_ascii_strdown(text, (gssize)strcspn(text, "; \t\r\n("));
}

static bool
is_encoded(GMimeContentEncoding e)
{
	return e == GMIME_CONTENT_ENCODING_BASE64 || e == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE ||
	    e == GMIME_CONTENT_ENCODING_UUENCODE;
}

/* Signed content is the body of a mail like any other. */
static void
walk_content(void *arg, const struct source *src, const char *path, unsigned depth)
{
	const struct leaf leaf = { .raw = src->base,
		.raw_end = src->base + src->len,
		.data = src->base,
		.len = src->len,
		.decoded = true };

	harvest_remember(arg, &leaf);
	if (containers_is_entity(src))
		walk_source(arg, src, path, depth);
}

static void
walk_leaf(
    struct harvest *r, const struct source *src, GMimePart *part, const char *path, unsigned depth)
{
	GMimeContentEncoding encoding = g_mime_part_get_content_encoding(part);
	g_autofree char *type = written_type(GMIME_OBJECT(part));
	const struct containers containers = { .h = r, .content = walk_content, .arg = r };
	struct source bytes, raw;

	if (place_is_sealed(type))
		r->place = (struct proto_place){ .placing = PLACING_SEALED };
	if (!raw_slice(r, src, part, path, &raw))
		return;
	bytes = raw;
	if (is_encoded(encoding) && !decode(r, encoding, raw.base, raw.len, path, &bytes))
		return;
	emit_leaf(r, GMIME_OBJECT(part), &bytes, &raw, encoding, path);
	r->place.plain = 0; /* what is in it is not it */
	if (!r->stop)
		containers_open(&containers, &bytes, path, depth);
	if (strcmp(type, "message/partial") == 0)
		verdict_partial(
		    r->v, REASON_MESSAGE_PARTIAL, "part %s is a fragment of a split message", path);
	if (holds_message(type) && bytes.len > 0 && !r->stop)
		walk_source(r, &bytes, path, depth + 1);
}

/*
 * The raw body of an object, from behind its header to the next delimiter of the multipart around
 * it (fence; NULL = to the end). GMime shows the body of a multipart only as a string, cut at a NUL
 * and with other line ends.
 */
static bool
raw_body(const struct source *src, GMimeObject *o, const char *fence, struct source *body)
{
	GMimeHeaderList *fields = g_mime_object_get_header_list(o);
	int n = g_mime_header_list_get_count(fields);
	int64_t at =
	    n > 0 ? g_mime_header_get_offset(g_mime_header_list_get_header_at(fields, n - 1)) : -1;
	const char *p, *end = (const char *)src->base + src->len, *nl;

	if (at < 0 || (uint64_t)at > src->len)
		return false;
	p = (const char *)src->base + at;
	while ((nl = memchr(p, '\n', (size_t)(end - p))) != NULL && nl != p &&
	    !(nl == p + 1 && *p == '\r'))
		p = nl + 1;
	p = nl ? nl + 1 : end;
	*body = (struct source){ .base = (const unsigned char *)p,
		.store = src->store,
		.offset = src->offset + (uint64_t)(p - (const char *)src->base) };
	for (const char *line = p; fence && line < end; line = nl ? nl + 1 : end) {
		nl = memchr(line, '\n', (size_t)(end - line));
		if ((size_t)(end - line) >= 2 + strlen(fence) && memcmp(line, "--", 2) == 0 &&
		    memcmp(line + 2, fence, strlen(fence)) == 0)
			end = line;
	}
	body->len = (size_t)(end - p);
	return true;
}

/*
 * A multipart in which GMime found no delimiter. Its body is an object of its own; when it was
 * encoded as a whole, the decoded body gets its Content-Type in front and is parsed again.
 */
static void
walk_closed_multipart(struct harvest *r, const struct source *src, GMimeObject *o,
    const char *fence, const char *path, unsigned depth)
{
	GMimeHeader *type =
	    g_mime_header_list_get_header(g_mime_object_get_header_list(o), "Content-Type");
	const char *raw_type = type ? g_mime_header_get_raw_value(type) : NULL;
	const char *cte = g_mime_object_get_header(o, "Content-Transfer-Encoding");
	GMimeContentEncoding encoding =
	    cte ? g_mime_content_encoding_from_string(cte) : GMIME_CONTENT_ENCODING_DEFAULT;
	const char *leaf_path = *path ? path : "1";
	struct source body, plain,
	    whole = { .base = r->arena.base + r->arena.used,
		    .store = STORE_ARENA,
		    .offset = r->arena.used };

	if (!raw_body(src, o, fence, &body)) {
		verdict_fail(
		    r->v, REASON_MIME_PARSE, "part %s has no place in its message", leaf_path);
		return;
	}
	if (!is_encoded(encoding)) {
		emit_leaf(r, o, &body, &body, GMIME_CONTENT_ENCODING_DEFAULT, leaf_path);
		return;
	}
	g_autofree char *head =
	    g_strconcat("Content-Type:", raw_type ? raw_type : " multipart/mixed\n", NULL);
	const char *blank = g_str_has_suffix(head, "\n") ? "\n" : "\n\n";
	if (!arena_append(&r->arena, head, strlen(head)) ||
	    !arena_append(&r->arena, blank, strlen(blank))) {
		verdict_partial(r->v, REASON_LIMIT_CUMULATIVE,
		    "no room for part %s in the output arena", leaf_path);
		return;
	}
	if (!decode(r, encoding, body.base, body.len, leaf_path, &plain))
		return;
	emit_leaf(r, o, &plain, &body, encoding, leaf_path);
	whole.len = (size_t)(r->arena.base + r->arena.used - whole.base);
	if (!r->stop)
		walk_source(r, &whole, path, depth + 1);
}

/* A child of the multipart with the boundary own. What stands in the message itself gets a place of its
 * own; what was decoded belongs to the place of what it was decoded from. */
static void
walk_child(struct harvest *r, const struct source *src, GMimeObject *child, const char *own,
    const char *path, unsigned depth)
{
	const bool placed =
	    r->job->places && src->base == r->job->message && src->len == r->job->size;
	const struct fences fences = { r->fences, own }, *outer = r->fences;
	const struct proto_place before = r->place;

	if (placed) {
		r->fences = &fences;
		if (r->sealed)
			r->place = (struct proto_place){ .placing = PLACING_SEALED };
		else
			place_find(src, child, &fences, &r->place);
	}
	walk_object(r, src, child, own, path, depth);
	r->fences = outer;
	r->place = before;
}

static void
walk_multipart(struct harvest *r, const struct source *src, GMimeMultipart *multi,
    const char *fence, const char *path, unsigned depth)
{
	const bool sealed = r->sealed;
	/* Not g_mime_multipart_get_boundary(): where there is none it makes one up and writes the
	 * field anew, and for some fields GMime 3.2.13 never comes back from that. */
	const char *own = g_mime_object_get_content_type_parameter(GMIME_OBJECT(multi), "boundary");
	int n = g_mime_multipart_get_count(multi);

	r->sealed |= place_seals(GMIME_OBJECT(multi));
	if (n == 0)
		walk_closed_multipart(r, src, GMIME_OBJECT(multi), fence, path, depth);
	for (int i = 0; i < n && !r->stop; i++) {
		g_autofree char *below = path_join(path, i + 1);
		walk_child(r, src, g_mime_multipart_get_part(multi, i), own, below, depth);
	}
	r->sealed = sealed;
}

/* What a message holds: a multipart numbers its children below the message's own path, anything
 * else is its part 1. */
static void
walk_message(struct harvest *r, const struct source *src, GMimeMessage *m, const char *fence,
    const char *path, unsigned depth)
{
	GMimeObject *body = g_mime_message_get_mime_part(m);

	if (!body) {
		verdict_fail(r->v, REASON_MIME_PARSE, "the MIME parser found no body in message %s",
		    *path ? path : "itself");
		return;
	}
	g_autofree char *below = GMIME_IS_MULTIPART(body) ? g_strdup(path) : path_join(path, 1);
	walk_object(r, src, body, fence, below, depth);
}

static void
walk_object(struct harvest *r, const struct source *src, GMimeObject *o, const char *fence,
    const char *path, unsigned depth)
{
	if (r->stop || harvest_time_is_up(r))
		return;
	bool container = GMIME_IS_MULTIPART(o) || GMIME_IS_MESSAGE_PART(o);
	if (depth + container > r->job->limits->max_extract_depth) {
		verdict_partial(r->v, REASON_LIMIT_DEPTH, "nested deeper than max_extract_depth");
		return;
	}
	if (GMIME_IS_MULTIPART(o)) {
		walk_multipart(r, src, GMIME_MULTIPART(o), fence, path, depth + 1);
	} else if (GMIME_IS_MESSAGE_PART(o)) {
		GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
		/* Without an inner message there was not a byte in it. */
		if (inner)
			walk_message(r, src, inner, fence, path, depth + 1);
	} else if (GMIME_IS_PART(o)) {
		walk_leaf(r, src, GMIME_PART(o), path, depth);
	} else {
		verdict_fail(r->v, REASON_MIME_PARSE, "part %s is of no kind we know", path);
	}
}

/* Parse bytes as a message and walk what comes out. The stream borrows the bytes: no copy is made.
 */
static void
walk_source(struct harvest *r, const struct source *src, const char *path, unsigned depth)
{
	struct shape_limits shape = { .header_max = r->job->limits->header_max,
		.parts_max = r->parts_max };
	GByteArray bytes = { .data = (guint8 *)(uintptr_t)src->base, .len = (guint)src->len };

	if (src->len > G_MAXUINT) {
		verdict_partial(r->v, REASON_TOO_LARGE,
		    "message %s is larger than the MIME parser takes", path);
		return;
	}
	if (depth > r->job->limits->max_extract_depth) {
		verdict_partial(r->v, REASON_LIMIT_DEPTH, "nested deeper than max_extract_depth");
		return;
	}
	if (harvest_time_is_up(r) || !shape_acceptable(src->base, src->len, &shape, r->v))
		return;
	AUTO(unref) GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(&bytes);
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
	AUTO(unref) GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	g_mime_parser_set_persist_stream(parser, TRUE);
	/* No options, above all no warning callback: with one, GMime checks parameters in quadratic
	 * time. */
	AUTO(unref) GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	if (message)
		walk_message(r, src, message, NULL, path, depth);
	else
		verdict_fail(r->v, REASON_MIME_PARSE, "the MIME parser gave up on message %s",
		    *path ? path : "itself");
}

/* Signs of evasion: those that paranoid_codes names are findings. */
static void
judge(struct harvest *r, uint64_t odd)
{
	const struct proto_settings *lim = r->job->limits;

	if (!(lim->flags & PROTO_PARANOID))
		return;
	for (unsigned e = 0; e < EVASION_COUNT; e++) {
		g_autofree char *name = g_strconcat("Paranoid.", evasion_name(e), NULL);
		if (odd & lim->evasion & UINT64_C(1) << e)
			verdict_find(r->v, FINDING_EVASION, name, "", "");
	}
	if (r->job->hints)
		*r->job->hints = odd & ~lim->evasion;
}

void
decompose(const struct decompose *job, struct verdict *v)
{
	AUTO(harvest_clear) struct harvest r = { 0 };
	struct source all = { .base = job->message, .len = job->size, .store = STORE_SPOOL };
	char *no_names[] = { NULL };
	struct part whole = { .kind = OBJECT_MESSAGE,
		.store = STORE_SPOOL,
		.size = job->size,
		.path = "",
		.type = "message/rfc822",
		.names = no_names };

	harvest_init(&r, job, v);
	harvest_emit(&r, &whole);
	if (job->mime && !r.stop)
		walk_source(&r, &all, "", 0);
	r.place = (struct proto_place){ .placing = PLACING_HIDDEN };
	if (job->mime && (job->limits->flags & PROTO_SWEEP) && !r.stop)
		judge(&r, sweep(&r, &all));
	verdict_complete(v);
}
