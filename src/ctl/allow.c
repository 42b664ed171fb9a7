/* allow - see allow.h */
#include "ctl/allow.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fsx.h"
#include "conf/conf.h"

#define LINE_MAX_BYTES 4096

static bool
refuse(GError **err, const char *what, const char *why)
{
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "allow: %s: %s", what, why);
	return false;
}

static bool
is_whitelist(const struct conf *c, const char *path)
{
	for (guint i = 0; i < c->engines->len; i++)
		if (strcmp(
			((const struct conf_engine *)g_ptr_array_index(c->engines, i))->whitelist,
			path) == 0)
			return *path == '/';
	return false;
}

/* One line of text that says something. JSON is valid UTF-8. */
static bool
is_line(const char *text)
{
	if (text == NULL || *text == '\0' || *text == '#' || strlen(text) > LINE_MAX_BYTES)
		return false;
	for (; *text != '\0'; text += g_utf8_skip[(unsigned char)*text])
		if (g_unichar_iscntrl(g_utf8_get_char(text)))
			return false;
	return true;
}

static bool
check_list(const struct conf *c, const char *config, const json_t *list, GError **err)
{
	const char *path = json_string_value(json_object_get(list, "list"));
	const json_t *line;
	size_t i;

	if (path == NULL || !is_whitelist(c, path)) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "allow: %s is no whitelist of %s; say -c FILE when the daemon has another configuration",
		    path != NULL ? path : "?", config);
		return false;
	}
	json_array_foreach (json_object_get(list, "lines"), i, line)
		if (!is_line(json_string_value(line)))
			return refuse(err, path, "the daemon proposes something that is no line");
	return true;
}

static bool
stands_in(const char *text, const char *line)
{
	const size_t n = strlen(line);

	for (const char *p = text; (p = strstr(p, line)) != NULL; p++)
		if ((p == text || p[-1] == '\n') && (p[n] == '\n' || p[n] == '\r'))
			return true;
	return false;
}

static bool
append(const char *path, const char *text, size_t len, GError **err)
{
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return fsx_fail(err, path, "open");
	errno = ENOSPC; /* of what was written in part */
	if (write(fd, text, len) != (ssize_t)len)
		return fsx_fail(err, path, "write");
	return fsync(fd) == 0 || fsx_fail(err, path, "fsync");
}

/* All that is new in one write: who reads meanwhile sees all of it or nothing. */
static bool
write_list(json_t *list, const char *ref, GError **err)
{
	const char *path = json_string_value(json_object_get(list, "list"));
	g_autofree char *old = NULL;
	g_autoptr(GString) add = g_string_new(NULL);
	const json_t *line;
	json_int_t added = 0;
	size_t i;
	gsize len;

	if (!g_file_get_contents(path, &old, &len, err))
		return false;
	if (len > 0 && old[len - 1] != '\n')
		g_string_append_c(add, '\n');
	g_string_append_printf(add, "# avmilterctl allow %s\n", ref);
	json_array_foreach (json_object_get(list, "lines"), i, line) {
		if (stands_in(old, json_string_value(line)))
			continue;
		g_string_append_printf(add, "%s\n", json_string_value(line));
		added++;
	}
	json_object_set_new(list, "added", json_integer(added));
	return added == 0 || append(path, add->str, add->len, err);
}

bool
allow_write(const char *config, json_t *answer, GError **err)
{
	AUTO(conf_unref) struct conf *c = conf_load(config, err);
	const char *ref = json_string_value(json_object_get(answer, "ref"));
	json_t *lists = json_object_get(answer, "lists"), *list;
	size_t i;

	if (c == NULL)
		return false;
	if (!is_line(ref) || json_array_size(lists) == 0)
		return refuse(err, config, "the answer was not understood");
	json_array_foreach (lists, i, list)
		if (!check_list(c, config, list, err))
			return false;
	json_array_foreach (lists, i, list)
		if (!write_list(list, ref, err))
			return false;
	return true;
}
