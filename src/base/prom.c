/* prom - see prom.h */
#include "base/prom.h"

#include <stdarg.h>

#define US_PER_SECOND 1e6

void
prom_head(GString *out, const char *name, const char *type, const char *help)
{
	g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
append_label(GString *out, const char *label, const char *value)
{
	g_autofree char *valid = g_utf8_make_valid(value, -1);

	g_string_append_printf(out, "%s=\"", label);
	for (const char *p = valid; *p != '\0'; p++) {
		if (*p == '\n')
			g_string_append(out, "\\n");
		else if (*p == '\\' || *p == '"')
			g_string_append_printf(out, "\\%c", *p);
		else
			g_string_append_c(out, *p);
	}
	g_string_append_c(out, '"');
}

static void
append_value(GString *out, double value)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	g_string_append_printf(out, " %s\n", g_ascii_dtostr(text, sizeof(text), value));
}

void
prom_sample(GString *out, const char *name, double value, ...)
{
	const char *label;
	char before = '{';
	va_list ap;

	g_string_append(out, name);
	va_start(ap, value);
	while ((label = va_arg(ap, const char *)) != NULL) {
		g_string_append_c(out, before);
		append_label(out, label, va_arg(ap, const char *));
		before = ',';
	}
	va_end(ap);
	if (before == ',')
		g_string_append_c(out, '}');
	append_value(out, value);
}

void
prom_histogram(
    GString *out, const char *name, const struct histogram *h, const char *label, const char *value)
{
	g_autofree char *bucket = g_strconcat(name, "_bucket", NULL);
	g_autofree char *sum = g_strconcat(name, "_sum", NULL);
	g_autofree char *count = g_strconcat(name, "_count", NULL);
	struct histogram_view v;

	histogram_read(h, &v);
	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
		prom_sample(out, bucket, (double)v.at_most[i], "le", histogram_bound(i), label,
		    value, NULL);
	prom_sample(out, sum, (double)v.sum_us / US_PER_SECOND, label, value, NULL);
	prom_sample(out, count, (double)v.at_most[HISTOGRAM_BOUNDS], label, value, NULL);
}
