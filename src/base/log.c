/*
 * log - lines to syslog, stderr or a file, none of which may hold up a mail
 *
 * syslog is spoken to directly, because syslog(3) blocks as long as the reader of /dev/log does. A
 * reader that is busy is waited for a moment; one that stays away is not waited for again for a
 * while. A line that does not pass is counted, and the count is told when lines pass again.
 *
 * Locks: target_lock guards `target`; it is held for reading across a write that cannot block, so
 * that a reopened descriptor is never one that was closed meanwhile.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fsx.h"

#define LINE_LEN    4096 /* PIPE_BUF: what a pipe takes whole or not at all */
#define CONTEXT_LEN 64
#define DEV_LOG     "/dev/log"
#define PATIENCE_MS 100
#define SULK_MS     5000

enum target_kind { TARGET_STDERR = 0, TARGET_SYSLOG, TARGET_FILE };

struct target {
	enum target_kind kind;
	int fd; /* syslog: -1 while nobody listens */
	int facility;
	bool journal; /* stderr is read by systemd, which knows <N> */
	char *path;   /* file */
	char *ident;
};

static struct target target = { .kind = TARGET_STDERR, .fd = STDERR_FILENO };
static pthread_rwlock_t target_lock = PTHREAD_RWLOCK_INITIALIZER;
/* Guards target.fd of syslog while it is connected anew, and impatient_until; held for one line, so
 * that between asking and writing nobody else takes the room. */
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t impatient_until;
static atomic_int threshold = LOGLV_INFO;
static atomic_uint lost;
static _Thread_local char context[CONTEXT_LEN];

static const char *const level_names[] = { "err", "warning", "notice", "info", "debug" };
static const int level_syslog[] = { LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

static const struct {
	const char *name;
	int code;
} facilities[] = {
	{ "auth", LOG_AUTH },
	{ "authpriv", LOG_AUTHPRIV },
	{ "cron", LOG_CRON },
	{ "daemon", LOG_DAEMON },
	{ "kern", LOG_KERN },
	{ "lpr", LOG_LPR },
	{ "mail", LOG_MAIL },
	{ "news", LOG_NEWS },
	{ "syslog", LOG_SYSLOG },
	{ "user", LOG_USER },
	{ "uucp", LOG_UUCP },
	{ "local0", LOG_LOCAL0 },
	{ "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 },
	{ "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 },
	{ "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 },
	{ "local7", LOG_LOCAL7 },
};

static bool
find_facility(const char *name, int *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(facilities); i++)
		if (strcmp(facilities[i].name, name) == 0) {
			*out = facilities[i].code;
			return true;
		}
	return false;
}

/* A datagram socket to the system's logger, or -1. */
static int
connect_syslog(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = DEV_LOG };
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int out;

	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return -1;
	out = fd;
	fd = -1;
	return out;
}

static int
open_file(const char *path, GError **err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);

	if (fd < 0)
		fsx_fail(err, path, "open the log");
	return fd;
}

static void
target_clear(struct target *t)
{
	if (t->kind != TARGET_STDERR)
		fd_close(&t->fd);
	g_clear_pointer(&t->path, g_free);
	g_clear_pointer(&t->ident, g_free);
}

bool
log_open(
    const char *where, const char *facility, const char *ident, enum log_level level, GError **err)
{
	struct target t = { .fd = STDERR_FILENO }, old;

	if (!find_facility(facility, &t.facility)) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "unknown syslog facility \"%s\"; write mail, daemon, user or local0 to local7",
		    facility);
		return false;
	}
	if (strcmp(where, "syslog") == 0) {
		t.kind = TARGET_SYSLOG;
		t.fd = connect_syslog();
	} else if (where[0] == '/') {
		t.kind = TARGET_FILE;
		if ((t.fd = open_file(where, err)) < 0)
			return false;
		t.path = g_strdup(where);
	} else if (strcmp(where, "stderr") != 0) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "log target \"%s\": write \"syslog\", \"stderr\" or an absolute path", where);
		return false;
	}
	t.journal = t.kind == TARGET_STDERR && g_getenv("JOURNAL_STREAM") != NULL;
	t.ident = g_strdup(ident);
	pthread_rwlock_wrlock(&target_lock);
	old = target;
	target = t;
	pthread_rwlock_unlock(&target_lock);
	target_clear(&old);
	log_set_level(level);
	return true;
}

void
log_reopen(void)
{
	g_autoptr(GError) err = NULL;
	int fd;

	/* The main thread is the only writer of target, so it may read it unlocked. */
	if (target.kind != TARGET_FILE)
		return;
	fd = open_file(target.path, &err);
	if (fd < 0) {
		log_err("%s; the old log stays open", err->message);
		return;
	}
	pthread_rwlock_wrlock(&target_lock);
	fd_close(&target.fd);
	target.fd = fd;
	pthread_rwlock_unlock(&target_lock);
}

void
log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

enum log_level
log_get_level(void)
{
	return (enum log_level)atomic_load(&threshold);
}

const char *
log_level_name(enum log_level level)
{
	return (size_t)level < G_N_ELEMENTS(level_names) ? level_names[level] : "?";
}

bool
log_level_parse(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(level_names); i++)
		if (strcmp(level_names[i], name) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

void
log_context(const char *id)
{
	g_strlcpy(context, id ? id : "", sizeof(context));
}

/* One line is one line, whatever the format brought in. */
static void
flatten(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = ' ';
}

/* Does the target take a line now, or in a moment? Locks: write_lock. */
static bool
takes_a_line(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int64_t now = now_ms();
	int patience = now < impatient_until ? 0 : PATIENCE_MS;

	if (poll(&p, 1, patience) == 1 && p.revents & POLLOUT)
		return true;
	if (patience > 0)
		impatient_until = now + SULK_MS;
	return false;
}

static bool
send_line(const char *line, size_t len)
{
	return target.fd >= 0 &&
	    send(target.fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

/* One datagram. A logger that was restarted has a new socket of the same name. Locks: write_lock.
 */
static bool
send_syslog(const char *line, size_t len)
{
	if (send_line(line, len))
		return true;
	if (target.fd >= 0 && errno == EMSGSIZE)
		return false;
	if (target.fd >= 0 && (errno == EAGAIN || errno == ENOBUFS))
		return takes_a_line(target.fd) && send_line(line, len);
	fd_close(&target.fd);
	target.fd = connect_syslog();
	return send_line(line, len);
}

/* One write, whole or not at all. False if it would block for long or fails. */
static bool
write_now(const char *line, size_t len)
{
	bool ok;

	if (target.kind == TARGET_FILE)
		return write(target.fd, line, len) == (ssize_t)len;
	pthread_mutex_lock(&write_lock);
	if (target.kind == TARGET_SYSLOG)
		ok = send_syslog(line, len);
	else
		ok = takes_a_line(target.fd) && write(target.fd, line, len) == (ssize_t)len;
	pthread_mutex_unlock(&write_lock);
	return ok;
}

/* What stands before the text, by target; local time because that is what stands in every other
 * mail log. */
static void
add_prefix(GString *line, enum log_level level)
{
	char stamp[40];
	struct timespec ts;
	struct tm tm;
	const char *ident = target.ident ? target.ident : "avmilter";

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	switch (target.kind) {
	case TARGET_SYSLOG:
		strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm);
		g_string_printf(line, "<%d>%s %s[%d]: ", target.facility | level_syslog[level],
		    stamp, ident, (int)getpid());
		break;
	case TARGET_FILE:
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S%z", &tm);
		g_string_printf(
		    line, "%s %s[%d] %s: ", stamp, ident, (int)getpid(), level_names[level]);
		break;
	case TARGET_STDERR:
		if (target.journal)
			g_string_printf(line, "<%d>", level_syslog[level]);
		else
			g_string_printf(line, "%s: %s: ", ident, level_names[level]);
		break;
	}
}

/* Write one finished text; counts it as lost if that is not possible now. */
static bool
emit(enum log_level level, const char *id, const char *text)
{
	g_autoptr(GString) line = g_string_sized_new(512);
	bool ok;

	pthread_rwlock_rdlock(&target_lock);
	add_prefix(line, level);
	if (id[0])
		g_string_append_printf(line, "%s: ", id);
	g_string_append(line, text);
	if (line->len > LINE_LEN - 1)
		g_string_truncate(line, LINE_LEN - 1);
	flatten(line->str);
	if (target.kind != TARGET_SYSLOG)
		g_string_append_c(line, '\n');
	ok = write_now(line->str, line->len);
	pthread_rwlock_unlock(&target_lock);
	return ok;
}

void
log_vmsg(enum log_level level, const char *fmt, va_list ap)
{
	g_autofree char *text = NULL;
	unsigned n;
	int saved = errno;

	if ((int)level > atomic_load(&threshold) || (size_t)level >= G_N_ELEMENTS(level_names))
		return;
	n = atomic_load(&lost) ? atomic_exchange(&lost, 0) : 0;
	if (n > 0) {
		g_autofree char *told = g_strdup_printf(
		    "%u log lines were lost: the log's reader or disk did not take them", n);

		if (!emit(LOGLV_WARNING, "", told))
			atomic_fetch_add(&lost, n);
	}
	text = g_strdup_vprintf(fmt, ap);
	if (!emit(level, context, text))
		atomic_fetch_add(&lost, 1);
	errno = saved;
}

void
log_msg(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vmsg(level, fmt, ap);
	va_end(ap);
}

/* Length of the harmless UTF-8 character at p, or 0. Harmless: no control, nothing that ends a line
 * or turns its direction. */
static size_t
plain_char(const char *p, size_t len)
{
	gunichar c = g_utf8_get_char_validated(p, (gssize)len);

	if (c == (gunichar)-1 || c == (gunichar)-2 || c < 0xa0 || g_unichar_iscntrl(c))
		return 0;
	if (g_unichar_type(c) == G_UNICODE_FORMAT ||
	    g_unichar_type(c) == G_UNICODE_LINE_SEPARATOR ||
	    g_unichar_type(c) == G_UNICODE_PARAGRAPH_SEPARATOR)
		return 0;
	return (size_t)g_unichar_to_utf8(c, NULL);
}

void
log_esc(GString *to, const char *bytes, size_t len, size_t max)
{
	bool cut = len > max;
	size_t n;

	if (cut)
		len = max;
	for (size_t i = 0; i < len; i += n) {
		unsigned char c = (unsigned char)bytes[i];

		n = 1;
		if (c == '\\' || c == '"')
			g_string_append_printf(to, "\\%c", c);
		else if (c >= ' ' && c < 0x7f)
			g_string_append_c(to, (char)c);
		else if (c >= 0x80 && (n = plain_char(bytes + i, len - i)) > 0)
			g_string_append_len(to, bytes + i, (gssize)n);
		else {
			g_string_append_printf(to, "\\x%02x", c);
			n = 1;
		}
	}
	if (cut)
		g_string_append(to, "...");
}

bool
log_limit_pass(struct log_limit *l, int64_t interval_ms, unsigned *suppressed)
{
	int64_t now = now_ms(), next = __atomic_load_n(&l->next_ms, __ATOMIC_RELAXED);

	if (now < next ||
	    !__atomic_compare_exchange_n(
		&l->next_ms, &next, now + interval_ms, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(&l->suppressed, 1, __ATOMIC_RELAXED);
		return false;
	}
	*suppressed = __atomic_exchange_n(&l->suppressed, 0, __ATOMIC_RELAXED);
	return true;
}
