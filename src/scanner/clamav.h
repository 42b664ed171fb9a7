/*
 * clamav - libclamav: one engine, loaded once, asked about one piece of memory at a time
 *
 * Every way in which libclamav 1.4 says "clean" without having looked (facts-libraries.md A, C)
 * ends here as FAILED or PARTIAL: its clean cache is off, exceeded limits always alert, any unknown
 * complaint fails the scan, and a scan during which it did not inspect a single layer is a failure
 * whatever it answered.
 *
 * Threads: load in one, scan in another; never two at a time. Trap: after a fork the engine stays
 * shared; only scans.
 */
#ifndef AVM_SCANNER_CLAMAV_H
#define AVM_SCANNER_CLAMAV_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/complaint.h"
#include "scanner/trail.h"
#include "verdict/verdict.h"
#include "worker/proto.h"

struct clamav;

/*
 * Load the database of s and one more signature file, and compile.
 *
 * selftest: path of a .hsb with the self-test's signature; tmpdir: where libclamav may unpack while
 * it loads say:      hears what libclamav complains about meanwhile Returns:  NULL and *err, which
 * says what to do Blocks:   for seconds
 */
struct clamav *clamav_load(const struct proto_settings *s, const char *selftest, const char *tmpdir,
	    complaint_listener *say, void *arg, GError **err);
void	 clamav_free(struct clamav **c);

/* Load this one file of a database and forget it again; *count grows by its signatures. False and *err, which names
 * libclamav's complaint, when it is broken. A file without a single signature is not. */
bool	 clamav_try(const struct proto_settings *s, const char *path, const char *tmpdir, uint64_t *count, GError **err);

/* Signatures of the database, the self-test's own not counted. */
uint64_t clamav_signatures(const struct clamav *c);

/* libclamav's version, "1.4.6". */
const char *clamav_version(void);

/* In a worker, before its first scan: where temporary files go, private to it. */
bool	 clamav_set_tmpdir(struct clamav *c, const char *dir, GError **err);

/*
 * Scan len bytes and add to v what was found and how far it got; v is never left unknown.
 *
 * decomposed: see complaint_judge()
 * cpu_start_us: processor clock at the start of the request
 * trail: gets what was examined, if anybody wants to know; or NULL
 */
void	 clamav_scan(struct clamav *c, const void *data, size_t len, bool decomposed,
    uint64_t cpu_start_us, struct trail *trail, struct verdict *v);

/* Inner files that were not scanned because they were clean in an earlier mail, in the life of this
 * process. */
uint64_t clamav_known(const struct clamav *c);

#endif
