/*
 * Every engine on the network through the same matrix: the same verdict for the same thing, and
 * never clean for what was not said in full. A cell that a protocol cannot express says so
 * (decision 33).
 */
#include "engine/engine.h"

#include "fake_avast.h"
#include "fake_clamd.h"
#include "fake_http.h"
#include "fake_icap.h"
#include "fake_lines.h"
#include "unit.h"

#include "base/log.h"
#include "conf/conf.h"
#include "engine/upstream.h"

#define SMALL 68
#define MIDDLE (1024 * 1024) /* the sender's buffer takes it all, the receiver's does not */
#define LARGE (8 * 1024 * 1024) /* more than both socket buffers */

enum cell {
	CELL_CLEAN,
	CELL_FOUND,
	CELL_TWO,
	CELL_ENCRYPTED,
	CELL_LIMIT,
	CELL_TOO_LARGE,
	CELL_ERROR,
	CELL_BUSY,
	CELL_NO_LICENSE,
	CELL_UNKNOWN,
	CELL_NUL,
	CELL_COUNT
};

static const char *const cell_names[] = {
    "clean", "found", "two findings", "encrypted",     "limit", "too large",
    "error", "busy",  "no licence",   "unknown reply", "NUL",
};

struct wanted {
	enum verdict_class class;
	enum reason reason; /* REASON_NONE: not looked at */
	unsigned findings;
};

static const struct wanted wanted[] = {
    [CELL_CLEAN] = {CLASS_CLEAN, REASON_NONE, 0},
    [CELL_FOUND] = {CLASS_INFECTED, REASON_NONE, 1},
    [CELL_TWO] = {CLASS_INFECTED, REASON_NONE, 2},
    [CELL_ENCRYPTED] = {CLASS_ENCRYPTED, REASON_NONE, 1},
    [CELL_LIMIT] = {CLASS_UNSCANNABLE, REASON_LIMIT_SIZE, 0},
    [CELL_TOO_LARGE] = {CLASS_UNSCANNABLE, REASON_TOO_LARGE, 0},
    [CELL_ERROR] = {CLASS_ERROR, REASON_ENGINE_ERROR, 0},
    [CELL_BUSY] = {CLASS_ERROR, REASON_BUSY, 0},
    [CELL_NO_LICENSE] = {CLASS_ERROR, REASON_NO_LICENSE, 0},
    [CELL_UNKNOWN] = {CLASS_ERROR, REASON_PROTOCOL, 0},
    [CELL_NUL] = {CLASS_ERROR, REASON_PROTOCOL, 0},
};

struct says {
	const char *answer; /* NULL: the protocol cannot say it, `len` is 0 */
	size_t len;
	const char *cannot; /* why not */
	bool bare;
};
#define SAYS(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1, NULL, false                                                \
	}
#define SAYS_Z(text)                                                                               \
	{                                                                                          \
		text, sizeof(text), NULL, false                                                    \
	}
#define BARE_Z(text)                                                                               \
	{                                                                                          \
		text, sizeof(text), NULL, true                                                     \
	}
#define BARE(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1, NULL, true                                                 \
	}
#define CANNOT(why)                                                                                \
	{                                                                                          \
		NULL, 0, why, false                                                                \
	}

struct row {
	const char *name;
	const struct fake_protocol *protocol;
	const char *options; /* what a probe is told */
	const char *kind;    /* of the section, and what else stands in it */
	const char *more;
	bool tcp;
	const char
	    *never_early; /* why an answer cannot come before the upload ends; NULL: it can */
	size_t around;        /* bytes that the protocol puts around an answer */
	bool greets;          /* a connection that is closed at once never came up */
	struct says cells[CELL_COUNT];
};

#define CLAMD_CELLS                                                                                \
	{                                                                                          \
		[CELL_CLEAN] = SAYS_Z("OK"), [CELL_FOUND] = SAYS_Z("Eicar-Test-Signature FOUND"),  \
		[CELL_TWO] = CANNOT("clamd reports one name"),                                     \
		[CELL_ENCRYPTED] = SAYS_Z("Heuristics.Encrypted.Zip FOUND"),                       \
		[CELL_LIMIT] = SAYS_Z("Heuristics.Limits.Exceeded.MaxFileSize FOUND"),             \
		[CELL_TOO_LARGE] = BARE_Z("INSTREAM size limit exceeded. ERROR"),                  \
		[CELL_ERROR] = SAYS_Z("Can't allocate memory ERROR"),                              \
		[CELL_BUSY] = CANNOT("a full clamd delays its answer"),                            \
		[CELL_NO_LICENSE] = CANNOT("clamd has no licence"),                                \
		[CELL_UNKNOWN] = SAYS_Z("Perhaps"), [CELL_NUL] = SAYS_Z("O\0K"),                   \
	}

#define CLAMD_SESSIONS                                                                             \
	"ClamAV 1.4.6/27500/Thu Dec 26 09:38:26 2024| COMMANDS: SCAN PING VERSION FILDES "         \
	"IDSESSION INSTREAM"
#define CLAMD_OLD "UNKNOWN COMMAND"

#define NOTHING "ICAP/1.0 204 No Content\r\nISTag: \"T1\"\r\nEncapsulated: null-body=0\r\n\r\n"
#define VIOLATION(n, lines)                                                                        \
	"ICAP/1.0 201 Created\r\nISTag: \"T1\"\r\nX-Violations-Found: " n "\r\n" lines             \
	"Encapsulated: null-body=0\r\n\r\n"

#define ICAP_CELLS                                                                                 \
	{                                                                                          \
		[CELL_CLEAN] = SAYS(NOTHING),                                                      \
		[CELL_FOUND] = SAYS(                                                               \
		    VIOLATION("1", "\tfrere.exe\r\n\tJeru.1808.Frere Jac\r\n\t755\r\n\t0\r\n")),   \
		[CELL_TWO] = SAYS(VIOLATION(                                                       \
		    "2", "\ta.exe\r\n\tOne\r\n\t1\r\n\t0\r\n\tb.exe\r\n\tTwo\r\n\t2\r\n\t0\r\n")), \
		[CELL_ENCRYPTED] = SAYS(VIOLATION(                                                 \
		    "1", "\ta.zip\r\n\tEncrypted container violation\r\n\t0\r\n\t0\r\n")),         \
		[CELL_LIMIT] = SAYS(                                                               \
		    VIOLATION("1", "\ta.zip\r\n\tContainer size violation\r\n\t0\r\n\t0\r\n")),    \
		[CELL_TOO_LARGE] = CANNOT("sizes come as container violations: the cell limit"),   \
		[CELL_ERROR] = SAYS("ICAP/1.0 500 Internal server error\r\n\r\n"),                 \
		[CELL_BUSY] = SAYS("ICAP/1.0 506 Server too busy\r\nISTag: \"638F\"\r\n\r\n"),     \
		[CELL_NO_LICENSE] = SAYS("ICAP/1.0 558 Aborted no scanning license\r\n\r\n"),      \
		[CELL_UNKNOWN] = SAYS("HTTP/1.1 200 OK\r\n\r\n"),                                  \
		[CELL_NUL] = SAYS("ICAP/1.0 204 No\0Content\r\n\r\n"),                             \
	}

#define ICAP_OPTIONS_ANSWER                                                                        \
	"ICAP/1.0 200 OK\r\nMethods: RESPMOD, REQMOD, FILEMOD\r\nService: Symantec Scan "          \
	"Engine/5.2\r\n"                                                                           \
	"ISTag: \"T1\"\r\nX-Definition-Info: 20050622.017\r\nMax-Connections: 128\r\nAllow: "      \
	"204\r\n"                                                                                  \
	"Options-TTL: 3600\r\nPreview: 4\r\nX-AV-License: 1\r\nEncapsulated: null-body=0\r\n\r\n"

#define SAVAPI_EICAR "310 Eicar-Test-Signature ; virus ; Contains code of it\n"
#define SAVAPI_CELLS                                                                               \
	{                                                                                          \
		[CELL_CLEAN] = SAYS("200 OK\n"),                                                  \
		[CELL_FOUND] = SAYS(SAVAPI_EICAR "319 OK\n"),                                     \
		[CELL_TWO] = SAYS(SAVAPI_EICAR "310 a.zip <<< TR/Two ; trojan ; Is it\n319 OK\n"), \
		[CELL_ENCRYPTED] = CANNOT("savapi has no code for it"),                            \
		[CELL_LIMIT] = SAYS("220 timeout\n"),                                             \
		[CELL_TOO_LARGE] = CANNOT("savapi reads files itself and has no code for it"),     \
		[CELL_ERROR] = SAYS("350 Internal error\n"),                                      \
		[CELL_BUSY] = CANNOT("a full savapi delays its greeting"),                         \
		[CELL_NO_LICENSE] = CANNOT("said to SET PRODUCT: savapi/no-license.dlg"),          \
		[CELL_UNKNOWN] = SAYS("777 what\n"), [CELL_NUL] = SAYS("200 O\0K\n"),             \
	}

#define SSSP_CELLS                                                                                 \
	{                                                                                          \
		[CELL_CLEAN] = SAYS("DONE OK 0000 The function call succeeded\r\n\r\n"),          \
		[CELL_FOUND] = SAYS("VIRUS EICAR-AV-Test /m\r\nOK 0203 /m\r\nDONE OK 0203 Virus "  \
		                    "found during virus scan\r\n\r\n"),                           \
		[CELL_TWO] = SAYS("VIRUS One /a\r\nVIRUS Two /b\r\nDONE OK 0203 Virus\r\n\r\n"), \
		[CELL_ENCRYPTED] =                                                                 \
		    SAYS("FAIL 0212 /m/a.zip\r\nDONE OK 0212 File was encrypted\r\n\r\n"),        \
		[CELL_LIMIT] = SAYS("FAIL 060F /m\r\nDONE FAIL 060F timeout\r\n\r\n"),          \
		[CELL_TOO_LARGE] = BARE("REJ 4\r\n"),                                             \
		[CELL_ERROR] = SAYS("DONE FAIL 0202 Sweep failure\r\n\r\n"),                     \
		[CELL_BUSY] = CANNOT("a full savdid accepts late, or refuses the connection"),     \
		[CELL_NO_LICENSE] = CANNOT("sssp has no word for it"),                             \
		[CELL_UNKNOWN] = SAYS("DONE OK 7777 what\r\n\r\n"),                              \
		[CELL_NUL] = SAYS("DONE OK 0000 The func\0tion\r\n\r\n"),                       \
	}

/* Behind each stands the name of the stream. */
#define FPROT_CELLS                                                                                \
	{                                                                                          \
		[CELL_CLEAN] = SAYS("0 <clean> "),                                                 \
		[CELL_FOUND] = SAYS("1 <infected: EICAR_Test_File> "),                             \
		[CELL_TWO] = CANNOT("fpscand gives one line for an object"),                       \
		[CELL_ENCRYPTED] = CANNOT("the same bit as unsupported and corrupt: 64"),          \
		[CELL_LIMIT] = SAYS("8 <not scanned> "),                                           \
		[CELL_TOO_LARGE] = CANNOT("the same bit as its other limits: 8"),                  \
		[CELL_ERROR] = SAYS("48 <crashed> "),                                              \
		[CELL_BUSY] = CANNOT("fpscand has no word for it"),                                \
		[CELL_NO_LICENSE] = CANNOT("fpscand has no word for it"),                          \
		[CELL_UNKNOWN] = SAYS("256 <clean> "), [CELL_NUL] = SAYS("0 <cl\0ean> "),          \
	}

/* In front of each stands the name of the file. */
#define KLMS_CELLS                                                                                 \
	{                                                                                          \
		[CELL_CLEAN] = SAYS("OK\n"), [CELL_FOUND] = SAYS("EICAR-Test-File FOUND\n"),       \
		[CELL_TWO] = CANNOT("rds_av reports one name"),                                    \
		[CELL_ENCRYPTED] = CANNOT("nobody knows what it says"),                            \
		[CELL_LIMIT] = CANNOT("nobody knows what it says"),                                \
		[CELL_TOO_LARGE] = CANNOT("nobody knows what it says"),                            \
		[CELL_ERROR] = SAYS("Internal error ERROR\n"),                                    \
		[CELL_BUSY] = CANNOT("nobody knows what it says"),                                 \
		[CELL_NO_LICENSE] = CANNOT("nobody knows what it says"),                           \
		[CELL_UNKNOWN] = SAYS("Perhaps\n"), [CELL_NUL] = SAYS("O\0K\n"),                  \
	}

/* An HTTP answer of which the test knows the length; a connection serves many with 1.1. */
#define HTTP(version, status, len, body)                                                           \
	SAYS(version " " status "\r\nContent-Length: " len "\r\n\r\n" body)
#define KSE(len, body) HTTP("HTTP/1.0", "200 OK", len, body)
#define KSE_CELLS                                                                                  \
	{                                                                                          \
		[CELL_CLEAN] = KSE("5", "CLEAN"), [CELL_FOUND] = KSE("22", "DETECT EICAR-Test-File"), \
		[CELL_TWO] = KSE("33", "DETECT EICAR-Test-File, Win32.A\r\n"),                    \
		[CELL_ENCRYPTED] = KSE("32", "NON_SCANNED (PASSWORD PROTECTED)"),                  \
		[CELL_LIMIT] = CANNOT("NON_SCANNED has no word for limits"),                       \
		[CELL_TOO_LARGE] = HTTP("HTTP/1.0", "413 Request Entity Too Large", "0", ""),      \
		[CELL_ERROR] = KSE("12", "SERVER_ERROR"),                                          \
		[CELL_BUSY] = HTTP("HTTP/1.0", "503 Service Unavailable", "0", ""),                \
		[CELL_NO_LICENSE] = CANNOT("told by /licenseinfo only"),                           \
		[CELL_UNKNOWN] = KSE("7", "CLEANED"), [CELL_NUL] = KSE("6", "CLE\0AN"),            \
	}
#define KSE_BASES "HTTP/1.0 200 OK\r\nContent-Length: 39\r\n\r\ndatabase version: 9.02.2024 15:03 GMT\r\n"

#define REST(len, body)                                                                            \
	HTTP("HTTP/1.1", "200 OK", len, body)
#define REST_CELLS                                                                                 \
	{                                                                                          \
		[CELL_CLEAN] = REST("13", "{\"issues\":[]}"),                                      \
		[CELL_FOUND] = REST("41", "{\"issues\":[{\"path\":\"a.eml\",\"virus\":\"X\"}]}"),      \
		[CELL_TWO] =                                                                       \
		    REST("57", "{\"issues\":[{\"detections\":[{\"virus\":\"X\"},{\"virus\":\"Y\"}]}]}"), \
		[CELL_ENCRYPTED] = REST("79", "{\"issues\":[{\"warning_id\":42056,"                \
		                              "\"warning_str\":\"Archive is password protected\"}]}"), \
		[CELL_LIMIT] = REST("68", "{\"issues\":[{\"warning_id\":42110,"                    \
		                          "\"warning_str\":\"decompression bomb\"}]}"),            \
		[CELL_TOO_LARGE] = HTTP("HTTP/1.1", "413 Payload Too Large", "0", ""),             \
		[CELL_ERROR] = HTTP("HTTP/1.1", "500 Internal Server Error", "0", ""),             \
		[CELL_BUSY] = HTTP("HTTP/1.1", "503 Service Unavailable", "0", ""),                \
		[CELL_NO_LICENSE] = REST("73", "{\"issues\":[{\"warning_id\":42000,"               \
		                               "\"warning_str\":\"The license has expired\"}]}"),  \
		[CELL_UNKNOWN] = REST("18", "{\"result\":\"clean\"}"),                             \
		[CELL_NUL] = REST("14", "{\"issues\":[]\0}"),                                     \
	}

#define SOCK(lines) SAYS("210 SCAN DATA\r\n" lines "200 SCAN OK\r\n")
#define SOCK_CELLS                                                                                 \
	{                                                                                          \
		[CELL_CLEAN] = SOCK("SCAN %P\t[+]0.0\r\n"),                                       \
		[CELL_FOUND] = SOCK("SCAN %P|>a.com\t[L]1.0\t0 EICAR\\ Test-NOT\\ virus!!!\r\n"),  \
		[CELL_TWO] = SOCK("SCAN %P|>a\t[L]1.0\t0 One\r\nSCAN %P|>b\t[L]2.0\t0 Two\r\n"),   \
		[CELL_ENCRYPTED] =                                                                 \
		    SOCK("SCAN %P|>a\t[E]3.0\tError 42056 Archive\\ is\\ password\\ protected\r\n"), \
		[CELL_LIMIT] = SOCK("SCAN %P\t[E]3.0\tError 42110 bomb\r\n"),                     \
		[CELL_TOO_LARGE] = CANNOT("files have no limit of their own: the cell limit"),     \
		[CELL_ERROR] = SAYS("451 SCAN Engine error 13 out of memory\r\n"),                \
		[CELL_BUSY] = SAYS("451 Too many connections\r\n"),                               \
		[CELL_NO_LICENSE] = SOCK("SCAN %P\t[E]0.0\tError 42000 License\\ expired\r\n"),     \
		[CELL_UNKNOWN] = SOCK("SCAN %P\t[?]0.0\r\n"), [CELL_NUL] = SAYS("210\0SCAN DATA\r\n"), \
	}

static const struct row rows[] = {
    {"clamd, descriptor, session", &fake_clamd, CLAMD_SESSIONS, "clamd", "", false,
     "a descriptor goes over in one piece", 11, false, CLAMD_CELLS},
    {"clamd, stream, session", &fake_clamd, CLAMD_SESSIONS, "clamd", "", true, NULL, 11, false,
     CLAMD_CELLS},
    {"clamd, stream", &fake_clamd, "ClamAV 0.95| COMMANDS: PING", "clamd", "", true, NULL,
     8, false, CLAMD_CELLS},
    {"icap, RESPMOD", &fake_icap, ICAP_OPTIONS_ANSWER, "icap", "", true, NULL, 0, false,
     ICAP_CELLS},
    {"icap, REQMOD", &fake_icap, ICAP_OPTIONS_ANSWER, "icap", "method = \"reqmod\"", true, NULL,
     0, false, ICAP_CELLS},
    {"icap, FILEMOD", &fake_icap, ICAP_OPTIONS_ANSWER, "icap", "method = \"filemod\"", true,
     "a name goes over in one piece", 0, false, ICAP_CELLS},
    {"savapi", &fake_savapi, NULL, "savapi", "product_id = \"10776\"", true,
     "a name goes over in one piece", 0, true, SAVAPI_CELLS},
    {"sssp", &fake_sssp, NULL, "sssp", "", true, NULL, sizeof(FAKE_ACC) - 1, true, SSSP_CELLS},
    {"fprot", &fake_fprot, NULL, "fprot", "", true, NULL, sizeof("avm1\n") - 1, false,
     FPROT_CELLS},
    {"klms", &fake_klms, NULL, "klms", "", false, "a name goes over in one piece",
     sizeof("/tmp/avm-XXXXXX: ") - 1, false, KLMS_CELLS},
    {"kse, scanmemory", &fake_http, KSE_BASES, "kse", "", true, NULL, 0, false, KSE_CELLS},
    {"kse, scanfile", &fake_http, KSE_BASES, "kse", "use_files = yes", true,
     "a name goes over in one piece", 0, false, KSE_CELLS},
    {"avast, REST", &fake_http, "", "avast", "", true, NULL, 0, false, REST_CELLS},
    {"avast, REST, path", &fake_http, "", "avast", "use_files = yes", true,
     "a name goes over in one piece", 0, false, REST_CELLS},
    {"avast, socket", &fake_avast, "210 VPS DATA\r\nVPS 26010100\r\n200 VPS OK\r\n", "avast", "",
     false, "a name goes over in one piece", 0, true, SOCK_CELLS},
};

/* The row behind r, from NULL on; make check ENGINE=name asks for those of one engine. */
static const struct row *
next_row(const struct row *r)
{
	const char *only = g_getenv("AVM_ENGINE");

	for (r = r ? r + 1 : rows; r < rows + G_N_ELEMENTS(rows); r++)
		if (!only || !*only || strcmp(r->kind, only) == 0)
			return r;
	return NULL;
}
#define EACH_ROW(r) (const struct row *r = next_row(NULL); r; r = next_row(r))

/* An engine set over a fake server, and a message to scan. */
struct bench {
	struct fake fake;
	struct conf *conf;
	struct engines *engines;
	struct spool_budget *budget;
	struct message *m;
	struct objects *objects;
};

static void
make_message(struct bench *b, size_t size)
{
	struct message_limits lim = {
	    .spool = {.memory_max = 64 << 20, .total_max = 256 << 20, .file_base = "/tmp"},
	    .header_max = 65536};
	struct client client = {.name = (char *)(uintptr_t) "h",
	                        .addr = (char *)(uintptr_t) "192.0.2.1"};
	g_autofree char *body = g_malloc(size);

	memset(body, 'a', size);
	b->budget = spool_budget_new();
	b->m = message_new(b->budget, &lim, &client, "<a@b>");
	message_add_header(b->m, "Subject", " x");
	message_add_body(b->m, body, size);
	message_seal(b->m);
	assert_null(b->m->error);
	b->objects = objects_new(b->m->spool, -1, 0);
	assert_non_null(objects_add(b->objects, OBJECT_MESSAGE, STORE_SPOOL, 0,
	                            spool_size(b->m->spool), "", NULL, NULL, NULL));
}

/* Until the server's probe has been answered, so that what it told is used. */
static void
wait_probed(struct upstream *u)
{
	upstream_start(u);
	for (int i = 0; i < 1000; i++) {
		g_autoptr(GPtrArray) stats = upstream_stats(u);
		const struct server_stats *st = g_ptr_array_index(stats, 0);

		if (st->version)
			return;
		g_usleep(1000);
	}
	fail_msg("the server was not probed");
}

static void
bench_open(struct bench *b, const struct row *r, const struct play *play, size_t size)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) err = NULL;
	struct engine *e;

	memset(b, 0, sizeof(*b));
	b->fake.protocol = r->protocol;
	b->fake.play = *play;
	b->fake.tcp = r->tcp;
	b->fake.options = r->options;
	fake_start(&b->fake);
	text = g_strdup_printf(
	    "antivirus { mime_decompose = no file_base = \"/tmp\" %s \"e\" { servers = \"%s\" %s "
	    "read_write_time = 300ms "
	    "connect_time = 300ms timeout = 2s fail_retry_time = 1s } }",
	    r->kind, b->fake.address, r->more);
	b->conf = conf_parse(text, "test", &err);
	if (!b->conf)
		fail_msg("%s", err->message);
	b->engines = engines_new(b->conf, NULL, true, &err);
	assert_non_null(b->engines);
	make_message(b, size);
	e = g_ptr_array_index(b->engines->list, 0);
	if (!play->drop && e->ops->probe)
		wait_probed(e->upstream);
}

static void
bench_scan(struct bench *b, struct verdict *v)
{
	struct wait wait;
	struct scan_request rq = {.message = b->m,
	                          .objects = b->objects,
	                          .object = g_ptr_array_index(b->objects->list, 0),
	                          .label = "message",
	                          .wait = &wait};

	wait_init(&wait, deadline_in(5000), 0, NULL, NULL);
	engine_scan(g_ptr_array_index(b->engines->list, 0), &rq, v);
}

static void
bench_close(struct bench *b)
{
	engines_free(&b->engines);
	conf_unref(&b->conf);
	objects_free(&b->objects);
	message_free(&b->m);
	spool_budget_free(&b->budget);
	fake_stop(&b->fake);
}

/* One scan of an object of size bytes; the verdict is the caller's. */
static void
play_one(const struct row *r, const struct play *play, size_t size, struct verdict *v)
{
	struct bench b;

	bench_open(&b, r, play, size);
	bench_scan(&b, v);
	bench_close(&b);
}

static bool
is_limit(enum reason r)
{
	return r >= REASON_LIMIT_FILES && r <= REASON_LIMIT_TIME;
}

static const char *
why_of(const struct verdict *v)
{
	return v->failed_why ? v->failed_why : v->partial_why ? v->partial_why : "";
}

static void
check(const struct row *r, const char *what, const struct verdict *v, const struct wanted *w)
{
	enum verdict_class c = verdict_class(v);
	enum reason reason = v->failed != REASON_NONE ? v->failed : v->partial;

	/* Which limit it was not every protocol tells. */
	if (is_limit(w->reason) && is_limit(reason))
		reason = w->reason;
	if (c != w->class || (w->reason != REASON_NONE && reason != w->reason))
		fail_msg("%s: %s: class %s, reason %s (%s)", r->name, what, verdict_class_name(c),
		         reason_name(reason), why_of(v));
	if (w->findings > 0)
		assert_int_equal(v->findings->len, w->findings);
}

static void
said(void **state)
{
	(void)state;
	for EACH_ROW(r)
		for (unsigned cell = 0; cell < CELL_COUNT; cell++) {
			const struct says *s = &r->cells[cell];
			AUTO(verdict_clear) struct verdict v = {0}, slow = {0};
			struct play play = {.answer = s->answer, .len = s->len, .bare = s->bare};

			if (!s->answer) {
				assert_non_null(s->cannot);
				print_message("# %s: %s: cannot say: %s\n", r->name,
				              cell_names[cell], s->cannot);
				continue;
			}
			play_one(r, &play, SMALL, &v);
			check(r, cell_names[cell], &v, &wanted[cell]);
			play.single_bytes = true;
			play_one(r, &play, SMALL, &slow);
			check(r, cell_names[cell], &slow, &wanted[cell]);
		}
}

/* Every byte, but under ThreadSanitizer, which takes ten times as long: there a seventh of them. */
static size_t
stride(void)
{
	return g_strcmp0(g_getenv("AVM_SAN"), "thread") == 0 ? 7 : 1;
}

/* A clean answer, ended at every byte by a close: an error each time, and so is half a finding
 * unless the name was there. */
static void
cut_everywhere(void **state)
{
	(void)state;
	for EACH_ROW(r)
		for (unsigned cell = CELL_CLEAN; cell <= CELL_FOUND; cell++) {
			const struct says *s = &r->cells[cell];
			struct play play = {.answer = s->answer, .len = s->len, .cut = SIZE_MAX};

			for (size_t n = 0; n < s->len + r->around; n += stride()) {
				AUTO(verdict_clear) struct verdict v = {0};

				play.cut = n == 0 ? SIZE_MAX : n;
				play_one(r, &play, SMALL, &v);
				if (verdict_is_clean(&v) || !(v.states & 1u << SCAN_FAILED))
					fail_msg("%s: cut after %zu bytes: class %s", r->name,
					         n, verdict_class_name(verdict_class(&v)));
			}
		}
}

static void
stall_and_close(void **state)
{
	static const struct wanted timeout = {CLASS_ERROR, REASON_TIMEOUT, 0},
				   gone = {CLASS_ERROR, REASON_LOST, 0},
				   never = {CLASS_ERROR, REASON_UNREACHABLE, 0};

	(void)state;
	for EACH_ROW(r) {
		AUTO(verdict_clear) struct verdict v = {0}, w = {0};
		struct play play = {.stall = true};

		play_one(r, &play, SMALL, &v);
		check(r, "stall", &v, &timeout);
		play = (struct play){.drop = true};
		play_one(r, &play, SMALL, &w);
		check(r, "close after accept", &w, r->greets ? &never : &gone);
	}
}

static void
over_long(void **state)
{
	static const struct wanted protocol = {CLASS_ERROR, REASON_PROTOCOL, 0};
	struct play play = {.garbage = 1 << 20};

	(void)state;
	for EACH_ROW(r) {
		AUTO(verdict_clear) struct verdict v = {0};

		play_one(r, &play, SMALL, &v);
		check(r, "over-long", &v, &protocol);
	}
}

/* Before the object has gone over, a finding and a refusal count, and clean does not. */
static void
early(void **state)
{
	(void)state;
	for EACH_ROW(r)
		for (unsigned cell = CELL_CLEAN; cell <= CELL_TOO_LARGE; cell++) {
			const struct says *s = &r->cells[cell];
			AUTO(verdict_clear) struct verdict v = {0};
			struct play play = {
			    .answer = s->answer, .len = s->len, .bare = s->bare, .early = true};

			if (r->never_early) {
				print_message("# %s: early: cannot: %s\n", r->name,
				              r->never_early);
				break;
			}
			if (!s->answer)
				continue;
			play_one(r, &play, LARGE, &v);
			if (cell != CELL_CLEAN)
				check(r, "early", &v, &wanted[cell]);
			else if (verdict_is_clean(&v))
				fail_msg("%s: clean before the object was there", r->name);
		}
}

/* The kernel has taken all of the object, but the server did not read it before it said clean. */
static void
unread(void **state)
{
	(void)state;
	for EACH_ROW(r) {
		const struct says *s = &r->cells[CELL_CLEAN];
		AUTO(verdict_clear) struct verdict v = {0};
		struct play play = {
		    .answer = s->answer, .len = s->len, .early = true, .rest_ms = 100};

		if (r->never_early)
			continue;
		play_one(r, &play, MIDDLE, &v);
		if (verdict_is_clean(&v))
			fail_msg("%s: believed what was said of an object it had not read",
			         r->name);
	}
}

/* Many objects one after the other: connections that may be reused are. */
static void
reuse(void **state)
{
	(void)state;
	for EACH_ROW(r) {
		const struct says *s = &r->cells[CELL_CLEAN];
		struct play play = {.answer = s->answer, .len = s->len};
		struct bench b;

		bench_open(&b, r, &play, SMALL);
		for (int k = 0; k < 20; k++) {
			AUTO(verdict_clear) struct verdict v = {0};

			bench_scan(&b, &v);
			if (!verdict_is_clean(&v))
				fail_msg("%s: object %d: %s", r->name, k, why_of(&v));
		}
		assert_int_equal(atomic_load(&b.fake.objects), 20);
		print_message("# %s: 20 objects, %d connections\n", r->name,
		              atomic_load(&b.fake.connections));
		assert_int_equal(atomic_load(&b.fake.got), spool_size(b.m->spool));
		bench_close(&b);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(said),
    cmocka_unit_test(cut_everywhere),
    cmocka_unit_test(stall_and_close),
    cmocka_unit_test(over_long),
    cmocka_unit_test(early),
    cmocka_unit_test(unread),
    cmocka_unit_test(reuse),
};

int
main(void)
{
	log_open("stderr", "mail", "test", LOGLV_ERR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
