/*
 * icap_message - reading the head of an answer
 */
#include "engine/icap_message.h"

#include <string.h>

#define BLANKS        " \t"
#define VERSION       "ICAP/1."
#define STATUS_DIGITS 3
#define NUMBER_DIGITS 19

static void
field_free(void *p)
{
	struct icap_field *f = p;

	g_free(f->name);
	g_free(f->value);
	if (f->more)
		g_ptr_array_unref(f->more);
	g_free(f);
}

void
icap_message_init(struct icap_message *m)
{
	*m = (struct icap_message){ .protocol = VERSION,
		.fields = g_ptr_array_new_with_free_func(field_free) };
}

void
icap_message_clear(struct icap_message *m)
{
	g_clear_pointer(&m->fields, g_ptr_array_unref);
	g_clear_pointer(&m->reason, g_free);
}

static bool
refuse(GError **err, const char *what)
{
	g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX, what);
	return false;
}

/* A copy without the blanks around it. */
static char *
trimmed(const char *s)
{
	return g_strstrip(g_strdup(s));
}

/* "ICAP/1.0 204 No Content" */
static bool
parse_status(struct icap_message *m, const char *line, GError **err)
{
	const char *p = line + strlen(m->protocol);

	if (!g_str_has_prefix(line, m->protocol) || !g_ascii_isdigit(*p)) {
		g_set_error(err, NET_ERROR, NET_E_SYNTAX, "not an %sx answer", m->protocol);
		return false;
	}
	m->minor = (unsigned)g_ascii_digit_value(*p++);
	if (*p != ' ' && *p != '\t')
		return refuse(err, "status line without a status");
	p += strspn(p, BLANKS);
	if (strspn(p, "0123456789") != STATUS_DIGITS ||
	    (p[STATUS_DIGITS] != '\0' && !strchr(BLANKS, p[STATUS_DIGITS])))
		return refuse(err, "status line without a status");
	m->status = (unsigned)g_ascii_strtoull(p, NULL, 10);
	m->reason = trimmed(p + STATUS_DIGITS);
	return true;
}

static bool
add_continuation(struct icap_message *m, const char *line, GError **err)
{
	struct icap_field *f;

	if (m->fields->len == 0)
		return refuse(err, "a continuation line before the first field");
	f = g_ptr_array_index(m->fields, m->fields->len - 1);
	if (!f->more)
		f->more = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(f->more, trimmed(line));
	return true;
}

static bool
add_field(struct icap_message *m, const char *line, GError **err)
{
	const char *colon = strchr(line, ':');
	struct icap_field *f;

	if (!colon || colon == line)
		return refuse(err, "a header line without a name");
	f = g_new0(struct icap_field, 1);
	f->name = g_strchomp(g_strndup(line, (gsize)(colon - line)));
	f->value = trimmed(colon + 1);
	g_ptr_array_add(m->fields, f);
	return true;
}

bool
icap_message_line(struct icap_message *m, const char *line, GError **err)
{
	m->bytes += strlen(line);
	if (++m->lines > ICAP_LINES_MAX || m->bytes > ICAP_HEAD_MAX) {
		g_set_error(err, NET_ERROR, NET_E_LONG, "head longer than %d lines or %d bytes",
		    ICAP_LINES_MAX, ICAP_HEAD_MAX);
		return false;
	}
	if (m->status == 0)
		return parse_status(m, line, err);
	if (line[0] == '\0') {
		m->complete = true;
		return true;
	}
	return strchr(BLANKS, line[0]) ? add_continuation(m, line, err) : add_field(m, line, err);
}

bool
icap_message_read(struct icap_message *m, struct wire *w, GError **err)
{
	g_autoptr(GString) line = g_string_new(NULL);

	while (!m->complete) {
		g_string_truncate(line, 0);
		if (!wire_line(w, ICAP_LINE_MAX, line, err) ||
		    !icap_message_line(m, line->str, err))
			return false;
	}
	return true;
}

const struct icap_field *
icap_field_find(const struct icap_message *m, const char *name)
{
	for (guint i = 0; i < m->fields->len; i++) {
		const struct icap_field *f = g_ptr_array_index(m->fields, i);

		if (g_ascii_strcasecmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

const char *
icap_value(const struct icap_message *m, const char *name)
{
	const struct icap_field *f = icap_field_find(m, name);

	return f ? f->value : NULL;
}

bool
icap_list_has(const struct icap_message *m, const char *name, const char *word)
{
	for (guint i = 0; i < m->fields->len; i++) {
		const struct icap_field *f = g_ptr_array_index(m->fields, i);
		g_auto(GStrv) words = NULL;

		if (g_ascii_strcasecmp(f->name, name) != 0)
			continue;
		words = g_strsplit(f->value, ",", -1);
		for (char **w = words; *w; w++)
			if (g_ascii_strcasecmp(g_strstrip(*w), word) == 0)
				return true;
	}
	return false;
}

static bool
parse_number(const char *s, uint64_t *out)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > NUMBER_DIGITS || s[n] != '\0')
		return false;
	*out = g_ascii_strtoull(s, NULL, 10);
	return true;
}

uint64_t
icap_number(const struct icap_message *m, const char *name, uint64_t fallback)
{
	const char *value = icap_value(m, name);
	uint64_t n;

	return value && parse_number(value, &n) ? n : fallback;
}

/* One "name=offset". */
static bool
take_part(struct icap_parts *p, char *part)
{
	static const struct {
		const char *word;
		enum icap_body body;
	} bodies[] = {
		{ "null-body", ICAP_BODY_NULL },
		{ "req-body", ICAP_BODY_REQ },
		{ "res-body", ICAP_BODY_RES },
		{ "opt-body", ICAP_BODY_OPT },
	};
	char *eq = strchr(part, '=');
	uint64_t at;

	if (!eq || p->body != ICAP_BODY_UNKNOWN) /* the body comes last */
		return false;
	*eq = '\0';
	g_strstrip(part);
	if (!parse_number(g_strstrip(eq + 1), &at) || at > ICAP_HEAD_MAX || at < p->heads_len)
		return false;
	p->heads_len = at;
	if (g_ascii_strcasecmp(part, "req-hdr") == 0)
		return p->request_head ? false : (p->request_head = true);
	if (g_ascii_strcasecmp(part, "res-hdr") == 0) {
		p->response_at = at;
		return p->response_head ? false : (p->response_head = true);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++)
		if (g_ascii_strcasecmp(part, bodies[i].word) == 0)
			p->body = bodies[i].body;
	return p->body != ICAP_BODY_UNKNOWN;
}

bool
icap_parts_parse(const struct icap_message *m, struct icap_parts *p)
{
	const char *value = icap_value(m, "Encapsulated");
	g_auto(GStrv) parts = NULL;

	*p = (struct icap_parts){ 0 };
	if (!value)
		return true;
	parts = g_strsplit(value, ",", -1);
	for (char **part = parts; *part; part++)
		if (!take_part(p, *part))
			return false;
	return p->body != ICAP_BODY_UNKNOWN;
}
