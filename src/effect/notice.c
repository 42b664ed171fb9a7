/* notice - see notice.h */
#include "effect/notice.h"

#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "base/template.h"

#define VALUE_MAX 300 /* characters of one value */
#define TEXT_MAX  (256 * 1024)
#define LINE_LEN  76
#define BASE64_IN 57 /* bytes of one such line */
#define NAMELESS  "(without a name)"

static const char own_text[] =
    "A part of this message was removed, because of what was found in it.\n"
    "\n"
    "  Removed:    %{name}\n"
    "  Found:      %{virus}\n"
    "  Reference:  %{ref}\n"
    "  Removed by: %{host}\n"
    "\n"
    "All other parts are as the sender sent them. Your postmaster can tell more\n"
    "when you give the reference.\n";

char *
notice_template(const char *file)
{
	g_autoptr(GError) err = NULL;
	g_autofree char *text = NULL;
	gsize len = 0;

	if (!*file)
		return g_strdup(own_text);
	if (!g_file_get_contents(file, &text, &len, &err))
		log_warn("repair_notice = \"%s\": %s: our own text is used", file, err->message);
	else if (len > NOTICE_MAX || !g_utf8_validate(text, (gssize)len, NULL))
		log_warn("repair_notice = \"%s\": not UTF-8, or larger than %d bytes: our own "
			 "text is used",
		    file, NOTICE_MAX);
	else
		return g_steal_pointer(&text);
	return g_strdup(own_text);
}

static bool
is_shown(gunichar c)
{
	switch (g_unichar_type(c)) {
	case G_UNICODE_CONTROL:
	case G_UNICODE_FORMAT:
	case G_UNICODE_SURROGATE:
	case G_UNICODE_UNASSIGNED:
	case G_UNICODE_PRIVATE_USE:
	case G_UNICODE_LINE_SEPARATOR:
	case G_UNICODE_PARAGRAPH_SEPARATOR:
		return false;
	default:
		return true;
	}
}

static void
add_value(GString *to, const char *value)
{
	g_autofree char *valid = g_utf8_make_valid(value, -1);
	unsigned n = 0;

	for (char *p = valid; *p && n++ < VALUE_MAX; p = g_utf8_next_char(p)) {
		const gunichar c = g_utf8_get_char(p);

		g_string_append_unichar(to, is_shown(c) ? c : '_');
	}
}

static void
add_text(GString *to, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			g_string_append(to, "\r\n");
		else if (text[i] != '\r')
			g_string_append_c(to, text[i]);
	}
}

/* The text with CRLF. */
static GString *
expand(const char *template, const struct notice_words *w)
{
	const struct template_word words[] = {
		{ "name", w->name && *w->name ? w->name : NAMELESS },
		{ "type", w->type },
		{ "virus", w->virus },
		{ "engine", w->engine },
		{ "class", w->class_name },
		{ "ref", w->ref },
		{ "qid", w->qid },
		{ "host", w->host },
	};
	struct template t = { template, "%", words, G_N_ELEMENTS(words) };
	GString *out = g_string_sized_new(1024);
	struct template_piece piece;

	while (out->len < TEXT_MAX && template_next(&t, &piece)) {
		if (piece.is_value)
			add_value(out, piece.text);
		else
			add_text(out, piece.text, piece.len);
	}
	if (!g_str_has_suffix(out->str, "\r\n"))
		g_string_append(out, "\r\n");
	return out;
}

/* May it stand in a mail as it is: ASCII, in short lines of which none can be taken for a delimiter? */
static bool
is_plain(const char *text)
{
	size_t line = 0;

	for (const char *p = text; *p; p++) {
		if (line == 0 && g_str_has_prefix(p, "--"))
			return false;
		if ((*p < ' ' || *p > '~') && *p != '\t' && *p != '\r' && *p != '\n')
			return false;
		line = *p == '\n' ? 0 : line + 1;
		if (line > LINE_LEN + 1)
			return false;
	}
	return true;
}

GString *
notice_base64(const void *data, size_t len)
{
	const unsigned char *p = data;
	GString *out = g_string_sized_new(len / BASE64_IN * (LINE_LEN + 2) + LINE_LEN + 2);

	for (size_t at = 0; at < len; at += BASE64_IN) {
		g_autofree char *line = g_base64_encode(p + at, MIN(len - at, BASE64_IN));

		g_string_append(out, line);
		g_string_append(out, "\r\n");
	}
	return out;
}

GBytes *
notice_part(const char *template, const struct notice_words *w)
{
	g_autoptr(GString) text = expand(template, w);
	const bool plain = is_plain(text->str);
	GString *part = g_string_new("Content-Type: text/plain; charset=utf-8\r\n"
				     "Content-Disposition: inline\r\n");

	g_string_append_printf(
	    part, "Content-Transfer-Encoding: %s\r\n\r\n", plain ? "7bit" : "base64");
	if (plain) {
		g_string_append_len(part, text->str, (gssize)text->len);
	} else {
		g_autoptr(GString) coded = notice_base64(text->str, text->len);

		g_string_append_len(part, coded->str, (gssize)coded->len);
	}
	return g_string_free_to_bytes(part);
}
