/*
 * engine_null - finds nothing, for tests and for measuring everything else
 */
#include "engine/engine.h"

static void
scan(struct engine *e, struct conn *conn, const struct scan_request *rq, struct verdict *v)
{
	(void)e;
	(void)conn;
	(void)rq;
	verdict_complete(v);
}

const struct engine_ops engine_null = {
	.name = "null",
	.summary = "finds nothing (tests)",
	.caps = ENGINE_CAP_LOCAL | ENGINE_CAP_TEST,
	.scan = scan,
};
