/*
 * doctor - looks over an installation and says what will go wrong, before mail suffers
 *
 * Reads avmilter.conf, main.cf and master.cf through postconf, sendmail.mc and .cf, clamd.conf, c-icap.conf and the running system, and
 * changes nothing. Each remark names the place, what is wrong there, why it matters and the line to write. The daemon need not
 * run. As root it sees most.
 *
 * Threads: none; the one of avmilterctl.
 */
#ifndef AVM_CTL_DOCTOR_H
#define AVM_CTL_DOCTOR_H

#include <stdbool.h>

/*
 * words: "doctor" and its options: --postfix DIR, --sendmail FILE, --clamd FILE, --c-icap FILE (each once; their usual places
 * otherwise, where they exist); NULL at the end.
 *
 * Returns: the exit code: 0 nothing to remark, 1 remarks, 2 words not understood
 */
int	 doctor_run(const char *config, char *const *words, bool json);

#endif
