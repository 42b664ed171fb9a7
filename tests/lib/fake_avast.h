/*
 * fake_avast - the server's side of Avast's socket; %P in an answer is the path as it was sent
 */
#ifndef AVM_TESTS_FAKE_AVAST_H
#define AVM_TESTS_FAKE_AVAST_H

#include "fake_server.h"

static inline void
fake_avast_say(struct fake_conn *c, const char *text)
{
	fake_say(c->fd, text, strlen(text));
}

static inline int
fake_avast_request(struct fake_conn *c)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_autofree char *bytes = NULL;
	gsize len;

	if (c->commands++ == 0)
		fake_avast_say(c, "220 DAEMON\r\n");
	if (!fake_until(c->fd, "\r\n", 2, line))
		return 0;
	g_string_truncate(line, line->len - 2);
	if (strcmp(line->str, "VPS") == 0) {
		fake_avast_say(c, c->f->options);
		return 'p';
	}
	if (!g_str_has_prefix(line->str, "SCAN /"))
		return 0;
	if (!g_file_get_contents(line->str + 5, &bytes, &len, NULL))
		return 0;
	atomic_store(&c->f->got, len);
	g_strlcpy(c->path, line->str + 5, sizeof(c->path));
	return 'o';
}

static inline bool
fake_avast_stays(struct fake_conn *c)
{
	(void)c;
	return true;
}

static const struct fake_protocol fake_avast = {fake_avast_request, NULL, NULL, fake_avast_stays};

#endif
