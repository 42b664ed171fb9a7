/*
 * clamav_names - what a ClamAV signature name means
 *
 * ClamAV reports limits, encryption and macros as "signatures" of their own. One table for the embedded library, clamd
 * and ICAP services that run ClamAV, so that the same thing gets the same verdict from each.
 */
#ifndef AVM_VERDICT_CLAMAV_NAMES_H
#define AVM_VERDICT_CLAMAV_NAMES_H

#include "verdict/verdict.h"

struct clamav_meaning {
	enum finding_kind kind;		/* FINDING_NONE: no finding, a reason why the scan is PARTIAL */
	enum reason	 partial;	/* then this one */
};

/* Look a name up. Any name that is not in the table is infected. */
struct clamav_meaning clamav_meaning(const char *name);

/* Add what the name means to v: a finding, or PARTIAL. */
void	 clamav_judge(struct verdict *v, const char *name, const char *object, const char *engine);

#endif
