/*
 * release: what goes out is looked through first, and only the mail that a pass was made for is let through
 */
#include "effect/release.h"

#include "base/auto.h"
#include "effect/relaxed.h"
#include "effect/release_pass.h"
#include "effect/release_payload.h"
#include "effect/smtp.h"
#include "world.h"

struct rig {
	struct world w;
	char *dir;
	struct quarantine *q;
};

static void
begin(struct rig *r)
{
	char *base = unit_mkdir();
	g_autofree char *text = g_strdup_printf(
	    "antivirus { action = quarantine null \"n\" { } } quarantine { directory = \"%s/q\" }", base);

	*r = (struct rig){.w = world_new(text), .dir = base};
	r->q = quarantine_open(r->w.conf, NULL);
	assert_non_null(r->q);
}

static void
end(struct rig *r)
{
	quarantine_close(&r->q);
	world_end(&r->w);
	unit_rmdir(r->dir);
}

static void
looked_through(void **state)
{
	static const struct {
		const char *text, *body;
		bool eight_bit, bare_lf;
	} rows[] = {
	    {"A: b\r\n\r\nbody\r\n", "body\r\n", false, false},
	    {"A: b\r\n\r\nbody", "body\r\n", false, false},
	    {"A: b\r\n\r\n", "", false, false},
	    {"\r\nbody\r\n", "body\r\n", false, false},
	    {"\r\n", "", false, false},
	    {"A: b\r\n c\r\n\r\n\r\n\r\nx\r\n", "\r\n\r\nx\r\n", false, false},
	    {"A: b\r\n\r\n\r\r\n\r\n", "\r\r\n\r\n", false, false},
	    {"A: b\xc3\xa4\r\n\r\nx\r\n", "x\r\n", true, false},
	    {"A: b\r\n\r\nx\ny\r\n", "x\ny\r\n", false, true},
	    {"A: b\r\n\r\n\n.\n", "\n.\n\r\n", false, true},
	    {"A: b\r\n\r\nx\ry\r\n", "x\ry\r\n", false, false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const int fd = fsx_unnamed(g_get_tmp_dir(), NULL);
		uint8_t whole[DIGEST_LEN], body[DIGEST_LEN];
		struct payload p;

		assert_true(fsx_pwrite_all(fd, rows[i].text, strlen(rows[i].text), 0, NULL));
		assert_true(payload_open(&p, fd, NULL));
		digest_of(rows[i].text, strlen(rows[i].text), whole);
		digest_of(rows[i].body, strlen(rows[i].body), body);
		assert_memory_equal(p.whole, whole, DIGEST_LEN);
		if (memcmp(p.body, body, DIGEST_LEN) != 0 || p.eight_bit != rows[i].eight_bit ||
		    p.bare_lf != rows[i].bare_lf)
			fail_msg("row %zu", i);
		assert_int_equal(p.at, 0);
		payload_close(&p);
	}
}

static void
addresses(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
	    {"a@b", true},
	    {"<a@b>", true},
	    {"postmaster", true},
	    {"\"a b\"@c", true},
	    {"\"a>b\"@c", true},
	    {"\"a\\\"b c\"@d", true},
	    {"\xc3\xa4@b", true},
	    {"", false},
	    {"<>", false},
	    {"a b@c", false},
	    {"<a@b> SIZE=1", false},
	    {"a@b>", false},
	    {"a@b\r\nDATA", false},
	    {"a@b\n", false},
	    {"\"a\r\nb\"@c", false},
	    {"\"a@b", false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (smtp_address_is_valid(rows[i].text) != rows[i].good)
			fail_msg("\"%s\"", rows[i].text);
}

/* A mail as it comes back to us. */
static struct message *
mail_with(struct rig *r, const char *sender, const char *rcpt, const char *type, const char *body, const char *envid, const char *addr)
{
	const struct client client = {.addr = (char *)(uintptr_t)addr};
	struct message *m = message_new(r->w.budget, &r->w.lim, &client, sender);

	message_add_recipient(m, rcpt);
	message_add_header(m, "Received", " by us");
	message_add_header(m, "Subject", " x");
	if (type != NULL)
		message_add_header(m, "CONTENT-type", type);
	message_add_body(m, body, strlen(body));
	message_seal(m);
	m->parameters = envid != NULL ? g_strdup_printf("SIZE=1 envid=%s RET=HDRS", envid) : NULL;
	return m;
}

#define TYPE " text/plain;\n\tname=\"a\n  b\""
#define FILE_TYPE "Content-Type: text/plain;\r\n name=\"a\r\n  b\"\r\n"
#define BODY "a body\r\n"

static struct message *
mail(struct rig *r, const char *sender, const char *rcpt, const char *body, const char *envid, const char *addr)
{
	return mail_with(r, sender, rcpt, TYPE, body, envid, addr);
}

static struct release_pass *
make_pass(struct rig *r)
{
	g_autoptr(GPtrArray) to = g_ptr_array_new();
	uint8_t body[DIGEST_LEN], mime[DIGEST_LEN];
	static char a[] = "<a@x>", b[] = "<b@x>";

	g_ptr_array_add(to, a);
	g_ptr_array_add(to, b);
	digest_of(BODY, strlen(BODY), body);
	assert_true(relaxed_mime_text("Subject: x\r\n" FILE_TYPE "Date: y\r\n", mime));
	return pass_new(r->q, "aaaaaaaaaa", &(struct pass_mail){"<s@x>", to, body, mime});
}

static bool
recognised(struct rig *r, struct message *m)
{
	char ref[QUARANTINE_REF_MAX + 1];
	const bool yes = release_recognise(r->q, m, ref);

	if (yes)
		assert_string_equal(ref, "aaaaaaaaaa");
	message_free(&m);
	return yes;
}

static void
the_mail_itself_once(void **state)
{
	struct rig r;
	struct release_pass *p;
	g_autofree char *envid = NULL;

	(void)state;
	begin(&r);
	p = make_pass(&r);
	envid = g_strdup(pass_envid(p));
	assert_true(recognised(&r, mail(&r, "<s@x>", "<b@x>", BODY, envid, "192.0.2.1")));
	assert_false(recognised(&r, mail(&r, "<s@x>", "<b@x>", BODY, envid, "192.0.2.1")));
	pass_end(r.q, p, true);
	assert_false(recognised(&r, mail(&r, "<s@x>", "<b@x>", BODY, envid, "192.0.2.1")));
	end(&r);
}

static void
another_mail_burns_the_token(void **state)
{
	static const struct {
		const char *sender, *rcpt, *body;
	} rows[] = {{"<t@x>", "<a@x>", BODY}, {"<s@x>", "<c@x>", BODY}, {"<s@x>", "<a@x>", "another\r\n"}};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rig r;
		struct release_pass *p;

		begin(&r);
		p = make_pass(&r);
		assert_false(recognised(
		    &r, mail(&r, rows[i].sender, rows[i].rcpt, rows[i].body, pass_envid(p), "127.0.0.1")));
		assert_false(recognised(&r, mail(&r, "<s@x>", "<a@x>", BODY, pass_envid(p), "127.0.0.1")));
		pass_end(r.q, p, true);
		end(&r);
	}
}

/* Nor is it good for the same bytes read in another way. */
static void
other_fields_burn_the_token(void **state)
{
	static const char *const types[] = {NULL, " text/html", " text/plain;\n\tname=\"a\n b\"",
	    TYPE "\rContent-Transfer-Encoding: base64", TYPE "; x=y"};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		struct release_pass *p;
		struct rig r;

		begin(&r);
		p = make_pass(&r);
		if (recognised(&r, mail_with(&r, "<s@x>", "<a@x>", types[i], BODY, pass_envid(p), "127.0.0.1")))
			fail_msg("%s", types[i]);
		assert_false(recognised(&r, mail(&r, "<s@x>", "<a@x>", BODY, pass_envid(p), "127.0.0.1")));
		pass_end(r.q, p, true);
		end(&r);
	}
}

/* The header block of a file and that of a mail are the same thing. */
static void
header_of_a_file(void **state)
{
	static const struct {
		const char *text;
		bool plain, same;
	} rows[] = {
	    {"Subject: x\r\n" FILE_TYPE "\r\nbody\r\n", true, true},
	    {FILE_TYPE "\r\n", true, true},
	    {"Content-Type: text/plain; name=\"a\r\n  b\"\r\n\r\n", true, true},
	    {"no field\r\n" FILE_TYPE "X: y\r\n\r\n", true, true},
	    {"\r\n" FILE_TYPE "\r\n", true, false},
	    {"MIME-Version: 1.0\r\n" FILE_TYPE "\r\n", true, false},
	    {"X: a\rb\r\n" FILE_TYPE "\r\n", false, false},
	    {FILE_TYPE, false, false},
	};
	struct message *m;
	uint8_t mime[DIGEST_LEN];
	struct rig r;

	(void)state;
	begin(&r);
	m = mail(&r, "<s@x>", "<a@x>", BODY, NULL, NULL);
	assert_true(relaxed_mime(m, mime));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const int fd = fsx_unnamed(g_get_tmp_dir(), NULL);
		struct payload p;

		assert_true(fsx_pwrite_all(fd, rows[i].text, strlen(rows[i].text), 0, NULL));
		assert_true(payload_open(&p, fd, NULL));
		if (p.plain != rows[i].plain || (p.plain && (memcmp(p.mime, mime, DIGEST_LEN) == 0) != rows[i].same))
			fail_msg("row %zu", i);
		payload_close(&p);
	}
	message_free(&m);
	end(&r);
}

static void
no_token_no_pass(void **state)
{
	static const char *const envids[] = {NULL, "", "avm+2D", "avm-", "avm+2D00000000000000000000000000000000", "x"};
	struct release_pass *p;
	struct rig r;

	(void)state;
	begin(&r);
	p = make_pass(&r);
	for (size_t i = 0; i < G_N_ELEMENTS(envids); i++)
		assert_false(recognised(&r, mail(&r, "<s@x>", "<a@x>", BODY, envids[i], "127.0.0.1")));
	/* the relay refused: the token is worth nothing from now on */
	{
		g_autofree char *envid = g_strdup(pass_envid(p));

		pass_end(r.q, p, false);
		assert_false(recognised(&r, mail(&r, "<s@x>", "<a@x>", BODY, envid, "127.0.0.1")));
	}
	assert_false(release_recognise(NULL, NULL, (char[QUARANTINE_REF_MAX + 1]){""}));
	end(&r);
}

static void
without_token_only_from_here(void **state)
{
	struct release_pass *p;
	struct rig r;

	(void)state;
	begin(&r);
	p = make_pass(&r);
	pass_without_token(r.q, p);
	assert_false(recognised(&r, mail(&r, "<s@x>", "<a@x>", BODY, NULL, "192.0.2.1")));
	assert_false(recognised(&r, mail(&r, "<s@x>", "<a@x>", "another\r\n", NULL, "127.0.0.1")));
	assert_true(recognised(&r, mail(&r, "<s@x>", "<a@x>", BODY, NULL, "127.0.0.1")));
	assert_false(recognised(&r, mail(&r, "<s@x>", "<a@x>", BODY, NULL, "127.0.0.1")));
	pass_end(r.q, p, true);
	end(&r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(looked_through),
    cmocka_unit_test(addresses),
    cmocka_unit_test(the_mail_itself_once),
    cmocka_unit_test(another_mail_burns_the_token),
    cmocka_unit_test(other_fields_burn_the_token),
    cmocka_unit_test(header_of_a_file),
    cmocka_unit_test(no_token_no_pass),
    cmocka_unit_test(without_token_only_from_here),
};

UNIT_RUN(tests)
