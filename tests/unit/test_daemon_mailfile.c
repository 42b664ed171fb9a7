/*
 * daemon/mailfile: a file becomes the message that an MTA would have handed over
 */
#include "unit.h"

#include <unistd.h>

#include "daemon/mailfile.h"
#include "message/spool.h"

static struct spool_budget *budget;

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
	assert_int_equal(spool_budget_used(budget), 0);
	spool_budget_free(&budget);
	return 0;
}

/* The message of these bytes, sealed. */
static struct message *
message_of(const char *bytes, size_t len)
{
	const struct message_limits lim = {
		.spool = { .memory_max = 1 << 20, .total_max = 1 << 30, .file_base = "/tmp" }, .header_max = 1 << 18,
	};
	const struct client nobody = { .name = (char[]){ "localhost" } };
	struct message *m = message_new(budget, &lim, &nobody, "<>");
	int fd = fsx_unnamed("/tmp", NULL);

	assert_true(fd >= 0);
	assert_true(fsx_pwrite_all(fd, bytes, len, 0, NULL));
	assert_true(mailfile_read(fd, m, NULL));
	close(fd);
	message_seal(m);
	assert_null(m->error);
	return m;
}

static void
expect(const char *file, size_t len, const char *want, size_t want_len)
{
	struct message *m = message_of(file, len);
	g_autofree char *got = g_malloc0(want_len + 1);

	assert_int_equal(spool_size(m->spool) - message_offset(), want_len);
	assert_true(spool_read(m->spool, message_offset(), got, want_len, NULL));
	assert_memory_equal(got, want, want_len);
	message_free(&m);
}

#define EXPECT(file, want) expect(file, sizeof(file) - 1, want, sizeof(want) - 1)

static void
files(void **state)
{
	(void)state;
	EXPECT("Subject: x\n\nbody\n", "Subject: x\r\n\r\nbody\r\n");
	EXPECT("Subject: x\r\n\r\nbody\r\n", "Subject: x\r\n\r\nbody\r\n");
	EXPECT("From me@x Thu\nSubject: x\n\nFrom you\n", "Subject: x\r\n\r\nFrom you\r\n");
	EXPECT("A: 1\n\tfolded\n  again\nB : 2\n\nx", "A: 1\r\n\tfolded\r\n  again\r\nB: 2\r\n\r\nx");
	EXPECT("no header at all\nsecond\n", "\r\nno header at all\r\nsecond\r\n");
	EXPECT("A: 1\nnot a field\nB: 2\n", "A: 1\r\n\r\nnot a field\r\nB: 2\r\n");
	EXPECT("A: 1", "A: 1\r\n\r\n");
	EXPECT("A: 1\n", "A: 1\r\n\r\n");
	EXPECT("", "\r\n");
	EXPECT("\nbody", "\r\nbody");
	EXPECT("A: 1\n\n\0bin\0\r\n\r\rx\n", "A: 1\r\n\r\n\0bin\0\r\n\r\rx\r\n");
}

static void
fields_and_size(void **state)
{
	struct message *m = message_of("Message-ID: <a@b>\nSubject: hello\n\nx\n", 37);
	const struct header *h;

	(void)state;
	assert_int_equal(m->headers->len, 2);
	h = g_ptr_array_index(m->headers, 1);
	assert_string_equal(h->name, "Subject");
	assert_string_equal(h->value, " hello");
	assert_string_equal(m->message_id, "<a@b>");
	message_free(&m);
}

/* A CR and its LF in two reads: the file is longer than one read. */
static void
line_ends_across_reads(void **state)
{
	g_autofree char *body = g_malloc(300000);
	g_autofree char *file = NULL, *got = NULL;
	struct message *m;
	const size_t head = strlen("A: 1\r\n\r\n");

	(void)state;
	for (size_t i = 0; i + 1 < 300000; i += 2) {
		body[i] = '\r';
		body[i + 1] = '\n';
	}
	file = g_malloc(head + 1 + 300000);
	memcpy(file, "A: 1\r\n\r\n", head);
	file[head] = 'x';	/* so that pairs stand across even borders */
	memcpy(file + head + 1, body, 300000);
	m = message_of(file, head + 1 + 300000);
	assert_int_equal(spool_size(m->spool) - message_offset(), head + 1 + 300000);
	got = g_malloc(head + 1 + 300000);
	assert_true(spool_read(m->spool, message_offset(), got, head + 1 + 300000, NULL));
	assert_memory_equal(got, file, head + 1 + 300000);
	message_free(&m);
}

static void
an_endless_first_line_is_body(void **state)
{
	g_autofree char *file = g_strnfill(3 << 20, 'x');
	struct message *m = message_of(file, 3 << 20);

	(void)state;
	assert_int_equal(m->headers->len, 0);
	assert_int_equal(spool_size(m->spool) - message_offset(), (3 << 20) + 2);
	message_free(&m);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = { T(files), T(fields_and_size), T(line_ends_across_reads), T(an_endless_first_line_is_body) };

UNIT_RUN(tests)
