/*
 * console_explain - what the rules would do with a mail that only exists in the words of the question
 */
#ifndef AVM_DAEMON_CONSOLE_EXPLAIN_H
#define AVM_DAEMON_CONSOLE_EXPLAIN_H

#include <glib.h>
#include <jansson.h>

#include "milter/snapshot.h"

/*
 * explain [--from A] [--to B]... [--client IP] [--auth] [--daemon NAME] [--class C] [--virus NAME] [--engine TITLE] [--object SHA256]
 *
 * Without --class the mail is infected if a virus is named, else clean. Counts nothing.
 *
 * words: behind the command, NULL at the end
 * Returns: each recipient's outcome, the transaction, and for each rule which of its conditions does not hold; NULL and *err when a word
 *          is not understood
 */
json_t	*console_explain(const struct snapshot *snap, char *const *words, GError **err);

#endif
