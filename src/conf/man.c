/*
 * man - the section OPTIONS of avmilter.conf(5), from the tables
 */
#include <string.h>

#include "conf/conf.h"
#include "conf/field.h"
#include "conf/option.h"

/* Text for roff: backslashes and hyphens as they are, no line that begins with a request. */
static char *
roff(const char *text)
{
	GString *out = g_string_new(*text == '.' || *text == '\'' ? "\\&" : "");

	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			g_string_append(out, "\\e");
		else if (*p == '-')
			g_string_append(out, "\\-");
		else
			g_string_append_c(out, *p);
	}
	return g_string_free(out, FALSE);
}

static void
row(GString *out, const struct conf_option *o)
{
	bool quoted = o->type == CONF_T_STR || o->type == CONF_T_ENUM || o->type == CONF_T_ACTION;
	g_autofree char *plain_range = field_doc(o), *range = roff(plain_range),
			*help = roff(o->help);
	g_autofree char *shown = quoted ? field_quote(o->def) : g_strdup(o->def),
			*def = roff(shown);

	g_string_append_printf(
	    out, ".TP\n.B %s\n%c%s.\n", o->name, g_ascii_toupper(help[0]), help + 1);
	if (o->type == CONF_T_MAP)
		g_string_append_printf(out, "A section: %s { %s }.\n", o->name, range);
	else if (o->flags & NEEDED)
		g_string_append_printf(out, "%c%s; must be written, for example %s.\n",
		    g_ascii_toupper(range[0]), range + 1, def);
	else
		g_string_append_printf(
		    out, "%c%s; default %s.\n", g_ascii_toupper(range[0]), range + 1, def);
	if (o->flags & RESTART)
		g_string_append(out, "A HUP does not change it.\n");
}

static void
rows(GString *out, const char *section)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].section, section) == 0)
			row(out, &o[i]);
}

static bool
has_rows(const char *section)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].section, section) == 0)
			return true;
	return false;
}

static void
heading(GString *out, const struct conf_section *s)
{
	g_autofree char *help = roff(s->help);

	if (s->kind == SECTION_TOP)
		g_string_append(out, ".SS Outside of sections\n");
	else if (strcmp(s->name, "each") == 0)
		g_string_append(out, ".SS antivirus { ... } and every engine\n");
	else if (strcmp(s->name, "net") == 0)
		g_string_append(out, ".SS Every engine on the network\n");
	else if (s->kind == SECTION_TITLED || s->kind == SECTION_ENGINE)
		g_string_append_printf(out, ".SS %s \"NAME\" { ... }\n", s->name);
	else
		g_string_append_printf(out, ".SS %s { ... }\n", s->name);
	g_string_append_printf(out, "%s.\n", help);
}

static void
kinds_list(GString *out)
{
	size_t n;
	const struct conf_kind *k = conf_kinds(&n);

	g_string_append(out, ".SS Kinds of engines\nThey stand inside of\n.BR antivirus .\n");
	for (size_t i = 0; i < n; i++) {
		g_autofree char *help = roff(k[i].help);

		if (k[i].class != KIND_TEST)
			g_string_append_printf(out,
			    ".TP\n.BI %s \" \\(dqNAME\\(dq { ... }\"\n%c%s.\n", k[i].name,
			    g_ascii_toupper(help[0]), help + 1);
	}
}

static void
aliases_list(GString *out)
{
	size_t n;
	const struct conf_alias *a = conf_aliases(&n);

	g_string_append(
	    out, ".SS Names of other programs\nAccepted where they differ in spelling only.\n");
	for (size_t i = 0; i < n; i++) {
		if (a[i].value)
			g_string_append_printf(out, ".TP\n.B %s = true\n%s = \"%s\" in %s.\n",
			    a[i].alias, a[i].name, a[i].value, a[i].section);
		else
			g_string_append_printf(out, ".TP\n.B %s\n%s in %s.\n", a[i].alias,
			    a[i].name,
			    strcmp(a[i].section, "each") == 0      ? "antivirus and every engine"
				: strcmp(a[i].section, "net") == 0 ? "every engine on the network"
								   : a[i].section);
	}
}

void
conf_write_man(GString *out)
{
	size_t n;
	const struct conf_section *s = conf_sections(&n);

	for (size_t i = 0; i < n; i++) {
		const struct conf_kind *k = conf_kind_find(s[i].name);

		if ((k && k->class == KIND_TEST) || !has_rows(s[i].name))
			continue;
		if (strcmp(s[i].name, "net") == 0)
			kinds_list(out);
		heading(out, &s[i]);
		rows(out, s[i].name);
	}
	aliases_list(out);
}
