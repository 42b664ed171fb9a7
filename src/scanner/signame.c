#include "scanner/signame.h"

#include <string.h>

#define LIMITS "Heuristics.Limits.Exceeded."

static const struct {
	const char	*name;
	enum reason	 reason;
} limit_names[] = {
	{ "MaxFileSize", REASON_LIMIT_SIZE },
	{ "MaxScanSize", REASON_LIMIT_CUMULATIVE },
	{ "MaxFiles", REASON_LIMIT_FILES },
	{ "MaxRecursion", REASON_LIMIT_DEPTH },
	{ "EmailHeaderBytes", REASON_LIMIT_SIZE },
	{ "EmailHeaders", REASON_LIMIT_SIZE },
	{ "EmailLineFoldCnt", REASON_LIMIT_SIZE },
	{ "EmailMIMEArguments", REASON_LIMIT_SIZE },
	{ "EmailMIMEPartsPerMessage", REASON_LIMIT_FILES },
};

static const struct {
	const char	*prefix;
	enum finding_kind kind;
} heuristics[] = {
	{ "Heuristics.Encrypted.", FINDING_ENCRYPTED },
	{ "Heuristics.OLE2.ContainsMacros", FINDING_MACRO },
	{ "Heuristics.Phishing.", FINDING_SUSPICIOUS },
	{ "Heuristics.Safebrowsing.Suspected-phishing", FINDING_SUSPICIOUS },
	{ "Heuristics.Structured.", FINDING_SUSPICIOUS },
	{ "PUA.", FINDING_SUSPICIOUS },
};

static void
judge_limit(struct verdict *v, const char *name, bool time_used)
{
	const char *which = name + strlen(LIMITS);

	if (strcmp(which, "MaxScanTime") == 0) {
		if (time_used)
			verdict_partial(
			    v, REASON_LIMIT_TIME, "max_extract_time of processor time used up");
		else
			verdict_fail(v, REASON_TIMEOUT,
			    "max_extract_time passed while the machine was busy elsewhere");
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(limit_names); i++)
		if (strcmp(which, limit_names[i].name) == 0) {
			verdict_partial(v, limit_names[i].reason, "libclamav: %s", name);
			return;
		}
	/* A limit of a later libclamav: surely not everything was examined. */
	verdict_partial(v, REASON_LIMIT_SIZE, "libclamav: %s", name);
}

void
signame_judge(struct verdict *v, const char *name, const char *path, bool time_used)
{
	/* Signatures of private databases end so; the heuristics of the library itself never do. */
	bool heuristic =
	    g_str_has_prefix(name, "Heuristics.") && !g_str_has_suffix(name, ".UNOFFICIAL");

	if (heuristic && g_str_has_prefix(name, LIMITS)) {
		judge_limit(v, name, time_used);
		return;
	}
	if (heuristic && g_str_has_prefix(name, "Heuristics.Broken.")) {
		verdict_partial(v, REASON_CORRUPT, "libclamav: %s", name);
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(heuristics); i++)
		if ((heuristic || heuristics[i].kind == FINDING_SUSPICIOUS) &&
		    g_str_has_prefix(name, heuristics[i].prefix)) {
			verdict_find(v, heuristics[i].kind, name, path, NULL);
			return;
		}
	verdict_find(
	    v, strstr(name, ".PUA.") ? FINDING_SUSPICIOUS : FINDING_INFECTED, name, path, NULL);
}
