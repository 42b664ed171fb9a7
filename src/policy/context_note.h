/*
 * context_note - what each engine leaves in the message's context after the scan (seeds 000, 001)
 *
 * <context_variable> is not set when the engine found nothing and saw everything, "error" when its scan failed, else "";
 * <context_variable>_info is the name of its strongest finding, or the reason word.
 */
#ifndef AVM_POLICY_CONTEXT_NOTE_H
#define AVM_POLICY_CONTEXT_NOTE_H

#include "conf/conf.h"
#include "message/context.h"
#include "scan/scan.h"

void	 context_note(struct context *c, const struct conf *conf, const struct scan_result *r);

#endif
