/* http - see http.h */
#include "control/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"
#include "base/auto.h"
#include "base/cidr.h"

#define BACKLOG 16

#define NOTHING "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
#define PLAIN   "text/plain; charset=utf-8"

struct http {
	struct MHD_Daemon *daemon;
	struct cidr_list *allow;
	bool local; /* a loopback address */
	const struct http_page *pages;
	void *arg;
};

/* Before the request is read. */
static enum MHD_Result
admit(void *arg, const struct sockaddr *addr, socklen_t len)
{
	const struct http *h = arg;
	char host[NI_MAXHOST];

	if (h->local && cidr_list_empty(h->allow))
		return MHD_YES;
	if (getnameinfo(addr, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
		return MHD_NO;
	return cidr_list_has(h->allow, host) ? MHD_YES : MHD_NO;
}

/* An address or localhost, with or without a port? */
static bool
is_plain_host(const char *host)
{
	AUTO(address_free) struct address *a = address_parse(host, "80", NULL, NULL);
	struct in6_addr six;
	struct in_addr four;

	if (a == NULL || a->host == NULL)
		return false;
	return g_ascii_strcasecmp(a->host, "localhost") == 0 ||
	    inet_pton(AF_INET, a->host, &four) == 1 || inet_pton(AF_INET6, a->host, &six) == 1;
}

static enum MHD_Result
send_body(struct MHD_Connection *c, unsigned code, const char *type, const char *policy,
    const char *body, size_t len)
{
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Content-Security-Policy", policy != NULL ? policy : NOTHING);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, "Allow", "GET, HEAD");
	rc = MHD_queue_response(c, code, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result
send_text(struct MHD_Connection *c, unsigned code, const char *text)
{
	return send_body(c, code, PLAIN, NULL, text, strlen(text));
}

static enum MHD_Result
send_page(struct MHD_Connection *c, const struct http *h, const struct http_page *p)
{
	g_autoptr(GError) err = NULL;
	GString *body = p->make(h->arg, &err);
	enum MHD_Result rc;

	if (body == NULL) {
		g_autofree char *text = g_strdup_printf("%s\n", err->message);

		return send_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, text);
	}
	rc = send_body(c, MHD_HTTP_OK, p->type, p->policy, body->str, body->len);
	g_string_free(body, TRUE);
	return rc;
}

static enum MHD_Result
answer(void *arg, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **state)
{
	const struct http *h = arg;
	const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");

	(void)version;
	(void)data;
	(void)size;
	(void)state;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return send_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
	if (h->local && host != NULL && !is_plain_host(host))
		return send_text(c, MHD_HTTP_MISDIRECTED_REQUEST,
		    "ask for the address, not for another name of it\n");
	for (const struct http_page *p = h->pages; p->path != NULL; p++)
		if (strcmp(p->path, url) == 0)
			return send_page(c, h, p);
	return send_text(c, MHD_HTTP_NOT_FOUND, "there is no such page\n");
}

static int
refuse(const char *address, const char *step, const char *why, GError **err)
{
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
	    "control.http = \"%s\": cannot %s: %s; write an address of this machine and a port that "
	    "nobody else uses, above 1023",
	    address, step, why);
	return -1;
}

static int
listen_at(const char *text, const struct addrinfo *ai, GError **err)
{
	AUTO(fd_close)
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int yes = 1;
	int out;

	if (fd < 0)
		return refuse(text, "open a socket", g_strerror(errno), err);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
		return refuse(text, "listen there", g_strerror(errno), err);
	out = fd;
	fd = -1;
	return out;
}

static int
open_socket(const char *text, bool *local, GError **err)
{
	AUTO(address_free) struct address *a = address_parse(text, NULL, NULL, err);
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *ai = NULL;
	int rc, fd;

	if (a == NULL)
		return -1;
	if (a->host == NULL || a->port == NULL)
		return refuse(text, "use it", "it is no ADDRESS:PORT", err);
	*local = address_is_local(a);
	rc = getaddrinfo(a->host, a->port, &want, &ai);
	if (rc != 0)
		return refuse(text, "find the address", gai_strerror(rc), err);
	fd = listen_at(text, ai, err);
	freeaddrinfo(ai);
	return fd;
}

struct http *
http_new(
    const char *address, char *const *allow, const struct http_page *pages, void *arg, GError **err)
{
	AUTO(fd_close) int fd = -1;
	AUTO(http_free) struct http *h = g_new0(struct http, 1);
	struct http *out;

	h->pages = pages;
	h->arg = arg;
	h->allow = cidr_list_new(allow, err);
	if (h->allow == NULL || (fd = open_socket(address, &h->local, err)) < 0)
		return NULL;
	h->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, admit, h,
	    answer, h, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)HTTP_PEERS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_MAX, MHD_OPTION_END);
	if (h->daemon == NULL) {
		refuse(address, "serve it", "libmicrohttpd does not start", err);
		return NULL;
	}
	fd = -1; /* libmicrohttpd closes it */
	out = h;
	h = NULL;
	return out;
}

void
http_free(struct http **h)
{
	if (*h == NULL)
		return;
	if ((*h)->daemon != NULL)
		MHD_stop_daemon((*h)->daemon);
	cidr_list_free(&(*h)->allow);
	g_free(*h);
	*h = NULL;
}
