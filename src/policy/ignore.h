/*
 * ignore - findings that a whitelist lets go: taken out of a verdict before the rules see it
 *
 * Only after everything was scanned and joined, and after the cache, so that nothing is hidden and nothing remembered by a list. What
 * is ignored for all recipients is forgotten; what is ignored for some of them stays in the verdict, and the walk passes over it for
 * those (item_ignored()). A finding behind which others may hide leaves PARTIAL in its place, and is never ignored for some only.
 */
#ifndef AVM_POLICY_IGNORE_H
#define AVM_POLICY_IGNORE_H

#include <glib.h>

#include "policy/facts.h"
#include "policy/item.h"
#include "scan/scan.h"

struct ignores;		/* the whitelists of a configuration, by engine */
struct rules;

/* Read the lists of conf, or take them over from earlier ones. NULL and *err. */
struct ignores *ignores_new(const struct conf *conf, const struct ignores *old, GError **err);
void	 ignores_free(struct ignores **i);

/* Take out of a scan's result what nobody of the recipients minds: verdict and the shares of the engines. Each use is counted and
 * logged. */
void	 ignore_findings(const struct rules *r, const struct facts *f, struct scan_result *out);

/* Note in each item for which recipients it does not count. uses: count and log. */
void	 ignore_items(const struct ignores *i, const struct facts *f, GPtrArray *items);

#endif
