/*
 * http - a few pages for browsers and Prometheus: read only, GET and HEAD, nothing but what the table says
 *
 * libmicrohttpd underneath, one thread of its own for all connections; a slow or silent peer holds nothing but one of the
 * HTTP_PEERS places, for at most HTTP_IDLE_S seconds. A page is made anew for every request.
 *
 * Who may read: whom http_allow names; on a loopback address without http_allow whoever reaches it. On loopback the Host field must
 * be an address or localhost, so that no web page can make its reader's browser read ours under a name of its own (DNS rebinding).
 *
 * Diagnostics: returned at the start; single requests are not logged.
 */
#ifndef AVM_CONTROL_HTTP_H
#define AVM_CONTROL_HTTP_H

#include <glib.h>
#include <stdbool.h>

#define HTTP_PEERS	16
#define HTTP_IDLE_S	10
#define HTTP_HEAD_MAX	(16 * 1024)	/* memory of a connection, its request included */

struct http;

/* Make the body, or NULL and *err: answered 503 with that text. The server's thread; must not wait. */
typedef GString *http_make(void *arg, GError **err);

struct http_page {
	const char *path;	/* "/metrics" */
	const char *type;	/* Content-Type */
	http_make  *make;
	const char *policy;	/* Content-Security-Policy, NULL = nothing at all may be loaded or run */
};

/*
 * Serve pages (path NULL behind the last; borrowed, as arg, for the life of the server) at ADDRESS:PORT.
 *
 * allow: networks, NULL at the end
 * Returns: NULL and *err
 */
struct http *http_new(const char *address, char *const *allow, const struct http_page *pages, void *arg, GError **err);
/* Close every connection and wait for the thread. Accepts NULL. */
void	 http_free(struct http **h);

#endif
