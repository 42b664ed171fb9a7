/*
 * fake_http - the server's side of HTTP's framing; what it answers is the test's
 */
#ifndef AVM_TESTS_FAKE_HTTP_H
#define AVM_TESTS_FAKE_HTTP_H

#include "fake_server.h"

/* Take n bytes of an object, and count them. */
static inline bool
fake_http_body(struct fake_conn *c, size_t n)
{
	g_autofree char *bytes = g_malloc(n + 1);

	if (!fake_read(c->fd, bytes, n))
		return false;
	atomic_store(&c->f->got, n);
	return true;
}

/* The file that a request names, which must be readable. */
static inline bool
fake_http_file(struct fake_conn *c, const char *path)
{
	g_autofree char *bytes = NULL, *name = g_uri_unescape_string(path, NULL);
	gsize len;

	if (!name || !g_file_get_contents(name, &bytes, &len, NULL))
		return false;
	atomic_store(&c->f->got, len);
	return true;
}

static inline int
fake_http_post(struct fake_conn *c, const char *head)
{
	const char *at = strstr(head, "Content-Length: "), *path = strstr(head, "?path=");
	size_t n = at ? (size_t)g_ascii_strtoull(at + 16, NULL, 10) : 0;

	if (!at)
		return 0;
	if (fake_play(c)->early)
		return 'o';
	if (path) {
		g_autofree char *name = g_strndup(path + 6, strcspn(path + 6, "& "));

		return fake_http_file(c, name) ? 'o' : 0;
	}
	if (g_str_has_prefix(head, "POST /scanfile ")) {
		g_autofree char *name = g_malloc0(n + 1);

		return fake_read(c->fd, name, n) && fake_http_file(c, name) ? 'o' : 0;
	}
	return fake_http_body(c, n) ? 'o' : 0;
}

static inline int
fake_http_request(struct fake_conn *c)
{
	g_autoptr(GString) head = g_string_new(NULL);

	if (!fake_until(c->fd, "\r\n\r\n", 4, head))
		return 0;
	if (g_str_has_prefix(head->str, "GET ")) {
		fake_say(c->fd, c->f->options, strlen(c->f->options));
		return 'p';
	}
	return g_str_has_prefix(head->str, "POST ") ? fake_http_post(c, head->str) : 0;
}

static inline bool
fake_http_stays(struct fake_conn *c)
{
	return strstr(c->f->options, "close") == NULL;
}

static const struct fake_protocol fake_http = {fake_http_request, NULL, NULL, fake_http_stays};

#endif
