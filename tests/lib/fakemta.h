/*
 * fakemta - an MTA for tests of src/milter: a table of mta_ops that records what is said to it and fails where told
 *
 * One struct fake is one connection. fake_message() plays a whole message through the callbacks as libmilter would.
 */
#ifndef AVM_TESTS_FAKEMTA_H
#define AVM_TESTS_FAKEMTA_H

#include "unit.h"

#include <arpa/inet.h>

#include "conf/conf.h"
#include "milter/milter.h"
#include "milter/session.h"

/* Calls that can be made to fail. */
enum { FAIL_REPLY = 1, FAIL_INSERT = 2, FAIL_CHANGE = 4, FAIL_HOLD = 8, FAIL_ADD = 16, FAIL_DEL = 32, FAIL_BODY = 64 };

struct fake {
	void		*priv;
	unsigned	 fail;
	bool		 at_eom;
	unsigned long	 offered_actions, offered_steps;
	unsigned long	 actions, steps;	/* asked for */
	const char	*queue_id;
	GString		*said;			/* every edit and reply, one a line */
	GString		*symbols;		/* macro lists */
	unsigned	 progress;
};

static struct fake *
fake_of(SMFICTX *ctx)
{
	return (struct fake *)(void *)ctx;
}

static const char *
fake_getsymval(SMFICTX *ctx, const char *name)
{
	if (strcmp(name, "i") == 0)
		return fake_of(ctx)->queue_id;
	return strcmp(name, "{daemon_name}") == 0 ? "test-daemon" : NULL;
}

static int
fake_setpriv(SMFICTX *ctx, void *priv)
{
	fake_of(ctx)->priv = priv;
	return MI_SUCCESS;
}

static void *
fake_getpriv(SMFICTX *ctx)
{
	return fake_of(ctx)->priv;
}

static int
fake_setsymlist(SMFICTX *ctx, int stage, const char *macros)
{
	g_string_append_printf(fake_of(ctx)->symbols, "%d:%s\n", stage, macros);
	return MI_SUCCESS;
}

static int
fake_setreply(SMFICTX *ctx, const char *rcode, const char *xcode, const char *text)
{
	struct fake *f = fake_of(ctx);

	if (f->fail & FAIL_REPLY)
		return MI_FAILURE;
	g_string_append_printf(f->said, "reply %s %s %s\n", rcode, xcode, text);
	return MI_SUCCESS;
}

static int
fake_insheader(SMFICTX *ctx, int index, const char *name, const char *value)
{
	struct fake *f = fake_of(ctx);

	if (f->fail & FAIL_INSERT)
		return MI_FAILURE;
	g_string_append_printf(f->said, "insert %d %s:%s\n", index, name, value);
	return MI_SUCCESS;
}

static int
fake_chgheader(SMFICTX *ctx, const char *name, int index, const char *value)
{
	struct fake *f = fake_of(ctx);

	if (f->fail & FAIL_CHANGE)
		return MI_FAILURE;
	g_string_append_printf(f->said, "change %s %d %s\n", name, index, value != NULL ? value : "(delete)");
	return MI_SUCCESS;
}

static int
fake_quarantine(SMFICTX *ctx, const char *reason)
{
	struct fake *f = fake_of(ctx);

	if (f->fail & FAIL_HOLD)
		return MI_FAILURE;
	g_string_append_printf(f->said, "hold %s\n", reason);
	return MI_SUCCESS;
}

static int
fake_addrcpt(SMFICTX *ctx, const char *rcpt)
{
	struct fake *f = fake_of(ctx);

	if (f->fail & FAIL_ADD)
		return MI_FAILURE;
	g_string_append_printf(f->said, "addrcpt %s\n", rcpt);
	return MI_SUCCESS;
}

static int
fake_delrcpt(SMFICTX *ctx, const char *rcpt)
{
	struct fake *f = fake_of(ctx);

	if (f->fail & FAIL_DEL)
		return MI_FAILURE;
	g_string_append_printf(f->said, "delrcpt %s\n", rcpt);
	return MI_SUCCESS;
}

static int
fake_replacebody(SMFICTX *ctx, const void *data, size_t len)
{
	struct fake *f = fake_of(ctx);

	if (f->fail & FAIL_BODY)
		return MI_FAILURE;
	g_string_append_printf(f->said, "body %.*s\n", (int)len, (const char *)data);
	return MI_SUCCESS;
}

static int
fake_progress(SMFICTX *ctx)
{
	fake_of(ctx)->progress++;
	return MI_SUCCESS;
}

static bool
fake_at_end(SMFICTX *ctx)
{
	return fake_of(ctx)->at_eom;
}

static const struct mta_ops fake_ops = {
	.getsymval = fake_getsymval,
	.setpriv = fake_setpriv,
	.getpriv = fake_getpriv,
	.setsymlist = fake_setsymlist,
	.setreply = fake_setreply,
	.insheader = fake_insheader,
	.chgheader = fake_chgheader,
	.quarantine = fake_quarantine,
	.addrcpt = fake_addrcpt,
	.delrcpt = fake_delrcpt,
	.replacebody = fake_replacebody,
	.progress = fake_progress,
	.at_end = fake_at_end,
};

/* What Postfix 3.7 and sendmail 8.17 offer. */
#define FAKE_ACTIONS	0x1fful
#define FAKE_STEPS	0x1ffffful

static SMFICTX *
ctx_of(struct fake *f)
{
	return (SMFICTX *)(void *)f;
}

static void
fake_negotiate(struct fake *f)
{
	unsigned long none2, none3;

	assert_int_equal(milter_callbacks()->xxfi_negotiate(ctx_of(f), f->offered_actions, f->offered_steps, 0, 0, &f->actions, &f->steps,
	    &none2, &none3), SMFIS_CONTINUE);
}

static struct fake *
fake_new(unsigned long actions, unsigned long steps)
{
	struct fake *f = g_new0(struct fake, 1);

	f->said = g_string_new(NULL);
	f->symbols = g_string_new(NULL);
	f->offered_actions = actions;
	f->offered_steps = steps;
	fake_negotiate(f);
	return f;
}

static void
fake_free(struct fake *f)
{
	milter_callbacks()->xxfi_close(ctx_of(f));
	assert_null(f->priv);
	g_string_free(f->said, TRUE);
	g_string_free(f->symbols, TRUE);
	g_free(f);
}

/* "No reply" where it was asked for, "continue" where not. */
static void
expect_step(const struct fake *f, sfsistat got, unsigned long step)
{
	assert_int_equal(got, f->steps & step ? SMFIS_NOREPLY : SMFIS_CONTINUE);
}

static inline void
fake_connect(struct fake *f, const char *host, const char *addr)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	char *name = g_strdup(host), *helo = g_strdup(host);

	inet_pton(AF_INET, addr, &in.sin_addr);
	expect_step(f, milter_callbacks()->xxfi_connect(ctx_of(f), name, (_SOCK_ADDR *)&in), SMFIP_NR_CONN);
	expect_step(f, milter_callbacks()->xxfi_helo(ctx_of(f), helo), SMFIP_NR_HELO);
	g_free(name);
	g_free(helo);
}

static inline void
fake_envelope(struct fake *f, const char *from, const char *to)
{
	char *a[] = { g_strdup(from), NULL }, *b[] = { g_strdup(to), NULL };

	expect_step(f, milter_callbacks()->xxfi_envfrom(ctx_of(f), a), SMFIP_NR_MAIL);
	expect_step(f, milter_callbacks()->xxfi_envrcpt(ctx_of(f), b), SMFIP_NR_RCPT);
	expect_step(f, milter_callbacks()->xxfi_data(ctx_of(f)), SMFIP_NR_DATA);
	g_free(a[0]);
	g_free(b[0]);
}

static inline void
fake_recipient(struct fake *f, const char *to)
{
	char *a[] = { g_strdup(to), NULL };

	expect_step(f, milter_callbacks()->xxfi_envrcpt(ctx_of(f), a), SMFIP_NR_RCPT);
	g_free(a[0]);
}

static inline void
fake_header(struct fake *f, const char *name, const char *value)
{
	char *n = g_strdup(name), *v = g_strdup(value);

	expect_step(f, milter_callbacks()->xxfi_header(ctx_of(f), n, v), SMFIP_NR_HDR);
	g_free(n);
	g_free(v);
}

static inline void
fake_body(struct fake *f, const char *text)
{
	unsigned char *b = (unsigned char *)g_strdup(text);

	expect_step(f, milter_callbacks()->xxfi_eoh(ctx_of(f)), SMFIP_NR_EOH);
	expect_step(f, milter_callbacks()->xxfi_body(ctx_of(f), b, strlen(text)), SMFIP_NR_BODY);
	g_free(b);
}

static inline sfsistat
fake_eom(struct fake *f)
{
	sfsistat rc;

	f->at_eom = true;
	rc = milter_callbacks()->xxfi_eom(ctx_of(f));
	f->at_eom = false;
	return rc;
}

/* A whole message with that body; what was said stands in f->said afterwards. */
static inline sfsistat
fake_message(struct fake *f, const char *queue_id, const char *body)
{
	g_string_truncate(f->said, 0);
	f->queue_id = queue_id;
	fake_envelope(f, "<a@src.test>", "<b@local.test>");
	fake_header(f, "Subject", " test");
	fake_body(f, body);
	return fake_eom(f);
}

#endif
