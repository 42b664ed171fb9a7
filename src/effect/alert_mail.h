/*
 * alert_mail - an alert as a mail: header, encoding, nothing in it that a stranger could turn into a field
 *
 * Threads: any.
 */
#ifndef AVM_EFFECT_ALERT_MAIL_H
#define AVM_EFFECT_ALERT_MAIL_H

#include <glib.h>
#include <stdint.h>

/* What alerts are known by: a field of theirs, and the value of it that RFC 3834 has. */
#define ALERT_AUTO_FIELD "Auto-Submitted"
#define ALERT_AUTO_VALUE "auto-generated"

struct alert_head {
	const char	*from;		/* plain address */
	const GPtrArray	*to;		/* of char *: plain addresses */
	const char	*subject;	/* UTF-8 */
	const char	*host;		/* ours */
	const char	*event;		/* word of alert.on, "notice" or "test" */
	const char	*id;		/* with <> */
	int64_t		 when;		/* seconds since 1970 */
};

/* "<avmilter.RANDOM@HOST>", which nobody can guess. The caller frees. */
char	*alert_mail_id(const char *host);

/* The mail, with CRLF. body has LF line ends. The caller frees. */
GString	*alert_mail(const struct alert_head *h, const char *body);

/* One header field with CRLF: what is not printable ASCII becomes encoded words (RFC 2047), long lines are folded, line ends and other
 * controls blanks. */
void	 alert_mail_field(GString *to, const char *name, const char *text);

#endif
