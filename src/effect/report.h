/*
 * report - the one log line of a message: a public interface, kept by a golden test
 *
 *	verdict= virus= object= engine= action= from= to= nrcpt= client= auth= msgid= size= objects= cache= delay= sigs= ref=
 *	why= text= would= left_out= more= release= rule= split= withheld= redirect= sha256=
 *
 * The second row came later and therefore stands at the end. Always there: verdict action from nrcpt client size objects cache
 * delay ref; the others only when they have a value. virus, object and engine are those of the strongest finding; without one
 * engine names all that were asked. verdict is a class, or "skipped". why is a word of reasons.def, or why it was skipped; text
 * is the same for people. would: observe turned this action into pass. left_out: objects that the configuration keeps from every
 * engine. more=yes: findings beyond those that are kept. release: how to let a held or kept mail go.
 * rule: the policy that decided. split: recipients have different outcomes; action is that of those who get the mail, withheld names
 * those whose copy is kept. redirect: where it goes instead. sha256: of the part with the strongest finding. msgid, from and to are cut
 * at 200 bytes.
 *
 * Values in quotes are escaped as log_esc() does; bare ones also have no blanks. The JSON values hold the text itself, with U+FFFD
 * for control characters and for what is no UTF-8; numbers are numbers.
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
	const char		 *kept;		/* entry of the quarantine store, or NULL or "" */
	int64_t			  delay_ms;	/* end of message to answer */
};

/* The text without the queue id, in the fixed order of interface.md; json: one JSON object with the same keys and "id". The
 * caller frees. */
char	*report_line(const struct report *r, bool json);
/* infected, evasion, blocked = warning; error = err; the rest info. */
enum log_level report_level(const struct report *r);

#endif
