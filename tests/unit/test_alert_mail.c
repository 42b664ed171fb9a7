/* alert_mail: header fields that nobody can break out of, whatever the words are */
#include "effect/alert_mail.h"

#include "unit.h"

#define LINE_MAX_LEN 78

/* What a mail program reads: encoded words decoded, folds taken out. */
static char *
decoded(const char *field)
{
	GString *out = g_string_new(NULL);

	for (const char *p = strchr(field, ':') + 1; *p != '\0';) {
		const char *word = strstr(p, "=?UTF-8?B?"), *end;
		g_autofree char *letters = NULL;
		g_autofree guchar *bytes = NULL;
		gsize len;

		if (word == NULL)
			break;
		end = strstr(word, "?=");
		assert_non_null(end);
		letters = g_strndup(word + 10, (gsize)(end - word - 10));
		bytes = g_base64_decode(letters, &len);
		assert_true(g_utf8_validate((char *)bytes, (gssize)len, NULL));
		g_string_append_len(out, (char *)bytes, (gssize)len);
		p = end + 2;
	}
	return g_string_free(out, FALSE);
}

/* One field: it ends with its only CRLF that no blank follows, and no line is too long. */
static void
check_shape(const GString *field)
{
	g_auto(GStrv) lines = g_strsplit(field->str, "\r\n", -1);
	const guint n = g_strv_length(lines);

	assert_int_equal(strlen(field->str), field->len);
	assert_string_equal(lines[n - 1], "");
	for (guint i = 0; i + 1 < n; i++) {
		assert_true(strlen(lines[i]) <= LINE_MAX_LEN);
		assert_true(i == 0 || lines[i][0] == ' ');
		for (const char *p = lines[i]; *p != '\0'; p++)
			assert_true(*p >= ' ' && *p <= '~');
	}
}

static void
test_plain(void **state)
{
	g_autoptr(GString) s = g_string_new(NULL);

	(void)state;
	alert_mail_field(s, "Subject", "Virus alert (mx.example.org)");
	assert_string_equal(s->str, "Subject: Virus alert (mx.example.org)\r\n");
}

static void
test_utf8(void **state)
{
	g_autoptr(GString) s = g_string_new(NULL), longer = g_string_new(NULL);
	g_autofree char *text = NULL;

	(void)state;
	for (int i = 0; i < 60; i++)
		g_string_append(longer, i % 3 == 0 ? "ü" : i % 3 == 1 ? "漢字" : "x ");
	alert_mail_field(s, "Subject", longer->str);
	check_shape(s);
	text = decoded(s->str);
	assert_string_equal(text, longer->str);
}

static void
test_injection(void **state)
{
	static const char *const evil[] = { "a\r\nBcc: b@c", "a\nb\n\nbody", "\x01\x7f\t", "=?UTF-8?B?DQpCY2M6IHg=?=",
		"\xff\xfe\r\nX: y", "ü\r\nBcc: z" };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(evil); i++) {
		g_autoptr(GString) s = g_string_new(NULL);

		alert_mail_field(s, "Subject", evil[i]);
		check_shape(s);
		/* Nothing of what is not ours can be an encoded word of its own. */
		assert_null(strstr(s->str, "DQpCY2M6IHg="));
	}
}

static void
test_noise(void **state)
{
	struct rnd r = rnd_new(7);

	(void)state;
	for (int n = 0; n < 500; n++) {
		g_autoptr(GString) text = g_string_new(NULL), field = g_string_new(NULL);

		for (uint32_t i = rnd_below(&r, 200); i > 0; i--)
			g_string_append_c(text, (char)(1 + rnd_below(&r, 255)));
		alert_mail_field(field, "Subject", text->str);
		if (strstr(field->str, "=?") == NULL && strlen(text->str) > 70)
			continue; /* a word without blanks cannot be folded */
		check_shape(field);
	}
}

static GString *
mail(const char *body)
{
	g_autoptr(GPtrArray) to = g_ptr_array_new();
	const struct alert_head h = { .from = "scan@host", .to = to, .subject = "s", .host = "host",
		.event = "crash", .id = "<i@host>", .when = 1775127845 };

	g_ptr_array_add(to, (char *)(uintptr_t)"a@b");
	g_ptr_array_add(to, (char *)(uintptr_t)"c@d");
	return alert_mail(&h, body);
}

static void
test_mail(void **state)
{
	GString *plain = mail("one\n.two\n"), *other = mail("gr\xc3\xbc\xc3\x9f\n");

	(void)state;
	assert_string_equal(plain->str,
	    "Date: Thu, 2 Apr 2026 11:04:05 +0000\r\nFrom: scan@host\r\nTo: a@b, c@d\r\nSubject: s\r\n"
	    "Message-ID: <i@host>\r\nAuto-Submitted: auto-generated\r\nX-Avmilter-Event: crash\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\none\r\n.two\r\n");
	assert_true(g_str_has_suffix(other->str,
	    "charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\nZ3LDvMOfDQo=\r\n"));
	g_string_free(plain, TRUE);
	g_string_free(other, TRUE);
}

static void
test_id(void **state)
{
	g_autofree char *a = alert_mail_id("h"), *b = alert_mail_id("h");

	(void)state;
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(a), strlen("<avmilter.@h>") + 24);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_plain),
	cmocka_unit_test(test_utf8),
	cmocka_unit_test(test_injection),
	cmocka_unit_test(test_noise),
	cmocka_unit_test(test_mail),
	cmocka_unit_test(test_id),
};

UNIT_RUN(tests)
