/*
 * talk - lines, contents and names of files, for engines whose protocol is made of those
 *
 * Everything that goes over is shown by conn_trace(); a content as its length and sha256. Lines are bounded, hold no NUL,
 * and lose LF or CRLF.
 */
#ifndef AVM_ENGINE_TALK_H
#define AVM_ENGINE_TALK_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "engine/conn.h"
#include "engine/content.h"
#include "engine/engine.h"

#define TALK_LINE_MAX 8192	/* paths come back in full, names inside archives too */

/* Say one line; eol is the protocol's. */
bool	 talk_say(struct conn *c, const char *eol, GError **err, const char *fmt, ...) PRINTF(4, 5);
/* Read one line into line, whose old content goes. */
bool	 talk_hear(struct conn *c, GString *line, GError **err);

/* The bytes of the object from *at on. True with *at < size: the server has spoken, or takes no more. */
bool	 talk_send(struct conn *c, const struct scan_request *rq, const struct content *content, uint64_t *at, GError **err);

/* The object as a file, by the name that the server knows it by (P3). NULL and *err, also for a name that does not fit into a
 * line. The caller frees. */
char	*talk_path(const struct conn *c, struct content *content, GError **err);

/* What a server said, for a text of ours: escaped and cut. The caller frees. */
char	*talk_shown(const char *said);
/* "engine TITLE: SERVER: reply", for the texts of a parser. The caller frees. */
char	*talk_where(const struct conn *c);

#endif
