/*
 * klms_reply - judging the answers of rds_av
 */
#include "engine/klms_reply.h"

#include <glib.h>
#include <string.h>

#include "engine/clamd_reply.h"
#include "engine/talk.h"

static enum finding_kind
kind_of(const char *name)
{
	return g_str_has_prefix(name, "not-a-virus:") ? FINDING_SUSPICIOUS : FINDING_INFECTED;
}

void
klms_judge(const char *line, const char *path, const char *label, const char *title,
    const char *where, struct verdict *v)
{
	struct clamd_reply r;
	g_autofree char *shown = talk_shown(line);

	clamd_reply_parse(&r, line, strlen(line), 0, CLAMD_PATH, path);
	if (r.said == CLAMD_UNKNOWN) {
		clamd_reply_clear(&r);
		clamd_reply_parse(&r, line, strlen(line), 0, CLAMD_STREAM, NULL);
	}
	switch (r.said) {
	case CLAMD_OK:
		verdict_complete(v);
		break;
	case CLAMD_FOUND:
		verdict_find(v, kind_of(r.text), r.text, label, title);
		verdict_complete(v);
		break;
	case CLAMD_ERROR:
		verdict_fail(v, REASON_ENGINE_ERROR, "%s: %s", where, shown);
		break;
	case CLAMD_EMPTY:
	case CLAMD_EXCLUDED:
	case CLAMD_UNKNOWN:
		verdict_fail(v, REASON_PROTOCOL, "%s: %s", where, shown);
		break;
	}
	clamd_reply_clear(&r);
}
