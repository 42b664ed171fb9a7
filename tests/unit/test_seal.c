/*
 * seal: believed for the mail, the plan and the time it was made for, and for nothing else
 */
#include "effect/seal.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "unit.h"

#define NOW  1790000000
#define DAY  (24 * 3600)
#define DAYS (1000LL * DAY)
#define OLD_KEY "0123456789abcdef0123456789abcdef"
#define NEW_KEY "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

static const uint8_t plan[DIGEST_LEN] = {1, 2, 3};

static const char *const usual[] = {
    "Received", " from a by b; Mon, 1 Jan 2026 00:00:00 +0000",
    "From", " Somebody <a@b>",
    "To", " c@d",
    "Subject", " a\n folded  subject",
    "MIME-Version", " 1.0",
    "Content-Type", " multipart/mixed;\n\tboundary=x",
    "X-Mailer", " y",
    NULL};

static struct spool_budget *budget;

static struct message *
mail(const char *const *fields, const char *body)
{
	struct message_limits lim = {.header_max = 256 * 1024};
	struct client client = {.name = NULL};
	struct message *m;

	lim.spool = (struct spool_limits){.memory_max = 1 << 20, .total_max = 1 << 26, .file_base = "/nonexistent"};
	m = message_new(budget, &lim, &client, "<a@b>");
	for (; *fields != NULL; fields += 2)
		message_add_header(m, fields[0], fields[1]);
	message_add_body(m, body, strlen(body));
	message_seal(m);
	return m;
}

static struct seal *
keys(const char *content, mode_t mode, GError **err)
{
	g_autofree char *path = NULL;
	struct seal *s;
	int fd = g_file_open_tmp("seal.XXXXXX", &path, NULL);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	s = seal_new(path, err);
	unlink(path);
	return s;
}

/* Why the seal is not believed; NULL = it is. */
static const char *
judge(const struct seal *s, const char *const *fields, const char *body, const uint8_t *p, const char *scanned, const char *value,
    int64_t now)
{
	struct message *m = mail(fields, body);
	const struct seal_subject of = {m, p, scanned, " Clean"};
	g_autofree char *host = NULL;
	const char *why = NULL;
	bool good = seal_check(s, &of, value, now, DAYS, &host, &why);

	message_free(&m);
	assert_true(good ? why == NULL && strcmp(host, "mx1.test") == 0 : why != NULL && host == NULL);
	return why;
}

static char *
sealed(const struct seal *s)
{
	struct message *m = mail(usual, "body\r\n");
	const struct seal_subject of = {m, plan, "avmilter (clamav 1) at mx1.test", "Clean"};
	char *value = seal_make(s, &of, "mx1.test", NOW);

	message_free(&m);
	assert_non_null(value);
	return value;
}

#define SCANNED " avmilter (clamav 1)\n at mx1.test"

static void
test_believed(void **state)
{
	/* What hops do on the way: fields above and below, other folds, other case, sorted. */
	static const char *const other[] = {
	    "Return-Path", " <a@b>",
	    "Received", " from x by y",
	    "Received", " from a by b; Mon, 1 Jan 2026 00:00:00 +0000",
	    "content-type", " multipart/mixed; boundary=x",
	    "SUBJECT", " a folded subject",
	    "From", " Somebody\n\t<a@b>",
	    "To", " c@d",
	    "MIME-Version", " 1.0",
	    "X-Mailer", " y",
	    NULL};
	struct seal *s = keys(OLD_KEY "\n", 0600, NULL);
	g_autofree char *value = sealed(s), *spaced = g_strdup_printf(" %s", value);

	(void)state;
	assert_null(judge(s, usual, "body\r\n", plan, SCANNED, value, NOW));
	assert_null(judge(s, usual, "body\r\n", plan, SCANNED, spaced, NOW + DAY));
	assert_null(judge(s, usual, "body\r\n", plan, SCANNED, value, NOW - 60));
	assert_null(judge(s, other, "body\r\n", plan, SCANNED, value, NOW));
	seal_free(&s);
}

static void
test_other_mail(void **state)
{
	static const uint8_t other_plan[DIGEST_LEN] = {1, 2, 4};
	struct seal *s = keys(OLD_KEY, 0600, NULL), *stranger = keys(NEW_KEY, 0600, NULL);
	g_autofree char *value = sealed(s);

	(void)state;
	assert_non_null(judge(s, usual, "bodY\r\n", plan, SCANNED, value, NOW));
	assert_non_null(judge(s, usual, "body\r\n\r\n", plan, SCANNED, value, NOW));
	assert_non_null(judge(s, usual, "body\r\n", other_plan, SCANNED, value, NOW));
	assert_non_null(judge(s, usual, "body\r\n", plan, " avmilter (clamav 2) at mx1.test", value, NOW));
	assert_non_null(judge(s, usual, "body\r\n", plan, SCANNED, value, NOW + DAY + 1));
	assert_non_null(judge(s, usual, "body\r\n", plan, SCANNED, value, NOW - DAY));
	assert_non_null(judge(stranger, usual, "body\r\n", plan, SCANNED, value, NOW));
	for (guint i = 0; usual[i] != NULL; i += 2) {
		const char *changed[G_N_ELEMENTS(usual) + 2];
		bool counts = strcmp(usual[i], "Received") != 0 && strcmp(usual[i], "X-Mailer") != 0;

		memcpy(changed, usual, sizeof usual);
		changed[i + 1] = " something else";
		assert_int_equal(judge(s, changed, "body\r\n", plan, SCANNED, value, NOW) != NULL, counts);
		/* a second one of that name, above or below */
		memcpy(changed, usual, sizeof usual);
		changed[G_N_ELEMENTS(usual) - 1] = usual[i];
		changed[G_N_ELEMENTS(usual)] = " something else";
		changed[G_N_ELEMENTS(usual) + 1] = NULL;
		assert_int_equal(judge(s, changed, "body\r\n", plan, SCANNED, value, NOW) != NULL, counts);
	}
	seal_free(&s);
	seal_free(&stranger);
}

/* What a reader may take for a field of its own stands in none that goes without seal, and blanks count where they carry meaning. */
static void
test_hidden_fields(void **state)
{
	static const struct {
		const char *name, *sealed, *shown;
	} rows[] = {
		{"Received", " a", " a\rContent-Type: text/html"},
		{"X-Mailer", " a", " a\nContent-Type: text/html"},
		{"X-Mailer", " a", " a\r\n\r\nbody"},
		{"Subject", " a Content-Type: text/html", " a\rContent-Type: text/html"},
		{"Subject", " a Content-Type: text/html", " a\nContent-Type: text/html"},
		{"Content-Type", " multipart/mixed; boundary=\"x y\"", " multipart/mixed; boundary=\"x  y\""},
		{"Content-Type", " multipart/mixed; boundary=\"x y\"", " multipart/mixed; boundary=\"x\n y \""},
		{"Content-Type", " text/plain; a=\"\\\"x y\"", " text/plain; a=\"\\\"x  y\""},
	};
	struct seal *s = keys(OLD_KEY, 0600, NULL);

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *before[] = {"From", " a@b", rows[i].name, rows[i].sealed, NULL};
		const char *after[] = {"From", " a@b", rows[i].name, rows[i].shown, NULL};
		struct message *m = mail(before, "body\r\n");
		const struct seal_subject of = {m, plan, "avmilter (clamav 1) at mx1.test", "Clean"};
		g_autofree char *value = seal_make(s, &of, "mx1.test", NOW);

		assert_null(judge(s, before, "body\r\n", plan, SCANNED, value, NOW));
		if (judge(s, after, "body\r\n", plan, SCANNED, value, NOW) == NULL)
			fail_msg("%s:%s", rows[i].name, rows[i].shown);
		message_free(&m);
	}
	seal_free(&s);
}

/* No byte of the field may be another one, be missing, or be there twice. */
static void
test_every_byte(void **state)
{
	struct seal *s = keys(OLD_KEY, 0600, NULL);
	g_autofree char *value = sealed(s);
	size_t len = strlen(value);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		g_autofree char *other = g_strdup(value), *less = g_strdup(value);
		g_autofree char *more = g_strdup_printf("%.*s%s", (int)i + 1, value, value + i);

		other[i] ^= 1;
		memmove(less + i, less + i + 1, len - i);
		/* a blank more is folding, and what follows "; " is one blank in any case */
		assert_non_null(judge(s, usual, "body\r\n", plan, SCANNED, other, NOW));
		if (value[i] != ' ')
			assert_non_null(judge(s, usual, "body\r\n", plan, SCANNED, more, NOW));
		assert_non_null(judge(s, usual, "body\r\n", plan, SCANNED, less, NOW));
	}
	assert_non_null(judge(s, usual, "body\r\n", plan, SCANNED, "", NOW));
	seal_free(&s);
}

static void
test_keys(void **state)
{
	static const struct {
		const char *content, *what;
		mode_t mode;
	} bad[] = {
	    {"", "no key", 0600},
	    {"# nothing\n\n", "no key", 0600},
	    {"short\n", "too short", 0600},
	    {OLD_KEY "\nshort\n", ":2:", 0600},
	    {OLD_KEY, "everybody", 0604},
	};
	g_autofree char *both = g_strdup_printf("# two\n%s\n%s\n", NEW_KEY, OLD_KEY);
	struct seal *old = keys(OLD_KEY, 0640, NULL), *two = keys(both, 0600, NULL);
	g_autofree char *by_old = sealed(old), *by_two = sealed(two);

	(void)state;
	assert_null(judge(two, usual, "body\r\n", plan, SCANNED, by_old, NOW));
	assert_non_null(judge(old, usual, "body\r\n", plan, SCANNED, by_two, NOW));
	seal_free(&old);
	seal_free(&two);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) err = NULL;

		assert_null(keys(bad[i].content, bad[i].mode, &err));
		assert_non_null(strstr(err->message, bad[i].what));
	}
	assert_null(seal_new("/nonexistent/key", NULL));
}

/* Nothing is said about a mail that is not whole. */
static void
test_broken_mail(void **state)
{
	struct seal *s = keys(OLD_KEY, 0600, NULL);
	struct message *m = mail(usual, "body\r\n");
	const struct seal_subject of = {m, plan, "", ""};

	(void)state;
	m->headers_over = true;
	assert_null(seal_make(s, &of, "mx1.test", NOW));
	m->headers_over = false;
	assert_null(seal_make(s, &of, "a host; t=9", NOW));
	message_free(&m);
	seal_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_believed),
	    cmocka_unit_test(test_other_mail),
	    cmocka_unit_test(test_hidden_fields),
	    cmocka_unit_test(test_every_byte),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_broken_mail),
	};
	int failed;

	budget = spool_budget_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	spool_budget_free(&budget);
	return failed;
}
