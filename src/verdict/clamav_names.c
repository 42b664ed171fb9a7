/*
 * clamav_names - the table of ClamAV's heuristic names
 */
#include "verdict/clamav_names.h"

#include <string.h>

/* The first row whose prefix fits holds. */
static const struct row {
	const char *prefix;
	struct clamav_meaning meaning;
} rows[] = {
    {"Heuristics.Encrypted.", {FINDING_ENCRYPTED, REASON_NONE}},
    {"Heuristics.OLE2.ContainsMacros", {FINDING_MACRO, REASON_NONE}},
    {"Heuristics.Limits.Exceeded.MaxFileSize", {FINDING_NONE, REASON_LIMIT_SIZE}},
    {"Heuristics.Limits.Exceeded.MaxScanSize", {FINDING_NONE, REASON_LIMIT_CUMULATIVE}},
    {"Heuristics.Limits.Exceeded.MaxFiles", {FINDING_NONE, REASON_LIMIT_FILES}},
    {"Heuristics.Limits.Exceeded.MaxRecursion", {FINDING_NONE, REASON_LIMIT_DEPTH}},
    {"Heuristics.Limits.Exceeded.MaxScanTime", {FINDING_NONE, REASON_LIMIT_TIME}},
    {"Heuristics.Limits.Exceeded", {FINDING_NONE, REASON_LIMIT_SIZE}},
    {"Heuristics.Broken.", {FINDING_SUSPICIOUS, REASON_NONE}},
    {"Heuristics.Phishing.", {FINDING_SUSPICIOUS, REASON_NONE}},
    {"Heuristics.Structured.", {FINDING_SUSPICIOUS, REASON_NONE}},
    {"PUA.", {FINDING_SUSPICIOUS, REASON_NONE}},
};

struct clamav_meaning
clamav_meaning(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (g_str_has_prefix(name, rows[i].prefix))
			return rows[i].meaning;
	/* Third-party databases put their own word in front of PUA. */
	if (strstr(name, ".PUA."))
		return (struct clamav_meaning){FINDING_SUSPICIOUS, REASON_NONE};
	return (struct clamav_meaning){FINDING_INFECTED, REASON_NONE};
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
