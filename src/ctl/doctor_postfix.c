/*
 * doctor_postfix - main.cf and master.cf (MILTER_README, postconf(5), master(5))
 */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/site.h"

#define POSTFIX_USER "postfix"
/* Below that an end of message may end before sendmail and Postfix have got our progress (milter/eom.c). */
#define COMMAND_SECONDS_MIN 10
#define MILTER_PROTOCOL     6

/* One element of a list of milters: "unix:a", or "{ unix:a, default_action=accept }". */
struct milter_entry {
	char *address;
	char *action; /* of its own, or NULL */
};

static void
entry_free(void *p)
{
	struct milter_entry *e = p;

	g_free(e->address);
	g_free(e->action);
	g_free(e);
}

static struct milter_entry *
entry_new(const char *text, size_t len)
{
	struct milter_entry *e = g_new0(struct milter_entry, 1);
	g_autofree char *inner = g_strndup(text, len);
	g_auto(GStrv) words = g_strsplit_set(g_strdelimit(inner, "{}", ' '), " \t,", -1);

	for (char **w = words; *w != NULL; w++) {
		if (**w == '\0')
			continue;
		if (e->address == NULL)
			e->address = g_strdup(*w);
		else if (g_str_has_prefix(*w, "default_action="))
			e->action = g_strdup(strchr(*w, '=') + 1);
	}
	if (e->address == NULL)
		e->address = g_strdup("");
	return e;
}

/* Commas and blanks separate, braces hold together. */
static GPtrArray *
entries_of(const char *list)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(entry_free);

	while (list[strspn(list, " \t,")] != '\0') {
		size_t len;

		list += strspn(list, " \t,");
		len = *list == '{' ? strcspn(list, "}") : strcspn(list, " \t,");
		if (list[len] == '}')
			len++;
		g_ptr_array_add(out, entry_new(list, len));
		list += len;
	}
	return out;
}

/* The file that an smtpd means by it. NULL: it is no unix socket. */
static char *
entry_file(const struct site *s, const struct milter_entry *e, bool chroot)
{
	const char *path = strchr(e->address, ':');

	if (!g_str_has_prefix(e->address, "unix:") && !g_str_has_prefix(e->address, "local:"))
		return NULL;
	path++;
	if (path[0] == '/' && !chroot)
		return g_strdup(path);
	return g_build_filename(site_parameter(s, "queue_directory"), path, NULL);
}

/* Does it lead to our socket? */
static bool
entry_is_ours(const struct site *s, const struct milter_entry *e, bool chroot)
{
	g_autofree char *file = entry_file(s, e, chroot);
	g_autofree char *port = NULL;

	if (s->socket == NULL)
		return false;
	if (s->socket->family == ENDPOINT_UNIX)
		return file != NULL && strcmp(file, s->socket->path) == 0;
	port = g_strdup_printf(":%u", s->socket->port);
	return g_str_has_prefix(e->address, "inet") && g_str_has_suffix(e->address, port);
}

/* Is it meant for us, by its name, and leads elsewhere? */
static bool
entry_is_meant(const struct site *s, const struct milter_entry *e, bool chroot)
{
	g_autofree char *name = NULL;

	if (entry_is_ours(s, e, chroot))
		return false;
	if (strstr(e->address, "avmilter") != NULL)
		return true;
	if (s->socket == NULL || s->socket->family != ENDPOINT_UNIX)
		return false;
	name = g_path_get_basename(s->socket->path);
	return g_str_has_suffix(e->address, name);
}

/* Whoever asks us through this list; NULL = nobody. Index in *at. */
static const struct milter_entry *
ours_in(const struct site *s, const GPtrArray *entries, bool chroot, guint *at)
{
	for (guint i = 0; i < entries->len; i++) {
		const struct milter_entry *e = g_ptr_array_index(entries, i);

		if (entry_is_ours(s, e, chroot)) {
			*at = i;
			return e;
		}
	}
	return NULL;
}

/* What belongs into main.cf for our socket. */
static char *
wanted(const struct site *s, bool chroot)
{
	const char *queue = site_parameter(s, "queue_directory");

	if (s->socket->family != ENDPOINT_UNIX)
		return endpoint_postfix(s->socket);
	if (g_str_has_prefix(s->socket->path, queue) && s->socket->path[strlen(queue)] == '/')
		return g_strdup_printf("unix:%s", s->socket->path + strlen(queue) + 1);
	return chroot ? NULL : g_strdup_printf("unix:%s", s->socket->path);
}

static void
tell_mismatch(struct site *s, const struct service *v, const struct milter_entry *meant)
{
	g_autofree char *where = g_hash_table_contains(v->options, "smtpd_milters")
	    ? g_strdup(v->where)
	    : site_main_cf(s, "smtpd_milters");
	g_autofree char *line = wanted(s, v->chroot), *write = NULL, *file = NULL;

	if (line == NULL) {
		write = g_strdup_printf(
		    "socket = \"unix:%s/avmilter/avmilter.sock\" in %s, and smtpd_milters = "
		    "unix:avmilter/avmilter.sock",
		    site_parameter(s, "queue_directory"), s->config);
		site_remark(s, ERROR, where,
		    "all mail gets 451 or, with milter_default_action = accept, passes unscanned",
		    write, "smtpd of service %s runs in the chroot %s and cannot see our socket %s",
		    v->name, site_parameter(s, "queue_directory"), s->socket->path);
		return;
	}
	write = g_strdup_printf("smtpd_milters = %s", line);
	if (meant == NULL) {
		site_remark(s, ERROR, where, "mail of this service is not scanned", write,
		    "service %s does not ask avmilter: our socket is not in its smtpd_milters",
		    v->name);
		return;
	}
	file = entry_file(s, meant, v->chroot);
	site_remark(s, ERROR, where,
	    "all mail gets 451 or, with milter_default_action = accept, passes unscanned", write,
	    "\"%s\" leads to %s, our socket is %s", meant->address,
	    file != NULL ? file : "another place", s->conf->socket);
}

/* Signers have to see what we have done; the last word over the mail is theirs. */
static void
check_order(struct site *s, const struct service *v, const GPtrArray *entries, guint ours)
{
	for (guint i = 0; i < ours; i++) {
		const struct milter_entry *e = g_ptr_array_index(entries, i);
		g_autofree char *where = site_main_cf(s, "smtpd_milters");

		if (strstr(e->address, "dkim") == NULL &&
		    g_str_has_suffix(e->address, ":8891") == FALSE &&
		    strstr(e->address, "arc") == NULL)
			continue;
		site_remark(s, WARNING, where,
		    "a signature made before a repair or the removal of a header field is broken by it",
		    "avmilter first, then the signer",
		    "service %s: \"%s\" signs before avmilter has seen the mail", v->name,
		    e->address);
	}
}

static void
check_action(struct site *s, const struct service *v, const struct milter_entry *e)
{
	const char *action = g_hash_table_lookup(v->options, "milter_default_action");
	g_autofree char *where = NULL;

	if (action == NULL)
		action = site_parameter(s, "milter_default_action");
	if (e->action != NULL)
		action = e->action;
	where = site_main_cf(s, "milter_default_action");
	if (strcmp(action, "accept") == 0)
		site_remark(s, ERROR, where,
		    "mail passes unscanned whenever avmilter does not answer",
		    "milter_default_action = tempfail",
		    "service %s: milter_default_action is accept", v->name);
	else if (strcmp(action, "reject") == 0)
		site_remark(s, ERROR, where,
		    "mail is lost to its sender for good while avmilter restarts",
		    "milter_default_action = tempfail",
		    "service %s: milter_default_action is reject", v->name);
}

static bool
has_word(const char *list, const char *word)
{
	g_auto(GStrv) words = g_strsplit_set(list, " \t,", -1);

	return g_strv_contains((const char *const *)words, word);
}

/* Mail that a content_filter hands back: it has been seen. */
static bool
is_reinjection(const struct service *v)
{
	const char *filter = g_hash_table_lookup(v->options, "content_filter");

	return filter != NULL && filter[0] == '\0';
}

static void
check_service(struct site *s, const struct service *v)
{
	const char *own = g_hash_table_lookup(v->options, "smtpd_milters");
	const char *overrides = g_hash_table_lookup(v->options, "receive_override_options");
	g_autoptr(GPtrArray) entries =
	    entries_of(own != NULL ? own : site_parameter(s, "smtpd_milters"));
	const struct milter_entry *ours, *meant = NULL;
	guint at = 0;

	if (overrides == NULL)
		overrides = site_parameter(s, "receive_override_options");
	ours = ours_in(s, entries, v->chroot, &at);
	if (is_reinjection(v)) {
		if (ours != NULL && !has_word(overrides, "no_milters"))
			site_remark(s, WARNING, v->where, "it costs the time of a second scan",
			    "-o smtpd_milters= below this service",
			    "mail that the content_filter hands back to %s is scanned twice",
			    v->name);
		return;
	}
	if (ours != NULL && has_word(overrides, "no_milters")) {
		site_remark(s, ERROR, v->where, "mail of this service is not scanned",
		    "take no_milters out of receive_override_options",
		    "service %s: receive_override_options has no_milters", v->name);
		return;
	}
	for (guint i = 0; i < entries->len && meant == NULL; i++)
		if (entry_is_meant(s, g_ptr_array_index(entries, i), v->chroot))
			meant = g_ptr_array_index(entries, i);
	if (ours == NULL) {
		tell_mismatch(s, v, meant);
		return;
	}
	check_order(s, v, entries, at);
	check_action(s, v, ours);
}

/* Mail of the sendmail command, cron and web applications. */
static void
check_local_mail(struct site *s)
{
	g_autoptr(GPtrArray) entries = entries_of(site_parameter(s, "non_smtpd_milters"));
	g_autofree char *where = site_main_cf(s, "non_smtpd_milters");
	guint at;

	if (ours_in(s, entries, true, &at) == NULL && ours_in(s, entries, false, &at) == NULL)
		site_remark(s, WARNING, where,
		    "mail of web applications and of the sendmail command is not scanned",
		    "non_smtpd_milters = $smtpd_milters", "avmilter is not in non_smtpd_milters");
}

static void
check_times(struct site *s)
{
	const int64_t ours = s->conf->antivirus.message_time_max / 1000;
	const int64_t content = site_seconds(s, "milter_content_timeout");
	const int64_t command = site_seconds(s, "milter_command_timeout");
	g_autofree char *at_content = site_main_cf(s, "milter_content_timeout");
	g_autofree char *at_command = site_main_cf(s, "milter_command_timeout");
	g_autofree char *write =
	    g_strdup_printf("milter_content_timeout = %" G_GINT64_FORMAT "s", ours + 60);

	if (content >= 0 && content <= ours)
		site_remark(s, ERROR, at_content,
		    "Postfix gives up first, and the sender delivers the mail again and again",
		    write,
		    "milter_content_timeout is %" G_GINT64_FORMAT
		    " s, message_time_max of avmilter %" G_GINT64_FORMAT " s",
		    content, ours);
	if (command >= 0 && command < COMMAND_SECONDS_MIN)
		site_remark(s, WARNING, at_command, "a moment of load turns mail into 451",
		    "milter_command_timeout = 30s",
		    "milter_command_timeout is %" G_GINT64_FORMAT " s", command);
}

static void
check_protocol(struct site *s)
{
	g_autofree char *where = site_main_cf(s, "milter_protocol");
	const char *value = site_parameter(s, "milter_protocol");

	if (value[0] != '\0' && g_ascii_strtoll(value, NULL, 10) < MILTER_PROTOCOL)
		site_remark(s, WARNING, where, "each header field costs a question and an answer",
		    "take milter_protocol out of main.cf", "milter_protocol is %s", value);
}

static void
check_sizes(struct site *s)
{
	const uint64_t mta = g_ascii_strtoull(site_parameter(s, "message_size_limit"), NULL, 10);
	const uint64_t most = s->conf->spool.total_max / 2;
	const uint64_t own = s->conf->spool.message_max;
	g_autofree char *where = site_main_cf(s, "message_size_limit");

	if (mta == 0)
		site_remark(s, WARNING, where,
		    "what is larger than half of spool.total_max is refused as unscannable",
		    "message_size_limit = 52428800", "Postfix takes mail of any size");
	else if (own != 0 && mta > own)
		site_remark(s, WARNING, where,
		    "mail between the two is refused as unscannable after it was transferred",
		    "spool { message_max = 0 }",
		    "message_size_limit is %" G_GUINT64_FORMAT
		    ", spool.message_max %" G_GUINT64_FORMAT,
		    mta, own);
	else if (mta > most)
		site_remark(s, WARNING, where, "mail between the two is refused as unscannable",
		    "spool { total_max = ... } of at least twice message_size_limit",
		    "message_size_limit is %" G_GUINT64_FORMAT
		    ", half of spool.total_max %" G_GUINT64_FORMAT,
		    mta, most);
	if (mta > s->conf->antivirus.max_extract_size)
		site_remark(s, WARNING, where, "an attachment between the two is unscannable",
		    "antivirus { max_extract_size = ... } above message_size_limit",
		    "message_size_limit is %" G_GUINT64_FORMAT
		    ", max_extract_size %" G_GUINT64_FORMAT,
		    mta, s->conf->antivirus.max_extract_size);
}

/* May Postfix's user do what bit says with this file (r 4, w 2, x 1)? */
static bool
postfix_may(const struct stat *st, unsigned bit)
{
	const struct passwd *pw = getpwnam(POSTFIX_USER);
	const struct group *gr = getgrgid(st->st_gid);
	bool member = pw != NULL && pw->pw_gid == st->st_gid;

	if (pw == NULL || st->st_uid == pw->pw_uid)
		return pw == NULL || (st->st_mode & bit << 6) != 0;
	for (char **m = gr != NULL ? gr->gr_mem : NULL; m != NULL && *m != NULL && !member; m++)
		member = strcmp(*m, POSTFIX_USER) == 0;
	return (st->st_mode & (member ? bit << 3 : bit)) != 0;
}

/* The socket, if the daemon runs: can Postfix reach it and write to it? */
static void
check_socket(struct site *s)
{
	g_autofree char *folder = NULL;
	struct stat st;

	if (s->socket->family != ENDPOINT_UNIX || stat(s->socket->path, &st) != 0)
		return;
	if (!postfix_may(&st, 2))
		site_remark(s, ERROR, s->socket->path, "all mail gets 451 or passes unscanned",
		    "socket_group = \"postfix\" and socket_mode = 0660",
		    "Postfix's user may not write to the socket (mode %04o)",
		    (unsigned)st.st_mode & 07777);
	folder = g_path_get_dirname(s->socket->path);
	while (strcmp(folder, "/") != 0 && stat(folder, &st) == 0) {
		char *up = g_path_get_dirname(folder);

		if (!postfix_may(&st, 1))
			site_remark(s, ERROR, folder, "all mail gets 451 or passes unscanned",
			    "chmod o+x, or chgrp postfix and chmod g+x",
			    "Postfix's user may not pass through this folder (mode %04o)",
			    (unsigned)st.st_mode & 07777);
		g_free(folder);
		folder = up;
	}
}

void
doctor_postfix(struct site *s)
{
	if (s->postfix == NULL || s->conf == NULL || s->socket == NULL)
		return;
	for (guint i = 0; i < s->services->len; i++)
		check_service(s, g_ptr_array_index(s->services, i));
	check_local_mail(s);
	check_times(s);
	check_protocol(s);
	check_sizes(s);
	check_socket(s);
}
