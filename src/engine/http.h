/*
 * http - one request and its answer over the connection of a pool (RFC 9112, the client's half)
 *
 * As strict as a verdict needs it: an answer has a length or is chunked, or it is not whole; two lengths are none; nothing is
 * followed, asked again or authenticated by itself. TLS, deadlines and cancelling are those of the connection.
 *
 *	POST /scanmemory HTTP/1.0		HTTP/1.0 200 OK
 *	Host: 192.0.2.1:9999			Content-Length: 5
 *	Content-Length: 68
 *						CLEAN
 *	... the object
 */
#ifndef AVM_ENGINE_HTTP_H
#define AVM_ENGINE_HTTP_H

#include <glib.h>
#include <stdbool.h>

#include "base/auto.h"
#include "engine/conn.h"
#include "engine/content.h"
#include "engine/icap_message.h"

#define HTTP_BODY_MAX	(1024 * 1024)	/* of an answer */

struct http_request {
	const char *version;	/* "HTTP/1.0" or "HTTP/1.1" */
	const char *method;
	const char *target;	/* with its slash; what is special in it is encoded already */
	const char *fields;	/* more lines, each with CRLF; "" = none. Never traced: a token may be among them */
	const char *body;	/* text to send, or NULL */
	const struct content *content;	/* or the object; NULL = neither */
};

struct http_answer {
	struct icap_message head;
	GString	*body;		/* what came of it, whatever http_exchange() says */
	bool	 whole;		/* its end was marked, and reached */
	bool	 sent_all;	/* the request was taken before it came */
};

/* Zero-initialised memory is an empty answer. For AUTO(). */
void	 http_answer_clear(struct http_answer *a);

/*
 * Ask. Marks the connection as reusable when both sides allow it and nothing is left on it.
 *
 * Returns: false and *err (NET_ERROR, or of our own file) when there is no answer of that form, or not all of it
 */
bool	 http_exchange(struct conn *c, const struct http_request *rq, struct http_answer *a, GError **err);

/* FAILED or PARTIAL for a status other than 200: 413 too large, 429 and 503 busy, 401 and 403 refused ... */
void	 http_judge_status(struct conn *c, const struct http_answer *a, struct verdict *v);

/* Letters, digits and -._~ as they are, the rest as %XX; never more than max bytes of text. Appends. */
void	 http_encode(GString *out, const char *text, size_t max);

#endif
