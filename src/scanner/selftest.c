#include "scanner/selftest.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/auto.h"
#include "base/digest.h"
#include "scanner/clamav.h"
#include "scanner/cputime.h"
#include "scanner/decompose.h"

#define SECRET_BYTES 32
#define SIGNATURE    "Avmilter.Selftest"
#define FOUND_AS     SIGNATURE ".UNOFFICIAL"
#define HSB_LEVEL    73 /* functionality level that knows SHA-256 signatures */
#define ARENA_BYTES  4096
#define TIME_MS      60000

struct selftest {
	char *text;     /* what must be found */
	char *infected; /* a mail with it inside */
	char *clean;
};

static char *
mail_with(const char *text)
{
	g_autofree char *encoded = g_base64_encode((const guchar *)text, strlen(text));
	GString *wrapped = g_string_new(NULL);

	for (size_t i = 0; i < strlen(encoded); i += 76)
		g_string_append_printf(wrapped, "%.76s\r\n", encoded + i);
	char *mail =
	    g_strconcat("Received: by avmilter-scanner (selftest)\r\nMIME-Version: 1.0\r\n"
			"Content-Type: multipart/mixed; boundary=\"selftest\"\r\n\r\n--selftest\r\n"
			"Content-Type: application/octet-stream; name=\"selftest.bin\"\r\n"
			"Content-Transfer-Encoding: base64\r\n\r\n",
		wrapped->str, "--selftest--\r\n", NULL);
	g_string_free(wrapped, TRUE);
	return mail;
}

struct selftest *
selftest_new(void)
{
	struct selftest *t = g_new0(struct selftest, 1);
	unsigned char secret[SECRET_BYTES];
	char hex[DIGEST_HEX];

	/* Never short for so few bytes; a kernel without getrandom() does not run this program. */
	g_assert(getrandom(secret, sizeof secret, 0) == (ssize_t)sizeof secret);
	t->text = g_strconcat("avmilter self-test ", digest_hex(secret, hex), NULL);
	t->infected = mail_with(t->text);
	t->clean = mail_with("avmilter self-test: there is nothing in here");
	return t;
}

bool
selftest_write_signature(const struct selftest *t, const char *path, GError **err)
{
	uint8_t sum[DIGEST_LEN];
	char hex[DIGEST_HEX];

	digest_of(t->text, strlen(t->text), sum);
	g_autofree char *line = g_strdup_printf(
	    "%s:%zu:%s:%d\n", digest_hex(sum, hex), strlen(t->text), SIGNATURE, HSB_LEVEL);
	return g_file_set_contents(path, line, -1, err);
}

/* What the decomposition must give: the one leaf with our text, byte for byte. */
struct seen {
	const struct selftest *t;
	const unsigned char *arena;
	bool leaf;
};

static bool
on_part(void *arg, const struct part *p)
{
	struct seen *s = arg;

	if (p->kind == OBJECT_PART && p->store == STORE_ARENA && p->size == strlen(s->t->text) &&
	    memcmp(s->arena + p->offset, s->t->text, p->size) == 0)
		s->leaf = true;
	return true;
}

static void
try_decompose(const struct selftest *t, struct verdict *v)
{
	const struct proto_settings limits = { .max_extract_size = ARENA_BYTES,
		.max_cumulative_extract_size = ARENA_BYTES,
		.max_extract_time_ms = TIME_MS,
		.max_extract_depth = 1,
		.header_max = ARENA_BYTES };
	g_autofree unsigned char *arena = g_malloc0(ARENA_BYTES);
	AUTO(verdict_clear) struct verdict got = { 0 };
	struct seen seen = { .t = t, .arena = arena };
	struct decompose job = { .message = (const unsigned char *)t->infected,
		.size = strlen(t->infected),
		.arena = arena,
		.arena_size = ARENA_BYTES,
		.mime = true,
		.limits = &limits,
		.cpu_start_us = cpu_now_us(),
		.listener = on_part,
		.arg = &seen };

	decompose(&job, &got);
	if (!verdict_is_clean(&got) || !seen.leaf)
		verdict_fail(
		    v, REASON_ENGINE_ERROR, "self-test: the test mail was not taken apart rightly");
}

static bool
has_found(const struct verdict *v)
{
	for (unsigned i = 0; v->findings && i < v->findings->len; i++) {
		const struct finding *f = v->findings->pdata[i];
		if (strcmp(f->name, FOUND_AS) == 0)
			return true;
	}
	return false;
}

static void
try_scan(const struct selftest *t, struct clamav *c, struct verdict *v)
{
	AUTO(verdict_clear) struct verdict bad = { 0 }, good = { 0 };

	clamav_scan(c, t->infected, strlen(t->infected), false, cpu_now_us(), NULL, &bad);
	if (verdict_state(&bad) == SCAN_FAILED)
		verdict_fail(
		    v, REASON_ENGINE_ERROR, "self-test: %s", verdict_why(&bad, CLASS_ERROR));
	else if (!has_found(&bad))
		verdict_fail(v, REASON_ENGINE_ERROR, "self-test: the test text was not found");
	clamav_scan(c, t->clean, strlen(t->clean), false, cpu_now_us(), NULL, &good);
	/* PARTIAL is no fault here: the administrator's limits may be smaller than our mail. */
	if (verdict_top(&good) || verdict_state(&good) == SCAN_FAILED)
		verdict_fail(v, REASON_ENGINE_ERROR, "self-test: a plain mail was not clean");
}

void
selftest_run(const struct selftest *t, struct clamav *c, struct verdict *v)
{
	try_decompose(t, v);
	if (c)
		try_scan(t, c, v);
	verdict_complete(v);
}

void
selftest_free(struct selftest **t)
{
	if (!*t)
		return;
	g_free((*t)->text);
	g_free((*t)->infected);
	g_free((*t)->clean);
	g_free(*t);
	*t = NULL;
}
