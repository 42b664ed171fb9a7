/*
 * recall_in - what recall.c and recall_slot.c share; nobody else includes it
 */
#ifndef AVM_SCAN_RECALL_IN_H
#define AVM_SCAN_RECALL_IN_H

#include "scan/recall.h"

guint	 recall_engine_index(const struct recall *r, const struct engine *e);
/* Tags of what really scans: engines in workers have the generation of the lease; the newest known otherwise. The caller unrefs. */
GPtrArray *recall_scanning_tags(const struct recall *r);
/* Do the servers of the at-th engine still tell what they told when we began? What a worker has loaded never changes. */
bool	 recall_same_definitions(const struct recall *r, guint at);
/* Put a verdict into both tiers. */
void	 recall_remember(struct recall *r, const uint8_t key[DIGEST_LEN], const char *label, const struct cache_note *note,
	    const struct verdict *v);

#endif
