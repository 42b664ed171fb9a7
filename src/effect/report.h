/*
 * report - the one log line of a message: a public interface, kept by a golden test
 */
#ifndef AVM_EFFECT_REPORT_H
#define AVM_EFFECT_REPORT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "message/message.h"
#include "policy/policy.h"
#include "scan/scan.h"

struct report {
	const struct message	 *m;
	const struct scan_result *scan;
	const struct decision	 *decision;
	const char		 *skipped;	/* reason word of a skip, or NULL */
	const char		 *effect_why;	/* an effect failed and turned the answer into 451: why; or NULL */
	int64_t			  delay_ms;	/* end of message to answer */
};

/* The text without the queue id, in the fixed order of interface.md; json: one JSON object with the same keys and "id". The
 * caller frees. */
char	*report_line(const struct report *r, bool json);
/* infected, evasion, blocked = warning; error = err; the rest info. */
enum log_level report_level(const struct report *r);

#endif
