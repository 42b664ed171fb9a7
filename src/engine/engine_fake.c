/*
 * engine_fake - does what markers in the object say, for tests
 *
 * FAKE:infected=NAME  FAKE:suspicious=NAME  FAKE:encrypted=NAME  FAKE:macro=NAME  FAKE:blocked=NAME
 * FAKE:evasion=NAME FAKE:fail  FAKE:partial  FAKE:fail=REASON  FAKE:partial=REASON   a word of
 * reasons.def FAKE:sleep=MS       stay silent that long, or until the deadline, which is a failure
 * FAKE:unknown        leave the verdict as it was
 * FAKE:hide           there may be more behind what it found, as with engines that stop at the first name
 * A name ends at the first byte outside [A-Za-z0-9._/-]. What no marker forbids is complete.
 */
#include "engine/engine.h"

#include <string.h>

#define MARKER     "FAKE:"
#define MARKER_MAX 256 /* bytes of one marker, its value included */
#define CHUNK      (64 * 1024)

struct script {
	struct engine *e;
	const struct scan_request *rq;
	struct verdict *v;
	bool incomplete;
	bool hides;
};

static size_t
word_length(const char *p, size_t len, const char *also)
{
	size_t n = 0;

	while (n < len && (g_ascii_isalnum(p[n]) || (p[n] && strchr(also, p[n]))))
		n++;
	return n;
}

static enum reason
reason_of(const char *word, enum reason otherwise)
{
	for (unsigned r = REASON_NONE + 1; r < REASON_COUNT; r++)
		if (strcmp(reason_name((enum reason)r), word) == 0)
			return (enum reason)r;
	return otherwise;
}

static void
sleep_for(struct script *s, const char *ms)
{
	guint64 n = g_ascii_strtoull(ms, NULL, 10);
	const struct deadline wanted = deadline_in((int64_t)MIN(n, (guint64)G_MAXINT));
	struct wait nap = wait_until(s->rq->wait, wanted);

	wait_poll(&nap, NULL, 0);
	s->rq->wait->next_tick_ms = nap.next_tick_ms;
	if (deadline_passed(wanted))
		return;
	s->incomplete = true;
	verdict_fail(s->v, REASON_TIMEOUT, "engine %s: silent until the deadline", s->e->title);
}

static void
obey(struct script *s, const char *order, const char *value)
{
	for (unsigned k = FINDING_MACRO; k <= FINDING_INFECTED; k++)
		if (strcmp(order, finding_kind_name((enum finding_kind)k)) == 0) {
			verdict_find(s->v, (enum finding_kind)k, value, s->rq->label, s->e->title);
			return;
		}
	if (strcmp(order, "sleep") == 0) {
		sleep_for(s, value);
		return;
	}
	if (strcmp(order, "hide") == 0) {
		s->hides = true;
		return;
	}
	s->incomplete = true;
	if (strcmp(order, "partial") == 0)
		verdict_partial(s->v, reason_of(value, REASON_LIMIT_FILES),
		    "engine %s: partial as ordered", s->e->title);
	else if (strcmp(order, "unknown") != 0)
		verdict_fail(s->v, reason_of(value, REASON_ENGINE_ERROR),
		    "engine %s: %s as ordered", s->e->title,
		    strcmp(order, "fail") == 0 ? "fails" : "unknown marker, fails");
}

/* Obey the markers that begin in the first `begin` of len bytes. */
static void
obey_all(struct script *s, const char *p, size_t begin, size_t len)
{
	const char *end = p + len, *m = p;

	while ((m = memmem(m, (size_t)(end - m), MARKER, strlen(MARKER))) && m < p + begin) {
		g_autofree char *order = NULL, *value = NULL;
		size_t n;

		m += strlen(MARKER);
		n = word_length(m, (size_t)(end - m), "");
		order = g_strndup(m, n);
		m += n;
		if (m < end && *m == '=')
			m++;
		n = m > p && m[-1] == '=' ? word_length(m, (size_t)(end - m), "._/-") : 0;
		value = g_strndup(m, n);
		m += n;
		obey(s, order, value);
	}
}

static void
scan(struct engine *e, struct conn *conn, const struct scan_request *rq, struct verdict *v)
{
	struct script s = { .e = e, .rq = rq, .v = v };
	g_autofree char *buf = g_malloc(CHUNK + MARKER_MAX);
	g_autoptr(GError) err = NULL;

	(void)conn;
	for (uint64_t at = 0; at < rq->object->size; at += CHUNK) {
		size_t left = (size_t)MIN(rq->object->size - at, CHUNK + MARKER_MAX);

		if (!objects_read(rq->objects, rq->object, at, buf, left, &err)) {
			verdict_fail(v, REASON_SPOOL, "engine %s: %s", e->title, err->message);
			return;
		}
		obey_all(&s, buf, MIN(left, CHUNK), left);
	}
	if (!s.incomplete)
		verdict_complete(v);
	if (!s.hides)
		verdict_listed(v);
}

const struct engine_ops engine_fake = {
	.name = "fake",
	.summary = "obeys markers in the mail (tests)",
	.caps = ENGINE_CAP_LOCAL | ENGINE_CAP_TEST,
	.scan = scan,
};
