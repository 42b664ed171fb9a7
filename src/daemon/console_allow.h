/*
 * console_allow - the command allow of the console: whitelist lines for a mail that was kept by mistake
 *
 * The narrowest that help: for each thing that was found its name and engine, the sender of that mail, each of its recipients, a last
 * day, and the content where every such finding names one. Only proposed here: avmilterctl writes them, with the rights of who
 * asks, because the daemon must not be able to change what holds for it.
 */
#ifndef AVM_DAEMON_CONSOLE_ALLOW_H
#define AVM_DAEMON_CONSOLE_ALLOW_H

#include <glib.h>
#include <jansson.h>

#include "conf/conf.h"
#include "effect/quarantine.h"

/*
 * REF [--for RCPT]... [--until YYYY-MM-DD]
 *
 * q: the store, or NULL. now: seconds of the wall clock.
 * Returns: {"ref", "until", "lists": [{"list": FILE, "lines": [TEXT...]}], "remarks": [TEXT...]}; NULL and *err when the words are
 *          none of these, there is no such mail, or no line could help
 */
json_t	*console_allow(struct quarantine *q, const struct conf *conf, char *const *words, int64_t now, GError **err);

#endif
