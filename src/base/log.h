/*
 * log - the daemon's voice: levels, targets, the context of the message at hand, escaping, rate limits
 *
 * One line per call, to syslog, stderr or a file. Whoever decides what happens to the mail logs; floors below only
 * return a GError. Bytes that came from a mail, a client or a scanner pass log_esc() first.
 *
 * Diagnostics: log_open() reports why a file target cannot be opened; a target that fails later (full disk, blocked
 *              syslog) loses lines, never mail.
 * Trap:        log_open() and log_reopen() are for the main thread; log_msg() is for every thread.
 */
#ifndef AVM_BASE_LOG_H
#define AVM_BASE_LOG_H

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"

enum log_level {
	LOGLV_ERR = 0,	/* the operator must act */
	LOGLV_WARNING,	/* degraded, mail is still handled; a virus was found */
	LOGLV_NOTICE,	/* rare events of the daemon's life: start, reload, stop */
	LOGLV_INFO,	/* one line per message */
	LOGLV_DEBUG,
};

/*
 * Choose the target: "syslog", "stderr" or an absolute path; facility is a syslog name such as "mail"; ident goes before
 * each line.
 *
 * Returns: false and *err when the file cannot be opened or the facility is unknown; the old target stays
 * Threads: main thread only
 */
bool	 log_open(const char *target, const char *facility, const char *ident, enum log_level level, GError **err);

/* Open a file target again, after logrotate has moved it away. Main thread only; failure keeps the old descriptor. */
void	 log_reopen(void);

/* Change or ask the level. Any thread. */
void	 log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* "err", "warning", "notice", "info", "debug" <-> level. log_level_parse() returns false for anything else. */
const char *log_level_name(enum log_level level);
bool	 log_level_parse(const char *name, enum log_level *out);

/* What stands before every later line of this thread, for example a queue id; NULL or "" clears it. Copied, cut at 63. */
void	 log_context(const char *id);

/* Write one line. Line ends inside are replaced by blanks. Any thread; never blocks longer than the target does. */
void	 log_msg(enum log_level level, const char *fmt, ...) PRINTF(2, 3);
void	 log_vmsg(enum log_level level, const char *fmt, va_list ap) PRINTF(2, 0);

#define log_err(...)	 log_msg(LOGLV_ERR, __VA_ARGS__)
#define log_warn(...)	 log_msg(LOGLV_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_msg(LOGLV_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_msg(LOGLV_INFO, __VA_ARGS__)
#define log_debug(...)	 log_msg(LOGLV_DEBUG, __VA_ARGS__)

/*
 * Append bytes to a line so that nobody can forge a second one: control characters, DEL, backslash and double quote
 * become \xHH, \\ and \"; valid UTF-8 stays readable; at most max source bytes, then "...".
 */
void	 log_esc(GString *to, const char *bytes, size_t len, size_t max);

/* A repeating source of lines: at most one each interval_ms. Zero-initialise; guarded by itself. */
struct log_limit {
	int64_t	 next_ms;	/* atomic */
	unsigned suppressed;	/* atomic */
};
/* True when a line may be written now; *suppressed then says how many were held back since the last one. Any thread. */
bool	 log_limit_pass(struct log_limit *l, int64_t interval_ms, unsigned *suppressed);

#endif
