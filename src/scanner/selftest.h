/*
 * selftest - proof that a worker still finds things
 *
 * Each generation invents a random text; its SHA-256 is loaded as a signature beside the database.
 * A worker must find it inside an encoded attachment of a mail, which takes the mail parser, a
 * decoder and a temporary file, and must find nothing in a plain mail.
 */
#ifndef AVM_SCANNER_SELFTEST_H
#define AVM_SCANNER_SELFTEST_H

#include <glib.h>
#include <stdbool.h>

#include "verdict/verdict.h"

struct clamav;
struct selftest;

/* A new random text. */
struct selftest *selftest_new(void);
/* Write its signature to a file that libclamav can load. False and *err. */
bool	 selftest_write_signature(const struct selftest *t, const char *path, GError **err);
/* Run it; c may be NULL (no engine: only the decomposition is proved). v becomes COMPLETE or
 * FAILED. */
void	 selftest_run(const struct selftest *t, struct clamav *c, struct verdict *v);
void	 selftest_free(struct selftest **t);

#endif
