/*
 * icap_options - reading an OPTIONS answer
 */
#include "engine/icap_options.h"

#include <string.h>

#define MS_PER_S    1000
#define TTL_MAX_S   3600
#define PREVIEW_MAX (1024 * 1024)

void
icap_options_free(void *p)
{
	struct icap_options *o = p;

	g_strfreev(o->ignored);
	g_free(o);
}

char *
icap_tag(const struct icap_message *m)
{
	const char *value = icap_value(m, "ISTag");
	g_autoptr(GString) tag = g_string_new(NULL);

	for (const char *p = value; p && *p; p++)
		if (g_ascii_isalnum(*p) || strchr("._+/-", *p))
			g_string_append_c(tag, *p);
	return tag->len > 0 ? g_strdup(tag->str) : NULL;
}

static char **
extensions(const char *list)
{
	g_autofree char *low = g_ascii_strdown(list ? list : "", -1);
	char **out = g_strsplit(low, ",", -1);

	for (char **e = out; *e; e++)
		g_strstrip(*e);
	return out;
}

bool
icap_options_ignore(const struct icap_options *o, const char *name)
{
	const char *dot = strrchr(name, '.');
	g_autofree char *ext = dot ? g_ascii_strdown(dot + 1, -1) : NULL;

	return ext && o->ignored && g_strv_contains((const char *const *)o->ignored, ext);
}

bool
icap_options_read(const struct icap_message *m, struct probe *out)
{
	struct icap_options *o = g_new0(struct icap_options, 1);
	const char *license = icap_value(m, "X-AV-License"),
		   *info = icap_value(m, "X-Definition-Info");
	const char *product = icap_value(m, "Service");

	o->respmod = icap_list_has(m, "Methods", "RESPMOD");
	o->reqmod = icap_list_has(m, "Methods", "REQMOD");
	o->filemod = icap_list_has(m, "Methods", "FILEMOD");
	o->allow_204 = icap_list_has(m, "Allow", "204");
	o->preview = icap_number(m, "Preview", ICAP_NO_PREVIEW);
	if (o->preview > PREVIEW_MAX && o->preview != ICAP_NO_PREVIEW)
		o->preview = PREVIEW_MAX;
	o->ignored = extensions(icap_value(m, "Transfer-Ignore"));
	o->dialect = icap_dialect_guess(m);
	out->detail = o;
	out->detail_free = icap_options_free;
	out->version = g_strdup(product ? product : icap_value(m, "Server"));
	out->tag = icap_tag(m);
	out->definitions = info && info[0] ? g_strdup(info) : g_strdup(out->tag);
	out->max_connections = (unsigned)MIN(icap_number(m, "Max-Connections", 0), G_MAXINT32);
	out->ttl_ms = (int64_t)MIN(icap_number(m, "Options-TTL", TTL_MAX_S), TTL_MAX_S) * MS_PER_S;
	return !license || strcmp(license, "0") != 0;
}
