/*
 * signame - from a name that libclamav reports to what it means
 */
#ifndef AVM_SCANNER_SIGNAME_H
#define AVM_SCANNER_SIGNAME_H

#include <stdbool.h>

#include "verdict/verdict.h"

/*
 * Add to v what a detection name means: a finding, or for names that speak of limits and broken
 * files a PARTIAL.
 *
 * path: container members around the find, "" = the object itself
 * time_used: the processor time limit was really reached; a time limit that only the wall clock
 * reached is FAILED(timeout), because a busy machine is not the mail's fault (decision 8)
 */
void	 signame_judge(struct verdict *v, const char *name, const char *path, bool time_used);

#endif
