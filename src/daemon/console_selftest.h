/*
 * console_selftest - what does each engine answer to mails whose content is known?
 *
 * The EICAR test text in the ways in which a virus comes by mail, an encrypted archive, and a mail with nothing in it. Each engine is asked
 * alone, past the cache: what it does not find here, it does not find in real mail either.
 */
#ifndef AVM_DAEMON_CONSOLE_SELFTEST_H
#define AVM_DAEMON_CONSOLE_SELFTEST_H

#include <glib.h>
#include <jansson.h>
#include <stdatomic.h>

#include "message/spool.h"
#include "milter/snapshot.h"

#define SELFTEST_MIB_MAX 64

/*
 * selftest [MIB]: mib of padding in the one with padding; words behind the command, NULL at the end.
 *
 * Returns: {"engines": {TITLE: {SAMPLE: answer...}}, "expected": number, "unexpected": number, "code": 0 or 1}; NULL and *err for words
 *          that are not understood
 * Blocks:  for the length of all scans. Any thread
 */
json_t	*console_selftest(const struct snapshot *snap, struct spool_budget *b, char *const *words, const atomic_int_fast64_t *cut,
	    GError **err);

#endif
