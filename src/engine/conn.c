/*
 * conn - failures in the operator's words, and the trace
 */
#include "engine/conn.h"

#include <stdarg.h>

#include "base/log.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "message/spool.h"

#define TRACE_MAX 200 /* bytes of one line of the dialogue */

void
conn_keep(struct conn *c)
{
	c->keep = true;
}

enum reason
conn_reason(const GError *why)
{
	if (why->domain != NET_ERROR)
		return REASON_SPOOL;
	switch ((enum net_error)why->code) {
	case NET_E_RESOLVE:
	case NET_E_CONNECT:
	case NET_E_TLS:
		return REASON_UNREACHABLE;
	case NET_E_TIMEOUT:
	case NET_E_CANCELLED:
		return REASON_TIMEOUT;
	case NET_E_CLOSED:
		return REASON_LOST;
	case NET_E_LONG:
	case NET_E_SYNTAX:
		return REASON_PROTOCOL;
	case NET_E_IO:
		return REASON_SPOOL;
	}
	return REASON_UNKNOWN;
}

void
conn_fail(struct conn *c, struct verdict *v, const char *step, GError *why)
{
	conn_refuse(c, v, conn_reason(why), "%s: %s", step, why->message);
	g_error_free(why);
}

void
conn_refuse(struct conn *c, struct verdict *v, enum reason r, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	verdict_fail(v, r, "engine %s: %s: %s", c->engine->title, c->address->text, text);
}

void
conn_trace(const struct conn *c, char dir, const char *bytes, size_t len)
{
	g_autoptr(GString) line = NULL;

	if (!c->engine->conf->trace || log_get_level() < LOGLV_DEBUG)
		return;
	line = g_string_new(NULL);
	log_esc(line, bytes, len, TRACE_MAX);
	log_debug("engine %s: %s: %c: %s", c->engine->title, c->address->text, dir, line->str);
}
