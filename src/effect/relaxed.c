/* relaxed - see relaxed.h */
#include "effect/relaxed.h"

#include <string.h>

#define BLANKS " \t\r\n"

char *
relaxed_name(const char *name)
{
	return g_strchomp(g_ascii_strdown(name, -1));
}

void
relaxed_add(GString *to, const char *value)
{
	bool gap = false, quoted = false, escaped = false;

	value += strspn(value, BLANKS);
	for (; *value != '\0'; value++) {
		if (!quoted && strchr(BLANKS, *value) != NULL) {
			gap = true;
			continue;
		}
		if (gap)
			g_string_append_c(to, ' ');
		gap = false;
		/* libmilter writes the fold of a file, CR LF, as LF */
		if (!g_str_has_prefix(value, "\r\n"))
			g_string_append_c(to, *value);
		if (*value == '"' && !escaped)
			quoted = !quoted;
		escaped = quoted && *value == '\\' && !escaped;
	}
}

bool
relaxed_is_one_field(const char *name, const char *value)
{
	const char *at = value;

	while ((at = strpbrk(at, "\r\n")) != NULL) {
		at += g_str_has_prefix(at, "\r\n");
		if (*at != '\n' || (at[1] != ' ' && at[1] != '\t'))
			return false;
		at++;
	}
	return strpbrk(name, "\r\n") == NULL;
}

/* Each field ends with a NUL, so that no two lists look alike. False: it is more than one field. */
static bool
add_field(struct digest *d, const char *name, const char *value)
{
	g_autofree char *low = relaxed_name(name);
	g_autoptr(GString) line = g_string_new(low);

	if (!relaxed_is_one_field(name, value))
		return false;
	if (strcmp(low, "mime-version") != 0 && !g_str_has_prefix(low, "content-"))
		return true;
	g_string_append_c(line, ':');
	relaxed_add(line, value);
	digest_add(d, line->str, line->len + 1);
	return true;
}

bool
relaxed_mime(const struct message *m, uint8_t out[DIGEST_LEN])
{
	struct digest *d = digest_new();
	bool good = !m->headers_over;

	for (guint i = 0; good && i < m->headers->len; i++) {
		const struct header *h = g_ptr_array_index(m->headers, i);

		good = add_field(d, h->name, h->value);
	}
	digest_end(d, out);
	digest_free(&d);
	return good;
}

/* Where the field that begins at s ends: before the CR LF behind which the next one begins. */
static const char *
field_end(const char *s)
{
	const char *end;

	for (end = strstr(s, "\r\n"); end != NULL; end = strstr(end + 2, "\r\n"))
		if (end[2] != ' ' && end[2] != '\t')
			return end;
	return s + strlen(s);
}

bool
relaxed_mime_text(const char *block, uint8_t out[DIGEST_LEN])
{
	struct digest *d = digest_new();
	bool good = true;

	while (good && *block != '\0' && !g_str_has_prefix(block, "\r\n")) {
		const char *end = field_end(block);
		const char *colon = memchr(block, ':', (size_t)(end - block));

		if (colon != NULL) {
			g_autofree char *name = g_strndup(block, (gsize)(colon - block));
			g_autofree char *value = g_strndup(colon + 1, (gsize)(end - colon - 1));

			good = add_field(d, name, value);
		}
		block = *end != '\0' ? end + 2 : end;
	}
	digest_end(d, out);
	digest_free(&d);
	return good;
}
