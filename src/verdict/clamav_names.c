/*
 * clamav_names - the table of ClamAV's heuristic names
 */
#include "verdict/clamav_names.h"

#include <string.h>

/* The library's own names; the first row whose prefix fits holds. */
static const struct row {
	const char *prefix;
	struct clamav_meaning meaning;
} rows[] = {
	{ "Heuristics.Encrypted.", { FINDING_ENCRYPTED, REASON_NONE } },
	{ "Heuristics.OLE2.ContainsMacros", { FINDING_MACRO, REASON_NONE } },
	{ "Heuristics.Limits.Exceeded.MaxFileSize", { FINDING_NONE, REASON_LIMIT_SIZE } },
	{ "Heuristics.Limits.Exceeded.MaxScanSize", { FINDING_NONE, REASON_LIMIT_CUMULATIVE } },
	{ "Heuristics.Limits.Exceeded.MaxFiles", { FINDING_NONE, REASON_LIMIT_FILES } },
	{ "Heuristics.Limits.Exceeded.EmailMIMEPartsPerMessage",
	    { FINDING_NONE, REASON_LIMIT_FILES } },
	{ "Heuristics.Limits.Exceeded.MaxRecursion", { FINDING_NONE, REASON_LIMIT_DEPTH } },
	{ "Heuristics.Limits.Exceeded.MaxScanTime", { FINDING_NONE, REASON_LIMIT_TIME } },
	/* The other limits of mail headers, and those of a later ClamAV. */
	{ "Heuristics.Limits.Exceeded", { FINDING_NONE, REASON_LIMIT_SIZE } },
	{ "Heuristics.Broken.", { FINDING_NONE, REASON_CORRUPT } },
	{ "Heuristics.Phishing.", { FINDING_SUSPICIOUS, REASON_NONE } },
	{ "Heuristics.Safebrowsing.Suspected-phishing", { FINDING_SUSPICIOUS, REASON_NONE } },
	{ "Heuristics.Structured.", { FINDING_SUSPICIOUS, REASON_NONE } },
};

static const struct clamav_meaning infected = { FINDING_INFECTED, REASON_NONE },
				   unwanted = { FINDING_SUSPICIOUS, REASON_NONE };

struct clamav_meaning
clamav_meaning(const char *name)
{
	/* A private signature may call itself anything; that it speaks of a limit or of encryption
	 * is not believed. */
	bool private = g_str_has_suffix(name, ".UNOFFICIAL");

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (g_str_has_prefix(name, rows[i].prefix) &&
		    (!private || rows[i].meaning.kind == FINDING_SUSPICIOUS))
			return rows[i].meaning;
	/* Third-party databases put their own word in front of PUA. */
	return g_str_has_prefix(name, "PUA.") || strstr(name, ".PUA.") ? unwanted : infected;
}

void
clamav_judge(struct verdict *v, const char *name, const char *object, const char *engine)
{
	struct clamav_meaning m = clamav_meaning(name);

	if (m.kind != FINDING_NONE)
		verdict_find(v, m.kind, name, object, engine);
	else
		verdict_partial(v, m.partial, "engine %s: %s: %s", engine, object, name);
}
