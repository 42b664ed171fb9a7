/* mailfile - see mailfile.h */
#include "daemon/mailfile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fsx.h"

#define READ_SIZE (64 * 1024)
/* A line that is longer is body, wherever it stands: no MTA takes such a header field. */
#define LINE_MAX_HEADER (1024 * 1024)

struct reader {
	struct message *m;
	GString *line;  /* the unfinished line */
	GString *field; /* the header field at hand, folds as \n; "" = none */
	bool body;
	bool first;
	bool cr; /* in the body: the last byte was a CR */
};

/* Speak the field at hand. */
static void
end_field(struct reader *r)
{
	char *colon = strchr(r->field->str, ':');
	char *end = colon;

	if (colon != NULL) {
		while (end > r->field->str && (end[-1] == ' ' || end[-1] == '\t'))
			end--; /* "X : v" is accepted as X, as MTAs do */
		*end = '\0';
		message_add_header(r->m, r->field->str, colon + 1);
	}
	g_string_truncate(r->field, 0);
}

static bool
is_field(const char *line)
{
	const char *p = line;

	while (*p > 32 && *p < 127 && *p != ':')
		p++;
	if (p == line)
		return false;
	while (*p == ' ' || *p == '\t')
		p++;
	return *p == ':';
}

/* Body bytes with every line end as CRLF. */
static void
add_body(struct reader *r, const char *data, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n' && !r->cr) {
			message_add_body(r->m, data + from, i - from);
			message_add_body(r->m, "\r\n", 2);
			from = i + 1;
		}
		r->cr = data[i] == '\r';
	}
	message_add_body(r->m, data + from, len - from);
}

static void
begin_body(struct reader *r)
{
	end_field(r);
	r->body = true;
}

/* One line of the header without its end. */
static void
take_line(struct reader *r)
{
	GString *l = r->line;
	const bool first = r->first;

	r->first = false;
	if (l->len > 0 && l->str[l->len - 1] == '\r')
		g_string_truncate(l, l->len - 1);
	for (size_t i = 0; i < l->len; i++)
		if (l->str[i] == '\0')
			l->str[i] = ' ';
	if (l->len == 0) {
		begin_body(r);
	} else if ((l->str[0] == ' ' || l->str[0] == '\t') && r->field->len > 0) {
		g_string_append_c(r->field, '\n');
		g_string_append_len(r->field, l->str, (gssize)l->len);
	} else if (is_field(l->str)) {
		end_field(r);
		g_string_append_len(r->field, l->str, (gssize)l->len);
	} else if (!first || strncmp(l->str, "From ", 5) != 0) {
		begin_body(r);
		add_body(r, l->str, l->len);
		add_body(r, "\n", 1);
	}
	g_string_truncate(l, 0);
}

static void
take(struct reader *r, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (r->body) {
			add_body(r, data + i, len - i);
			return;
		}
		if (data[i] == '\n')
			take_line(r);
		else
			g_string_append_c(r->line, data[i]);
		if (r->line->len > LINE_MAX_HEADER) {
			begin_body(r);
			add_body(r, r->line->str, r->line->len);
			g_string_truncate(r->line, 0);
		}
	}
}

bool
mailfile_read(int fd, struct message *m, GError **err)
{
	struct reader r = {
		.m = m, .line = g_string_new(NULL), .field = g_string_new(NULL), .first = true
	};
	g_autofree char *buf = g_malloc(READ_SIZE);
	ssize_t n;

	while ((n = read(fd, buf, READ_SIZE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		take(&r, buf, (size_t)n);
	}
	if (!r.body && r.line->len > 0)
		take_line(&r);
	end_field(&r);
	g_string_free(r.line, TRUE);
	g_string_free(r.field, TRUE);
	return n == 0 ? true : fsx_fail(err, "message", "read");
}
