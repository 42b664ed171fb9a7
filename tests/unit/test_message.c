/*
 * message: the bytes of the mail come back exactly; what is too much is remembered, never fatal
 */
#include "message/message.h"

#include "unit.h"

static const char synthetic[] = "Received: from avmilter; Thu, 1 Jan 1970 00:00:00 +0000\r\n";

struct world {
	struct spool_budget *budget;
	struct message_limits lim;
	struct client client;
};

static struct world
world(void)
{
	struct world w = {.budget = spool_budget_new()};

	w.lim.spool = (struct spool_limits){
	    .memory_max = 1 << 20, .total_max = 1 << 26, .file_base = "/nonexistent"};
	w.lim.header_max = 256 * 1024;
	w.client = (struct client){.name = (char *)(uintptr_t) "mx.example",
	                           .addr = (char *)(uintptr_t) "192.0.2.1"};
	return w;
}

static struct message *
begin(struct world *w)
{
	return message_new(w->budget, &w->lim, &w->client, "<a@example>");
}

/* Everything that stands in the spool, which must be sealed. */
static GString *
content(const struct message *m)
{
	GString *s = g_string_new("");

	g_string_set_size(s, spool_size(m->spool));
	assert_true(spool_read(m->spool, 0, s->str, s->len, NULL));
	return s;
}

static void
assert_mail(struct message *m, const char *want, size_t len)
{
	g_autoptr(GString) all = NULL;

	message_seal(m);
	message_seal(m);
	assert_null(m->error);
	all = content(m);
	assert_int_equal(message_offset(), strlen(synthetic));
	assert_int_equal(all->len, strlen(synthetic) + len);
	assert_memory_equal(all->str, synthetic, strlen(synthetic));
	assert_memory_equal(all->str + strlen(synthetic), want, len);
	assert_int_equal(m->size, len);
}

static void
end(struct world *w, struct message *m)
{
	message_free(&m);
	assert_null(m);
	assert_int_equal(spool_budget_used(w->budget), 0);
	spool_budget_free(&w->budget);
}

static void
headers_and_body(void **state)
{
	static const char want[] = "Subject: hello\r\nX-Folded: one\r\n\ttwo\r\n "
	                           "three\r\nX-Tight:x\r\nX-Empty:\r\nX-Crlf: a\r\n b\r\n"
				   "\r\nbody\0with\xff"
				   "NUL\r\n.\r\nbare\rcr\nlf";
	struct world w = world();
	struct message *m = begin(&w);

	(void)state;
	message_add_header(m, "Subject", " hello");
	message_add_header(m, "X-Folded", " one\n\ttwo\n three");
	message_add_header(m, "X-Tight", "x");
	message_add_header(m, "X-Empty", "");
	message_add_header(m, "X-Crlf", " a\r\n b");
	message_add_body(m,
	                 "body\0with\xff"
	                 "NUL\r\n.\r\n",
	                 18);
	message_add_body(m, "", 0);
	message_add_body(m, "bare\rcr\nlf", 10);
	assert_mail(m, want, sizeof(want) - 1);
	assert_int_equal(m->headers->len, 5);
	assert_string_equal(m->subject, "hello");
	assert_null(m->message_id);
	assert_false(m->headers_over);
	end(&w, m);
}

static void
nothing_at_all(void **state)
{
	struct world w = world();
	struct message *m = begin(&w);

	(void)state;
	assert_mail(m, "\r\n", 2);
	end(&w, m);
}

static void
no_headers(void **state)
{
	struct world w = world();
	struct message *m = begin(&w);

	(void)state;
	message_add_body(m, "x", 1);
	assert_mail(m, "\r\nx", 3);
	end(&w, m);
}

static void
no_body(void **state)
{
	struct world w = world();
	struct message *m = begin(&w);

	(void)state;
	message_add_header(m, "A", " b");
	assert_mail(m, "A: b\r\n\r\n", 8);
	end(&w, m);
}

static void
one_byte_pieces(void **state)
{
	struct world w = world();
	struct message *m = begin(&w);
	g_autoptr(GString) want = g_string_new("\r\n");

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char c = (char)i;

		message_add_body(m, &c, 1);
		g_string_append_c(want, c);
	}
	assert_mail(m, want->str, want->len);
	end(&w, m);
}

static void
first_field_holds(void **state)
{
	struct world w = world();
	struct message *m = begin(&w);

	(void)state;
	message_add_header(m, "MESSAGE-id ", "  <one@x>\t");
	message_add_header(m, "Message-ID", " <two@x>");
	message_add_header(m, "Subject2", " no");
	assert_string_equal(m->message_id, "<one@x>");
	assert_null(m->subject);
	assert_int_equal(message_header_count(m, "message-id"), 2);
	end(&w, m);
}

static void
names(void **state)
{
	(void)state;
	assert_true(header_is("X-Virus-Status", "x-virus-status"));
	assert_true(header_is("X-VIRUS-STATUS \t", "X-Virus-Status"));
	assert_false(header_is("X-Virus-Status2", "X-Virus-Status"));
	assert_false(header_is("X-Virus", "X-Virus-Status"));
	assert_false(header_is("", "X"));
}

static void
header_max_is_a_border(void **state)
{
	struct world w = world();
	struct message *m;

	(void)state;
	w.lim.header_max = 20;
	m = begin(&w);
	message_add_header(m, "A", "1234567"); /* 11 bytes */
	message_add_header(m, "B", "12345");   /* 9: 20 exactly */
	assert_false(m->headers_over);
	assert_int_equal(m->headers->len, 2);
	message_add_header(m, "C", "");
	assert_true(m->headers_over);
	message_add_header(m, "D", "");
	assert_int_equal(m->headers->len, 2);
	/* The engine still sees all of it. */
	assert_mail(m, "A:1234567\r\nB:12345\r\nC:\r\nD:\r\n\r\n", 30);
	end(&w, m);
}

/* 100 000 fields: memory stays bounded by header_max, our own forged fields are still counted to
 * the last. */
static void
header_flood(void **state)
{
	struct world w = world();
	struct message *m;

	(void)state;
	w.lim.watch[0] = "X-Virus-Status";
	w.lim.watch[1] = "X-Virus-Scanned";
	m = begin(&w);
	for (int i = 0; i < 100000; i++)
		message_add_header(m, i % 10 ? "X-Filler" : "x-virus-STATUS", " 0123456789");
	assert_true(m->headers_over);
	assert_true(m->headers->len < 256 * 1024 / 20);
	assert_int_equal(message_header_count(m, "X-Virus-Status"), 10000);
	assert_int_equal(message_header_count(m, "X-Virus-Scanned"), 0);
	message_seal(m);
	assert_int_equal(m->error ? m->error->code : -1,
	                 SPOOL_E_IO); /* file_base of this world does not exist */
	end(&w, m);
}

static void
one_fat_header(void **state)
{
	struct world w = world();
	struct message *m = begin(&w);
	g_autofree char *fat = g_strnfill(500 * 1024, 'h');

	(void)state;
	message_add_header(m, "Subject", fat);
	assert_true(m->headers_over);
	assert_int_equal(m->headers->len, 0);
	assert_null(m->subject);
	message_seal(m);
	assert_null(m->error);
	end(&w, m);
}

static void
too_large_is_remembered(void **state)
{
	struct world w = world();
	struct message *m;
	char piece[1000] = {0};

	(void)state;
	w.lim.spool.message_max = 5000;
	m = begin(&w);
	for (int i = 0; i < 100; i++)
		message_add_body(m, piece, sizeof(piece));
	message_seal(m);
	assert_true(g_error_matches(m->error, SPOOL_ERROR, SPOOL_E_TOOBIG));
	assert_int_equal(m->size, 100002);
	assert_int_equal(spool_budget_used(w.budget), 0);
	end(&w, m);
}

static void
recipients(void **state)
{
	struct world w = world();
	struct message *m = begin(&w);
	g_autofree char *fat = g_strnfill(10000, 'r');

	(void)state;
	message_add_recipient(m, "<c@example>");
	for (int i = 0; i < 10000; i++)
		message_add_recipient(m, fat);
	assert_int_equal(m->recipients_total, 10001);
	assert_true(m->recipients->len <= MESSAGE_RECIPIENTS_BYTES / 10000 + 1);
	assert_string_equal(g_ptr_array_index(m->recipients, 0), "<c@example>");
	end(&w, m);
}

static void
references(void **state)
{
	struct world w = world();
	struct message *a = begin(&w), *b = begin(&w);

	(void)state;
	assert_string_equal(a->id, "NOQUEUE");
	assert_int_equal(strlen(a->ref), 10);
	assert_int_equal(strspn(a->ref, "abcdefghijklmnopqrstuvwxyz234567"), 10);
	assert_string_not_equal(a->ref, b->ref);
	message_free(&a);
	end(&w, b);
}

/* Equal mails have equal digests, whoever sent them. */
static void
equal_digests(void **state)
{
	struct world w = world();
	struct message *a = begin(&w), *b;

	(void)state;
	w.client.name = NULL;
	b = message_new(w.budget, &w.lim, &w.client, "<other@example>");
	message_add_header(a, "A", " b");
	message_add_header(b, "A", " b");
	message_seal(a);
	message_seal(b);
	assert_memory_equal(spool_digest(a->spool, NULL), spool_digest(b->spool, NULL), DIGEST_LEN);
	message_free(&a);
	end(&w, b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(headers_and_body),
    cmocka_unit_test(nothing_at_all),
    cmocka_unit_test(no_headers),
    cmocka_unit_test(no_body),
    cmocka_unit_test(one_byte_pieces),
    cmocka_unit_test(first_field_holds),
    cmocka_unit_test(names),
    cmocka_unit_test(header_max_is_a_border),
    cmocka_unit_test(header_flood),
    cmocka_unit_test(one_fat_header),
    cmocka_unit_test(too_large_is_remembered),
    cmocka_unit_test(recipients),
    cmocka_unit_test(references),
    cmocka_unit_test(equal_digests),
};

UNIT_RUN(tests)
