#include "scanner/partname.h"

#include <ctype.h>
#include <string.h>

#include "worker/proto.h"

struct names {
	GPtrArray *list;
	bool more;
};

static void
add(struct names *n, const char *bytes, size_t len)
{
	if (len > PARTNAME_LEN_MAX) {
		bytes += len - PARTNAME_LEN_MAX;
		len = PARTNAME_LEN_MAX;
	}
	g_autofree char *name = g_utf8_make_valid(bytes, (gssize)len);
	g_strstrip(name);
	for (char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '_';
	if (*name == '\0')
		return;
	for (unsigned i = 0; i < n->list->len; i++)
		if (strcmp(n->list->pdata[i], name) == 0)
			return;
	if (n->list->len < PROTO_NAMES_MAX)
		g_ptr_array_add(n->list, g_steal_pointer(&name));
	else
		n->more = true;
}

/* charset'language'%41%42 without its front matter and percent signs; in any other text only the
 * percent signs. */
static void
add_percent(struct names *n, const char *value, size_t len)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const char *quote = memchr(value, '\'', len);
	size_t i = 0;

	if (quote) {
		const char *second = memchr(quote + 1, '\'', (size_t)(value + len - quote - 1));
		i = second ? (size_t)(second - value) + 1 : 0;
	}
	for (; i < len; i++) {
		if (value[i] == '%' && i + 2 < len && isxdigit((unsigned char)value[i + 1]) &&
		    isxdigit((unsigned char)value[i + 2])) {
			g_string_append_c(out,
			    (char)(g_ascii_xdigit_value(value[i + 1]) << 4 |
				g_ascii_xdigit_value(value[i + 2])));
			i += 2;
		} else {
			g_string_append_c(out, value[i]);
		}
	}
	add(n, out->str, out->len);
}

static void
add_variants(struct names *n, const GString *value)
{
	add(n, value->str, value->len);
	if (memchr(value->str, '%', value->len) || memchr(value->str, '\'', value->len))
		add_percent(n, value->str, value->len);
	if (strstr(value->str, "=?")) {
		g_autofree char *decoded = g_mime_utils_header_decode_text(NULL, value->str);
		if (decoded)
			add(n, decoded, strlen(decoded));
	}
}

/* Behind "filename" or "name": [*N][*] = value. Returns where reading goes on; value stays empty if
 * it is no parameter. */
static const char *
read_value(const char *p, GString *value)
{
	while (*p == '*' || isdigit((unsigned char)*p) || isspace((unsigned char)*p))
		p++;
	if (*p != '=')
		return p;
	for (p++; isspace((unsigned char)*p); p++)
		continue;
	bool quoted = *p == '"';
	for (p += quoted; *p != '\0' && (quoted ? *p != '"' : *p != ';'); p++) {
		if (quoted && *p == '\\' && p[1] != '\0')
			p++;
		if (*p != '\r' && *p != '\n')
			g_string_append_c(value, *p);
	}
	return p;
}

static void
add_field(struct names *n, const char *raw)
{
	g_autoptr(GString) all = g_string_new(NULL);
	unsigned values = 0;

	for (const char *p = raw; *p != '\0';) {
		if (g_ascii_strncasecmp(p, "name", 4) != 0) {
			p++;
			continue;
		}
		g_autoptr(GString) value = g_string_new(NULL);
		p = read_value(p + 4, value);
		if (value->len == 0)
			continue;
		add_variants(n, value);
		g_string_append_len(all, value->str, (gssize)value->len);
		values++;
	}
	/* RFC 2231 cuts one name into several parameters. */
	if (values > 1)
		add_variants(n, all);
}

char **
partname_collect(GMimeObject *part, bool *more)
{
	struct names n = { .list = g_ptr_array_new_with_free_func(g_free) };
	GMimeHeaderList *fields = g_mime_object_get_header_list(part);
	const char *name = GMIME_IS_PART(part) ? g_mime_part_get_filename(GMIME_PART(part)) : NULL;

	if (name)
		add(&n, name, strlen(name));
	for (int i = 0; i < g_mime_header_list_get_count(fields); i++) {
		GMimeHeader *h = g_mime_header_list_get_header_at(fields, i);
		const char *which = g_mime_header_get_name(h),
			   *raw = g_mime_header_get_raw_value(h);
		if (raw &&
		    (g_ascii_strcasecmp(which, "Content-Disposition") == 0 ||
			g_ascii_strcasecmp(which, "Content-Type") == 0))
			add_field(&n, raw);
	}
	*more = n.more;
	g_ptr_array_add(n.list, NULL);
	return (char **)g_ptr_array_free(n.list, FALSE);
}
