/*
 * alert_note - one mail that was caught, in words for an alert: who, to whom, what, what was done
 *
 * Everything that came with the mail is escaped as in the log and cut; nothing of its content is attached (decision 27).
 *
 * Threads: any.
 */
#ifndef AVM_EFFECT_ALERT_NOTE_H
#define AVM_EFFECT_ALERT_NOTE_H

#include "effect/alert_texts.h"
#include "message/message.h"
#include "policy/policy.h"
#include "scan/scan.h"

/* A mail whose end was answered. Everything is borrowed. */
struct alert_mail_facts {
	const struct message	 *message;
	const struct facts	 *facts;
	const struct scan_result *scan;
	const struct decision	 *decision;
	const char		 *effect_why;	/* why an effect failed, or NULL */
};

/* Lines. only: the one recipient whom it is for, who is not shown the others; NULL = all. The caller frees. */
char	*alert_note(const struct alert_texts *t, const struct alert_mail_facts *f, const char *only);

/* "LABEL VALUE\n", the value escaped and cut at max bytes; nothing when there is no value, or the label is empty. */
void	 alert_note_line(GString *to, const struct alert_texts *t, unsigned number, const char *value, size_t max);

/*
 * Is this an alert itself: the null sender, Auto-Submitted: auto-generated, and for none but those in to? Alerts of another host
 * that come by here are this; our own are known by their Message-ID as well.
 */
bool	 alert_note_is_alert(const struct alert_mail_facts *f, char *const *to);

#endif
