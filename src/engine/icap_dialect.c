/*
 * icap_dialect - the table, and guessing a row of it
 */
#include "engine/icap_dialect.h"

#include <string.h>

#include "conf/conf.h"

static const struct icap_dialect rows[] = {
#define DIALECT(id, told_by, status_403, null_200, inner_4xx, flags)                               \
	{ DIALECT_##id, told_by, ICAP_##status_403, ICAP_##null_200, ICAP_##inner_4xx, flags },
#include "engine/icap_dialects.def"
#undef DIALECT
};

#define GENERIC (&rows[G_N_ELEMENTS(rows) - 1])

const struct icap_dialect *
icap_dialect_find(int id)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].id == id)
			return &rows[i];
	return GENERIC;
}

static bool
tells(const struct icap_dialect *d, const char *text)
{
	g_auto(GStrv) words = g_strsplit(d->told_by, "|", -1);

	for (char **w = words; *w; w++)
		if (**w && strstr(text, *w))
			return true;
	return false;
}

const struct icap_dialect *
icap_dialect_guess(const struct icap_message *options)
{
	static const char *const fields[] = { "Service", "Service-ID", "Server" };
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		const char *value = icap_value(options, fields[i]);

		if (value)
			g_string_append_printf(text, "%s\n", value);
	}
	g_string_ascii_down(text);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (tells(&rows[i], text->str))
			return &rows[i];
	return GENERIC;
}
