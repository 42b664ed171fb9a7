/* facts - see facts.h */
#include "policy/facts.h"

#include <string.h>

/* "quo\"ted"@domain -> quo"ted@domain; an MTA delivers both to the same mailbox. */
static char *
unquote(const char *address, size_t len)
{
	GString *out = g_string_sized_new(len);
	size_t i = 1;

	for (; i < len && address[i] != '"'; i++) {
		if (address[i] == '\\' && i + 1 < len)
			i++;
		g_string_append_c(out, address[i]);
	}
	if (i < len)
		g_string_append_len(out, address + i + 1, (gssize)(len - i - 1));
	return g_string_free(out, FALSE);
}

char *
facts_address(const char *envelope)
{
	g_autofree char *plain = NULL;
	const char *from = envelope, *colon;
	size_t len = strlen(envelope);

	if (len >= 2 && from[0] == '<' && from[len - 1] == '>') {
		from++;
		len -= 2;
	}
	/* RFC 5321 4.1.1.3: a source route, @a,@b:user@c, is ignored. */
	if (len > 0 && from[0] == '@' && (colon = memchr(from, ':', len))) {
		len -= (size_t)(colon + 1 - from);
		from = colon + 1;
	}
	plain = len > 0 && from[0] == '"' ? unquote(from, len) : g_strndup(from, len);
	return g_ascii_strdown(plain, -1);
}

void
facts_of(const struct message *m, struct facts *out)
{
	const guint kept = m->recipients ? m->recipients->len : 0;

	*out = (struct facts){ .client = m->client_addr, .daemon = m->daemon };
	out->traffic = m->auth                ? TRAFFIC_AUTHENTICATED
	    : !m->client_addr || m->submitted ? TRAFFIC_LOCAL
					      : TRAFFIC_MX;
	out->sender = facts_address(m->sender ? m->sender : "");
	out->recipients = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < kept; i++)
		g_ptr_array_add(
		    out->recipients, facts_address(g_ptr_array_index(m->recipients, i)));
	out->unknown = m->recipients_total > kept ? m->recipients_total - kept : 0;
}

void
facts_clear(struct facts *f)
{
	g_free(f->sender);
	g_clear_pointer(&f->recipients, g_ptr_array_unref);
	*f = (struct facts){ 0 };
}
