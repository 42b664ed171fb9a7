/* candidates - see candidates.h */
#include "message/candidates.h"

#include <string.h>

#include "message/zipnames.h"

#define CHUNK (64 * 1024)

/* ESC switches the character set of ISO-2022. */
static const char text_controls[] = { '\b', '\t', '\n', '\v', '\f', '\r', '\x1b' };

/* A name without its folders, and without what Windows does not see at its end. */
static char *
base_name(const char *name)
{
	const char *slash = strrchr(name, '/'), *back = strrchr(name, '\\');
	const char *from = MAX(slash ? slash + 1 : name, back ? back + 1 : name);
	char *base = g_strdup(from);
	size_t n;

	base[strcspn(base, ":")] = '\0'; /* a stream of NTFS */
	for (n = strlen(base); n > 0 && strchr(". \t\r\n", base[n - 1]); n--)
		base[n - 1] = '\0';
	return base;
}

/* Every word behind a dot: of a.exe.txt both, because which of them counts depends on who looks.
 * member: one of an archive. */
static void
add_name(struct candidates *c, const char *name, bool member)
{
	g_autofree char *base = base_name(name);
	const char *p = strchr(base, '.');

	if (member && g_str_has_suffix(name, "/"))
		return; /* a folder */
	c->bare |= p == NULL;
	while (p) {
		const char *next = strchr(p + 1, '.');
		g_autofree char *word =
		    next ? g_strndup(p + 1, (gsize)(next - p - 1)) : g_strdup(p + 1);
		char *low = g_ascii_strdown(g_strstrip(word), -1);

		c->obscure |= member && sniff_is_archive(low);
		g_hash_table_add(c->extensions, low);
		p = next;
	}
}

static void
add_detected(struct candidates *c)
{
	g_auto(GStrv) words = g_strsplit(c->detected.extensions, ",", -1);

	for (char **w = words; *w; w++)
		g_hash_table_add(c->extensions, g_strdup(*w));
	c->obscure |= c->detected.closed;
}

static void
add_members(struct candidates *c, const struct objects *set, const struct object *o)
{
	const guint before = c->names->len;
	const enum zipnames z = zipnames_add(set, o, c->names);

	if (z == ZIPNAMES_UNKNOWN ||
	    (z == ZIPNAMES_NONE && strcmp(c->detected.type, "application/zip") == 0))
		c->obscure = true;
	for (guint i = before; i < c->names->len; i++)
		add_name(c, g_ptr_array_index(c->names, i), true);
}

/* Eight bits are some character set's letters; a NUL (UTF-16, too) is no text for whoever looks at bytes. */
static bool
fits_text(char c)
{
	return !g_ascii_iscntrl(c) || memchr(text_controls, c, sizeof(text_controls)) != NULL;
}

static bool
has_text(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!fits_text(p[i]))
			return false;
	return true;
}

/* From its first byte to its last: a program may stand behind a page of text. */
static bool
is_textual(const struct candidates *c, const struct objects *set, const struct object *o)
{
	g_autofree char *chunk = NULL;

	if (!g_str_has_prefix(c->declared, "text/") || !g_str_has_prefix(c->detected.type, "text/"))
		return false;
	chunk = g_malloc(CHUNK);
	for (uint64_t at = 0; at < o->size; at += CHUNK) {
		const size_t n = (size_t)MIN(o->size - at, CHUNK);

		if (!objects_read(set, o, at, chunk, n, NULL) || !has_text(chunk, n))
			return false;
	}
	return true;
}

struct candidates *
candidates_new(const struct objects *set, const struct object *o)
{
	struct candidates *c = g_new0(struct candidates, 1);
	const size_t len = (size_t)MIN(o->size, SNIFF_MAX);
	g_autofree char *head = g_malloc(SNIFF_MAX);

	c->declared = o->type ? o->type : "text/plain"; /* RFC 2045 5.2 */
	c->names = g_ptr_array_new_with_free_func(g_free);
	c->extensions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (objects_read(set, o, 0, head, len, NULL)) {
		c->detected = sniff(head, len);
	} else {
		c->detected = sniff("", 0);
		c->obscure = true;
	}
	c->textual = is_textual(c, set, o);
	c->bare = !o->names || !*o->names;
	for (char **n = o->names; n && *n; n++) {
		g_ptr_array_add(c->names, g_strdup(*n));
		add_name(c, *n, false);
	}
	add_detected(c);
	add_members(c, set, o);
	return c;
}

void
candidates_free(struct candidates **cp)
{
	struct candidates *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	g_ptr_array_unref(c->names);
	g_hash_table_unref(c->extensions);
	g_free(c);
}
