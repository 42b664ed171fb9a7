/*
 * fuzz_words - whatever a mail, a client or a scanner says, log line, header field and reply stay one line each, within
 * bounds, and nothing in them ends a value early
 *
 * Input: strings, separated by LF: sender, recipient, client, address, auth, message id, signature, object, text, template.
 */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "effect/report.h"
#include "effect/stamp.h"
#include "policy/reply.h"

#define WORDS	 10
#define LINE_MAX_LEN 4000
#define STATUS_MAX   900
#define KEYS	 19	/* of the fullest line below */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *line)
{
	bool quoted = false;
	unsigned blanks = 0;

	g_assert(strlen(line) <= LINE_MAX_LEN && g_utf8_validate(line, -1, NULL));
	for (const char *p = line; *p; p++) {
		g_assert((unsigned char)*p >= ' ' && *p != 0x7f);
		if (*p == '\\')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == ' ' && !quoted)
			blanks++;
	}
	g_assert(!quoted && blanks < KEYS);
}

static void
check_json(const char *line)
{
	json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	g_assert(j && strlen(line) <= LINE_MAX_LEN && !strpbrk(line, "\r\n"));
	json_decref(j);
}

static void
check_report(char **w, const struct verdict *v)
{
	g_autoptr(GPtrArray) rcpts = g_ptr_array_new();
	struct message m = {
		.id = w[3], .ref = (char[]){ "abcdefghij" }, .sender = w[0], .recipients = rcpts, .client_name = w[2],
		.client_addr = w[3], .auth = w[4], .message_id = w[5],
	};
	const struct scan_result scan = { .verdict = *v, .cache = "off", .engines = w[6], .definitions = w[7] };
	const struct decision d = { .cls = verdict_class(v), .observed = true };
	const struct report r = { .m = &m, .scan = &scan, .decision = &d };
	g_autofree char *text = NULL, *json = NULL;

	g_ptr_array_add(rcpts, w[1]);
	text = report_line(&r, false);
	json = report_line(&r, true);
	check_text(text);
	check_json(json);
}

static void
check_status(const struct verdict *v)
{
	g_autofree char *s = stamp_status(v, NULL);
	int depth = 0;

	g_assert(strlen(s) <= STATUS_MAX && strcmp(s, "Clean") != 0);
	for (const char *p = s; *p; p++) {
		g_assert(*p >= ' ' && *p <= '~');
		if (*p == '\\')
			g_assert(*++p);
		else
			depth += (*p == '(') - (*p == ')');
		g_assert(depth == 0 || depth == 1);
	}
	g_assert(depth == 0);
}

static void
check_reply(char **w)
{
	const struct reply_words words = { .virus = w[6], .engine = w[7], .class_name = w[8], .ref = w[0], .qid = w[1], .host = w[2] };
	g_autofree char *s = reply_expand(w[9], &words);
	size_t len = strlen(s);

	for (const char *p = s; *p; p++) {
		g_assert(*p >= ' ' && *p <= '~');
		len += *p == '%';
	}
	g_assert(len <= REPLY_TEXT_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *w[WORDS];
	g_autofree char *all = g_strndup((const char *)data, size);
	g_auto(GStrv) given = g_strsplit(all, "\n", WORDS);
	AUTO(verdict_clear) struct verdict v = { 0 };

	for (guint i = 0; i < WORDS; i++)
		w[i] = g_strdup(i < g_strv_length(given) ? given[i] : "");
	verdict_complete(&v);
	verdict_find(&v, FINDING_INFECTED, w[6], w[7], w[8]);
	verdict_find(&v, FINDING_INFECTED, w[7], w[6], w[8]);
	check_status(&v);
	verdict_fail(&v, REASON_PROTOCOL, "%s", w[8]);
	check_report(w, &v);
	check_status(&v);
	check_reply(w);
	for (guint i = 0; i < WORDS; i++)
		g_free(w[i]);
	return 0;
}
