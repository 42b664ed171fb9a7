/*
 * icap_message - the head of an ICAP answer, and where its parts are (RFC 3507 4.3, 4.4)
 *
 *	ICAP/1.0 201 Created
 *	ISTag: "334BBC9BDBF997CA16883036DFD9DB81"
 *	X-Violations-Found: 1
 *	        frere.exe
 *	        Jeru.1808.Frere Jac
 *	        755
 *	        2
 *	Encapsulated: res-hdr=0, res-body=83
 *
 * Read leniently: bare LF, names in any case, blanks before the colon, no reason phrase. Lines that begin with a blank belong
 * to the field above and are kept one by one, because some fields are lists of lines; only an empty line ends the head.
 */
#ifndef AVM_ENGINE_ICAP_MESSAGE_H
#define AVM_ENGINE_ICAP_MESSAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/wire.h"

#define ICAP_LINE_MAX	4096
#define ICAP_LINES_MAX	1200		/* 250 violations of four lines, and the rest of the head */
#define ICAP_HEAD_MAX	(256 * 1024)

struct icap_field {
	char	*name;
	char	*value;		/* of the first line, blanks around it gone */
	GPtrArray *more;	/* of char *: continuation lines, blanks around them gone; NULL = none */
};

struct icap_message {
	const char *protocol;	/* how the status line begins: "ICAP/1.", or "HTTP/1." for engine/http.h */
	unsigned minor;		/* the digit behind it */
	unsigned status;
	char	*reason;	/* behind the status */
	GPtrArray *fields;	/* of struct icap_field * */
	unsigned lines;
	size_t	 bytes;
	bool	 complete;	/* the empty line was seen */
};

void	 icap_message_init(struct icap_message *m);
void	 icap_message_clear(struct icap_message *m);

/* Add a line of the head. False and *err (NET_E_SYNTAX, NET_E_LONG) when it cannot be one. */
bool	 icap_message_line(struct icap_message *m, const char *line, GError **err);
/* Read a whole head. False and *err; what was understood until then is in m. */
bool	 icap_message_read(struct icap_message *m, struct wire *w, GError **err);

/* The first field of that name, or NULL. */
const struct icap_field *icap_field_find(const struct icap_message *m, const char *name);
/* Its value; NULL when there is none. */
const char *icap_value(const struct icap_message *m, const char *name);
/* Does a comma list, spread over any number of fields of that name, hold the word (case does not count)? */
bool	 icap_list_has(const struct icap_message *m, const char *name, const char *word);
/* A decimal number in a field; fallback when it is missing or not one. */
uint64_t icap_number(const struct icap_message *m, const char *name, uint64_t fallback);

enum icap_body { ICAP_BODY_UNKNOWN = 0, ICAP_BODY_NULL, ICAP_BODY_REQ, ICAP_BODY_RES, ICAP_BODY_OPT };

/* What Encapsulated says. */
struct icap_parts {
	bool	 request_head;	/* req-hdr */
	bool	 response_head;	/* res-hdr */
	enum icap_body body;	/* UNKNOWN: no such field */
	uint64_t heads_len;	/* bytes of all heads together: offset of the body */
	uint64_t response_at;	/* offset of res-hdr */
};
/* False when the field is there and makes no sense. */
bool	 icap_parts_parse(const struct icap_message *m, struct icap_parts *p);

#endif
