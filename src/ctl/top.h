/*
 * top - what the daemon does, live in a terminal: drawn anew every two seconds and when the window changes, until q
 *
 * Plain ANSI sequences on the alternate screen; the terminal is given back as it was, also after INT, TERM and HUP. Where the output
 * is no terminal it is shown once, without sequences.
 */
#ifndef AVM_CTL_TOP_H
#define AVM_CTL_TOP_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/* Ask the daemon for command top. NULL and *err. */
typedef json_t *top_ask(void *arg, GError **err);

/* Show until somebody has had enough. False and *err when the daemon does not answer. */
bool	 top_run(top_ask *ask, void *arg, GError **err);

/* What a screen of width columns shows, each line ended by \n and none longer; before: the overview of the time before, for
 * rates, or NULL; lines: at most, 0 = as many as there are. utf8: the bars may be drawn. The caller frees. */
GString *top_view(const json_t *now, const json_t *before, unsigned width, unsigned lines, bool utf8);

#endif
