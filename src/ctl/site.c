/* site - see site.h */
#include "ctl/site.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fsx.h"
#include "base/program.h"

#define POSTCONF     "/usr/sbin/postconf"
#define POSTCONF_MS  20000
#define POSTCONF_MAX (1024 * 1024)

static void
remark_free(void *p)
{
	struct remark *r = p;

	g_free(r->where);
	g_free(r->what);
	g_free(r->why);
	g_free(r->write);
	g_free(r);
}

static void
service_free(void *p)
{
	struct service *v = p;

	g_free(v->name);
	g_free(v->where);
	g_hash_table_unref(v->options);
	g_free(v);
}

void
site_remark(struct site *s, enum gravity g, const char *where, const char *why, const char *write,
    const char *what, ...)
{
	struct remark *r = g_new0(struct remark, 1);
	va_list ap;

	va_start(ap, what);
	r->what = g_strdup_vprintf(what, ap);
	va_end(ap);
	r->gravity = g;
	r->where = g_strdup(where != NULL ? where : s->config);
	r->why = g_strdup(why);
	r->write = g_strdup(write);
	g_ptr_array_add(s->remarks, r);
}

/* Run postconf over the folder; its output, or NULL and a remark. */
static char *
postconf(struct site *s, const char *option)
{
	char *const argv[] = { (char[]){ POSTCONF }, (char[]){ "-c" }, s->postfix,
		(char *)(uintptr_t)option, NULL };
	const struct program p = { .argv = argv, .directory = "/", .output_max = POSTCONF_MAX };
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GError) err = NULL;
	enum program_end end = PROGRAM_TIMEOUT;
	struct wait wait;
	int number = 0;

	wait_init(&wait, deadline_in(POSTCONF_MS), POSTCONF_MS, NULL, NULL);
	if (program_run(&p, &wait, out, &end, &number, &err) && end == PROGRAM_EXITED &&
	    number == 0)
		return g_strdup(out->str);
	site_remark(s, ERROR, s->postfix, "nothing can be said about this Postfix", "postfix check",
	    "postconf %s does not answer: %s", option, err != NULL ? err->message : out->str);
	return NULL;
}

/* "name = value", a line each. */
static void
read_parameters(struct site *s)
{
	g_autofree char *text = postconf(s, "-x");
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		char *equal = strstr(*line, " =");

		if (equal == NULL)
			continue;
		*equal = '\0';
		g_hash_table_insert(
		    s->parameters, g_strdup(*line), g_strdup(g_strstrip(equal + 2)));
	}
}

/* name type private unpriv chroot wakeup maxproc command -o NAME=VALUE ... */
static void
read_service(struct site *s, const char *line)
{
	g_autofree char *flat = g_strdup(line);
	g_auto(GStrv) all = g_strsplit_set(flat, " \t", -1);
	g_autoptr(GPtrArray) w = g_ptr_array_new();
	struct service *v;

	for (char **p = all; *p != NULL; p++)
		if (**p != '\0')
			g_ptr_array_add(w, *p);
	if (w->len < 8 || strcmp(g_ptr_array_index(w, 7), "smtpd") != 0)
		return;
	v = g_new0(struct service, 1);
	v->name = g_strdup(g_ptr_array_index(w, 0));
	v->inet = strcmp(g_ptr_array_index(w, 1), "inet") == 0;
	v->chroot = strcmp(g_ptr_array_index(w, 4), "y") == 0;
	v->where = g_strdup_printf("%s/master.cf:%s", s->postfix, v->name);
	v->options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 8; i + 1 < w->len; i++) {
		const char *option = g_ptr_array_index(w, i + 1), *equal = strchr(option, '=');

		if (strcmp(g_ptr_array_index(w, i), "-o") == 0 && equal != NULL)
			g_hash_table_insert(v->options, g_strndup(option, (size_t)(equal - option)),
			    g_strdup(equal + 1));
	}
	g_ptr_array_add(s->services, v);
}

static void
read_postfix(struct site *s)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	read_parameters(s);
	text = postconf(s, "-M");
	lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		read_service(s, *line);
}

static void
read_settings(struct site *s, struct settings *f, const char *path, const char *usual)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) err = NULL;
	g_auto(GStrv) lines = NULL;

	f->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	f->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (path == NULL && access(usual, F_OK) != 0)
		return;
	f->path = g_strdup(path != NULL ? path : usual);
	if (!g_file_get_contents(f->path, &text, NULL, &err)) {
		site_remark(s, WARNING, f->path, "nothing can be said about it", "run this as root",
		    "%s", err->message);
		g_clear_pointer(&f->path, g_free);
		return;
	}
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		char *name = g_strstrip(lines[i]), *value = name + strcspn(name, " \t");

		if (name[0] == '\0' || name[0] == '#')
			continue;
		if (*value != '\0')
			*value++ = '\0';
		g_hash_table_insert(
		    f->values, g_ascii_strdown(name, -1), g_strdup(g_strstrip(value)));
		g_hash_table_insert(f->lines, g_ascii_strdown(name, -1), GUINT_TO_POINTER(i + 1));
	}
}

static void
read_conf(struct site *s)
{
	g_autoptr(GError) err = NULL;
	const bool there = access(s->config, F_OK) == 0;
	g_auto(GStrv) lines = NULL;

	s->conf = there ? conf_load(s->config, &err) : conf_parse("", s->config, &err);
	if (s->conf != NULL) {
		s->socket = endpoint_parse(s->conf->socket, NULL);
		return;
	}
	lines = g_strsplit(err->message, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		if (**line != '\0')
			site_remark(s, ERROR, NULL, "avmilter does not start with it",
			    "avmilter -n", "%s", *line);
}

static void
read_sendmail(struct site *s, const char *path)
{
	g_autoptr(GError) err = NULL;

	if (path == NULL && access("/etc/mail/sendmail.mc", F_OK) != 0)
		return;
	s->sendmail_mc = g_strdup(path != NULL ? path : "/etc/mail/sendmail.mc");
	if (g_file_get_contents(s->sendmail_mc, &s->mc, NULL, &err))
		return;
	site_remark(s, WARNING, s->sendmail_mc, "nothing can be said about this sendmail",
	    "run this as root", "%s", err->message);
	g_clear_pointer(&s->sendmail_mc, g_free);
}

void
site_read(struct site *s, const char *config, const struct site_places *at)
{
	*s = (struct site){ .config = config };
	s->remarks = g_ptr_array_new_with_free_func(remark_free);
	s->parameters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	s->services = g_ptr_array_new_with_free_func(service_free);
	read_conf(s);
	if (at->postfix != NULL || access("/etc/postfix/main.cf", F_OK) == 0) {
		s->postfix = g_strdup(at->postfix != NULL ? at->postfix : "/etc/postfix");
		read_postfix(s);
	}
	read_sendmail(s, at->sendmail);
	read_settings(s, &s->clamd, at->clamd, "/etc/clamav/clamd.conf");
	read_settings(s, &s->c_icap, at->c_icap, "/etc/c-icap/c-icap.conf");
}

static void
settings_clear(struct settings *f)
{
	g_free(f->path);
	g_hash_table_unref(f->values);
	g_hash_table_unref(f->lines);
}

void
site_clear(struct site *s)
{
	conf_unref(&s->conf);
	endpoint_free(&s->socket);
	g_free(s->postfix);
	g_hash_table_unref(s->parameters);
	g_ptr_array_unref(s->services);
	g_free(s->sendmail_mc);
	g_free(s->mc);
	settings_clear(&s->clamd);
	settings_clear(&s->c_icap);
	g_ptr_array_unref(s->remarks);
}

const char *
site_parameter(const struct site *s, const char *name)
{
	const char *value = g_hash_table_lookup(s->parameters, name);

	return value != NULL ? value : "";
}

int64_t
site_seconds(const struct site *s, const char *name)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	const char *text = site_parameter(s, name);
	char *end;
	int64_t n = g_ascii_strtoll(text, &end, 10);

	if (end == text)
		return -1;
	for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
		if (*end == units[i].unit)
			return n * units[i].seconds;
	return n;
}

char *
site_main_cf(const struct site *s, const char *name)
{
	g_autofree char *path = g_strdup_printf("%s/main.cf", s->postfix), *text = NULL;
	g_auto(GStrv) lines = NULL;
	guint found = 0;

	if (g_file_get_contents(path, &text, NULL, NULL))
		lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines != NULL && lines[i] != NULL; i++) {
		const size_t len = strlen(name);

		if (strncmp(lines[i], name, len) == 0 &&
		    lines[i][len + strspn(lines[i] + len, " \t")] == '=')
			found = i + 1;
	}
	return found > 0 ? g_strdup_printf("%s:%u", path, found) : g_steal_pointer(&path);
}

const char *
settings_get(const struct settings *f, const char *name)
{
	g_autofree char *low = g_ascii_strdown(name, -1);

	return g_hash_table_lookup(f->values, low);
}

bool
settings_yes(const struct settings *f, const char *name, bool absent)
{
	const char *v = settings_get(f, name);

	if (v == NULL)
		return absent;
	return g_ascii_strcasecmp(v, "yes") == 0 || g_ascii_strcasecmp(v, "true") == 0 ||
	    g_ascii_strcasecmp(v, "on") == 0 || strcmp(v, "1") == 0;
}

uint64_t
settings_size(const struct settings *f, const char *name, uint64_t absent)
{
	const char *v = settings_get(f, name);
	char *end;
	uint64_t n = v != NULL ? g_ascii_strtoull(v, &end, 10) : 0;

	if (v == NULL || end == v)
		return absent;
	switch (g_ascii_toupper(*end)) {
	case 'G':
		return n << 30;
	case 'M':
		return n << 20;
	case 'K':
		return n << 10;
	}
	return n;
}

char *
settings_where(const struct settings *f, const char *name)
{
	g_autofree char *low = g_ascii_strdown(name, -1);
	const guint line = GPOINTER_TO_UINT(g_hash_table_lookup(f->lines, low));

	return line > 0 ? g_strdup_printf("%s:%u", f->path, line) : g_strdup(f->path);
}
