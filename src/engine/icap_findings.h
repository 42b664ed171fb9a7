/*
 * icap_findings - what the header fields of an ICAP answer say was found
 *
 * Every product has fields of its own; all of them are read in every answer, because a finding that was announced must not be
 * missed whatever the dialect. Names become kinds of finding by one table, which includes ClamAV's names.
 */
#ifndef AVM_ENGINE_ICAP_FINDINGS_H
#define AVM_ENGINE_ICAP_FINDINGS_H

#include "engine/icap_message.h"
#include "verdict/verdict.h"

/*
 * Add to v all that the head announces: findings, and PARTIAL for violations that mean "could not be examined".
 *
 * label:   our name of the object; a nested file stands behind it after a slash
 * Returns: true when anything was announced
 */
bool	 icap_findings(const struct icap_message *m, const char *label, const char *title, struct verdict *v);

/* Add what one name means: infected unless a table knows better. */
void	 icap_judge_name(const char *name, const char *label, const char *title, struct verdict *v);

/* What an X-Error-Code means, when it is about the object. False: it is the server's own trouble. */
bool	 icap_judge_error(const char *code, const char *label, const char *title, struct verdict *v);

/* Does it say of everything that it found that it is repaired, or gone from what held it? */
bool	 icap_says_cured(const struct icap_message *m);

#endif
