/* alert_texts - see alert_texts.h */
#include "effect/alert_texts.h"

#include <string.h>

#define FILE_MAX_LEN (256 * 1024)
#define TEXT_MAX_LEN 400
#define END_MARK     "***"
#define BOM          "\xef\xbb\xbf"

static const struct {
	unsigned number;
	const char *text;
} built_in[] = {
#define TEXT(number, text) { number, text },
#include "effect/alert_texts.def"
#undef TEXT
};

struct alert_texts {
	char *text[G_N_ELEMENTS(built_in)]; /* NULL: as built in */
};

static bool
find(unsigned number, size_t *at)
{
	for (*at = 0; *at < G_N_ELEMENTS(built_in); (*at)++)
		if (built_in[*at].number == number)
			return true;
	return false;
}

struct alert_texts *
alert_texts_built_in(void)
{
	return g_new0(struct alert_texts, 1);
}

void
alert_texts_free(struct alert_texts **t)
{
	if (*t == NULL)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(built_in); i++)
		g_free((*t)->text[i]);
	g_clear_pointer(t, g_free);
}

const char *
alert_text(const struct alert_texts *t, unsigned number)
{
	size_t i;

	if (!find(number, &i))
		return "";
	return t->text[i] != NULL ? t->text[i] : built_in[i].text;
}

static bool
has_control(char *s)
{
	for (; *s != '\0'; s = g_utf8_next_char(s))
		if (g_unichar_iscntrl(g_utf8_get_char(s)))
			return true;
	return false;
}

/* One entry. NULL, or what is wrong with it (static). The line is changed. */
static const char *
take_line(struct alert_texts *t, char *line)
{
	char *end, *text;
	guint64 number;
	size_t i;

	g_strchomp(line);
	if (line[0] == '\0' || line[0] == '#')
		return NULL;
	if (!g_utf8_validate(line, -1, NULL))
		return "is not UTF-8; save the file as UTF-8";
	if (!g_ascii_isdigit(line[0]))
		return "write NUMBER TEXT, or # in front of a comment";
	number = g_ascii_strtoull(line, &end, 10);
	if (*end != '\0' && *end != ' ' && *end != '\t')
		return "write a blank between the number and the text";
	if (number > G_MAXUINT || !find((unsigned)number, &i))
		return "there is no text of this number; see avmilter.messages.sample";
	if (t->text[i] != NULL)
		return "this number stands above already; take one of the two away";
	text = g_strchug(end);
	if ((end = strstr(text, END_MARK)) != NULL)
		*end = '\0';
	g_strchomp(text);
	if (has_control(text))
		return "has a control character; take it out";
	if (strlen(text) > TEXT_MAX_LEN)
		return "is longer than 400 bytes; shorten it";
	t->text[i] = g_strdup(text);
	return NULL;
}

static char *
read_file(const char *path, GError **err)
{
	g_autofree char *text = NULL;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, err))
		return NULL;
	if (len > FILE_MAX_LEN || memchr(text, '\0', len) != NULL) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "%s: is no message file; see avmilter.messages.sample", path);
		return NULL;
	}
	return g_steal_pointer(&text);
}

struct alert_texts *
alert_texts_load(const char *path, GError **err)
{
	struct alert_texts *t = alert_texts_built_in();
	g_autofree char *text = NULL;
	g_autoptr(GString) wrong = g_string_new(NULL);
	g_auto(GStrv) lines = NULL;

	if (path[0] == '\0')
		return t;
	text = read_file(path, err);
	if (text == NULL) {
		alert_texts_free(&t);
		return NULL;
	}
	lines = g_strsplit(g_str_has_prefix(text, BOM) ? text + strlen(BOM) : text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		const char *why = take_line(t, lines[i]);

		if (why != NULL)
			g_string_append_printf(
			    wrong, "%s%s:%u: %s", wrong->len > 0 ? "\n" : "", path, i + 1, why);
	}
	if (wrong->len > 0) {
		g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, wrong->str);
		alert_texts_free(&t);
	}
	return t;
}
