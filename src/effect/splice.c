/* splice - see splice.h */
#include "effect/splice.h"

#include <inttypes.h>

#define COPY_CHUNK (64 * 1024)

static void
clear(void *p)
{
	struct splice *s = p;

	g_bytes_unref(s->with);
}

GArray *
splices_new(void)
{
	GArray *a = g_array_new(FALSE, FALSE, sizeof(struct splice));

	g_array_set_clear_func(a, clear);
	return a;
}

void
splices_add(GArray *splices, uint64_t begin, uint64_t end, GBytes *with)
{
	const struct splice s = { begin, end, with };

	g_array_append_val(splices, s);
}

static int
by_begin(const void *a, const void *b)
{
	const struct splice *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

uint64_t
splice_body_at(const struct message *m)
{
	return message_offset() + m->size - m->body_size;
}

static bool
fits(const struct message *m, GArray *splices, GError **err)
{
	uint64_t at = splice_body_at(m);
	const uint64_t size = spool_size(m->spool);

	g_array_sort(splices, by_begin);
	for (guint i = 0; i < splices->len; i++) {
		const struct splice *s = &g_array_index(splices, struct splice, i);

		if (s->begin < at || s->end < s->begin || s->end > size) {
			g_set_error(err, SPOOL_ERROR, SPOOL_E_IO,
			    "repair: bytes %" PRIu64 " to %" PRIu64
			    " lie outside of the body, or in two parts at once",
			    s->begin, s->end);
			return false;
		}
		at = s->end;
	}
	return true;
}

static bool
copy(const struct message *m, struct message *to, uint64_t begin, uint64_t end, GError **err)
{
	g_autofree char *chunk = g_malloc(COPY_CHUNK);

	for (uint64_t at = begin; at < end; at += COPY_CHUNK) {
		const size_t n = (size_t)MIN(end - at, COPY_CHUNK);

		if (!spool_read(m->spool, at, chunk, n, err))
			return false;
		message_add_body(to, chunk, n);
	}
	return true;
}

static bool
write_body(const struct message *m, const GArray *splices, struct message *to, GError **err)
{
	uint64_t at = splice_body_at(m);

	message_add_body(to, "", 0);
	for (guint i = 0; i < splices->len; i++) {
		const struct splice *s = &g_array_index(splices, struct splice, i);
		size_t len;
		const void *with = g_bytes_get_data(s->with, &len);

		if (!copy(m, to, at, s->begin, err))
			return false;
		message_add_body(to, with, len);
		at = s->end;
	}
	return copy(m, to, at, spool_size(m->spool), err);
}

/* Whoever judges the new message is to see what he saw of the old one. */
static struct message *
twin(const struct message *m, struct spool_budget *b, const struct message_limits *lim)
{
	const struct client client = {
		.name = m->client_name,
		.addr = m->client_addr,
		.helo = m->helo,
		.daemon = m->daemon,
		.submitted = m->submitted,
	};
	struct message *to = message_new(b, lim, &client, m->sender);

	g_free(to->id);
	to->id = g_strdup(m->id);
	to->auth = g_strdup(m->auth);
	to->parameters = g_strdup(m->parameters);
	for (guint i = 0; i < m->recipients->len; i++)
		message_add_recipient(to, g_ptr_array_index(m->recipients, i));
	to->recipients_total = m->recipients_total;
	for (guint i = 0; i < m->headers->len; i++) {
		const struct header *h = g_ptr_array_index(m->headers, i);

		message_add_header(to, h->name, h->value);
	}
	return to;
}

struct message *
splices_apply(const struct message *m, GArray *splices, struct spool_budget *b,
    const struct message_limits *lim, GError **err)
{
	struct message *to = NULL;

	if (m->error) {
		g_propagate_error(err, g_error_copy(m->error));
		return NULL;
	}
	if (!fits(m, splices, err))
		return NULL;
	to = twin(m, b, lim);
	if (write_body(m, splices, to, err)) {
		message_seal(to);
		if (to->error)
			g_propagate_error(err, g_error_copy(to->error));
		else if (splice_body_at(to) != splice_body_at(m))
			g_set_error_literal(err, SPOOL_ERROR, SPOOL_E_IO,
			    "repair: the header block has not stayed the same");
		else
			return to;
	}
	message_free(&to);
	return NULL;
}
