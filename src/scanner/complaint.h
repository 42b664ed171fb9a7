/*
 * complaint - what libclamav says besides its verdict
 *
 * libclamav answers "clean" after many failures and only grumbles (facts-libraries.md A, C). So
 * every warning or error during a scan makes the result FAILED, unless it stands in one closed
 * table of texts that speak of the content: those are PARTIAL with a reason, or known to mean that
 * nothing was left out.
 */
#ifndef AVM_SCANNER_COMPLAINT_H
#define AVM_SCANNER_COMPLAINT_H

#include <stdbool.h>

#include "verdict/verdict.h"

/*
 * Add to v what a warning or an error text means. decomposed: the parts of this mail are scanned
 * one by one as well, so what libclamav's own mail parser does not read is read all the same.
 */
void	 complaint_judge(struct verdict *v, const char *text, bool decomposed);

/* Who hears libclamav: called with each warning and error, line end cut off. */
typedef void complaint_listener(void *arg, const char *text);
/*
 * From now on fn hears what libclamav says; NULL = nobody.
 *
 * Threads: libclamav has one listener for the process and calls it from whichever thread grumbles;
 * here only one thread at a time uses libclamav
 */
void	 complaint_listen(complaint_listener *fn, void *arg);
/* Say it for libclamav, which does not notice by itself. */
void	 complaint_raise(const char *text);

#endif
