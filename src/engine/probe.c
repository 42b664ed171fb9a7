/*
 * probe - life of a probe's answer
 */
#include "engine/probe.h"

#include <glib.h>

struct probe *
probe_new(void)
{
	struct probe *p = g_new0(struct probe, 1);

	atomic_init(&p->refs, 1);
	return p;
}

struct probe *
probe_ref(struct probe *p)
{
	if (p)
		atomic_fetch_add(&p->refs, 1);
	return p;
}

void
probe_unref(struct probe **pp)
{
	struct probe *p = *pp;

	*pp = NULL;
	if (!p || atomic_fetch_sub(&p->refs, 1) > 1)
		return;
	if (p->detail_free)
		p->detail_free(p->detail);
	g_free(p->version);
	g_free(p->definitions);
	g_free(p->tag);
	g_free(p);
}
