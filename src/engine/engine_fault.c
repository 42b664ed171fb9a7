/*
 * engine_fault - wraps another engine and breaks every Nth scan of it
 *
 * fail     the scan fails at once
 * timeout  it keeps silent until its deadline
 * unknown  it returns without having said anything, as an engine with a bug would
 */
#include "engine/engine.h"

#include <stdatomic.h>

#include "conf/conf.h"

struct fault {
	_Atomic uint64_t scans;
};

static bool
init(struct engine *e, GError **err)
{
	(void)err;
	e->data = g_new0(struct fault, 1);
	return true;
}

static void
break_scan(struct engine *e, const struct scan_request *rq, struct verdict *v)
{
	switch (e->conf->fault.mode) {
	case FAULT_UNKNOWN:
		return;
	case FAULT_TIMEOUT:
		wait_poll(rq->wait, NULL, 0);
		verdict_fail(v, REASON_TIMEOUT, "engine %s: silent until the deadline", e->title);
		return;
	default:
		verdict_fail(v, REASON_ENGINE_ERROR, "engine %s: broken as configured", e->title);
	}
}

static void
scan(struct engine *e, struct conn *conn, const struct scan_request *rq, struct verdict *v)
{
	struct fault *f = e->data;

	(void)conn;
	if ((atomic_fetch_add(&f->scans, 1) + 1) % e->conf->fault.every == 0)
		break_scan(e, rq, v);
	else
		engine_scan(e->inner, rq, v);
}

static void
fini(struct engine *e)
{
	g_free(e->data);
}

const struct engine_ops engine_fault = {
	.name = "fault",
	.summary = "wraps another engine and breaks it (tests)",
	.caps = ENGINE_CAP_LOCAL | ENGINE_CAP_TEST,
	.init = init,
	.scan = scan,
	.fini = fini,
};
