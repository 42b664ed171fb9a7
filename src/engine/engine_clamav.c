/*
 * engine_clamav - the embedded engine: libclamav in the worker that holds the message
 */
#include "engine/engine.h"

#include <inttypes.h>

#include "worker/worker.h"

/* Bytes of the generation that name a database without version numbers. */
#define GENERATION_SHOWN 4

static void
scan(struct engine *e, struct conn *conn, const struct scan_request *rq, struct verdict *v)
{
	(void)conn;
	if (!rq->lease) {
		verdict_fail(v, REASON_ENGINE_ERROR,
		    "engine %s: no scanning process holds the message", e->title);
		return;
	}
	lease_scan(rq->lease, rq->object, e->title, rq->wait, v);
	verdict_listed(v); /* workers ask libclamav for all matches */
}

/* The version of daily or main; a private database has none, so the content names it. */
static char *
definitions(struct engine *e)
{
	struct proto_ready info;
	char hex[DIGEST_HEX];

	if (!e->workers || !workers_ready_info(e->workers, &info))
		return NULL;
	if (info.definitions > 0)
		return g_strdup_printf("%" PRIu64, info.definitions);
	digest_hex(info.generation, hex);
	return g_strdup_printf("%.*s", 2 * GENERATION_SHOWN, hex);
}

const struct engine_ops engine_clamav = {
	.name = "clamav",
	.summary = "the embedded engine, libclamav, in sandboxed scanning processes",
	.caps = ENGINE_CAP_LOCAL | ENGINE_CAP_WORKER,
	.scan = scan,
	.definitions = definitions,
};
