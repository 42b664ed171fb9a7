/*
 * value - numbers, times, sizes, modes and booleans as they are written, and back
 */
#include "conf/value.h"

#include <glib.h>
#include <string.h>

#include "conf/option.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit times[] = {
	{ "d", DAY },
	{ "h", HOUR },
	{ "m", MINUTE },
	{ "s", SECOND },
	{ "ms", 1 },
};
static const struct unit sizes[] = {
	{ "G", GIB },
	{ "M", MIB },
	{ "K", KIB },
};

#define FRACTION_DIGITS 6 /* more are refused: nobody writes them on purpose */

/* The digits at *p, at least one, as a number. */
static bool
digits(const char **p, uint64_t *out)
{
	uint64_t n = 0;

	if (!g_ascii_isdigit(**p))
		return false;
	for (; g_ascii_isdigit(**p); (*p)++) {
		unsigned d = (unsigned)(**p - '0');

		if (n > (UINT64_MAX - d) / 10)
			return false;
		n = n * 10 + d;
	}
	*out = n;
	return true;
}

bool
value_number(const char *text, uint64_t *out)
{
	uint64_t n;

	if (!digits(&text, &n) || *text)
		return false;
	*out = n;
	return true;
}

bool
value_mode(const char *text, uint64_t *out)
{
	uint64_t n = 0;

	if (!*text || strlen(text) > 5 || strspn(text, "01234567") != strlen(text))
		return false;
	for (; *text; text++)
		n = n * 8 + (uint64_t)(*text - '0');
	*out = n;
	return true;
}

/* A number with up to FRACTION_DIGITS decimals and a unit of the table; bare has the factor bare.
 */
static bool
with_unit(const char *text, const struct unit *units, size_t n_units, uint64_t bare, uint64_t *out)
{
	uint64_t whole, part = 0, scale = 1, factor = bare, total;

	if (!digits(&text, &whole))
		return false;
	if (*text == '.') {
		const char *start = ++text;

		if (!digits(&text, &part) || text - start > FRACTION_DIGITS)
			return false;
		for (; start < text; start++)
			scale *= 10;
	}
	if (*text) {
		size_t i = 0;

		while (i < n_units && g_ascii_strcasecmp(text, units[i].name) != 0)
			i++;
		if (i == n_units)
			return false;
		factor = units[i].factor;
	}
	/* part < 10^6 and no factor exceeds 2^30: the product fits. */
	if (whole > (UINT64_MAX - factor) / factor)
		return false;
	total = whole * factor + part * factor / scale;
	if (total == 0 && (whole || part))
		return false;
	*out = total;
	return true;
}

bool
value_time(const char *text, uint64_t *out)
{
	return with_unit(text, times, G_N_ELEMENTS(times), SECOND, out);
}

bool
value_size(const char *text, uint64_t *out)
{
	return with_unit(text, sizes, G_N_ELEMENTS(sizes), 1, out);
}

static char *
text_of(uint64_t n, const struct unit *units, size_t n_units)
{
	for (size_t i = 0; i < n_units && n > 0; i++)
		if (n % units[i].factor == 0)
			return g_strdup_printf(
			    "%" G_GUINT64_FORMAT "%s", n / units[i].factor, units[i].name);
	return g_strdup_printf("%" G_GUINT64_FORMAT, n);
}

char *
value_time_text(uint64_t ms)
{
	return text_of(ms, times, G_N_ELEMENTS(times));
}

char *
value_size_text(uint64_t bytes)
{
	return text_of(bytes, sizes, G_N_ELEMENTS(sizes));
}
