/* alert_mail - see alert_mail.h */
#include "effect/alert_mail.h"

#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/auto.h"

#define LINE_LEN      78  /* where fields are folded */
#define BODY_LINE_LEN 900 /* SMTP takes 998 */
/* "=?UTF-8?B?" and "?=" around at most 75 characters (RFC 2047, 2): 45 bytes become 60 letters. */
#define FIRST_BYTES 36 /* beside the name of the field */
#define WORD_BYTES  45
#define BASE64_LINE 76
#define ID_BYTES    12

char *
alert_mail_id(const char *host)
{
	uint8_t random[ID_BYTES];
	g_autoptr(GString) s = g_string_new("<avmilter.");

	g_assert(getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		g_string_append_printf(s, "%02x", random[i]);
	g_string_append_printf(s, "@%s>", host);
	return g_strdup(s->str);
}

static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
			return false;
	return true;
}

/* Words of printable ASCII, folded at blanks. */
static void
add_plain(GString *to, size_t column, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);

	for (guint i = 0; words[i] != NULL; i++) {
		const size_t len = strlen(words[i]);

		if (len == 0)
			continue;
		if (column + 1 + len > LINE_LEN && i > 0) {
			g_string_append(to, "\r\n");
			column = 0;
		}
		g_string_append_printf(to, " %s", words[i]);
		column += 1 + len;
	}
}

/* Encoded words, none of which cuts a character in two. */
static void
add_encoded(GString *to, const char *text)
{
	for (bool first = true; *text != '\0'; first = false) {
		size_t len = 0;
		g_autofree char *letters = NULL;

		while (text[len] != '\0') {
			const size_t next = len + (size_t)g_utf8_skip[(unsigned char)text[len]];

			if (next > (first ? FIRST_BYTES : WORD_BYTES))
				break;
			len = next;
		}
		letters = g_base64_encode((const guchar *)text, len);
		g_string_append_printf(to, "%s =?UTF-8?B?%s?=", first ? "" : "\r\n", letters);
		text += len;
	}
}

void
alert_mail_field(GString *to, const char *name, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	const size_t before = to->len;

	for (char *p = valid; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	g_string_append_printf(to, "%s:", name);
	if (is_plain(valid) && strstr(valid, "=?") == NULL)
		add_plain(to, to->len - before, valid);
	else
		add_encoded(to, valid);
	g_string_append(to, "\r\n");
}

/* RFC 5322, whatever the locale says. */
static void
add_date(GString *to, int64_t when)
{
	static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	g_autoptr(GDateTime) t = g_date_time_new_from_unix_utc(when);

	g_string_append_printf(to, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n",
	    days[g_date_time_get_day_of_week(t) - 1], g_date_time_get_day_of_month(t),
	    months[g_date_time_get_month(t) - 1], g_date_time_get_year(t), g_date_time_get_hour(t),
	    g_date_time_get_minute(t), g_date_time_get_second(t));
}

static bool
fits(const char *body)
{
	g_auto(GStrv) lines = g_strsplit(body, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++)
		if (!is_plain(lines[i]) || strlen(lines[i]) > BODY_LINE_LEN)
			return false;
	return true;
}

static void
add_body(GString *to, const char *body)
{
	g_autofree char *valid = g_utf8_make_valid(body, -1), *letters = NULL;
	g_auto(GStrv) lines = g_strsplit(valid, "\n", -1);
	g_autofree char *text = g_strjoinv("\r\n", lines);
	const bool plain = fits(valid);
	size_t len;

	g_string_append_printf(to,
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=%s\r\n"
	    "Content-Transfer-Encoding: %s\r\n\r\n",
	    plain ? "us-ascii" : "UTF-8", plain ? "7bit" : "base64");
	if (plain) {
		g_string_append(to, text);
		return;
	}
	letters = g_base64_encode((const guchar *)text, strlen(text));
	len = strlen(letters);
	for (size_t at = 0; at < len; at += BASE64_LINE)
		g_string_append_printf(to, "%.*s\r\n", BASE64_LINE, letters + at);
}

GString *
alert_mail(const struct alert_head *h, const char *body)
{
	GString *out = g_string_sized_new(2048);
	g_autoptr(GString) to = g_string_new(NULL);

	for (guint i = 0; i < h->to->len; i++)
		g_string_append_printf(
		    to, "%s%s", i > 0 ? ", " : "", (const char *)g_ptr_array_index(h->to, i));
	add_date(out, h->when);
	/* Addresses are no place for encoded words: those that are not ASCII go as they are. */
	g_string_append_printf(out, "From: %s\r\nTo:", h->from);
	add_plain(out, strlen("To:"), to->str);
	g_string_append(out, "\r\n");
	alert_mail_field(out, "Subject", h->subject);
	g_string_append_printf(out, "Message-ID: %s\r\n%s: %s\r\nX-Avmilter-Event: %s\r\n", h->id,
	    ALERT_AUTO_FIELD, ALERT_AUTO_VALUE, h->event);
	add_body(out, body);
	return out;
}
