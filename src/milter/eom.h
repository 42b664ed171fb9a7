/*
 * eom - the end of a message: from the last byte to the one answer
 */
#ifndef AVM_MILTER_EOM_H
#define AVM_MILTER_EOM_H

#include "milter/milter.h"
#include "milter/session.h"

/*
 * Scan, decide, speak the edits, log. The message is over afterwards.
 *
 * Returns: what libmilter is to tell the MTA: SMFIS_CONTINUE (deliver), REJECT, TEMPFAIL or DISCARD
 * Blocks:  until the verdict is there, no longer than antivirus.message_time_max; tells the MTA meanwhile that we work
 * Threads: libmilter's; s may be NULL (nothing was ever negotiated), which is answered 451
 */
sfsistat eom_answer(struct milter *m, struct session *s, SMFICTX *ctx);

#endif
