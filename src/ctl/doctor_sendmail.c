/*
 * doctor_sendmail - sendmail.mc (libmilter/README, cf/README)
 *
 *	INPUT_MAIL_FILTER(`name', `S=..., F=T, T=C:30s;S:30s;R:30s;E:5m')
 */
#include <string.h>
#include <sys/stat.h>

#include "ctl/site.h"

#define MACRO "INPUT_MAIL_FILTER("
/* sendmail's own, where T= says nothing */
#define E_DEFAULT 300
#define R_DEFAULT 10
/* milter/eom.c speaks up every seven seconds. */
#define R_MIN 10

/* One filter. */
struct filter {
	guint line;
	char *name, *equates;
};

static void
filter_free(void *p)
{
	struct filter *f = p;

	g_free(f->name);
	g_free(f->equates);
	g_free(f);
}

/* The first two m4 arguments of a line. */
static struct filter *
filter_new(const char *text, guint line)
{
	g_autofree char *inner = g_strndup(text, strcspn(text, ")"));
	char *comma = strchr(inner, ',');
	struct filter *f = g_new0(struct filter, 1);

	f->line = line;
	f->equates = g_strdup(comma != NULL ? comma + 1 : "");
	if (comma != NULL)
		*comma = '\0';
	f->name = g_strdup(g_strstrip(g_strdelimit(inner, "`'", ' ')));
	g_strstrip(g_strdelimit(f->equates, "`'", ' '));
	return f;
}

static GPtrArray *
filters_of(const char *mc)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(filter_free);
	g_auto(GStrv) lines = g_strsplit(mc, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		const char *at = strstr(lines[i], MACRO);
		const char *comment = strstr(lines[i], "dnl");

		if (at != NULL && (comment == NULL || comment > at))
			g_ptr_array_add(out, filter_new(at + strlen(MACRO), i + 1));
	}
	return out;
}

/* The value of "X=", up to the next comma; NULL = none. The caller frees. */
static char *
equate(const struct filter *f, char letter)
{
	g_auto(GStrv) parts = g_strsplit(f->equates, ",", -1);

	for (char **p = parts; *p != NULL; p++) {
		char *text = g_strstrip(*p);

		if (text[0] == letter && text[1] == '=')
			return g_strstrip(g_strdup(text + 2));
	}
	return NULL;
}

/* Seconds of one letter of T=C:30s;S:30s;R:30s;E:5m. */
static int64_t
seconds_of(const char *times, char letter, int64_t absent)
{
	g_auto(GStrv) parts = g_strsplit(times != NULL ? times : "", ";", -1);

	for (char **p = parts; *p != NULL; p++) {
		char *text = g_strstrip(*p), *end;
		int64_t n;

		if (text[0] != letter || text[1] != ':')
			continue;
		n = g_ascii_strtoll(text + 2, &end, 10);
		return *end == 'm' ? n * 60 : *end == 'h' ? n * 3600 : n;
	}
	return absent;
}

static bool
is_ours(const struct site *s, const struct filter *f)
{
	g_autofree char *address = equate(f, 'S');
	AUTO(endpoint_free)
	struct endpoint *e = address != NULL ? endpoint_parse(address, NULL) : NULL;

	if (e == NULL || e->family != s->socket->family)
		return false;
	return e->family == ENDPOINT_UNIX ? strcmp(e->path, s->socket->path) == 0
					  : e->port == s->socket->port;
}

static void
check_filter(struct site *s, const struct filter *f, const char *where)
{
	g_autofree char *flags = equate(f, 'F'), *times = equate(f, 'T');
	const int64_t ours = s->conf->antivirus.message_time_max / 1000;
	const int64_t e = seconds_of(times, 'E', E_DEFAULT), r = seconds_of(times, 'R', R_DEFAULT);

	if (flags == NULL || flags[0] == '\0')
		site_remark(s, ERROR, where,
		    "mail passes unscanned whenever avmilter does not answer", "F=T",
		    "there is no F= at %s", f->name);
	else if (strcmp(flags, "R") == 0)
		site_remark(s, ERROR, where,
		    "mail is lost to its sender for good while avmilter restarts", "F=T",
		    "F=R at %s", f->name);
	if (e <= ours)
		site_remark(s, ERROR, where,
		    "sendmail gives up first, and the sender delivers the mail again and again",
		    "T=C:30s;S:30s;R:30s;E:5m",
		    "E in T= is %" G_GINT64_FORMAT
		    " s, message_time_max of avmilter %" G_GINT64_FORMAT " s",
		    e, ours);
	if (r < R_MIN)
		site_remark(s, WARNING, where,
		    "a moment of load, or a long scan, turns mail into 451",
		    "T=C:30s;S:30s;R:30s;E:5m", "R in T= is %" G_GINT64_FORMAT " s", r);
}

static void
check_missing(struct site *s, const GPtrArray *filters)
{
	g_autofree char *address = endpoint_libmilter(s->socket);
	g_autofree char *write = g_strdup_printf(
	    "INPUT_MAIL_FILTER(`avmilter', `S=%s, F=T, T=C:30s;S:30s;R:30s;E:5m')", address);

	for (guint i = 0; i < filters->len; i++) {
		const struct filter *f = g_ptr_array_index(filters, i);
		g_autofree char *where = NULL, *to = NULL;

		if (strstr(f->name, "avmilter") == NULL && strstr(f->equates, "avmilter") == NULL)
			continue;
		where = g_strdup_printf("%s:%u", s->sendmail_mc, f->line);
		to = equate(f, 'S');
		site_remark(s, ERROR, where, "all mail gets 451 or passes unscanned", write,
		    "S=%s does not lead to our socket %s", to != NULL ? to : "", s->conf->socket);
		return;
	}
	site_remark(s, ERROR, s->sendmail_mc, "mail is not scanned", write,
	    "sendmail does not ask avmilter");
}

/* sendmail reads the .cf; the .mc is only its source. */
static void
check_made(struct site *s)
{
	g_autofree char *cf = g_strdup(s->sendmail_mc);
	struct stat source, made;

	if (!g_str_has_suffix(cf, ".mc"))
		return;
	memcpy(cf + strlen(cf) - 2, "cf", 2);
	if (stat(s->sendmail_mc, &source) == 0 &&
	    (stat(cf, &made) != 0 || made.st_mtime < source.st_mtime))
		site_remark(s, WARNING, cf, "sendmail works with the old one",
		    "make -C /etc/mail && service sendmail restart",
		    "it is older than its source %s, or missing", s->sendmail_mc);
}

void
doctor_sendmail(struct site *s)
{
	g_autoptr(GPtrArray) filters = NULL;
	bool found = false;

	if (s->mc == NULL || s->conf == NULL || s->socket == NULL)
		return;
	filters = filters_of(s->mc);
	for (guint i = 0; i < filters->len; i++) {
		const struct filter *f = g_ptr_array_index(filters, i);
		g_autofree char *where = g_strdup_printf("%s:%u", s->sendmail_mc, f->line);

		if (!is_ours(s, f))
			continue;
		found = true;
		check_filter(s, f, where);
	}
	if (!found)
		check_missing(s, filters);
	check_made(s);
}
