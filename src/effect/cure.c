/* cure - see cure.h */
#include "effect/cure.h"

#include <string.h>

#include "conf/conf.h"
#include "verdict/verdict.h"

static bool
repairs(const struct engine *e)
{
	return strcmp(e->conf->kind, "icap") == 0 && e->conf->icap.repair != REPAIR_SCAN;
}

GBytes *
cure_object(struct engines *engines, const char *title, const struct message *m,
    const struct objects *set, const struct object *o, struct wait *wait)
{
	struct engine *e = engines_find(engines, title);
	g_autofree char *label = object_label(o);
	AUTO(verdict_clear) struct verdict v = { 0 };
	GBytes *cured = NULL;
	const struct scan_request rq = {
		.message = m,
		.objects = set,
		.object = o,
		.label = label,
		.wait = wait,
		.cured = &cured,
	};

	if (!e || !repairs(e))
		return NULL;
	engine_scan(e, &rq, &v);
	return cured;
}
