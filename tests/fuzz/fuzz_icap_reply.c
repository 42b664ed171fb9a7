/*
 * fuzz_icap_reply - a whole answer through head, parts, HTTP head and verdict: no byte string but a complete 200 or 204 is
 * clean, and what announces a violation never is
 */
#include "engine/icap_findings.h"
#include "engine/icap_options.h"
#include "engine/icap_verdict.h"

#include <string.h>

#include "conf/conf.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The head, line by line, as wire_line() would give it. Returns where the rest begins, or NULL. */
static const char *
read_head(struct icap_message *m, const char *text)
{
	while (!m->complete) {
		const char *end = strchr(text, '\n');
		g_autofree char *line = end ? g_strndup(text, (gsize)(end - text)) : NULL;

		if (!line || !icap_message_line(m, g_strchomp(line), NULL))
			return NULL;
		text = end + 1;
	}
	return text;
}

static void
judge(struct icap_answer *a, struct icap_message *m, const char *rest)
{
	AUTO(verdict_clear) struct verdict v = { 0 };
	struct icap_message http;

	icap_message_init(&http);
	if (icap_parts_parse(m, &a->parts)) {
		if (a->parts.response_head && icap_http_parse(rest, strlen(rest), &http))
			a->http = &http;
		icap_judge(a, &v, "message", "i", "engine i: h: reply");
		g_assert(v.states != 0 || v.kinds != 0);
		g_assert(!verdict_is_clean(&v) || m->status == 200 || m->status == 204);
		g_assert(!verdict_is_clean(&v) || (a->sent_all && !a->after_preview));
	}
	icap_message_clear(&http);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	struct icap_message m;
	const char *rest;

	icap_message_init(&m);
	rest = read_head(&m, text);
	for (int id = DIALECT_AUTO; rest && id <= DIALECT_GENERIC; id++) {
		struct icap_answer a = { .head = &m, .dialect = icap_dialect_find(id), .method = ICAP_RESPMOD, .size = 68,
			.sent_all = id % 2 == 0, .after_preview = id % 3 == 0, .would_204 = id % 5 == 0, .echo = ICAP_ECHO_SAME };

		judge(&a, &m, rest);
	}
	if (rest) {
		struct probe *p = probe_new();

		icap_options_read(&m, p);
		probe_unref(&p);
	} else {
		AUTO(verdict_clear) struct verdict v = { 0 };

		icap_findings(&m, "message", "i", &v);
		g_assert(!verdict_is_clean(&v));
	}
	icap_message_clear(&m);
	return 0;
}
