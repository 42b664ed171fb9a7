/*
 * fingerprint: campaigns share one; whatever may matter never does
 */
#include "scan/fingerprint.h"

#include "scan/grammar.h"
#include "unit.h"

struct field {
	char *name, *value;
};

struct mail {
	struct field f[40];
	unsigned count;
	char *body;
};

static struct spool_budget *budget;

static void
fingerprint(const struct mail *m, uint8_t out[DIGEST_LEN])
{
	struct message_limits lim = {.header_max = 256 * 1024};
	struct client client = {.name = NULL};
	struct message *msg;

	lim.spool = (struct spool_limits){
	    .memory_max = 1 << 20, .total_max = 1 << 26, .file_base = "/nonexistent"};
	msg = message_new(budget, &lim, &client, "<a@b>");
	for (unsigned i = 0; i < m->count; i++)
		message_add_header(msg, m->f[i].name, m->f[i].value);
	message_add_body(msg, m->body, strlen(m->body));
	message_seal(msg);
	assert_true(fingerprint_of(msg, NULL, out));
	message_free(&msg);
}

static void
add(struct mail *m, const char *name, char *value)
{
	m->f[m->count++] = (struct field){g_strdup(name), value};
}

static void
clear(struct mail *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		g_free(m->f[i].name);
		g_free(m->f[i].value);
	}
	g_free(m->body);
}

static char *
token(struct rnd *r, unsigned len)
{
	static const char chars[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	char *s = g_malloc0(len + 1);

	for (unsigned i = 0; i < len; i++)
		s[i] = chars[rnd_below(r, sizeof chars - 1)];
	return s;
}

static char *
date(struct rnd *r)
{
	return g_strdup_printf("%s, %u Nov 20%02u %02u:%02u:%02u +0%u00%s",
	                       rnd_below(r, 2) ? "Fri" : "Mon", 1 + rnd_below(r, 28),
	                       rnd_below(r, 100), rnd_below(r, 24), rnd_below(r, 60),
	                       rnd_below(r, 60), rnd_below(r, 10), rnd_below(r, 2) ? " (CET)" : "");
}

/* Values as real servers write them, with fresh random parts. */
static char *
volatile_value(struct rnd *r, unsigned which)
{
	g_autofree char *a = token(r, 3 + rnd_below(r, 12)), *b = token(r, 60), *d = date(r);

	switch (which % 8) {
	case 0:
		return g_strdup_printf(
		    " from mx.%s.example (unknown [192.0.2.%u])\n\t(using TLSv1.3 with cipher "
		    "TLS_AES_256_GCM_SHA384 (256/256 bits)\n"
		    "\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest "
		    "SHA256)\n\t(No client certificate requested)\n"
		    "\tby mail.example (Postfix) with ESMTPS id %s\n\tfor <u@example>; %s",
		    a, rnd_below(r, 256), a, d);
	case 1:
		return g_strdup_printf(" by 2002:a05:6214:1::%u with SMTP id %s;\n        %s",
		                       rnd_below(r, 1000), a, d);
	case 2:
		return g_strdup_printf(" <%s.%u@mail.%s.example>", a, rnd_below(r, 10000), a);
	case 3:
		return g_strdup_printf(" %s", d);
	case 4:
		return g_strdup_printf(
		    " v=1; a=rsa-sha256; c=relaxed/simple; d=example; s=s1;\n\tt=%u; "
		    "bh=%s=;\n\th=From:To:Subject;\n\tb=%s\n\t %s==",
		    rnd_below(r, 2000000000), b, b, a);
	case 5:
		return g_strdup_printf(
		    " i=1; mx.example; dkim=pass header.i=@%s.example header.s=x header.b=%s; "
		    "spf=pass (mx.example: domain of b@%s "
		    "designates 192.0.2.1 as permitted sender) smtp.mailfrom=b@%s",
		    a, a, a, a);
	case 6:
		return g_strdup_printf(" (qmail %u invoked by uid 0); 3 Jan 2026 12:00:00 -0000",
		                       rnd_below(r, 99999));
	default:
		return g_strdup_printf(" <bounce-%s@%s.example>", a, a);
	}
}

static const char *const volatile_names[] = {
    "Received", "X-Received", "Message-ID", "Date", "DKIM-Signature", "ARC-Authentication-Results",
    "Received", "Return-Path"};

/* The lasting part of a mail comes from r, what each delivery writes anew from v. */
static struct mail
generate(struct rnd r, struct rnd *v)
{
	static const char *const names[] = {"From",         "To",       "Subject", "Content-Type",
	                                    "MIME-Version", "X-Mailer", "List-Id", "Received-SPF"};
	struct mail m = {.count = 0};
	unsigned n = 2 + rnd_below(&r, 8);

	for (unsigned i = rnd_below(v, 4); i > 0; i--)
		add(&m, "Received", volatile_value(v, rnd_below(v, 2)));
	for (unsigned i = 0; i < 8; i++)
		if (i >= 2 && i != 6 && rnd_below(v, 2))
			add(&m, volatile_names[i], volatile_value(v, i));
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *t = token(&r, 10);

		add(&m, names[rnd_below(&r, 8)],
		    g_strdup_printf(" %s\n\t%s", t, rnd_below(&r, 2) ? "x=1" : "\"y\""));
	}
	m.body = token(&r, 1 + rnd_below(&r, 200));
	return m;
}

static void
campaigns_share_one(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed < 300; seed++) {
		struct rnd v1 = rnd_new(seed * 2 + 100000), v2 = rnd_new(seed * 2 + 200000);
		struct mail a = generate(rnd_new(seed), &v1), b = generate(rnd_new(seed), &v2);
		uint8_t fa[DIGEST_LEN], fb[DIGEST_LEN];

		fingerprint(&a, fa);
		fingerprint(&b, fb);
		assert_memory_equal(fa, fb, DIGEST_LEN);
		clear(&a);
		clear(&b);
	}
}

static bool
is_left_out(const struct field *f)
{
	return fingerprint_volatile(f->name, f->value);
}

/* Change one thing that may matter. Returns false when this mail has no such thing. */
static bool
disturb(struct mail *m, struct rnd *r, unsigned how)
{
	static const char *const bad[] = {"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR",
	                                  "<b>x</b>\"",
	                                  "a\r b",
	                                  "http://evil.example/",
	                                  "\n --frontier",
	                                  "Content-Type: text/html",
	                                  "caf\xc3\xa9",
	                                  "\n ",
	                                  "$x",
	                                  "a\nb",
	                                  "\x01"};
	unsigned i = rnd_below(r, m->count), j = rnd_below(r, m->count);
	struct field tmp;
	char *old;

	switch (how) {
	case 0: /* a byte of the body */
		m->body[rnd_below(r, (uint32_t)strlen(m->body))] ^= 1;
		return true;
	case 1: /* the length of the body */
		old = m->body;
		m->body = g_strconcat(old, rnd_below(r, 2) ? "\r\n" : "x", NULL);
		g_free(old);
		return true;
	case 2: /* the value of a lasting field */
	case 3: /* ... its name */
		if (is_left_out(&m->f[i]))
			return false;
		old = how == 2 ? m->f[i].value : m->f[i].name;
		*(how == 2 ? &m->f[i].value : &m->f[i].name) =
		    g_strconcat(old, how == 2 ? " " : "s", NULL);
		g_free(old);
		return true;
	case 4: /* order of two that count */
		if (is_left_out(&m->f[i]) || is_left_out(&m->f[j]) ||
		    (strcmp(m->f[i].name, m->f[j].name) == 0 &&
		     strcmp(m->f[i].value, m->f[j].value) == 0))
			return false;
		tmp = m->f[i];
		m->f[i] = m->f[j];
		m->f[j] = tmp;
		return true;
	case 5: /* one more of what counts */
		if (is_left_out(&m->f[i]) || m->count == G_N_ELEMENTS(m->f))
			return false;
		add(m, m->f[i].name, g_strdup(m->f[i].value));
		return true;
	case 6: /* one less */
		if (is_left_out(&m->f[i]))
			return false;
		g_free(m->f[i].name);
		g_free(m->f[i].value);
		m->f[i] = m->f[--m->count];
		return true;
	case 7: /* a payload in a volatile field */
		if (!is_left_out(&m->f[i]))
			return false;
		old = m->f[i].value;
		m->f[i].value = g_strconcat(old, bad[rnd_below(r, G_N_ELEMENTS(bad))], NULL);
		g_free(old);
		return true;
	case 8: /* something unusual under a volatile name */
		if (m->count == G_N_ELEMENTS(m->f))
			return false;
		add(m, volatile_names[rnd_below(r, 8)],
		    g_strdup_printf(" %s", bad[rnd_below(r, G_N_ELEMENTS(bad))]));
		return true;
	default: /* a second Message-ID or Date */
		if (m->count + 2 > G_N_ELEMENTS(m->f))
			return false;
		add(m, "Message-ID", g_strdup(" <a@b>"));
		add(m, "Message-ID", g_strdup(" <c@d>"));
		return true;
	}
}
#define DISTURBANCES 10

static void
what_matters_is_never_shared(void **state)
{
	unsigned done[DISTURBANCES] = {0};

	(void)state;
	for (unsigned seed = 1; seed < 4000; seed++) {
		struct rnd v = rnd_new(seed + 1000000), w = v, r = rnd_new(seed + 500000);
		struct mail a = generate(rnd_new(seed), &v), b = generate(rnd_new(seed), &w);
		uint8_t fa[DIGEST_LEN], fb[DIGEST_LEN];
		unsigned how = seed % DISTURBANCES;

		if (disturb(&b, &r, how)) {
			fingerprint(&a, fa);
			fingerprint(&b, fb);
			assert_memory_not_equal(fa, fb, DIGEST_LEN);
			done[how]++;
		}
		clear(&a);
		clear(&b);
	}
	for (unsigned i = 0; i < DISTURBANCES; i++)
		assert_true(done[i] > 20);
}

/* Bytes cannot move between name, value, next field and body. */
static void
fields_do_not_run_together(void **state)
{
	static const struct {
		const char *name1, *value1, *name2, *value2, *body;
	} rows[] = {
	    {"A", " b", "C", " d", "e"},
	    {"A", " b\nC: d", NULL, NULL, "e"},
	    {"A", " b", NULL, NULL, "C: d\r\n\r\ne"},
	    {"A", " ", "bC", " d", "e"},
	    {"A", " b", "C", " de", ""},
	    {"C", " d", "A", " b", "e"},
	    {"a", " b", "C", " d", "e"},
	};
	uint8_t f[G_N_ELEMENTS(rows)][DIGEST_LEN];

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct mail m = {.body = g_strdup(rows[i].body)};

		add(&m, rows[i].name1, g_strdup(rows[i].value1));
		if (rows[i].name2)
			add(&m, rows[i].name2, g_strdup(rows[i].value2));
		fingerprint(&m, f[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(f[i], f[j], DIGEST_LEN);
		clear(&m);
	}
}

static void
grammar_of_each_field(void **state)
{
	static const struct {
		const char *name, *value;
		bool left_out;
	} rows[] = {
	    {"message-id", " <a.b-c+d=e_f/g@host.example>", true},
	    {"Message-ID", " <a@[192.0.2.1]>", true},
	    {"Message-ID", " a@b", false},
	    {"Message-ID", " <a b@c>", false},
	    {"Message-ID", " <a@b> <c@d>", false},
	    {"Message-ID", " <a@b", false},
	    {"Message-ID", "", false},
	    {"Message-ID", " <content-type@b>", false},
	    {"Message-ID", " <CoNtEnT-x@b>", false},
	    {"Message-ID", " \n --<a@b>", false},
	    {"Message-ID", " --", false},
	    {"Message-ID",
	     " <X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-"
	     "ANTIVIRUS-TEST-FILE!$H+H*>",
	     false},
	    {"Message-IDs", " <a@b>", false},
	    {"Message-ID ", " <a@b>", false},
	    {"Date", " Fri, 20 Nov 2026 12:56:45 +0000 (UTC)", true},
	    {"Date", " 1 Jan 2026 1:02 GMT", true},
	    {"Date", " Fri, 20 Nov 2026 12:56:45 +0000 evil", false},
	    {"Date", " Fri, 20 Nov 2026 12:56:45 <b>", false},
	    {"Date", " Fri, 20 Nov 2026 12:56:45 abcdef", false},
	    {"Date", " Freitag", false},
	    {"Return-Path", " <>", true},
	    {"Return-Path", " <a@b>", true},
	    {"Return-Path", " <script>", false},
	    {"Received", " from a by b; Fri, 20 Nov 2026 12:56:45 +0000", true},
	    {"Received", " from a\r\n by b; Fri, 20 Nov 2026 12:56:45 +0000", true},
	    {"Received", " from a\r by b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from a\r\r\n by b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from a\r\n\r\n by b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from a\r\n \r\n by b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from a\n \n by b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from a\r\nby b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from a\nby b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from a\r\n --by b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from a by b; Fri, 20 Nov 2026 12:56:45 +0000\r\n", false},
	    {"Received", " from a by b; Fri, 20 Nov 2026 12:56:45 +0000\r\n ", false},
	    {"Received", " from a by b; Fri, 20 Nov 2026 12:56:45 +0000; x", false},
	    {"Received", " from a by b", false},
	    {"Received", " from a (((((x))))) by b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from a (x by b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from by b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " click here to win a prize; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received", " from a (http://x.example) by b; Fri, 20 Nov 2026 12:56:45 +0000", false},
	    {"Received",
	     " from [192.0.2.1] (helo=x)\n\tby y with esmtps  (TLS1.3) tls "
	     "TLS_AES_256_GCM_SHA384\n\t(Exim 4.96)\n\t(envelope-from <a@b>)\n"
	     "\tid 1abc-000\n\tfor c@d;\n\tFri, 20 Nov 2026 12:56:45 +0100",
	     true},
	    {"Received",
	     " from A.example (2603:10a6::1) by B.example\n (2603:10a6::2) with Microsoft SMTP "
	     "Server (version=TLS1_2,\n"
	     " cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1; Fri, 20 Nov 2026\n "
	     "12:56:45 +0000",
	     true},
	    {"DKIM-Signature", " v=1; a=rsa-sha256; b=abc+/=; bh=x=", true},
	    {"DKIM-Signature", " v=1; a=rsa-sha256; bh=x=", false},
	    {"DKIM-Signature", " v=1; b=x; b=y", false},
	    {"DKIM-Signature", " v=1; b=x; z=From", false},
	    {"DKIM-Signature", " v=1; b=x; evil", false},
	    {"ARC-Seal", " i=1; a=rsa-sha256; t=1; cv=none;\n\td=x; s=y; b=zz", true},
	    {"ARC-Authentication-Results", " i=1; mx.example; dkim=pass header.i=@x; spf=none",
	     true},
	    {"ARC-Authentication-Results", " mx.example; dkim=pass", false},
	    {"ARC-Authentication-Results", " i=1; mx.example; buy this now", false},
	    {"ARC-Filter", " b=x", false},
	    {"Subject", " <a@b>", false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (fingerprint_volatile(rows[i].name, rows[i].value) != rows[i].left_out)
			fail_msg("%s:%s should %sbe left out", rows[i].name, rows[i].value,
			         rows[i].left_out ? "" : "not ");
}

static void
two_kib_at_most(void **state)
{
	(void)state;
	for (unsigned len = FINGERPRINT_VALUE_MAX - 20; len < FINGERPRINT_VALUE_MAX + 20; len++) {
		g_autofree char *left = g_strnfill(len - 4, 'a'),
				*value = g_strdup_printf("<%s@b>", left);

		assert_int_equal(strlen(value), len);
		assert_int_equal(fingerprint_volatile("Message-ID", value),
		                 len <= FINGERPRINT_VALUE_MAX);
	}
}

/* No byte outside the list gets through, whatever stands around it. */
static void
every_byte(void **state)
{
	static const char allowed[] = ".,:;@<>()[]_+=/- \t";

	(void)state;
	for (int c = 1; c < 256; c++) {
		char value[4] = {'a', (char)c, 'b', '\0'}, flat[8];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		          (c >= '0' && c <= '9') || (c < 128 && strchr(allowed, c));

		assert_int_equal(grammar_flatten(value, flat, sizeof flat), ok);
	}
}

static void
plan_is_bound(void **state)
{
	uint8_t a[DIGEST_LEN] = {1}, b[DIGEST_LEN] = {2}, x[DIGEST_LEN], y[DIGEST_LEN],
		z[DIGEST_LEN];

	(void)state;
	fingerprint_bind(a, b, x);
	fingerprint_bind(b, a, y);
	fingerprint_bind(a, a, z);
	assert_memory_not_equal(x, y, DIGEST_LEN);
	assert_memory_not_equal(x, z, DIGEST_LEN);
	fingerprint_bind(a, b, z);
	assert_memory_equal(x, z, DIGEST_LEN);
}

static void
broken_message_has_none(void **state)
{
	struct message_limits lim = {.header_max = 10};
	struct client client = {.name = NULL};
	struct message *m;
	uint8_t out[DIGEST_LEN];
	g_autofree char *block = g_malloc0(65536);

	(void)state;
	lim.spool = (struct spool_limits){
	    .memory_max = 1 << 20, .total_max = 1 << 20, .file_base = "/nonexistent"};
	m = message_new(budget, &lim, &client, "<a@b>");
	assert_false(fingerprint_of(m, NULL, out));
	message_add_header(m, "Subject", " too long for the limit");
	message_seal(m);
	assert_true(m->headers_over);
	assert_false(fingerprint_of(m, NULL, out));
	message_free(&m);
	m = message_new(budget, &lim, &client, "<a@b>");
	for (unsigned i = 0; i < 200; i++)
		message_add_body(m, block, 65536);
	message_seal(m);
	assert_non_null(m->error);
	assert_false(fingerprint_of(m, NULL, out));
	message_free(&m);
}

static int
setup(void **state)
{
	(void)state;
	budget = spool_budget_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	spool_budget_free(&budget);
	return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(campaigns_share_one),
    cmocka_unit_test(what_matters_is_never_shared),
    cmocka_unit_test(fields_do_not_run_together),
    cmocka_unit_test(grammar_of_each_field),
    cmocka_unit_test(two_kib_at_most),
    cmocka_unit_test(every_byte),
    cmocka_unit_test(plan_is_bound),
    cmocka_unit_test(broken_message_has_none),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, setup, teardown);
}
