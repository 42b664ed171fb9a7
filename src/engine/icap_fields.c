/*
 * icap_fields - filling in request_header
 */
#include "engine/icap_fields.h"

#include <arpa/inet.h>
#include <string.h>

#include "conf/conf.h"
#include "engine/icap_request.h"
#include "message/message.h"

static const char *const names[] = { "sender", "recipient", "client", "helo", "qid", "ref",
	"msgid" };

/* The value of a name; NULL = there is no such name. */
static const char *
lookup(const char *name, const struct message *m)
{
	const char *const values[] = {
		m->sender,
		m->recipients && m->recipients->len > 0 ? g_ptr_array_index(m->recipients, 0) : "",
		m->client_addr,
		m->helo,
		m->id,
		m->ref,
		m->message_id,
	};

	G_STATIC_ASSERT(G_N_ELEMENTS(values) == G_N_ELEMENTS(names));
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(names[i], name) == 0)
			return values[i] ? values[i] : "";
	return NULL;
}

/* The name in "%{name}" at p, or NULL when p begins none; *end is behind it. */
static char *
name_at(const char *p, const char **end)
{
	const char *close;

	if (!g_str_has_prefix(p, "%{"))
		return NULL;
	close = strchr(p, '}');
	if (!close)
		return NULL;
	*end = close + 1;
	return g_strndup(p + 2, (gsize)(close - p - 2));
}

char *
icap_fields_fill(const char *text, const struct message *m)
{
	GString *out = g_string_new(NULL);
	const char *end;

	while (*text) {
		g_autofree char *name = name_at(text, &end);
		const char *value = name ? lookup(name, m) : NULL;

		if (value) {
			g_string_append(out, value);
			text = end;
			continue;
		}
		if (g_str_has_prefix(text, "%%"))
			text++;
		g_string_append_c(out, *text++);
	}
	return g_string_free(out, FALSE);
}

char *
icap_fields_check(const char *text)
{
	const char *end;

	for (; *text; text++) {
		g_autofree char *name = name_at(text, &end);
		bool known = false;

		for (size_t i = 0; name && i < G_N_ELEMENTS(names); i++)
			known = known || strcmp(names[i], name) == 0;
		if (name && !known)
			return g_steal_pointer(&name);
		if (g_str_has_prefix(text, "%%"))
			text++;
	}
	return NULL;
}

GPtrArray *
icap_fields_new(const GPtrArray *pairs, const struct message *m)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < pairs->len; i++) {
		const struct conf_pair *pair = g_ptr_array_index(pairs, i);
		g_autofree char *value = icap_fields_fill(pair->value, m);
		GString *line = g_string_new(NULL);

		icap_field_write(line, pair->name, value);
		g_ptr_array_add(lines, g_string_free(line, FALSE));
	}
	return lines;
}

const char *
icap_fields_client(const struct message *m)
{
	struct in_addr any;

	return m->client_addr && inet_pton(AF_INET, m->client_addr, &any) == 1 ? m->client_addr
									       : NULL;
}
