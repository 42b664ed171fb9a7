/*
 * fuzz_vendor_reply - Kaspersky Scan Engine's words, Avast's JSON and lines, and the head of an HTTP answer: every byte string
 * gives a state, and only the one form that says clean is
 */
#include "engine/avast_reply.h"
#include "engine/icap_message.h"
#include "engine/kse_reply.h"

#include <string.h>

#include "verdict/verdict.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
judge_kse(const GString *body, bool whole)
{
	AUTO(verdict_clear) struct verdict v = { 0 };

	kse_judge(body, whole, true, &v, "message", "k", "engine k: h: reply");
	g_assert(v.states != 0);
	g_assert(!verdict_is_clean(&v) || (whole && strncmp(body->str, "CLEAN", 5) == 0));
}

static void
judge_avast(const GString *body, bool threats)
{
	const struct avast_object o = { .label = "message", .title = "a", .where = "engine a: h: reply", .warnings_as_threat = threats };
	AUTO(verdict_clear) struct verdict v = { 0 }, w = { 0 };
	bool clean = false;

	avast_judge_json(body, true, &o, &v);
	g_assert(v.states != 0);
	g_assert(!verdict_is_clean(&v) || strstr(body->str, "issues"));
	avast_judge_line(body->str, "/tmp/a b", &o, &clean, &w);
	avast_judge_end(body->str, &o, &w);
	g_assert(!clean || strstr(body->str, "[+]"));
}

static void
read_head(const char *text)
{
	struct icap_message m;

	icap_message_init(&m);
	m.protocol = "HTTP/1.";
	while (!m.complete) {
		const char *end = strchr(text, '\n');
		g_autofree char *line = end ? g_strndup(text, (gsize)(end - text)) : NULL;

		if (!line || !icap_message_line(&m, g_strchomp(line), NULL))
			break;
		text = end + 1;
	}
	icap_number(&m, "Content-Length", 0);
	icap_list_has(&m, "Connection", "close");
	icap_message_clear(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GString) body = g_string_new_len((const char *)data, (gssize)size);
	g_autofree char *bases = kse_bases(body->str);

	g_assert(!bases || strlen(bases) == strlen("20140209.1503"));
	judge_kse(body, true);
	judge_kse(body, false);
	judge_avast(body, false);
	judge_avast(body, true);
	kse_expired(body->str, 20260101);
	read_head(body->str);
	return 0;
}
