/*
 * redis_conn - one connection to a Redis or Valkey server: commands out, bounded replies in
 *
 * hiredis writes and reads the protocol's grammar; the bytes go over base/net, so that every step has an end and TLS works as for
 * every other server. Of the replies only those exist that our commands have: a status, a number, a string, nothing, an error. An
 * array, or more bytes than were asked for, breaks the connection.
 *
 * Threads: one at a time.
 */
#ifndef AVM_SCAN_REDIS_CONN_H
#define AVM_SCAN_REDIS_CONN_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/net.h"

struct redis_conn;

/* Where and as whom. Everything is borrowed. */
struct redis_login {
	const struct address *address;
	struct tls	*tls;		/* NULL = clear text */
	const char	*user;		/* "" = only a password */
	const char	*password;	/* "" = no AUTH */
	unsigned	 database;
	int64_t		 connect_ms;
};

/* Connect, AUTH, SELECT. NULL and *err: step and reason, and what the server said, escaped. Blocks within connect_ms and wait. */
struct redis_conn *redis_conn_open(const struct redis_login *l, struct wait *wait, GError **err);
void	 redis_conn_close(struct redis_conn **c);

enum redis_type { REDIS_NOTHING, REDIS_STATUS, REDIS_NUMBER, REDIS_STRING, REDIS_ERROR };

struct redis_reply {
	enum redis_type	 type;
	long long	 number;
	char		*bytes;		/* of a status, string or error; a NUL behind them */
	size_t		 len;
};
void	 redis_reply_free(struct redis_reply **r);

/* One word of a command. */
struct redis_word {
	const void	*bytes;
	size_t		 len;
};
#define REDIS_WORDS_MAX 8
/* Append a command of n words to the bytes that redis_conn_ask() will send. */
void	 redis_command(GString *to, const struct redis_word *words, unsigned n);

/*
 * Send commands and read one reply for each.
 *
 * replies: n places, filled in order, freed by the caller with redis_reply_free(); all NULL on failure
 * Returns: false and *err when the deadline passes, the peer closes, or says what we do not expect: the connection is then
 *          of no more use
 */
bool	 redis_conn_ask(struct redis_conn *c, const GString *commands, size_t reply_max, unsigned n, struct redis_reply **replies,
	    struct wait *wait, GError **err);

/* Still open, and nothing unasked has arrived? */
bool	 redis_conn_is_quiet(struct redis_conn *c);

#endif
