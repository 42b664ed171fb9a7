/*
 * facts - what rules can ask about a message besides its content: where it comes from, from whom, for whom
 */
#ifndef AVM_POLICY_FACTS_H
#define AVM_POLICY_FACTS_H

#include <glib.h>
#include <stdbool.h>

#include "conf/conf.h"
#include "message/message.h"

struct facts {
	const char	*client;	/* textual address, or NULL; borrowed */
	const char	*daemon;	/* {daemon_name}, or NULL; borrowed */
	enum conf_traffic traffic;	/* authenticated, else local (no client address, or the sendmail command), else mx */
	char		*sender;	/* plain address, "" = the null sender */
	GPtrArray	*recipients;	/* of char *: plain addresses, in the order of message->recipients */
	unsigned	 unknown;	/* recipients beyond those that message keeps */
};

/* The facts of a message, which must outlive them. */
void	 facts_of(const struct message *m, struct facts *out);
void	 facts_clear(struct facts *f);

/* An envelope address without <>, source route and needless quotes, ASCII letters in lower case: <"Boss"@Example.COM> is
 * boss@example.com. The caller frees. */
char	*facts_address(const char *envelope);

#endif
