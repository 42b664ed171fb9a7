/*
 * talk - what the line protocols share
 */
#include "engine/talk.h"

#include <stdarg.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "conf/conf.h"

#define CHUNK     (64 * 1024)
#define SHOWN_MAX 200 /* bytes of a reply in a text of ours */

bool
talk_say(struct conn *c, const char *eol, GError **err, const char *fmt, ...)
{
	g_autoptr(GString) line = g_string_new(NULL);
	va_list ap;

	va_start(ap, fmt);
	g_string_vprintf(line, fmt, ap);
	va_end(ap);
	conn_trace(c, 'C', line->str, line->len);
	g_string_append(line, eol);
	return wire_write(c->wire, line->str, line->len, err);
}

bool
talk_hear(struct conn *c, GString *line, GError **err)
{
	bool ok;

	g_string_truncate(line, 0);
	ok = wire_line(c->wire, TALK_LINE_MAX, line, err);
	conn_trace(c, 'S', line->str, line->len);
	return ok;
}

static void
trace_content(const struct conn *c, const struct scan_request *rq, const struct content *content)
{
	char hex[DIGEST_HEX];
	g_autofree char *text = NULL;

	if (!c->engine->conf->trace)
		return;
	digest_hex(rq->object->sha256, hex);
	text = g_strdup_printf("%" G_GUINT64_FORMAT " bytes, sha256 %s", content->size, hex);
	conn_trace(c, 'C', text, strlen(text));
}

bool
talk_send(struct conn *c, const struct scan_request *rq, const struct content *content,
    uint64_t *at, GError **err)
{
	g_autofree char *room = g_malloc(CHUNK);

	if (*at == 0)
		trace_content(c, rq, content);
	while (*at < content->size) {
		size_t n = (size_t)MIN(content->size - *at, CHUNK), put;

		if (!content_read(content, *at, room, n, err) ||
		    !wire_write_some(c->wire, room, n, &put, err))
			return false;
		*at += put;
		if (put < n)
			break;
	}
	return true;
}

char *
talk_path(const struct conn *c, struct content *content, GError **err)
{
	const struct conf_antivirus *av = &c->engine->all->antivirus;
	struct content_place place = { av->path_directory, av->path_group, av->path_mode };
	const char *path = content_path(content, &place, err);
	g_autofree char *remote = NULL;

	if (!path)
		return NULL;
	remote = content_remote_path(path, c->engine->conf->path_map);
	for (const char *p = remote; *p; p++)
		if (g_ascii_iscntrl(*p)) {
			g_set_error(err, NET_ERROR, NET_E_IO,
			    "the name of the file has control characters in it; change "
			    "path_directory or path_map");
			return NULL;
		}
	return g_steal_pointer(&remote);
}

char *
talk_shown(const char *said)
{
	GString *shown = g_string_new(NULL);

	log_esc(shown, said, strlen(said), SHOWN_MAX);
	return g_string_free(shown, FALSE);
}

char *
talk_where(const struct conn *c)
{
	return g_strdup_printf("engine %s: %s: reply", c->engine->title, c->address->text);
}
