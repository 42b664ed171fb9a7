/*
 * allow - writes what the daemon proposes for a mail that was kept by mistake into its whitelists
 *
 * Here, with the rights of who asks. The daemon, which takes mail from strangers, is not trusted with the choice of the file: only a
 * whitelist of the configuration is written to, and only single lines of text.
 *
 * Threads: none; the one of avmilterctl.
 */
#ifndef AVM_CTL_ALLOW_H
#define AVM_CTL_ALLOW_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/*
 * Append the lines of an answer to allow; those that stand in the file already are left out. How many were written comes into the answer, as
 * "added". False and *err: a file could not be written, or is none that may be; those before it may have been.
 */
bool	 allow_write(const char *config, json_t *answer, GError **err);

#endif
