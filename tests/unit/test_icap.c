/*
 * ICAP without a wire: heads, parts, findings, requests, options, and the table from status to
 * verdict
 */
#include "engine/icap_verdict.h"

#include "unit.h"

#include "base/auto.h"
#include "conf/conf.h"
#include "engine/icap_fields.h"
#include "engine/icap_findings.h"
#include "engine/icap_options.h"
#include "message/message.h"

/* Read a head; true when it was complete. */
static bool
read_text(struct icap_message *m, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	icap_message_init(m);
	for (char **l = lines; l[0] && l[1] && !m->complete; l++) { /* what has no LF is no line */
		if (g_str_has_suffix(*l, "\r"))
			(*l)[strlen(*l) - 1] = '\0';
		if (!icap_message_line(m, *l, NULL))
			return false;
	}
	return m->complete;
}

static void
heads(void **state)
{
	AUTO(icap_message_clear) struct icap_message m;
	const struct icap_field *f;

	(void)state;
	assert_true(read_text(
	    &m, "ICAP/1.0 201 Created\r\nX-Violations-Found : 1\r\n\tfrere.exe\r\n "
	        "\tJeru.1808\r\n\t755\r\n\t\r\n"
		"x-allow-out: A\r\nX-Allow-Out: B,  c\r\nEncapsulated:res-hdr=0,res-body=83\n\n"));
	assert_int_equal(m.status, 201);
	assert_string_equal(m.reason, "Created");
	f = icap_field_find(&m, "x-violations-found");
	assert_int_equal(f->more->len, 4); /* a line that holds just a TAB is one of them */
	assert_string_equal(g_ptr_array_index(f->more, 1), "Jeru.1808");
	assert_true(icap_list_has(&m, "X-Allow-Out", "a") && icap_list_has(&m, "X-Allow-Out", "C"));
	assert_false(icap_list_has(&m, "X-Allow-Out", "D"));
}

static void
no_heads(void **state)
{
	static const char *const bad[] = {
	    "HTTP/1.1 200 OK\n\n",
	    "ICAP/2.0 200 OK\n\n",
	    "ICAP/1.0 20 OK\n\n",
	    "ICAP/1.0 2000 OK\n\n",
	    "ICAP/1.0200 OK\n\n",
	    "ICAP/1.0 \n\n",
	    "\n\n",
	    "ICAP/1.0 200\n x\n\n",
	    "ICAP/1.0 200\n:x\n\n",
	    "ICAP/1.0 200\nno colon\n\n",
	    "ICAP/1.0 204 No Content\nISTag: x\n",
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		AUTO(icap_message_clear) struct icap_message m;

		assert_false(read_text(&m, bad[i]));
	}
}

static void
head_limits(void **state)
{
	AUTO(icap_message_clear) struct icap_message m;

	(void)state;
	icap_message_init(&m);
	assert_true(icap_message_line(&m, "ICAP/1.0 200 OK", NULL));
	for (int i = 1; i < ICAP_LINES_MAX; i++)
		assert_true(icap_message_line(&m, "a: b", NULL));
	assert_false(icap_message_line(&m, "a: b", NULL));
}

static void
parts(void **state)
{
	static const struct {
		const char *value;
		bool ok, request, response;
		enum icap_body body;
		uint64_t len;
	} rows[] = {
	    {"null-body=0", true, false, false, ICAP_BODY_NULL, 0},
	    {"res-hdr=0, res-body=161", true, false, true, ICAP_BODY_RES, 161},
	    {"req-hdr=0,res-hdr=66,res-body=125", true, true, true, ICAP_BODY_RES, 125},
	    {"REQ-HDR=0 , null-body=12", true, true, false, ICAP_BODY_NULL, 12},
	    {"opt-body=0", true, false, false, ICAP_BODY_OPT, 0},
	    {"res-hdr=0", false, false, false, 0, 0},
	    {"res-hdr=5, res-body=2", false, false, false, 0, 0},
	    {"res-body=0, res-hdr=0", false, false, false, 0, 0},
	    {"res-hdr=0, res-hdr=1, null-body=2", false, false, false, 0, 0},
	    {"res-hdr=-1, null-body=2", false, false, false, 0, 0},
	    {"res-body=99999999999999", false, false, false, 0, 0},
	    {"", false, false, false, 0, 0},
	    {"what=0, null-body=0", false, false, false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(icap_message_clear) struct icap_message m;
		g_autofree char *text =
		    g_strdup_printf("ICAP/1.0 200 OK\nEncapsulated: %s\n\n", rows[i].value);
		struct icap_parts p;

		assert_true(read_text(&m, text));
		if (icap_parts_parse(&m, &p) != rows[i].ok)
			fail_msg("%s", rows[i].value);
		if (!rows[i].ok)
			continue;
		assert_int_equal(p.request_head, rows[i].request);
		assert_int_equal(p.response_head, rows[i].response);
		assert_int_equal(p.body, rows[i].body);
		assert_int_equal(p.heads_len, rows[i].len);
	}
}

/* One line of fields and what must come of it. */
static const struct finding_row {
	const char *fields;
	enum verdict_class class;
	const char *name;   /* of the strongest finding, or NULL */
	const char *object; /* or NULL */
	unsigned findings;
} finding_rows[] = {
    {"X-Violations-Found: 1\n\tfrere.exe\n\tJeru.1808.Frere Jac\n\t755\n\t0\n", CLASS_INFECTED,
     "Jeru.1808.Frere Jac", "message/frere.exe", 1},
    {"X-Violations-Found: 2\n\ta/b.exe\n\tOne\n\t1\n\t0\n\t-\n\tTwo\n\t2\n\t0\n", CLASS_INFECTED,
     "One", "message/a/b.exe", 2},
    {"X-Violations-Found: 1\n\ta\n\tOne\n\t1\n\t0\n\tb\n\tTwo\n\t2\n\t0\n", CLASS_INFECTED, "One",
     NULL, 2}, /* Clearswift */
    {"X-Violations-Found: 1\n index.html\n Adware.Unknown| NonViralThreat=Adware\n 4294909841\n",
     CLASS_SUSPICIOUS, "Adware.Unknown", NULL, 1},
    {"X-Violations-Found: 1\n\tx\n\tBad| NonViralThreat=Malicious\n\t1\n\t0\n", CLASS_INFECTED,
     "Bad", NULL, 1},
    {"X-Violations-Found: 1\n\tx\n\tBad| NonViralThreat=Reserved Malicious\n\t1\n\t0\n",
     CLASS_INFECTED, "Bad", NULL, 1},
    {"X-Violations-Found: 1\n\tx\n\tOdd| NonViralThreat=New Category\n\t1\n\t0\n", CLASS_INFECTED,
     "Odd", NULL, 1},
    {"X-Violations-Found: 3\n", CLASS_INFECTED, "unknown", "message", 1},
    {"X-Violations-Found: 1\n\tonly.zip\n", CLASS_INFECTED, "unknown", "message/only.zip", 1},
    {"X-Violations-Found: 1\n\ta.zip\n\tContainer size violation\n\t0\n\t0\n", CLASS_UNSCANNABLE,
     NULL, NULL, 0},
    {"X-Violations-Found: 1\n\ta.zip\n\tContainer extraction depth violation\n\t0\n\t0\n",
     CLASS_UNSCANNABLE, NULL, NULL, 0},
    {"X-Violations-Found: 1\n\ta.zip\n\tMalformed container violation\n\t0\n\t0\n",
     CLASS_UNSCANNABLE, NULL, NULL, 0},
    {"X-Violations-Found: 1\n\ta.zip\n\tEncrypted container violation\n\t0\n\t0\n", CLASS_ENCRYPTED,
     "Encrypted container violation", NULL, 1},
    {"X-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\n", CLASS_INFECTED, "Eicar", "message",
     1},
    {"X-Infection-Found: Type=0; Resolution=0; Threat=Eicar\n", CLASS_INFECTED, "Eicar", "message",
     1},
    {"X-Infection-Found: Type=1; Resolution=2; Threat=too big\n", CLASS_BLOCKED, "too big",
     "message", 1},
    {"X-Infection-Found: Type=2; Resolution=2; Threat=odd container\n", CLASS_UNSCANNABLE, NULL,
     NULL, 0},
    {"X-Infection-Found: EICAR-Test\n", CLASS_INFECTED, "EICAR-Test", "message", 1},
    {"X-Infection-Found: Type=0; Resolution=2; Threat=Test.UNOFFICIAL;\nX-Violations-Found: "
     "1\n\t-\n\tTest.UNOFFICIAL\n\t0\n\t0\n",
     CLASS_INFECTED, "Test.UNOFFICIAL", "message", 1}, /* c-icap tells it twice */
    {"X-Infection-Found: Type=0; Resolution=2; Threat=Heuristics.Encrypted.Zip;\n", CLASS_ENCRYPTED,
     NULL, NULL, 1},
    {"X-Infection-Found: Type=0; Resolution=2; Threat=not-a-virus:AdWare.X;\n", CLASS_SUSPICIOUS,
     NULL, NULL, 1},
    {"X-Infection-Found: Type=0; Resolution=2; Threat=HEUR:Trojan.X;\n", CLASS_INFECTED, NULL, NULL,
     1},
    {"X-Virus-ID: One, Two\n", CLASS_INFECTED, NULL, NULL, 2},
    {"X-Virus-ID: Testdatei\nX-Response-Info: blocked\n", CLASS_INFECTED, "Testdatei", NULL, 1},
    {"X-FSecure-Scan-Result: infected\nX-FSecure-Infection-Name: \"EICAR_Test_File\"\n",
     CLASS_INFECTED, "EICAR_Test_File", NULL, 1},
    {"X-Response-Info: Blocked\nX-Blocked-Reason: Password Protected Document\n", CLASS_ENCRYPTED,
     NULL, NULL, 1},
    {"X-Response-Info: Blocked\n", CLASS_INFECTED, "blocked", NULL, 1},
    {"X-MWG-Block-Reason: Archive not supported\n", CLASS_UNSCANNABLE, NULL, NULL, 0},
    {"X-Block-Reason: VirusFound\n", CLASS_INFECTED, "VirusFound", NULL, 1},
};

static void
findings(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(finding_rows); i++) {
		const struct finding_row *r = &finding_rows[i];
		AUTO(icap_message_clear) struct icap_message m;
		AUTO(verdict_clear) struct verdict v = {0};
		g_autofree char *text = g_strdup_printf("ICAP/1.0 200 OK\n%s\n", r->fields);

		assert_true(read_text(&m, text));
		if (!icap_findings(&m, "message", "i", &v))
			fail_msg("nothing in %s", r->fields);
		if (v.kinds != 0)
			verdict_complete(&v);
		if (verdict_class(&v) != r->class ||
		    (v.findings ? v.findings->len : 0) != r->findings)
			fail_msg("%s: %s", r->fields, verdict_class_name(verdict_class(&v)));
		if (r->name)
			assert_string_equal(verdict_top(&v)->name, r->name);
		if (r->object)
			assert_string_equal(verdict_top(&v)->object, r->object);
	}
}

/* Only what says of everything that it is repaired or deleted has been cured. */
static void
cured(void **state)
{
	static const struct {
		const char *fields;
		bool want;
	} rows[] = {
	    {"X-Violations-Found: 1\n\ta\n\tN\n\t1\n\t1\n", true},
	    {"X-Violations-Found: 1\n\ta\n\tN\n\t1\n\t2\n", true},
	    {"X-Violations-Found: 1\n\ta\n\tN\n\t1\n\t0\n", false},
	    {"X-Violations-Found: 1\n\ta\n\tN\n\t1\n", false},
	    {"X-Violations-Found: 1\n\ta\n\tN\n\t1\n\t11\n", false},
	    {"X-Violations-Found: 2\n\ta\n\tN\n\t1\n\t1\n\tb\n\tM\n\t2\n\t0\n", false},
	    {"X-Violations-Found: 2\n\ta\n\tN\n\t1\n\t1\n\tb\n\tM\n\t2\n\t2\n", true},
	    {"X-Violations-Found: 1\n", false},
	    {"X-Violations-Found: 1\nX-Infection-Found: Type=0; Resolution=1; Threat=N;\n", false},
	    {"X-Infection-Found: Type=0; Resolution=1; Threat=N;\n", true},
	    {"X-Infection-Found: Type=0; Resolution=0; Threat=N;\n", false},
	    {"X-Infection-Found: Type=0; Resolution=2; Threat=N;\n", false},
	    {"X-Infection-Found: N\n", false},
	    {"X-Virus-ID: N\n", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(icap_message_clear) struct icap_message m;
		g_autofree char *text = g_strconcat("ICAP/1.0 201 Created\n", rows[i].fields, "\n", NULL);

		assert_true(read_text(&m, text));
		if (icap_says_cured(&m) != rows[i].want)
			fail_msg("%s", text);
	}
}

static void
no_findings(void **state)
{
	static const char *const fields[] = {
	    "X-Violations-Found: 0\n",
	    "X-Violations-Found: -\n",
	    "X-Virus-ID: no threats\n",
	    "X-Virus-ID:\n",
	    "X-Response-Info: passed\n",
	    "X-FSecure-Scan-Result: clean\n",
	    "X-Response-Info: Allowed\nX-Response-Desc: ok\n",
	    "Server: x\n",
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		AUTO(icap_message_clear) struct icap_message m;
		AUTO(verdict_clear) struct verdict v = {0};
		g_autofree char *text = g_strdup_printf("ICAP/1.0 200 OK\n%s\n", fields[i]);

		assert_true(read_text(&m, text));
		if (icap_findings(&m, "message", "i", &v))
			fail_msg("something in %s", fields[i]);
		assert_int_equal(v.states, 0);
	}
}

enum { FULL, HALF, PREVIEWED };

static const struct status_row {
	const char *head; /* behind "ICAP/1.0 " */
	const char *http; /* the HTTP head inside, or NULL */
	enum icap_echo echo;
	bool would_204;
	int sent;
	int dialect;
	enum icap_method method;
	enum verdict_class class;
	enum reason reason;
} status_rows[] = {
#define N NULL, ICAP_ECHO_UNREAD, true, FULL, DIALECT_GENERIC, ICAP_RESPMOD
    {"204 No\n", N, CLASS_CLEAN, REASON_NONE},
    {"204 No\n", NULL, 0, true, HALF, DIALECT_GENERIC, ICAP_RESPMOD, CLASS_UNSCANNABLE,
     REASON_NOT_SCANNED},
    {"204 No\n", NULL, 0, true, PREVIEWED, DIALECT_GENERIC, ICAP_RESPMOD, CLASS_UNSCANNABLE,
     REASON_NOT_SCANNED},
    {"204 No\nX-Virus-ID: A\n", N, CLASS_INFECTED, REASON_NONE},
    {"200 OK\nEncapsulated: null-body=0\n", N, CLASS_UNSCANNABLE, REASON_NOT_SCANNED},
    {"200 OK\nEncapsulated: null-body=0\n", NULL, 0, true, FULL, DIALECT_ESET, ICAP_RESPMOD,
     CLASS_CLEAN, REASON_NONE},
    {"200 OK\nEncapsulated: null-body=0\n", NULL, 0, true, FULL, DIALECT_SYMANTEC, ICAP_FILEMOD,
     CLASS_CLEAN, REASON_NONE},
    {"200 OK\nEncapsulated: res-hdr=0, res-body=20\n", "HTTP/1.1 200 OK\n\n", ICAP_ECHO_SAME, true,
     FULL, DIALECT_C_ICAP, ICAP_RESPMOD, CLASS_UNSCANNABLE, REASON_NOT_SCANNED},
    {"200 OK\nEncapsulated: res-hdr=0, res-body=20\n", "HTTP/1.1 200 OK\n\n", ICAP_ECHO_SAME, false,
     FULL, DIALECT_KASPERSKY, ICAP_RESPMOD, CLASS_CLEAN, REASON_NONE},
    {"200 OK\nEncapsulated: res-hdr=0, res-body=20\n", "HTTP/1.1 200 OK\n\n", ICAP_ECHO_DIFFERENT,
     false, FULL, DIALECT_KASPERSKY, ICAP_RESPMOD, CLASS_INFECTED, REASON_NONE},
    {"200 OK\nEncapsulated: res-hdr=0, res-body=20\n", "HTTP/1.1 200 OK\n\n", ICAP_ECHO_UNREAD,
     false, HALF, DIALECT_KASPERSKY, ICAP_RESPMOD, CLASS_UNSCANNABLE, REASON_NOT_SCANNED},
    {"200 OK\nEncapsulated: res-hdr=0, res-body=20\n", "HTTP/1.0 403 VirusFound\n\n", 0, true, FULL,
     DIALECT_MCAFEE, ICAP_RESPMOD, CLASS_INFECTED, REASON_NONE},
    {"200 OK\nEncapsulated: res-hdr=0, null-body=20\n", "HTTP/1.1 403 Forbidden\n\n", 0, true, FULL,
     DIALECT_ESET, ICAP_RESPMOD, CLASS_INFECTED, REASON_NONE},
    {"200 OK\nEncapsulated: res-hdr=0, res-body=20\n", "HTTP/1.1 307 Moved\nX-Virus-ID: Eicar\n\n",
     0, true, FULL, DIALECT_SQUIDCLAMAV, ICAP_RESPMOD, CLASS_INFECTED, REASON_NONE},
    {"200 OK\nEncapsulated: res-hdr=0, res-body=20\n", "HTTP/1.1 400 Bad\n\n", 0, true, FULL,
     DIALECT_TREND, ICAP_RESPMOD, CLASS_ERROR, REASON_ENGINE_ERROR},
    {"200 OK\nEncapsulated: res-hdr=0, res-body=20\n", "HTTP/1.1 500 Oops\n\n", 0, true, FULL,
     DIALECT_GENERIC, ICAP_RESPMOD, CLASS_ERROR, REASON_ENGINE_ERROR},
    {"200 OK\n", N, CLASS_ERROR, REASON_PROTOCOL},
    {"201 Created\n", N, CLASS_INFECTED, REASON_NONE},
    {"201 Created\nX-Attribute: News\n", N, CLASS_BLOCKED, REASON_NONE},
    {"202 Accepted\n", N, CLASS_UNSCANNABLE, REASON_PENDING},
    {"206 Partial\n", N, CLASS_ERROR, REASON_PROTOCOL},
    {"403 Forbidden\n", N, CLASS_ERROR, REASON_REFUSED},
    {"403 Forbidden.\n", NULL, 0, true, FULL, DIALECT_SYMANTEC, ICAP_RESPMOD, CLASS_INFECTED,
     REASON_NONE},
    {"403 Forbidden.\nX-Attribute: Sex/Acts\n", NULL, 0, true, FULL, DIALECT_SYMANTEC, ICAP_RESPMOD,
     CLASS_BLOCKED, REASON_NONE},
    {"400 Bad\n", N, CLASS_ERROR, REASON_REFUSED},
    {"404 No service\n", N, CLASS_ERROR, REASON_REFUSED},
    {"405 Method\n", N, CLASS_ERROR, REASON_REFUSED},
    {"408 Timeout\n", N, CLASS_ERROR, REASON_TIMEOUT},
    {"500 Error\n", N, CLASS_ERROR, REASON_ENGINE_ERROR},
    {"500 Error\nX-Virus-ID: A\n", N, CLASS_INFECTED, REASON_NONE},
    {"500 Error\nX-Error-Code: password_protected\n", N, CLASS_ENCRYPTED, REASON_NONE},
    {"500 Error\nX-Error-Code: max_archive_layers_exceeded\n", N, CLASS_UNSCANNABLE,
     REASON_LIMIT_DEPTH},
    {"500 Error\nX-Error-Code: decode_error\n", N, CLASS_UNSCANNABLE, REASON_CORRUPT},
    {"500 Error\nX-Error-Code: file_type_blocked\n", N, CLASS_BLOCKED, REASON_NONE},
    {"500 Error\nX-Error-Code: av_engine_error\n", N, CLASS_ERROR, REASON_ENGINE_ERROR},
    {"502 Bad gateway\n", N, CLASS_ERROR, REASON_REFUSED},
    {"503 Overloaded\n", N, CLASS_ERROR, REASON_BUSY},
    {"505 Version\n", N, CLASS_ERROR, REASON_REFUSED},
    {"506 Server too busy\n", N, CLASS_ERROR, REASON_BUSY},
    {"539 No license\n", N, CLASS_ERROR, REASON_NO_LICENSE},
    {"551 Resource unavailable\n", N, CLASS_ERROR, REASON_ENGINE_ERROR},
    {"558 Aborted no scanning license\n", N, CLASS_ERROR, REASON_NO_LICENSE},
    {"299 Perhaps\n", N, CLASS_ERROR, REASON_PROTOCOL},
#undef N
};

static void
judge_row(const struct status_row *r, struct verdict *v)
{
	AUTO(icap_message_clear) struct icap_message m, http;
	g_autofree char *text = g_strdup_printf("ICAP/1.0 %s\n", r->head);
	struct icap_answer a = {.head = &m,
	                        .dialect = icap_dialect_find(r->dialect),
	                        .method = r->method,
	                        .sent_all = r->sent != HALF,
	                        .after_preview = r->sent == PREVIEWED,
	                        .would_204 = r->would_204,
	                        .size = 68,
	                        .echo = r->echo};

	icap_message_init(&http);
	assert_true(read_text(&m, text));
	assert_true(icap_parts_parse(&m, &a.parts));
	if (r->http) {
		assert_true(icap_http_parse(r->http, strlen(r->http), &http));
		a.http = &http;
	}
	icap_judge(&a, v, "message", "i", "engine i: h: reply");
}

static void
statuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(status_rows); i++) {
		const struct status_row *r = &status_rows[i];
		AUTO(verdict_clear) struct verdict v = {0};

		judge_row(r, &v);
		if (verdict_class(&v) != r->class ||
		    (r->reason && v.partial != r->reason && v.failed != r->reason))
			fail_msg("%s%s: %s, %s", r->head, r->http ? r->http : "",
			         verdict_class_name(verdict_class(&v)),
			         reason_name(v.failed ? v.failed : v.partial));
	}
}

static void
requests(void **state)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct icap_request rq = {.method = ICAP_RESPMOD,
	                          .authority = "127.0.0.1:11344",
	                          .service = "avscan",
	                          .name = "part 1.bin",
	                          .type = "bad type\r\nX-Evil: 1",
	                          .size = 68,
	                          .preview = ICAP_NO_PREVIEW,
	                          .client = "192.0.2.1"};
	const char *body;
	size_t response;

	(void)state;
	icap_request_write(&rq, out);
	assert_true(g_str_has_prefix(
	    out->str,
	    "RESPMOD icap://127.0.0.1:11344/avscan ICAP/1.0\r\nHost: 127.0.0.1:11344\r\n"));
	assert_non_null(strstr(
	    out->str, "Allow: 204\r\nX-Client-IP: 192.0.2.1\r\nEncapsulated: req-hdr=0, res-hdr="));
	body = strstr(out->str, "\r\n\r\n") + 4;
	response = (size_t)g_ascii_strtoull(strstr(out->str, "res-hdr=") + 8, NULL, 10);
	assert_int_equal(g_ascii_strtoull(strstr(out->str, "res-body=") + 9, NULL, 10),
	                 strlen(body));
	assert_true(g_str_has_prefix(
	    body, "GET http://mail.invalid/part%201.bin HTTP/1.1\r\nHost: mail.invalid\r\n\r\n"));
	assert_string_equal(body + response,
	                    "HTTP/1.1 200 OK\r\nContent-Type: "
	                    "application/octet-stream\r\nContent-Length: 68\r\n\r\n");
	assert_null(strstr(out->str, "X-Evil"));
	g_string_truncate(out, 0);
	rq.method = ICAP_REQMOD;
	rq.name = "a\r\nX: b\"<>.exe";
	rq.preview = 4;
	icap_request_write(&rq, out);
	assert_non_null(
	    strstr(out->str, "POST http://mail.invalid/a%0D%0AX%3A%20b%22%3C%3E.exe HTTP/1.1\r\n"));
	assert_non_null(strstr(out->str, "Preview: 4\r\n"));
	g_string_truncate(out, 0);
	rq.method = ICAP_FILEMOD;
	rq.path = "/tmp/x\ny";
	icap_request_write(&rq, out);
	assert_non_null(
	    strstr(out->str, "X-Filepath: /tmp/x_y\r\nEncapsulated: null-body=0\r\n\r\n"));
}

static void
options(void **state)
{
	static const char answer[] = "ICAP/1.0 200 OK\nMethods: RESPMOD, FILEMOD\nService: "
	                             "Symantec Scan Engine/5.0.0.23\nISTag: \"B3C2\"\n"
				     "X-Definition-Info: 20050622.017\nMax-Connections: "
	                             "128\nAllow: 204\nOptions-TTL: 60\nPreview: 4\n"
				     "Transfer-Ignore: GIF, jpg\nX-AV-License: 1\n\n";
	AUTO(icap_message_clear) struct icap_message m;
	struct probe *p = probe_new();
	const struct icap_options *o;

	(void)state;
	assert_true(read_text(&m, answer));
	assert_true(icap_options_read(&m, p));
	o = p->detail;
	assert_true(o->respmod && o->filemod && !o->reqmod && o->allow_204);
	assert_int_equal(o->preview, 4);
	assert_int_equal(o->dialect->id, DIALECT_SYMANTEC);
	assert_true(icap_options_ignore(o, "a.gif") && icap_options_ignore(o, "A.JPG") &&
	            !icap_options_ignore(o, "a.eml"));
	assert_string_equal(p->tag, "B3C2");
	assert_string_equal(p->definitions, "20050622.017");
	assert_int_equal(p->max_connections, 128);
	assert_int_equal(p->ttl_ms, 60000);
	probe_unref(&p);
}

static void
dialects(void **state)
{
	static const struct {
		const char *fields;
		int id;
	} rows[] = {
	    {"Service: C-ICAP/0.5.10 server - Antivirus service\nServer: C-ICAP/0.5.10\n",
	     DIALECT_C_ICAP},
	    {"Service: C-ICAP/0.5 server - SquidClamav/Antivirus service\n", DIALECT_SQUIDCLAMAV},
	    {"Service-ID: SYMCSCANRESP-AV\n", DIALECT_SYMANTEC},
	    {"Service: Kaspersky Scan Engine 2.1\n", DIALECT_KASPERSKY},
	    {"Service: ESET Gateway Security\n", DIALECT_ESET},
	    {"Server: f-secure icap server\n", DIALECT_F_SECURE},
	    {"Service: McAfee Web Gateway 7.8\n", DIALECT_MCAFEE},
	    {"Service: SAVDI\n", DIALECT_SOPHOS},
	    {"Service: Trend Micro IWSVA 6.5\n", DIALECT_TREND},
	    {"Service: OPSWAT MetaDefender\n", DIALECT_METADEFENDER},
	    {"Service: Check Point SandBlast\n", DIALECT_CHECKPOINT},
	    {"Service: something new\n", DIALECT_GENERIC},
	    {"", DIALECT_GENERIC},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(icap_message_clear) struct icap_message m;
		g_autofree char *text = g_strdup_printf("ICAP/1.0 200 OK\n%s\n", rows[i].fields);

		assert_true(read_text(&m, text));
		if (icap_dialect_guess(&m)->id != rows[i].id)
			fail_msg("%s: %d", rows[i].fields, icap_dialect_guess(&m)->id);
	}
	for (int id = DIALECT_AUTO + 1; id <= DIALECT_GENERIC;
	     id++) /* each word of the option has its row */
		assert_int_equal(icap_dialect_find(id)->id, id);
}

static void
fields(void **state)
{
	struct message m = {.sender = (char *)(uintptr_t) "<a@b>\r\nX: y",
	                    .client_addr = (char *)(uintptr_t) "2001:db8::1"};
	g_autofree char *filled = icap_fields_fill("100%% %{sender}|%{helo}|%{nope}|%{", &m);
	g_autofree char *bad = icap_fields_check("%{sender} %{nope}"),
			*good = icap_fields_check("%{sender} %% %{ref}");

	(void)state;
	assert_string_equal(filled, "100% <a@b>\r\nX: y||%{nope}|%{");
	assert_string_equal(bad, "nope");
	assert_null(good);
	assert_null(icap_fields_client(&m));
	m.client_addr = (char *)(uintptr_t) "192.0.2.1";
	assert_string_equal(icap_fields_client(&m), "192.0.2.1");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(heads),    cmocka_unit_test(no_heads), cmocka_unit_test(head_limits),
    cmocka_unit_test(parts),    cmocka_unit_test(findings),
    cmocka_unit_test(cured), cmocka_unit_test(no_findings),
    cmocka_unit_test(statuses), cmocka_unit_test(requests), cmocka_unit_test(options),
    cmocka_unit_test(dialects), cmocka_unit_test(fields),
};

UNIT_RUN(tests)
