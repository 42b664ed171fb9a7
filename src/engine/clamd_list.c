/* clamd_list - see clamd_list.h */
#include "engine/clamd_list.h"

#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "engine/clamd_reply.h"
#include "verdict/clamav_names.h"

#define LIST_MAX  (1024 * 1024) /* of all replies together */
#define REPLY_MAX 1024          /* of "PONG" */

bool
clamd_list_possible(const struct conn *c)
{
	return wire_passes_fds(c->wire) || c->engine->conf->clamd.pass_by == PASS_PATH;
}

/* One reply of the list. False: it is not a name. */
static bool
take_reply(const char *reply, size_t len, const char *path, const struct scan_request *rq,
    const char *title, struct verdict *v, GPtrArray *names)
{
	struct clamd_reply r;
	bool found;

	clamd_reply_parse(&r, reply, len, 0, CLAMD_PATH, path);
	found = r.said == CLAMD_FOUND;
	if (found) {
		clamav_judge(v, r.text, rq->label, title);
		g_ptr_array_add(names, g_strdup(r.text));
	}
	clamd_reply_clear(&r);
	return found;
}

/* All replies, each with its NUL. */
static bool
take_list(const GString *text, const char *path, const char *first, const struct scan_request *rq,
    const char *title, struct verdict *v)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	size_t at = 0;

	while (at < text->len) {
		const char *end = memchr(text->str + at, '\0', text->len - at);
		const size_t len = end ? (size_t)(end - text->str) - at : 0;

		if (!end || !take_reply(text->str + at, len, path, rq, title, v, names))
			return false;
		at += len + 1;
	}
	return g_ptr_array_find_with_equal_func(names, first, g_str_equal, NULL);
}

static bool
say(struct conn *c, const char *command)
{
	conn_trace(c, 'C', command, strlen(command));
	return wire_write(c->wire, command, strlen(command) + 1, NULL) && wire_sent_all(c->wire);
}

static bool
is_alive(struct conn *c, struct verdict *v)
{
	g_autoptr(GString) reply = g_string_new(NULL);

	return conn_reopen(c, v) && say(c, "zPING") &&
	    wire_until(c->wire, '\0', REPLY_MAX, reply, NULL) && strcmp(reply->str, "PONG") == 0;
}

/* For each such mail: somebody waits for it, and the remedy is the administrator's. */
static void
say_unlisted(const struct conn *c, const char *path, const GString *said)
{
	g_autoptr(GString) shown = g_string_new(NULL);

	log_esc(shown, said->str, said->len, REPLY_MAX);
	log_warn(
	    "engine %s: %s: ALLMATCHSCAN %s did not list what is in it (\"%s\"): a name that the "
	    "whitelist ignores leaves this mail unscannable; let the server read "
	    "path_directory (path_group, path_mode)",
	    c->engine->title, c->address->text, path, shown->str);
}

void
clamd_list(struct conn *c, const char *path, const char *first, const struct scan_request *rq,
    struct verdict *v)
{
	AUTO(verdict_clear) struct verdict more = { 0 };
	g_autofree char *command = g_strdup_printf("zALLMATCHSCAN %s", path);
	g_autoptr(GString) text = g_string_new(NULL);

	if (conn_reopen(c, &more) && say(c, command) && wire_rest(c->wire, LIST_MAX, text, NULL)) {
		conn_trace(c, 'S', text->str, text->len);
		if (take_list(text, path, first, rq, c->engine->title, &more) &&
		    is_alive(c, &more)) {
			verdict_complete(&more);
			verdict_join(v, &more);
			verdict_listed(v);
			return;
		}
	}
	say_unlisted(c, path, text);
}
