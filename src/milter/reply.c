/* reply - see reply.h */
#include "milter/reply.h"

#include <glib.h>

/* smfi_setreply() takes 980 bytes after doubling; 512 is the line length that every SMTP client
 * must take (RFC 5321 4.5.3.1.5). */
#define REPLY_TEXT_MAX 490

static char *
wire_text(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *p = text; *p != '\0' && out->len < REPLY_TEXT_MAX; p++) {
		if (*p == '%')
			g_string_append(out, "%%");
		else
			g_string_append_c(out, g_ascii_isprint(*p) ? *p : '?');
	}
	return g_string_free(out, FALSE);
}

sfsistat
reply_speak(const struct mta_ops *ops, SMFICTX *ctx, unsigned code, const char *text)
{
	static const char *const own[] = { "Virus scan unavailable, try again later",
		"Message rejected" };
	const bool reject = code >= 500 && code <= 599;
	const char *xcode = reject ? "5.7.1" : "4.7.1";
	g_autofree char *wire = wire_text(text != NULL && text[0] != '\0' ? text : own[reject]);
	char rcode[16];

	if (!reject && (code < 400 || code > 499))
		code = REPLY_TEMPFAIL;
	g_snprintf(rcode, sizeof(rcode), "%u", code);
	if (ops->setreply(ctx, rcode, xcode, wire) != MI_SUCCESS)
		ops->setreply(ctx, rcode, xcode, own[reject]);
	return reject ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}
