#include "scanner/logic.h"

#ifdef AVM_SANITIZED
bool
logic_prepare(bool shortcut)
{
	(void)shortcut;
	return false;
}

uint64_t
logic_held(void)
{
	return LOGIC_UNKNOWN;
}
#else

#include <clamav.h>
#include <dlfcn.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#define VISIBLE __attribute__((visibility("default")))
#define PARTS   64 /* of a logical signature at most; the library keeps so many counts for each */

typedef int checker(const char *, const char *, uint32_t *, unsigned *, uint64_t *, unsigned);

/* What stands behind us and what we know of it: the library calls without a context, no way around a
 * static. */
static struct {
	checker *check;
	bool trusted, shortcut;
	unsigned depth; /* the library calls itself for each side of an operator, and finds us */
	uint64_t held;
} logic;

__attribute__((constructor)) static void
find_library(void)
{
	void *check = dlsym(RTLD_NEXT, "cli_ac_chklsig");

	memcpy(&logic.check, &check, sizeof check);
}

static const char *
number(const char *at, const char *end, unsigned *out)
{
	for (*out = 0; at < end && g_ascii_isdigit(*at) && *out < PARTS; at++)
		*out = *out * 10 + (unsigned)(*at - '0');
	return at;
}

static const char *
skip_digits(const char *at, const char *end)
{
	while (at < end && g_ascii_isdigit(*at))
		at++;
	return at;
}

/* No part that it names was counted, and its operators make nothing of nothing: "and", "or", "more than",
 * "of so many different ones". ("Exactly" and "less than" can.) */
static bool
holds_for_none(const char *at, const char *end, const uint32_t *counts)
{
	unsigned part;

	while (at < end) {
		switch (*at) {
		case '&':
		case '|':
		case '(':
		case ')':
			at++;
			break;
		case '>':
		case ',':
			at = skip_digits(at + 1, end);
			break;
		default:
			if (!g_ascii_isdigit(*at))
				return false;
			at = number(at, end, &part);
			if (part >= PARTS || counts[part] != 0)
				return false;
		}
	}
	return true;
}

/* Its interface is that of libclamav 0.96 to 1.4. */
VISIBLE int cli_ac_chklsig(const char *expr, const char *end, uint32_t *counts, unsigned *count,
    uint64_t *parts, unsigned only_parse);

VISIBLE int
cli_ac_chklsig(const char *expr, const char *end, uint32_t *counts, unsigned *count,
    uint64_t *parts, unsigned only_parse)
{
	int rc;

	if (logic.shortcut && !only_parse && counts && holds_for_none(expr, end, counts))
		return 0;
	logic.depth++;
	rc = logic.check(expr, end, counts, count, parts, only_parse);
	logic.depth--;
	logic.held += logic.depth == 0 && rc != 0;
	return rc;
}

static bool
is_known_version(void)
{
	unsigned major, minor;

	return sscanf(cl_retver(), "%u.%u", &major, &minor) == 2 && major == 1 && minor <= 4;
}

/* Does the library's function take our arguments for what they are? */
static bool
answers_well(void)
{
	static const struct {
		const char *expr;
		uint32_t counts[3];
		int rc;
		unsigned count;
		uint64_t parts;
	} rows[] = {
		{ "0&1&2", { 0, 0, 0 }, 0, 0, 0 },
		{ "0|1|2", { 0, 0, 0 }, 0, 0, 0 },
		{ "(0|1)>1,2", { 0, 0, 0 }, 0, 0, 0 },
		{ "0&1&2", { 1, 2, 3 }, 1, 6, 7 },
		{ "0|2", { 0, 4, 5 }, 1, 5, 4 },
		{ "0=0", { 0, 0, 0 }, 1, 0, 1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		uint32_t counts[PARTS] = { 0 };
		unsigned count = 0;
		uint64_t parts = 0;

		memcpy(counts, rows[i].counts, sizeof rows[i].counts);
		if (logic.check(rows[i].expr, rows[i].expr + strlen(rows[i].expr), counts, &count,
			&parts, 0) != rows[i].rc ||
		    count != rows[i].count || parts != rows[i].parts)
			return false;
	}
	return true;
}

bool
logic_prepare(bool shortcut)
{
	logic.shortcut = false;
	logic.trusted = logic.check && is_known_version() && answers_well();
	logic.shortcut = logic.trusted && shortcut;
	logic.held = 0;
	return logic.trusted;
}

uint64_t
logic_held(void)
{
	return logic.trusted ? logic.held : LOGIC_UNKNOWN;
}
#endif
