/*
 * quarantine_desk - what an administrator sees of the store, and does with it, as JSON
 *
 * Texts that came from mail are given as they are, JSON escapes them; bytes that are no UTF-8 become {"bytes": "hex"}.
 * Releasing is release.h's.
 *
 * Threads: any
 */
#ifndef AVM_EFFECT_QUARANTINE_DESK_H
#define AVM_EFFECT_QUARANTINE_DESK_H

#include <glib.h>
#include <jansson.h>

#include "effect/quarantine.h"

/* {"entries", "bytes", "max_size", "shown", "mails": [{"ref", "date", "state", "class", "virus", "size", "from", "to", "recipients",
 * "again"}]}: the youngest max entries, the oldest of them first. */
json_t	*desk_list(struct quarantine *q, unsigned max);

/* The description, with "state", "folder", and "journal": what became of it. NULL and *err. */
json_t	*desk_show(struct quarantine *q, const char *ref, GError **err);

/* Remove an entry for good, whatever its state. by: who asks, for the log. False and *err. */
bool	 desk_delete(struct quarantine *q, const char *ref, const char *by, GError **err);

/* Remove what is older than quarantine.keep, now. Returns how many. */
unsigned desk_expire(struct quarantine *q, const char *by);

/* Figures for status and statistics; null without a store. */
json_t	*desk_stats(struct quarantine *q);

#endif
