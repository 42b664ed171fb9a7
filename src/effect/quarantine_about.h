/*
 * quarantine_about - the description of a kept mail (about.json), and the lines of its journal
 *
 * Both are JSON. Bytes that are no UTF-8, which addresses may hold, become {"bytes": "hex"}, so that a release says to the
 * relay exactly what the client said to us.
 *
 * journal, one object a line:
 *	{"time": N, "event": "again", "id": QUEUEID, "ref": REF}	the same mail came again
 *	{"time": N, "event": "releasing", "by": WHO, "to": [RCPT]}	from here on RCPT may have it
 *	{"time": N, "event": "released", "by": WHO, "to": [RCPT], "refused": [{"to": RCPT, "reply": TEXT}]}
 *	{"time": N, "event": "failed", "by": WHO, "refused": [...]}	nobody has it
 */
#ifndef AVM_EFFECT_QUARANTINE_ABOUT_H
#define AVM_EFFECT_QUARANTINE_ABOUT_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "effect/quarantine.h"

/* The description of a mail that is about to be kept as ref. The caller owns it. */
json_t	*about_make(const struct quarantine_case *c, const char *ref, int64_t now, GError **err);

/* What makes two mails the same: bytes, envelope, and why they are kept. False and *err when the bytes cannot be read. */
bool	 about_key(const struct quarantine_case *c, uint8_t out[DIGEST_LEN], GError **err) MUST_USE;

/* Exact bytes as JSON, and back; NULL when it is neither a text nor bytes. The callers own the results. */
json_t	*about_bytes(const char *s);
char	*about_bytes_get(const json_t *v);

/* A list of recipients as JSON, and back (of char *, owned; what is none is left out). */
json_t	*about_list(const GPtrArray *list);
GPtrArray *about_list_get(const json_t *v);

/* One line of the journal, without its end. Takes rest (may be NULL), whose keys it gets. The caller frees. */
char	*about_event(int64_t now, const char *event, json_t *rest);

/* What the journal tells about an entry. */
struct about_past {
	unsigned	 again;		/* repetitions */
	int64_t		 last;		/* time of the last one, or 0 */
	GHashTable	*released;	/* set of char *: recipients that have it */
	bool		 interrupted;	/* the last release began and has no end */
};
void	 about_past_read(struct about_past *p, const char *journal);
void	 about_past_clear(struct about_past *p);

#endif
