/*
 * fake_lines - the server's side of the protocols made of lines: savapi, sssp, fprot, klms. Framing only: what they answer to
 * an object is the test's
 */
#ifndef AVM_TESTS_FAKE_LINES_H
#define AVM_TESTS_FAKE_LINES_H

#include "fake_server.h"

#define FAKE_ACC "ACC 5B992B5C/1\r\n"

static inline bool
fake_line(struct fake_conn *c, GString *line)
{
	if (!fake_until(c->fd, "\n", 1, line))
		return false;
	g_strchomp(line->str);
	g_string_set_size(line, strlen(line->str));
	return true;
}

static inline void
fake_puts(struct fake_conn *c, const char *text)
{
	fake_say(c->fd, text, strlen(text));
}

/* Say hello to a new connection. */
static inline void
fake_hello(struct fake_conn *c, const char *text)
{
	if (!c->session)
		fake_puts(c, text);
	c->session = true;
}

static inline int
fake_by_name(struct fake_conn *c, const char *path)
{
	g_autofree char *bytes = NULL;
	gsize len;

	if (!g_file_get_contents(path, &bytes, &len, NULL))
		return 0;
	atomic_store(&c->f->got, len);
	g_free(c->name);
	c->name = g_strdup(path);
	return 'o';
}

static inline int
fake_by_size(struct fake_conn *c, const char *number)
{
	gsize len = (gsize)g_ascii_strtoull(number, NULL, 10);
	g_autofree char *bytes = g_malloc(len + 1);

	if (fake_play(c)->early)
		return 'o';
	if (!fake_read(c->fd, bytes, len))
		return 0;
	atomic_store(&c->f->got, len);
	return 'o';
}

static inline bool
fake_lines_stay(struct fake_conn *c)
{
	(void)c;
	return true;
}

static inline bool
fake_lines_leave(struct fake_conn *c)
{
	(void)c;
	return false;
}

static inline int
fake_savapi_request(struct fake_conn *c)
{
	g_autoptr(GString) line = g_string_new(NULL);

	fake_hello(c, "100 SAVAPI:4.0\n");
	if (!fake_line(c, line) || strcmp(line->str, "QUIT") == 0)
		return 0;
	if (g_str_has_prefix(line->str, "SCAN "))
		return fake_by_name(c, line->str + 5);
	if (g_str_has_prefix(line->str, "SET ")) {
		g_autofree char *set = g_strdelimit(g_strdup(line->str + 4), " ", ':');
		g_autofree char *reply = g_strdup_printf("100 %s\n", set);

		fake_puts(c, reply);
		return 's';
	}
	fake_puts(c, strcmp(line->str, "GET VDF") == 0 ? "100 VDF:8.20.25.112\n"
	                                               : "100 SAVAPI:4.0\n");
	return 'p';
}

static inline int
fake_sssp_request(struct fake_conn *c)
{
	g_autoptr(GString) line = g_string_new(NULL);

	fake_hello(c, "OK SSSP/1.0\r\n");
	if (!fake_line(c, line) || strcmp(line->str, "BYE") == 0)
		return 0;
	if (g_str_has_prefix(line->str, "SCANDATA "))
		return fake_by_size(c, line->str + 9);
	if (strcmp(line->str, "OPTIONS") == 0) {
		while (line->len > 0) {
			g_string_truncate(line, 0);
			if (!fake_line(c, line))
				return 0;
		}
		fake_puts(c, FAKE_ACC "DONE OK 0000 The function call succeeded\r\n\r\n");
	} else if (strcmp(line->str, "QUERY SERVER") == 0) {
		fake_puts(c, FAKE_ACC "version: Savid 2.6\r\nmethod: SCANDATA\r\nmaxscandata: 0\r\n\r\n");
	} else if (strcmp(line->str, "QUERY ENGINE") == 0) {
		fake_puts(c, FAKE_ACC "savversion: 5.82\r\nvirusdatachecksum: 4b2e\r\n\r\n");
	} else {
		fake_puts(c, strcmp(line->str, "SSSP/1.0") == 0 ? FAKE_ACC : "REJ 1\r\n");
	}
	return 's';
}

static inline void
fake_sssp_begin(struct fake_conn *c, GString *answer)
{
	(void)c;
	g_string_append(answer, FAKE_ACC);
}

/* SCAN [--options] STREAM ID SIZE N */
static inline int
fake_fprot_request(struct fake_conn *c)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_auto(GStrv) words = NULL;
	guint n;

	if (!fake_line(c, line) || strcmp(line->str, "QUIT") == 0)
		return 0;
	if (strcmp(line->str, "HELP") == 0) {
		fake_puts(c, "FPSCAND:6.2.1 ENGINE:4.4.4 PROTOCOL:1.0 SIGNATURE:201012141241d41d8c "
		             "UPTIME:12\nHELP QUIT SCAN QUEUE\n");
		return 'p';
	}
	words = g_strsplit(line->str, " ", -1);
	n = g_strv_length(words);
	if (n < 5 || strcmp(words[0], "SCAN") != 0 || strcmp(words[n - 4], "STREAM") != 0 ||
	    strcmp(words[n - 2], "SIZE") != 0)
		return 0;
	g_free(c->name);
	c->name = g_strdup(words[n - 3]);
	return fake_by_size(c, words[n - 1]);
}

static inline void
fake_fprot_end(struct fake_conn *c, GString *answer)
{
	g_string_append_printf(answer, "%s\n", c->name);
}

static inline int
fake_klms_request(struct fake_conn *c)
{
	g_autoptr(GString) line = g_string_new(NULL);

	if (!fake_line(c, line) || !g_str_has_prefix(line->str, "nSCAN "))
		return 0;
	return fake_by_name(c, line->str + 6);
}

static inline void
fake_klms_begin(struct fake_conn *c, GString *answer)
{
	g_string_append_printf(answer, "%s: ", c->name);
}

static const struct fake_protocol fake_savapi = {.request = fake_savapi_request,
                                                 .stays = fake_lines_stay};
static const struct fake_protocol fake_sssp = {
    .request = fake_sssp_request, .begin = fake_sssp_begin, .stays = fake_lines_stay};
static const struct fake_protocol fake_fprot = {
    .request = fake_fprot_request, .end = fake_fprot_end, .stays = fake_lines_stay};
static const struct fake_protocol fake_klms = {
    .request = fake_klms_request, .begin = fake_klms_begin, .stays = fake_lines_leave};

#endif
