/*
 * accept_milter - a libmilter filter that accepts everything: what libmilter itself costs
 *
 *	accept_milter [-d] SOCKET
 *
 * It negotiates every NR flag and HDR_LEADSPC as avmilter does (-d: libmilter's defaults, a reply to each step) and
 * registers the same callbacks, which do nothing. SOCKET in libmilter's notation.
 */
#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define NO_REPLIES (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_UNKN | \
    SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)

enum { LISTEN_BACKLOG = 1024 };

/* Written once before smfi_main(). */
static bool with_replies;

static sfsistat
step(void)
{
	return with_replies ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

static sfsistat
negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
    unsigned long *want_actions, unsigned long *want_steps, unsigned long *want_f2, unsigned long *want_f3)
{
	(void)ctx, (void)f2, (void)f3;
	*want_actions = actions & (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE);
	*want_steps = with_replies ? 0 : steps & (NO_REPLIES | SMFIP_HDR_LEADSPC);
	*want_f2 = *want_f3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *addr)
{
	(void)ctx, (void)host, (void)addr;
	return step();
}

static sfsistat
on_string(SMFICTX *ctx, char *text)
{
	(void)ctx, (void)text;
	return step();
}

static sfsistat
on_command(SMFICTX *ctx, const char *text)
{
	(void)ctx, (void)text;
	return step();
}

static sfsistat
on_address(SMFICTX *ctx, char **args)
{
	(void)ctx, (void)args;
	return step();
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx, (void)name, (void)value;
	return step();
}

static sfsistat
on_step(SMFICTX *ctx)
{
	(void)ctx;
	return step();
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	(void)ctx, (void)data, (void)len;
	return step();
}

static sfsistat
on_end(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_ACCEPT;
}

static sfsistat
on_nothing(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	char name[] = "accept";
	struct smfiDesc desc = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_string,
		.xxfi_envfrom = on_address,
		.xxfi_envrcpt = on_address,
		.xxfi_header = on_header,
		.xxfi_eoh = on_step,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_abort = on_nothing,
		.xxfi_close = on_nothing,
		.xxfi_unknown = on_command,
		.xxfi_data = on_step,
		.xxfi_negotiate = negotiate,
	};

	with_replies = argc == 3 && strcmp(argv[1], "-d") == 0;
	if (argc != 2 + with_replies) {
		fprintf(stderr, "usage: accept_milter [-d] SOCKET\n");
		return EX_USAGE;
	}
	if (smfi_setconn(argv[argc - 1]) != MI_SUCCESS || smfi_register(desc) != MI_SUCCESS)
		return EX_SOFTWARE;
	smfi_setbacklog(LISTEN_BACKLOG);
	if (smfi_opensocket(1) != MI_SUCCESS)
		return EX_UNAVAILABLE;
	return smfi_main() == MI_SUCCESS ? EX_OK : EX_SOFTWARE;
}
