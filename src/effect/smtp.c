/* smtp - see smtp.h */
#include "effect/smtp.h"

#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/wire.h"

#define PORT "25"

/* RFC 5321 says 512 for a line of a reply; more is taken from servers that explain themselves. */
#define LINE_MAX_LEN 4096
#define LINES_MAX    128
#define REPLY_TEXT   200
#define PIECE        (32 * 1024)
#define ADDRESS_MAX  1024
#define QUIT_MS      2000

/* What the server offers. */
enum { DSN = 1, SIZE = 2, EIGHT_BIT = 4, UTF8 = 8 };

static const struct {
	const char *word;
	unsigned bit;
} extensions[] = {
	{ "DSN", DSN },
	{ "SIZE", SIZE },
	{ "8BITMIME", EIGHT_BIT },
	{ "SMTPUTF8", UTF8 },
};

struct dialogue {
	const struct smtp_server *server;
	struct wire *wire;
	unsigned offers;
	GString *text; /* of the last reply, its lines with blanks between them */
};

void
smtp_recipient_clear(struct smtp_recipient *r)
{
	g_clear_pointer(&r->reply, g_free);
	r->code = 0;
}

bool
smtp_address_is_valid(const char *address)
{
	const size_t len = strlen(address);
	const bool angled = len >= 2 && address[0] == '<' && address[len - 1] == '>';
	const char *begin = address + angled, *end = address + len - angled;
	bool quoted = false;

	if (begin == end || len > ADDRESS_MAX)
		return false;
	for (const char *p = begin; p < end; p++) {
		const unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f || (!quoted && (c == ' ' || c == '<' || c == '>')))
			return false;
		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted && p + 1 < end)
			p++;
	}
	return !quoted;
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s > 127)
			return false;
	return true;
}

/* What the server said, for a text of ours. */
static char *
readable(const char *text)
{
	char *s = g_strndup(text, REPLY_TEXT);

	for (char *p = s; *p != '\0'; p++)
		if (!g_ascii_isprint(*p))
			*p = '?';
	return s;
}

static bool
fail(const struct dialogue *d, const char *step, GError **err)
{
	g_prefix_error(err, "%s: %s: ", d->server->address, step);
	return false;
}

/* A reply that refuses, as an error. Always false. */
static bool
refused(const struct dialogue *d, const char *step, unsigned code, GError **err)
{
	g_autofree char *text = readable(d->text->str);

	g_set_error(
	    err, NET_ERROR, NET_E_SYNTAX, "%s: %s: %u %s", d->server->address, step, code, text);
	return false;
}

static unsigned
code_of(const GString *line)
{
	unsigned code = 0;

	if (line->len < 3 || (line->len > 3 && line->str[3] != ' ' && line->str[3] != '-'))
		return 0;
	for (int i = 0; i < 3; i++) {
		if (!g_ascii_isdigit(line->str[i]))
			return 0;
		code = code * 10 + (unsigned)(line->str[i] - '0');
	}
	return code;
}

static void
note_extension(struct dialogue *d, const char *text)
{
	for (size_t i = 0; i < G_N_ELEMENTS(extensions); i++) {
		const size_t n = strlen(extensions[i].word);

		if (g_ascii_strncasecmp(text, extensions[i].word, n) == 0 &&
		    (text[n] == '\0' || text[n] == ' ' || text[n] == '='))
			d->offers |= extensions[i].bit;
	}
}

/* One reply, all of its lines. 0 and *err when none comes. */
static unsigned
reply(struct dialogue *d, GError **err)
{
	unsigned code = 0, lines = 0;
	bool more = true;

	g_string_truncate(d->text, 0);
	while (more) {
		g_autoptr(GString) line = g_string_new(NULL);

		if (!wire_line(d->wire, LINE_MAX_LEN, line, err))
			return 0;
		if (code_of(line) == 0 || (lines > 0 && code_of(line) != code) ||
		    ++lines > LINES_MAX) {
			g_autofree char *text = readable(line->str);

			g_set_error(err, NET_ERROR, NET_E_SYNTAX,
			    "the answer is no SMTP reply: \"%s\"", text);
			return 0;
		}
		code = code_of(line);
		more = line->len > 3 && line->str[3] == '-';
		if (line->len > 4) {
			note_extension(d, line->str + 4);
			g_string_append_printf(
			    d->text, "%s%s", d->text->len > 0 ? " " : "", line->str + 4);
		}
	}
	return code;
}

/* A command and its reply. */
static unsigned
say(struct dialogue *d, const char *command, GError **err)
{
	g_autofree char *line = g_strconcat(command, "\r\n", NULL);

	if (!wire_write(d->wire, line, strlen(line), err))
		return 0;
	return reply(d, err);
}

static bool
expect(struct dialogue *d, const char *step, unsigned code, unsigned wanted, GError **err)
{
	if (code == 0)
		return fail(d, step, err);
	return code / 100 == wanted || refused(d, step, code, err);
}

static bool
greet(struct dialogue *d, GError **err)
{
	g_autofree char *ehlo = g_strdup_printf("EHLO %s", d->server->helo);
	g_autofree char *helo = g_strdup_printf("HELO %s", d->server->helo);
	unsigned code;

	if (!expect(d, "greeting", reply(d, err), 2, err))
		return false;
	d->offers = 0;
	code = say(d, ehlo, err);
	if (code / 100 == 5) {
		d->offers = 0;
		code = say(d, helo, err);
	}
	return expect(d, "EHLO", code, 2, err);
}

/* Addresses as they stand in a command. */
static char *
angled(const char *address)
{
	return address[0] == '<' ? g_strdup(address) : g_strdup_printf("<%s>", address);
}

/* An address that is not ASCII, and valid UTF-8, can only be said with SMTPUTF8. */
static bool
needs_utf8(const struct smtp_mail *m)
{
	bool yes = !is_ascii(m->sender);

	for (size_t i = 0; i < m->count; i++)
		yes = yes || !is_ascii(m->recipients[i].address);
	return yes;
}

static bool
check_addresses(const struct dialogue *d, const struct smtp_mail *m, GError **err)
{
	const bool none = m->sender[0] == '\0' || strcmp(m->sender, "<>") == 0;
	bool ok = none || smtp_address_is_valid(m->sender);

	for (size_t i = 0; i < m->count; i++)
		ok = ok && smtp_address_is_valid(m->recipients[i].address);
	if (ok && m->count > 0)
		return true;
	g_set_error(err, NET_ERROR, NET_E_SYNTAX, "%s: sender or recipient cannot be said by SMTP",
	    d->server->address);
	return false;
}

static bool
say_mail(struct dialogue *d, const struct smtp_mail *m, GError **err)
{
	g_autofree char *sender = angled(m->sender);
	g_autoptr(GString) line = g_string_new(NULL);

	if (needs_utf8(m) && !(d->offers & UTF8)) {
		g_set_error(err, NET_ERROR, NET_E_SYNTAX,
		    "%s: an address is not ASCII, and this server does not offer SMTPUTF8",
		    d->server->address);
		return false;
	}
	g_string_printf(line, "MAIL FROM:%s", sender);
	if (m->size > 0 && (d->offers & SIZE))
		g_string_append_printf(line, " SIZE=%" G_GUINT64_FORMAT, m->size);
	if (m->eight_bit && (d->offers & EIGHT_BIT))
		g_string_append(line, " BODY=8BITMIME");
	if ((m->utf8 || needs_utf8(m)) && (d->offers & UTF8))
		g_string_append(line, " SMTPUTF8");
	if (m->envid != NULL && (d->offers & DSN))
		g_string_append_printf(line, " ENVID=%s", m->envid);
	else if (m->without_envid != NULL)
		m->without_envid(m->arg);
	return expect(d, "MAIL", say(d, line->str, err), 2, err);
}

static bool
say_recipients(struct dialogue *d, struct smtp_mail *m, GError **err)
{
	size_t taken = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct smtp_recipient *r = &m->recipients[i];
		g_autofree char *address = angled(r->address);
		g_autofree char *line = g_strdup_printf("RCPT TO:%s", address);

		smtp_recipient_clear(r);
		r->code = say(d, line, err);
		if (r->code == 0)
			return fail(d, "RCPT", err);
		r->reply = readable(d->text->str);
		taken += smtp_recipient_is_taken(r);
		if (r->code == 421)
			return refused(d, "RCPT", r->code, err);
	}
	if (taken > 0)
		return true;
	g_set_error(err, NET_ERROR, NET_E_SYNTAX, "%s: every recipient was refused: %u %s",
	    d->server->address, m->recipients[0].code, m->recipients[0].reply);
	return false;
}

/* Where in the content we are: a dot behind a line end is doubled. */
enum place { LINE_BEGIN, IN_LINE, AFTER_CR };

static enum place
stuff(GString *out, const char *data, size_t len, enum place at)
{
	for (size_t i = 0; i < len; i++) {
		const char c = data[i];

		if (at == LINE_BEGIN && c == '.')
			g_string_append_c(out, '.');
		g_string_append_c(out, c);
		at = c == '\r' ? AFTER_CR : at == AFTER_CR && c == '\n' ? LINE_BEGIN : IN_LINE;
	}
	return at;
}

/* The content and the dot that ends it. *said becomes true when that dot may have gone out. */
static bool
say_content(struct dialogue *d, const struct smtp_mail *m, bool *said, GError **err)
{
	g_autofree char *buf = g_malloc(PIECE);
	g_autoptr(GString) out = g_string_sized_new(2 * PIECE);
	enum place at = LINE_BEGIN;
	size_t got = 0;

	do {
		g_string_truncate(out, 0);
		if (!m->read(m->arg, buf, PIECE, &got, err))
			return fail(d, "content", err);
		at = stuff(out, buf, got, at);
		if (got > 0 && !wire_write(d->wire, out->str, out->len, err))
			return fail(d, "DATA", err);
	} while (got > 0 && !wire_halted(d->wire));
	if (got >
	    0) /* it has something to say, or is gone: the mail has no end, so it is not taken */
		return true;
	g_string_assign(out, at == LINE_BEGIN ? ".\r\n" : "\r\n.\r\n");
	*said = true;
	if (!wire_write(d->wire, out->str, out->len, err))
		return fail(d, "DATA", err);
	*said = wire_sent_all(d->wire); /* cut short by an answer: it was no end either */
	return true;
}

static enum smtp_end
say_data(struct dialogue *d, struct smtp_mail *m, GError **err)
{
	bool said = false;
	unsigned code;

	if (!expect(d, "DATA", say(d, "DATA", err), 3, err) || !say_content(d, m, &said, err))
		return said ? SMTP_UNSURE : SMTP_NOT;
	code = reply(d, err);
	if (code == 0) {
		fail(d, "answer to the content", err);
		return said ? SMTP_UNSURE : SMTP_NOT;
	}
	if (!said && code / 100 == 2) { /* an answer to a question that was not asked yet */
		refused(d, "in the midst of the content", code, err);
		return SMTP_NOT;
	}
	m->verdict = code;
	return expect(d, "answer to the content", code, 2, err) ? SMTP_TAKEN : SMTP_NOT;
}

static struct wire *
dial(const struct smtp_server *s, struct wait *wait, GError **err)
{
	AUTO(address_free) struct address *a = address_parse(s->address, PORT, NULL, err);
	const struct net_how how = { .tls = s->tls, .connect_ms = s->connect_ms, .cancel_fd = -1 };
	struct net *n = a != NULL ? net_connect(a, &how, wait, err) : NULL;
	struct wire *w;

	if (n == NULL) {
		g_prefix_error(err, "%s: connect: ", s->address);
		return NULL;
	}
	w = wire_new(n, s->silence_ms);
	wire_begin(w, wait);
	return w;
}

enum smtp_end
smtp_send(const struct smtp_server *s, struct smtp_mail *m, struct wait *wait, GError **err)
{
	AUTO(wire_free) struct wire *w = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	struct dialogue d = { .server = s, .text = text };
	enum smtp_end end = SMTP_NOT;
	struct wait bye;

	if (!check_addresses(&d, m, err))
		return SMTP_NOT;
	d.wire = w = dial(s, wait, err);
	if (w == NULL)
		return SMTP_NOT;
	if (greet(&d, err) && say_mail(&d, m, err) && say_recipients(&d, m, err))
		end = say_data(&d, m, err);
	if (end != SMTP_UNSURE && wire_is_quiet(w)) {
		bye = wait_until(wait, deadline_in(QUIT_MS));
		wire_begin(w, &bye);
		(void)say(&d, "QUIT", NULL);
	}
	return end;
}
