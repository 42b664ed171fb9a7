/*
 * protocol - the lines between avmilterctl and the daemon, `avmilter-control 1`
 *
 * A unix stream socket; who may do what follows from the peer's credentials (SO_PEERCRED), not from anything that is said.
 * Requests are one line of words, replies one line: a status word and a JSON object. LF ends a line. A connection may carry any
 * number of requests, one after the other.
 *
 *	S: avmilter-control 1 avmilter 0.1.0
 *	C: status
 *	S: ok {"serving": true, "uptime": 12, ...}
 *	C: log chatty
 *	S: error {"error": "log: \"chatty\" is no level; err, warning, notice, info, debug"}
 *	C: scan a%20mail.eml		(with a descriptor of the file, SCM_RIGHTS, beside the first byte)
 *	S: ok {"file": "a mail.eml", "verdict": "infected", "code": 1, ...}
 *	C: update
 *	S: progress {"text": "daily.cld updated (version: 27981)"}	(any number of them, from commands that take long)
 *	S: ok {"update": "loaded", ...}
 *	C: frobnicate
 *	S: error {"error": "frobnicate: unknown command"}
 *
 * Words are separated by single blanks; inside a word every byte outside [A-Za-z0-9_.-] is %HH. A file is handed over as a
 * descriptor and never as a path, so nobody makes the daemon open what he could not open himself; the word is
 * only a label for the answer.
 *
 * Limits: a request line 4 KiB, a reply line 16 MiB; a longer one ends the connection.
 */
#ifndef AVM_CONTROL_PROTOCOL_H
#define AVM_CONTROL_PROTOCOL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define CONTROL_GREETING	"avmilter-control 1"
#define CONTROL_REQUEST_MAX	4096
#define CONTROL_REPLY_MAX	(16u * 1024 * 1024)

/* One direction of a connection: bytes that have come but were not asked for yet. */
struct control_line {
	int	 fd;		/* borrowed */
	size_t	 max;		/* bytes of a line at most */
	GString	*buf;
	int	 passed;	/* descriptor that came along, or -1; whoever takes it sets -1 */
};

void	 control_line_init(struct control_line *l, int fd, size_t max);
void	 control_line_clear(struct control_line *l);

/*
 * Read one line without its end.
 *
 * Returns: the line (the caller frees); NULL without *err at the end of the connection, NULL and *err otherwise
 * Blocks:  timeout_ms at most between two pieces; -1 = for ever
 */
char	*control_line_read(struct control_line *l, int timeout_ms, GError **err);

/* Write text and an LF; passed (-1: none) goes along. False and *err. */
bool	 control_line_write(int fd, const char *text, int passed, GError **err);

/* Words to a request line, and back. The caller frees. control_split() gives NULL and *err for a malformed line. */
char	*control_join(const char *const *words);
char	**control_split(const char *line, GError **err);

#endif
