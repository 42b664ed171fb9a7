/*
 * icap_verdict - from an ICAP answer to a verdict (protocols/icap.md 6)
 *
 * What the header fields announce counts with every status; the status decides only where they are silent. A pure function:
 * the exchange (engine_icap.c) reads, this judges.
 */
#ifndef AVM_ENGINE_ICAP_VERDICT_H
#define AVM_ENGINE_ICAP_VERDICT_H

#include "engine/icap_dialect.h"
#include "engine/icap_message.h"
#include "engine/icap_request.h"
#include "verdict/verdict.h"

/* The body that came back, beside the one that was sent. */
enum icap_echo { ICAP_ECHO_UNREAD = 0, ICAP_ECHO_SAME, ICAP_ECHO_DIFFERENT };

struct icap_answer {
	const struct icap_message *head;
	const struct icap_dialect *dialect;
	enum icap_method method;
	bool	 sent_all;	/* the server had the whole object before it answered */
	bool	 after_preview;	/* it answered finally when it had seen the preview only */
	bool	 would_204;	/* it says 204 when it found nothing, so a 200 that gives the object back means something else */
	uint64_t size;		/* of the object */
	struct icap_parts parts;
	struct icap_message *http; /* the HTTP head inside, or NULL; its status is that of HTTP */
	enum icap_echo echo;
};

/* Does the verdict depend on the body that came back? */
bool	 icap_needs_echo(const struct icap_answer *a);

/* where: "engine TITLE: SERVER: reply", for texts. v gets a state. */
void	 icap_judge(const struct icap_answer *a, struct verdict *v, const char *label, const char *title, const char *where);

/* An HTTP head as icap_message keeps them. False when it is none. */
bool	 icap_http_parse(const char *text, size_t len, struct icap_message *m);

#endif
