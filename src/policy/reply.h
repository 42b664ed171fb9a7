/*
 * reply - the text of a reject or tempfail, from its template
 *
 * %{virus} %{engine} %{class} %{ref} %{qid} %{host}, and ${SCANNER} ${VIRUS} as Symantec's scanners
 * write them. What comes out is one line of printable ASCII without CR and LF, short enough for
 * SMTP even when milter/reply.c has doubled each '%' for smfi_setreply(), as libmilter asks.
 */
#ifndef AVM_POLICY_REPLY_H
#define AVM_POLICY_REPLY_H

#include <stdbool.h>

#include "base/auto.h"

/* RFC 5321 4.5.3.1.5: 512 with the code, the enhanced code and CRLF. */
#define REPLY_TEXT_MAX 490

/* The values; NULL = "". */
struct reply_words {
	const char *virus, *engine, *class_name, *ref, *qid, *host;
};

/* Expand a template. An unknown name expands to nothing. The caller frees. */
char *reply_expand(const char *template, const struct reply_words *w) MUST_USE;

#endif
