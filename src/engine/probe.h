/*
 * probe - what a server told about itself: limits, definitions, licence
 *
 * Made by the probe of an engine, immutable afterwards, shared by the connections that are under way when the next one
 * replaces it.
 */
#ifndef AVM_ENGINE_PROBE_H
#define AVM_ENGINE_PROBE_H

#include <stdatomic.h>
#include <stdint.h>

struct probe {
	char	*version;	/* of the product: "ClamAV 1.4.6", or NULL */
	char	*definitions;	/* what header and log call the definitions: "27500", or NULL when the server does not tell */
	int64_t	 made;		/* when they were made, wall clock; 0 = as their name tells, if it does */
	char	*tag;		/* changes whenever a verdict might: key of the result cache; or NULL */
	unsigned max_connections; /* 0 = not told */
	int64_t	 ttl_ms;	/* ask again after that */
	void	*detail;	/* the engine's own */
	void	(*detail_free)(void *detail);
	atomic_int refs;
};

struct probe *probe_new(void);
struct probe *probe_ref(struct probe *p);
/* Accepts NULL inside; nulls the caller's pointer. */
void	 probe_unref(struct probe **p);

#endif
