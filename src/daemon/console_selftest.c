/* console_selftest - see console_selftest.h */
#include "daemon/console_selftest.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/deadline.h"
#include "base/fsx.h"
#include "daemon/jsonx.h"
#include "daemon/mailfile.h"
#include "scan/scan.h"

#define PADDING_MIB 8
#define MIB         (1024 * 1024)
#define TICK_MS     60000
#define LINE_LEN    76

/* Files in Base64, each byte with all bits of MASK turned: so that no scanner takes this program away. */
#define MASK 0x5a
static const char eicar[] =
    "Am8Vewp/GhsKAW4GCgACb25yCgRzbRkZc20nfh8TGRsIdwkOGxQeGwgedxsUDhMMEwgPCXcOHwkOdxwTFh97fhJxEnA=";
static const char eicar_zip[] =
    "ChFZXk5aWlpSWr3YLgdmlQsyHFpaWh5aWlpSWlpaLj8pLnQ5NTfRaq8NVgovKlbSbNNT0tBqb4tS0oluLSyMbvUPK68u"
    "LFaIV1QrrikrViiLL65Rq1apVlBXjFcrV1SLL6muKw8Oq4qsilhaChFbWE5ZTlpaWlJavdguB2aVCzIcWlpaHlpaWlJa"
    "WlpaWlpaWlpaWtpbWlpaWi4/KS50OTU3ChFfXFpaWlpbWltabFpaWjZaWlpaWg==";
static const char locked_zip[] =
    "ChFZXk5aW1paWlpaewCt/4VOY1paWndaWlpQWlpaKT85KD8udC4iLtbbtqX65JSjtXUizf9tXlI3nLNLootHAIs9nLLe"
    "p2UdrdpDBsM4sJ+SU0sTb+eiLX2XDlpd/1VdTAoRW1hOWk5aW1paWlpaewCt/4VOY1paWndaWlpQWlpaWlpaWlpaWlpa"
    "WlpaWlopPzkoPy50LiIuChFfXFpaWlpbWltaYlpaWjtaWlpaWg==";
static const char nothing[] = "NDUuMjM0PQ==";

/* What must come out. */
enum expected {
	WANT_CLEAN,
	WANT_INFECTED,
	WANT_NOTICED /* anything but clean: found, locked or unscannable */
};

static const struct sample {
	const char *name;
	const char *content;
	const char *type; /* Content-Type, with its parameters */
	bool plain;       /* as text, not in Base64 */
	bool padded;      /* behind another attachment of the asked size */
	enum expected expected;
} samples[] = {
	{ "clean", nothing, "text/plain", true, false, WANT_CLEAN },
	{ "eicar_as_text", eicar, "text/plain", true, false, WANT_INFECTED },
	{ "eicar_in_base64", eicar, "application/octet-stream; name=eicar.com", false, false,
	    WANT_INFECTED },
	{ "eicar_in_zip", eicar_zip, "application/zip; name=eicar.zip", false, false,
	    WANT_INFECTED },
	{ "eicar_typed_as_pdf", eicar, "application/pdf; name=invoice.pdf", false, false,
	    WANT_INFECTED },
	{ "eicar_after_padding", eicar, "application/octet-stream; name=eicar.com", false, true,
	    WANT_INFECTED },
	{ "locked_zip", locked_zip, "application/zip; name=locked.zip", false, false,
	    WANT_NOTICED },
};

static guchar *
content_of(const struct sample *s, gsize *len)
{
	guchar *bytes = g_base64_decode(s->content, len);

	for (gsize i = 0; i < *len; i++)
		bytes[i] ^= MASK;
	return bytes;
}

static void
append_base64(GString *mail, const guchar *bytes, gsize len)
{
	g_autofree char *text = g_base64_encode(bytes, len);

	for (const char *line = text; *line != '\0'; line += strnlen(line, LINE_LEN))
		g_string_append_printf(mail, "%.*s\r\n", LINE_LEN, line);
}

/* Bytes that do not compress and repeat nowhere. */
static void
append_padding(GString *mail, uint64_t mib)
{
	const gsize len = mib * MIB;
	g_autofree guchar *noise = g_malloc(len + 1);
	g_autoptr(GRand) random = g_rand_new_with_seed(1);

	for (gsize i = 0; i < len; i++)
		noise[i] = (guchar)g_rand_int(random);
	g_string_append(mail,
	    "Content-Type: application/octet-stream; name=padding.bin\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n");
	append_base64(mail, noise, len);
	g_string_append(mail, "--selftest\r\n");
}

static GString *
mail_of(const struct sample *s, uint64_t mib)
{
	GString *mail = g_string_new(
	    "From: <selftest@localhost>\r\nSubject: avmilterctl selftest\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=selftest\r\n\r\n"
	    "--selftest\r\n");
	gsize len;
	g_autofree guchar *bytes = content_of(s, &len);

	if (s->padded)
		append_padding(mail, mib);
	g_string_append_printf(mail, "Content-Type: %s\r\n", s->type);
	if (s->plain) {
		g_string_append(mail, "\r\n");
		g_string_append_len(mail, (const char *)bytes, (gssize)len);
		g_string_append(mail, "\r\n");
	} else {
		g_string_append(mail, "Content-Transfer-Encoding: base64\r\n\r\n");
		append_base64(mail, bytes, len);
	}
	g_string_append(mail, "--selftest--\r\n");
	return mail;
}

/* A file in memory with the mail, or -1 and *err. */
static int
file_of(const struct sample *s, uint64_t mib, GError **err)
{
	g_autoptr(GString) mail = mail_of(s, mib);
	AUTO(fd_close) int fd = memfd_create("selftest", MFD_CLOEXEC);
	int out;

	if (fd < 0) {
		fsx_fail(err, "selftest", "memfd_create");
		return -1;
	}
	if (!fsx_pwrite_all(fd, mail->str, mail->len, 0, err))
		return -1;
	out = fd;
	fd = -1;
	return out;
}

static bool
is_expected(const struct sample *s, const struct verdict *v)
{
	switch (s->expected) {
	case WANT_CLEAN:
		return verdict_is_clean(v);
	case WANT_INFECTED:
		return verdict_class(v) == CLASS_INFECTED;
	case WANT_NOTICED:
		break;
	}
	return verdict_class(v) != CLASS_CLEAN && verdict_class(v) != CLASS_ERROR;
}

/* "infected (Eicar-Test-Signature), 0.004 s" */
static char *
answer_of(const struct sample *s, const struct verdict *v, int64_t ms)
{
	const struct finding *top = verdict_top(v);
	const enum verdict_class cls = verdict_class(v);
	const char *more = top != NULL ? top->name
	    : cls != CLASS_CLEAN       ? verdict_why(v, cls)
				       : NULL;

	return g_strdup_printf("%s%s%s%s, %.3f s%s", verdict_class_name(cls),
	    more != NULL ? " (" : "", more != NULL ? more : "", more != NULL ? ")" : "",
	    (double)ms / 1000.0, is_expected(s, v) ? "" : "  <-- not what it should be");
}

/* One engine alone; nothing is remembered. */
static bool
try_engine(const struct snapshot *snap, struct engine *e, const struct sample *s, struct message *m,
    const atomic_int_fast64_t *cut, json_t *to)
{
	struct engines alone = *snap->engines;
	struct scan_result r = { 0 };
	const int64_t begin = now_ms();
	g_autofree char *answer = NULL;
	struct wait wait;
	bool good;

	alone.list = g_ptr_array_new();
	alone.memory = NULL;
	g_ptr_array_add(alone.list, e);
	wait_init(&wait, deadline_in(snap->conf->antivirus.message_time_max), TICK_MS, NULL, NULL);
	wait.cut = cut;
	scan_message(snap->conf, &alone, snapshot_workers(snap), m, &wait, &r);
	good = is_expected(s, &r.verdict);
	answer = answer_of(s, &r.verdict, now_ms() - begin);
	put_text(to, s->name, answer);
	scan_result_clear(&r);
	g_ptr_array_unref(alone.list);
	return good;
}

static bool
try_sample(const struct snapshot *snap, struct spool_budget *b, const struct sample *s,
    uint64_t mib, const atomic_int_fast64_t *cut, json_t *engines, unsigned *bad, GError **err)
{
	const struct client nobody = { .name = (char[]){ "localhost" },
		.helo = (char[]){ "localhost" } };
	const struct message_limits lim = {
		.spool = { .memory_max = snap->conf->spool.memory_max,
		    .total_max = snap->conf->spool.total_max,
		    .file_base = snap->conf->antivirus.file_base },
		.header_max = snap->conf->antivirus.header_max,
	};
	AUTO(fd_close) int fd = file_of(s, mib, err);
	AUTO(message_free) struct message *m = message_new(b, &lim, &nobody, "<>");

	if (fd < 0 || !mailfile_read(fd, m, err))
		return false;
	message_seal(m);
	for (guint i = 0; i < snap->engines->list->len; i++) {
		struct engine *e = g_ptr_array_index(snap->engines->list, i);

		if (engine_is_active(e) &&
		    !try_engine(snap, e, s, m, cut, json_object_get(engines, e->title)))
			(*bad)++;
	}
	return true;
}

json_t *
console_selftest(const struct snapshot *snap, struct spool_budget *b, char *const *words,
    const atomic_int_fast64_t *cut, GError **err)
{
	json_t *engines = json_object(), *o;
	unsigned bad = 0;
	guint64 mib = PADDING_MIB;
	bool done = true;

	if (words[0] != NULL &&
	    (words[1] != NULL ||
		!g_ascii_string_to_unsigned(words[0], 10, 0, SELFTEST_MIB_MAX, &mib, NULL))) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "selftest: takes nothing, or the MiB of padding, 0 to %d", SELFTEST_MIB_MAX);
		json_decref(engines);
		return NULL;
	}
	for (guint i = 0; i < snap->engines->list->len; i++) {
		const struct engine *e = g_ptr_array_index(snap->engines->list, i);

		if (engine_is_active(e))
			json_object_set_new(engines, e->title, json_object());
	}
	for (size_t i = 0; done && i < G_N_ELEMENTS(samples); i++)
		done = try_sample(snap, b, &samples[i], mib, cut, engines, &bad, err);
	if (!done) {
		json_decref(engines);
		return NULL;
	}
	o = json_object();
	json_object_set_new(o, "engines", engines);
	put_number(o, "unexpected", bad);
	put_number(o, "code", bad > 0);
	return o;
}
