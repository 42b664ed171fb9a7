/*
 * stamp - our header fields: which inbound copies go, which values stand on accepted mail
 *
 * X-Virus-Scanned: avmilter VERSION (clamav 27980, icap1) at HOST (2 objects not examined: filters)
 * X-Virus-Status: Clean | Infected (NAME, NAME) | ... | Unscannable (REASON) | Error (REASON) | Skipped (WHY) | Repaired (NAME, NAME)
 * X-Virus-Report: clamav; infected; 27980	(header.report; one field an engine)
 *
 * Pure functions from facts to wanted edits; milter/apply.c speaks them to the MTA. Header values are printable ASCII,
 * parentheses and backslashes in names escaped, 200 bytes per name, 900 in all (decision 29).
 */
#ifndef AVM_EFFECT_STAMP_H
#define AVM_EFFECT_STAMP_H

#include <glib.h>
#include <stdbool.h>

#include "conf/conf.h"
#include "message/message.h"
#include "scan/scan.h"

/* One wanted edit of the header. */
struct edit {
	enum { EDIT_DELETE, EDIT_INSERT } op;
	char	*name;
	char	*value;		/* EDIT_INSERT: with the leading blank that HDR_LEADSPC asks for */
	int	 index;		/* EDIT_DELETE: occurrence of that name, from 1, as the MTA showed them */
};

/* The edits for an accepted mail, in the order in which they must be spoken: deletions of forged copies from the last to
 * the first, then insertions, each above the one before. The caller frees with g_ptr_array_unref(). skipped: reason word of a skip, or NULL. */
GPtrArray *stamp_edits(const struct conf *conf, const struct message *m, const struct scan_result *r, const char *skipped, const char *host);

/* The edits that take every copy of a field away, the last one first. The caller frees. */
GPtrArray *stamp_removals(const struct message *m, const char *name);

/* The value of X-Virus-Status for a verdict, without the leading blank (P18). The caller frees. */
char	*stamp_status(const struct verdict *v, const char *skipped);

/* The same for a mail that what was found was taken out of. */
char	*stamp_repaired(const struct verdict *v);

/* The value of X-Virus-Scanned, likewise. */
char	*stamp_scanned(const struct conf *conf, const struct scan_result *r, const char *skipped, const char *host);

/* The one edit that adds a field; value without the leading blank. */
GPtrArray *stamp_addition(const char *name, const char *value);

#endif
