#include "scanner/shape.h"

#include <ctype.h>
#include <string.h>

#define OPEN_MAX 1024 /* GMime keeps at most so many boundaries open */

/* The walk: one line after the other, one header field after the other. */
struct walk {
	const struct shape_limits *lim;
	struct verdict *v;
	GHashTable *boundaries; /* of char *; every value declared so far */
	bool in_header;
	bool message; /* this block declares a message/ type: its body begins with a header block */
	uint64_t block;    /* bytes of the header block so far */
	const char *field; /* start of the field at hand, or NULL */
	unsigned semicolons, colons;
	uint64_t parts, dashes;
};

static bool
begins(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) >= n && g_ascii_strncasecmp(p, word, n) == 0;
}

static const char *
find(const char *p, const char *end, const char *word)
{
	for (; p < end; p++)
		if (begins(p, end, word))
			return p;
	return NULL;
}

/* Append the value behind "boundary", quoted or not, to all; returns where it ends. */
static const char *
take_value(const char *p, const char *end, GString *all, GHashTable *set)
{
	g_autoptr(GString) one = g_string_new(NULL);
	bool quoted;

	while (p < end && *p != '=' && *p != ';')
		p++;
	if (p == end || *p == ';')
		return p;
	for (p++; p < end && isspace((unsigned char)*p); p++)
		continue;
	quoted = p < end && *p == '"';
	for (p += quoted;
	     p < end && (quoted ? *p != '"' : *p != ';' && !isspace((unsigned char)*p)); p++) {
		if (quoted && *p == '\\' && p + 1 < end)
			p++;
		if (*p != '\r' && *p != '\n')
			g_string_append_c(one, *p);
	}
	g_string_append_len(all, one->str, (gssize)one->len);
	g_hash_table_add(set, g_strdup(one->str));
	return p;
}

/* Every boundary that a Content-Type field may be read to declare: each value, and all of them in a
 * row (RFC 2231). */
static void
declare(struct walk *w, const char *p, const char *end)
{
	g_autoptr(GString) all = g_string_new(NULL);

	if (find(p, end, "message/"))
		w->message = true;
	while ((p = find(p, end, "boundary")) != NULL)
		p = take_value(p, end, all, w->boundaries);
	if (all->len > 0)
		g_hash_table_add(w->boundaries, g_strdup(all->str));
}

static bool
refuse(struct walk *w, enum reason r, const char *why)
{
	verdict_partial(w->v, r, "%s", why);
	return false;
}

static bool
end_field(struct walk *w, const char *end)
{
	bool content = w->field && begins(w->field, end, "content-");

	if (content && w->semicolons > SHAPE_PARAMETERS_MAX)
		return refuse(w, REASON_LIMIT_SIZE, "a header field with too many parameters");
	if (w->field && !content && w->colons > SHAPE_GROUPS_MAX)
		return refuse(w, REASON_LIMIT_DEPTH, "a header field with too many address groups");
	if (content && begins(w->field, end, "content-type"))
		declare(w, w->field, end);
	w->field = NULL;
	w->semicolons = w->colons = 0;
	return true;
}

static void
begin_block(struct walk *w)
{
	w->in_header = true;
	w->message = false;
	w->block = 0;
	w->field = NULL;
	w->semicolons = w->colons = 0;
}

static bool
header_line(struct walk *w, const char *line, const char *end)
{
	bool blank = end - line == 1 || (end - line == 2 && line[0] == '\r');

	if (blank) {
		bool ok = end_field(w, line);
		w->in_header = false;
		if (w->message)
			begin_block(w);
		return ok;
	}
	if (*line != ' ' && *line != '\t') {
		if (!end_field(w, line))
			return false;
		w->field = line;
	}
	w->block += (uint64_t)(end - line);
	if (w->block > w->lim->header_max)
		return refuse(w, REASON_LIMIT_SIZE, "a header block larger than header_max");
	for (const char *p = line; p < end; p++) {
		w->semicolons += *p == ';';
		w->colons += *p == ':';
	}
	return true;
}

/* A line that begins with "--": 0 = not a declared delimiter, 1 = opens a part, 2 = closes. */
static int
delimiter(const struct walk *w, const char *line, const char *end)
{
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	g_autofree char *text = g_strndup(line + 2, (gsize)(end - line - 2));
	size_t n = strlen(text);

	if (g_hash_table_contains(w->boundaries, text))
		return 1;
	if (n < 2 || strcmp(text + n - 2, "--") != 0)
		return 0;
	text[n - 2] = '\0';
	return g_hash_table_contains(w->boundaries, text) ? 2 : 0;
}

static bool
dash_line(struct walk *w, const char *line, const char *end)
{
	unsigned open = MIN(g_hash_table_size(w->boundaries), OPEN_MAX);

	if (++w->dashes * open > SHAPE_COMPARES_MAX)
		return refuse(w, REASON_LIMIT_DEPTH, "too many delimiter lines in too many parts");
	int what = delimiter(w, line, end);
	if (what == 0)
		return w->in_header ? header_line(w, line, end) : true;
	if (w->in_header && !end_field(w, line))
		return false;
	w->in_header = false;
	if (what == 1) {
		begin_block(w);
		if (++w->parts > w->lim->parts_max)
			return refuse(w, REASON_LIMIT_FILES, "more parts than max_file_count");
	}
	return true;
}

bool
shape_acceptable(const void *data, size_t len, const struct shape_limits *lim, struct verdict *v)
{
	g_autoptr(GHashTable) set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct walk w = { .lim = lim, .v = v, .boundaries = set };
	const char *p = data, *stop = p + len;
	bool ok = true;

	begin_block(&w);
	while (ok && p < stop) {
		const char *nl = memchr(p, '\n', (size_t)(stop - p));
		const char *end = nl ? nl + 1 : stop;
		if (end - p >= 2 && p[0] == '-' && p[1] == '-')
			ok = dash_line(&w, p, end);
		else if (w.in_header)
			ok = header_line(&w, p, end);
		p = end;
	}
	return ok && (!w.in_header || end_field(&w, stop));
}
