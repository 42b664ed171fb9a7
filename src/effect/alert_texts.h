/*
 * alert_texts - the words of alerts, built in (alert_texts.def) or from the administrator's message file
 *
 * The file is UTF-8, one entry a line: NUMBER, a blank, the text up to "***" or the end of the line; "#" begins a comment line.
 * A text may be empty: its line is left out. What the file does not name keeps the words that are built in.
 *
 * Threads: any; immutable.
 */
#ifndef AVM_EFFECT_ALERT_TEXTS_H
#define AVM_EFFECT_ALERT_TEXTS_H

#include <glib.h>
#include <stdbool.h>

struct alert_texts;

/*
 * path "" = the built-in ones.
 *
 * Returns: NULL and *err, each error on a line of its own as FILE:LINE: what, and what to write instead
 */
struct alert_texts *alert_texts_load(const char *path, GError **err);
/* The built-in ones. */
struct alert_texts *alert_texts_built_in(void);
/* Accepts NULL. */
void	 alert_texts_free(struct alert_texts **t);

/* The words of a number of alert_texts.def; "" for a number that is not there. Borrowed. */
const char *alert_text(const struct alert_texts *t, unsigned number);

#endif
