/*
 * fake_icap - the server's side of ICAP's framing; what it answers is the test's
 */
#ifndef AVM_TESTS_FAKE_ICAP_H
#define AVM_TESTS_FAKE_ICAP_H

#include "fake_server.h"

/* The chunked object; its bytes are counted. */
static inline bool
fake_icap_body(struct fake_conn *c)
{
	unsigned long sum = 0;

	for (;;) {
		g_autoptr(GString) line = g_string_new(NULL);
		g_autofree char *chunk = NULL;
		guint64 n;

		if (!fake_until(c->fd, "\r\n", 2, line))
			return false;
		n = g_ascii_strtoull(line->str, NULL, 16);
		chunk = g_malloc(n + 2);
		if (!fake_read(c->fd, chunk, n + 2))
			return false;
		if (n == 0)
			break;
		sum += n;
	}
	atomic_store(&c->f->got, sum);
	return true;
}

static inline bool
fake_icap_file(struct fake_conn *c, const char *head)
{
	const char *at = strstr(head, "X-Filepath: ");
	g_autofree char *path = at ? g_strndup(at + 12, strcspn(at + 12, "\r")) : NULL;
	g_autofree char *bytes = NULL;
	gsize len;

	if (!path || !g_file_get_contents(path, &bytes, &len, NULL))
		return false;
	atomic_store(&c->f->got, len);
	return true;
}

static inline int
fake_icap_request(struct fake_conn *c)
{
	g_autoptr(GString) head = g_string_new(NULL);
	g_autofree char *heads = NULL;
	const char *at;
	size_t n;

	if (!fake_until(c->fd, "\r\n\r\n", 4, head))
		return 0;
	if (g_str_has_prefix(head->str, "OPTIONS ")) {
		fake_say(c->fd, c->f->options, strlen(c->f->options));
		return 'p';
	}
	if (g_str_has_prefix(head->str, "FILEMOD "))
		return fake_icap_file(c, head->str) ? 'o' : 0;
	at = strstr(head->str, "-body=");
	if (!at)
		return 0;
	n = (size_t)g_ascii_strtoull(at + 6, NULL, 10);
	heads = g_malloc(n + 1);
	if (!fake_read(c->fd, heads, n))
		return 0;
	return fake_play(c)->early || fake_icap_body(c) ? 'o' : 0;
}

static inline bool
fake_icap_stays(struct fake_conn *c)
{
	(void)c;
	return true;
}

static const struct fake_protocol fake_icap = {.request = fake_icap_request,
                                               .stays = fake_icap_stays};

#endif
