/*
 * alert_queue - the mails that wait for a relay
 *
 * Inside of alert; see alert.h. Threads: one at a time, but for alert_send().
 */
#ifndef AVM_EFFECT_ALERT_QUEUE_H
#define AVM_EFFECT_ALERT_QUEUE_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

#define ALERT_QUEUE_MAX 100

struct alert_letter {
	GString		*content;
	GPtrArray	*to;		/* of char *: those who do not have it yet */
	unsigned	 tries;
	int64_t		 born, due;	/* monotonic */
	unsigned	 flush;		/* number of the flush that has tried it */
};
struct alert_letter *alert_letter_new(GString *content, GPtrArray *to, int64_t now);
void	 alert_letter_free(struct alert_letter *l);

enum alert_sent {
	ALERT_SENT,	/* nobody is left in to */
	ALERT_LATER,	/* somebody is; *err says why, and when the letter is due again */
	ALERT_GIVEN_UP,	/* every relay refused the content or all who are left for good, or it is too old; *err */
};

struct alert_how {
	const struct conf	*conf;		/* the relays */
	const char		*helo;
	const atomic_int_fast64_t *cut;
	int64_t			 silence_ms, patience_ms;
};

/* How long a relay may think: it may ask us about the mail, and we may be loading. */
#define ALERT_SILENCE_MS  300000
#define ALERT_PATIENCE_MS 600000

/*
 * Try the primary relay, and with what it does not take the secondary one. Takes those who have it out of l->to.
 *
 * relay: out, the last one that took something, borrowed from conf; or NULL
 */
enum alert_sent alert_send(struct alert_letter *l, const struct alert_how *how, const char **relay, GError **err);

#endif
