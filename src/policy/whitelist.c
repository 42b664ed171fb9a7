/* whitelist - see whitelist.h */
#include "policy/whitelist.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fsx.h"
#include "base/log.h"
#include "base/regex.h"
#include "policy/globs.h"
#include "policy/whitelist_line.h"

#define FILE_MAX    (4 * 1024 * 1024)
#define ENTRIES_MAX 20000
#define ERRORS_MAX  20 /* lines of one complaint */

struct whitelist_list {
	int refs;           /* atomic */
	GPtrArray *regexes; /* of struct whitelist_entry *, not owned */
	GHashTable *names;  /* name -> GPtrArray of struct whitelist_entry *, not owned */
	GPtrArray *all;     /* of struct whitelist_entry *, in the order of the file */
	bool by_recipient;
};

/* Which file, in which state. */
struct print {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec written, changed;
};

struct whitelist {
	int refs; /* atomic */
	char *path;
	pthread_mutex_t mu;         /* guards: */
	struct whitelist_list *now; /* never NULL */
	struct print print;         /* of the reading last tried */
	bool reading;               /* somebody does; others go on with the present list */
};

static void
list_add(struct whitelist_list *l, struct whitelist_entry *e)
{
	GPtrArray *same;

	g_ptr_array_add(l->all, e);
	l->by_recipient |= e->to != NULL;
	if (e->regex) {
		g_ptr_array_add(l->regexes, e);
		return;
	}
	same = g_hash_table_lookup(l->names, e->name);
	if (!same) {
		same = g_ptr_array_new();
		g_hash_table_insert(l->names, e->name, same);
	}
	g_ptr_array_add(same, e);
}

static struct whitelist_list *
list_new(void)
{
	struct whitelist_list *l = g_new0(struct whitelist_list, 1);

	l->refs = 1;
	l->regexes = g_ptr_array_new();
	l->names =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
	l->all = g_ptr_array_new_with_free_func(whitelist_entry_free);
	return l;
}

struct whitelist_list *
whitelist_list_ref(struct whitelist_list *l)
{
	g_atomic_int_inc(&l->refs);
	return l;
}

void
whitelist_list_unref(struct whitelist_list **lp)
{
	struct whitelist_list *l = *lp;

	*lp = NULL;
	if (!l || !g_atomic_int_dec_and_test(&l->refs))
		return;
	g_ptr_array_unref(l->regexes);
	g_hash_table_unref(l->names);
	g_ptr_array_unref(l->all);
	g_free(l);
}

unsigned
whitelist_list_size(const struct whitelist_list *l)
{
	return l->all->len;
}

bool
whitelist_by_recipient(const struct whitelist_list *l)
{
	return l->by_recipient;
}

/* Say what is wrong with a line; no more than a screen of it. */
static void
complain(GString *errors, unsigned *count, const char *path, unsigned line, const char *why)
{
	if (++*count <= ERRORS_MAX)
		g_string_append_printf(
		    errors, "%s%s:%u: %s", errors->len ? "\n" : "", path, line, why);
}

struct whitelist_list *
whitelist_parse(const char *path, const char *text, size_t len, GError **err)
{
	struct whitelist_list *l = list_new();
	g_autoptr(GString) errors = g_string_new("");
	unsigned line = 0, count = 0;

	for (const char *p = text, *end = text + len; p < end;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((lf ? lf : end) - p);
		g_autofree char *one = g_strndup(p, n > 0 && p[n - 1] == '\r' ? n - 1 : n);
		g_autofree char *why = NULL;
		struct whitelist_entry *e = NULL;

		line++;
		if (memchr(p, '\0', n))
			complain(errors, &count, path, line, "a NUL: this is no text");
		else if (!whitelist_line(one, &e, &why))
			complain(errors, &count, path, line, why);
		else if (e && l->all->len >= ENTRIES_MAX) {
			complain(errors, &count, path, line, "more than 20000 entries");
			whitelist_entry_free(e);
			break;
		} else if (e) {
			e->line = line;
			list_add(l, e);
		}
		p += n + 1;
		/* A line that is still being written may lack its conditions. */
		if (!lf)
			complain(
			    errors, &count, path, line, "the last line has no line end; write one");
	}
	if (count > 0) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s", errors->str);
		whitelist_list_unref(&l);
	}
	return l;
}

static void
print_of(const struct stat *st, struct print *p)
{
	memset(p, 0, sizeof *p);
	p->dev = st->st_dev;
	p->ino = st->st_ino;
	p->size = st->st_size;
	p->written = st->st_mtim;
	p->changed = st->st_ctim;
}

static bool
refuse(GError **err, const char *path, const char *what)
{
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: %s", path, what);
	return false;
}

static bool
read_text(int fd, const char *path, off_t size, GString *text, GError **err)
{
	ssize_t n;

	g_string_set_size(text, (gsize)size + 1);
	n = TEMP_FAILURE_RETRY(pread(fd, text->str, text->len, 0));
	if (n < 0)
		return fsx_fail(err, path, "read");
	if (n > size)
		return refuse(err, path, "is being written; it will be read again");
	g_string_set_size(text, (gsize)n);
	return true;
}

/* Read the file; *print is that of what was read, as far as it came. */
static struct whitelist_list *
read_file(const char *path, struct print *print, GError **err)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	g_autoptr(GString) text = g_string_new("");
	struct stat st;

	memset(print, 0, sizeof *print);
	if (fd < 0 || fstat(fd, &st) != 0) {
		fsx_fail(err, path, "open");
		return NULL;
	}
	print_of(&st, print);
	if (!S_ISREG(st.st_mode))
		refuse(err, path, "is no regular file");
	else if (st.st_mode & S_IWOTH)
		refuse(err, path, "everybody may write to it; chmod o-w");
	else if (st.st_size > FILE_MAX)
		refuse(err, path, "is larger than 4 MB");
	else if (read_text(fd, path, st.st_size, text, err))
		return whitelist_parse(path, text->str, text->len, err);
	return NULL;
}

/* The old list stays in use. */
static void
keep_old(const struct whitelist_list *l, const GError *err)
{
	g_auto(GStrv) lines = g_strsplit(err->message, "\n", -1);

	for (char **one = lines; *one; one++)
		log_err("whitelist: %s", *one);
	log_err("whitelist: the list read before, with %u entries, stays in use", l->all->len);
}

struct whitelist *
whitelist_new(const char *path, struct whitelist *before, GError **err)
{
	struct whitelist *w;
	struct print print;
	struct whitelist_list *l;

	if (before) {
		l = whitelist_now(before);
		whitelist_list_unref(&l);
		return whitelist_ref(before);
	}
	l = read_file(path, &print, err);
	if (!l) {
		g_prefix_error(err, "whitelist: ");
		return NULL;
	}
	w = g_new0(struct whitelist, 1);
	w->refs = 1;
	w->path = g_strdup(path);
	pthread_mutex_init(&w->mu, NULL);
	w->now = l;
	w->print = print;
	return w;
}

struct whitelist *
whitelist_ref(struct whitelist *w)
{
	g_atomic_int_inc(&w->refs);
	return w;
}

void
whitelist_unref(struct whitelist **wp)
{
	struct whitelist *w = *wp;

	*wp = NULL;
	if (!w || !g_atomic_int_dec_and_test(&w->refs))
		return;
	whitelist_list_unref(&w->now);
	pthread_mutex_destroy(&w->mu);
	g_free(w->path);
	g_free(w);
}

const char *
whitelist_path(const struct whitelist *w)
{
	return w->path;
}

/* What the file is now; all zero when it is gone, so that this is tried once. */
static void
look(const struct whitelist *w, struct print *print)
{
	struct stat st;

	memset(print, 0, sizeof *print);
	if (stat(w->path, &st) == 0)
		print_of(&st, print);
}

/* The file has changed; that nobody else reads it is known by w->reading, not by the lock. */
static void
read_again(struct whitelist *w)
{
	g_autoptr(GError) err = NULL;
	struct print print;
	struct whitelist_list *fresh = read_file(w->path, &print, &err), *old = NULL;

	if (fresh)
		log_notice("whitelist: %s read again: %u entries", w->path, fresh->all->len);
	else
		keep_old(w->now, err); /* which only who reads may replace */
	pthread_mutex_lock(&w->mu);
	if (fresh) {
		old = w->now;
		w->now = fresh;
	}
	w->print = print;
	w->reading = false;
	pthread_mutex_unlock(&w->mu);
	whitelist_list_unref(&old);
}

struct whitelist_list *
whitelist_now(struct whitelist *w)
{
	struct whitelist_list *l;
	struct print print;
	bool mine;

	look(w, &print);
	pthread_mutex_lock(&w->mu);
	mine = !w->reading && memcmp(&print, &w->print, sizeof print) != 0;
	w->reading |= mine;
	pthread_mutex_unlock(&w->mu);
	if (mine)
		read_again(w);
	pthread_mutex_lock(&w->mu);
	l = whitelist_list_ref(w->now);
	pthread_mutex_unlock(&w->mu);
	return l;
}

static bool
holds(const struct whitelist_entry *e, const struct finding *f, const char *sender,
    const char *rcpt, int64_t now)
{
	if (now >= e->ends || (e->engine && strcmp(e->engine, f->engine) != 0))
		return false;
	if (e->sha256 && strcmp(e->sha256, f->sha256) != 0)
		return false;
	if (e->from && !globs_match(e->from, sender))
		return false;
	return !e->to || (rcpt && globs_match(e->to, rcpt));
}

static struct whitelist_entry *
first_that_holds(
    const GPtrArray *of, const struct finding *f, const char *sender, const char *rcpt, int64_t now)
{
	for (guint i = 0; of && i < of->len; i++) {
		struct whitelist_entry *e = g_ptr_array_index(of, i);

		if (holds(e, f, sender, rcpt, now) &&
		    (!e->regex || regex_match(e->regex, f->name) == REGEX_YES))
			return e;
	}
	return NULL;
}

struct whitelist_entry *
whitelist_find(const struct whitelist_list *l, const struct finding *f, const char *sender,
    const char *rcpt, int64_t now)
{
	struct whitelist_entry *e =
	    first_that_holds(g_hash_table_lookup(l->names, f->name), f, sender, rcpt, now);

	return e ? e : first_that_holds(l->regexes, f, sender, rcpt, now);
}
