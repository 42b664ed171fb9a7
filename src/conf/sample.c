/*
 * sample - the commented configuration file, from the tables
 *
 * A line that begins with #name is an option at its default, to be uncommented; prose begins with
 * "# ".
 */
#include <string.h>

#include "conf/conf.h"
#include "conf/field.h"
#include "conf/option.h"

#define WIDTH 100 /* columns of a comment */

/* Text as a comment, folded at blanks. */
static void
comment(GString *out, const char *indent, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	size_t column = 0;

	for (char **w = words; *w; w++) {
		size_t len = strlen(*w);

		if (column == 0 || column + 1 + len > WIDTH) {
			g_string_append_printf(out, "%s%s#", column ? "\n" : "", indent);
			column = strlen(indent) * 8 + 1;
		}
		g_string_append_printf(out, " %s", *w);
		column += 1 + len;
	}
	g_string_append_c(out, '\n');
}

static void
heading(GString *out, const char *indent, const char *text)
{
	g_autofree char *line =
	    g_strdup_printf("---- %c%s ----", g_ascii_toupper(text[0]), text + 1);

	comment(out, indent, line);
}

/* The default as it is written, by the option's type. */
static char *
default_text(const struct conf_option *o, const struct conf_kind *kind)
{
	g_autofree char *one = NULL;

	if (kind && strcmp(o->name, "servers") == 0) {
		one = field_quote(kind->servers);
		return g_strdup_printf("{%s}", one);
	}
	if (o->type == CONF_T_STR || o->type == CONF_T_ENUM || o->type == CONF_T_ACTION)
		return field_quote(o->def);
	return g_strdup(o->def);
}

static void
option_lines(
    GString *out, const char *indent, const struct conf_option *o, const struct conf_kind *kind)
{
	g_autofree char *doc = field_doc(o), *def = default_text(o, kind);
	g_autofree char *help = g_strdup_printf("%c%s.", g_ascii_toupper(o->help[0]), o->help + 1);
	g_autofree char *range = g_strdup_printf("%c%s%s%s.", g_ascii_toupper(doc[0]), doc + 1,
	    o->flags & NEEDED ? "; must be written" : "",
	    o->flags & RESTART ? "; needs a restart" : "");

	g_string_append_c(out, '\n');
	comment(out, indent, help);
	comment(out, indent, range);
	if (o->type == CONF_T_MAP)
		g_string_append_printf(out, "%s#%s { }\n", indent, o->name);
	else
		g_string_append_printf(out, "%s#%s = %s\n", indent, o->name, def);
}

/* The rows of one section of sections.def. */
static void
section_rows(GString *out, const char *indent, const char *section, const struct conf_kind *kind)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].section, section) == 0)
			option_lines(out, indent, &o[i], kind);
}

/* NAME { ... }: commented out as a whole when it has a title. */
static void
plain(GString *out, const struct conf_section *s)
{
	bool titled = s->kind == SECTION_TITLED;

	g_string_append_c(out, '\n');
	heading(out, "", s->help);
	g_string_append_printf(out, titled ? "#%s \"example\" {\n" : "%s {\n", s->name);
	section_rows(out, "\t", s->name, NULL);
	g_string_append(out, titled ? "#}\n" : "}\n");
}

static void
engine(GString *out, const struct conf_kind *k)
{
	g_string_append_c(out, '\n');
	heading(out, "\t", k->help);
	g_string_append_printf(out, "\t#%s \"%s\" {\n", k->name, k->name);
	if (k->class == KIND_NET)
		section_rows(out, "\t\t", "net", k);
	section_rows(out, "\t\t", k->name, k);
	g_string_append(out, "\t#}\n");
}

static void
antivirus(GString *out, const struct conf_section *s)
{
	size_t n;
	const struct conf_kind *k = conf_kinds(&n);

	g_string_append_c(out, '\n');
	heading(out, "", s->help);
	g_string_append(out, "antivirus {\n");
	section_rows(out, "\t", "antivirus", NULL);
	g_string_append_c(out, '\n');
	heading(out, "\t", conf_section_find("each")->help);
	section_rows(out, "\t", "each", NULL);
	g_string_append_c(out, '\n');
	comment(out, "\t",
	    "Engines: KIND \"NAME\" { ... }, the name being yours; without any, clamav "
	    "\"clamav\" is there. Every option "
	    "above from enabled on may stand in an engine's section too and holds for that "
	    "engine then.");
	for (size_t i = 0; i < n; i++)
		if (k[i].class != KIND_TEST)
			engine(out, &k[i]);
	g_string_append(out, "}\n");
}

void
conf_write_sample(GString *out)
{
	size_t n;
	const struct conf_section *s = conf_sections(&n);

	comment(out, "",
	    "avmilter.conf - every option with its default; avmilter.conf(5) explains the "
	    "grammar. Written by make docs.");
	comment(out, "",
	    "Take away the # in front of a name to change its value. An empty file is a valid "
	    "configuration: it scans "
	    "with the embedded engine.");
	for (size_t i = 0; i < n; i++) {
		if (s[i].kind == SECTION_TOP)
			section_rows(out, "", "top", NULL);
		else if (strcmp(s[i].name, "antivirus") == 0)
			antivirus(out, &s[i]);
		else if (s[i].kind == SECTION_PLAIN || s[i].kind == SECTION_TITLED)
			plain(out, &s[i]);
	}
	g_string_append_c(out, '\n');
	comment(out, "", "More files; a glob that matches nothing is fine.");
	g_string_append(out, "#include(\"conf.d/*.conf\")\n");
}
