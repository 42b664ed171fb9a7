/*
 * icap_request - writing requests
 */
#include "engine/icap_request.h"

#include <inttypes.h>
#include <string.h>

#include "engine/icap_options.h"

#define HTTP_HOST      "mail.invalid" /* RFC 2606: nobody's */
#define NAME_MAX_BYTES 200            /* of an object's name in the URL */
#define VALUE_MAX      1000
#define TYPE_MAX       127
#define URL_SAFE       "-._~"

static const char *const words[] = { [ICAP_OPTIONS] = "OPTIONS",
	[ICAP_RESPMOD] = "RESPMOD",
	[ICAP_REQMOD] = "REQMOD",
	[ICAP_FILEMOD] = "FILEMOD" };

void
icap_field_write(GString *out, const char *name, const char *value)
{
	g_string_append_printf(out, "%s: ", name);
	for (size_t i = 0; value[i] && i < VALUE_MAX; i++)
		g_string_append_c(out, value[i] < ' ' || value[i] > '~' ? '_' : value[i]);
	g_string_append(out, "\r\n");
}

/* The last part of a name, percent-encoded; the extension decides with some servers, so the end is
 * what is kept. */
static void
append_name(GString *out, const char *name)
{
	size_t len = strlen(name);
	const char *p = len > NAME_MAX_BYTES ? name + len - NAME_MAX_BYTES : name;

	for (; *p; p++)
		if (g_ascii_isalnum(*p) || strchr(URL_SAFE, *p))
			g_string_append_c(out, *p);
		else
			g_string_append_printf(out, "%%%02X", (unsigned char)*p);
}

static bool
is_type(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > TYPE_MAX)
		return false;
	for (; *s; s++)
		if (!g_ascii_isalnum(*s) && !strchr("/+-._", *s))
			return false;
	return true;
}

static void
append_http(const struct icap_request *rq, GString *request, GString *response)
{
	const char *type = rq->type && is_type(rq->type) ? rq->type : "application/octet-stream";
	bool upload = rq->method == ICAP_REQMOD;
	GString *bearer = upload ? request : response;

	g_string_append_printf(request, "%s http://" HTTP_HOST "/", upload ? "POST" : "GET");
	append_name(request, rq->name);
	g_string_append(request, " HTTP/1.1\r\nHost: " HTTP_HOST "\r\n");
	if (!upload)
		g_string_append(response, "HTTP/1.1 200 OK\r\n");
	g_string_append_printf(
	    bearer, "Content-Type: %s\r\nContent-Length: %" PRIu64 "\r\n", type, rq->size);
	g_string_append(request, "\r\n");
	if (!upload)
		g_string_append(response, "\r\n");
}

void
icap_request_write(const struct icap_request *rq, GString *out)
{
	g_autoptr(GString) request = g_string_new(NULL), response = g_string_new(NULL);
	bool body = rq->method == ICAP_RESPMOD || rq->method == ICAP_REQMOD;

	if (body)
		append_http(rq, request, response);
	g_string_append_printf(
	    out, "%s icap://%s/%s ICAP/1.0\r\n", words[rq->method], rq->authority, rq->service);
	icap_field_write(out, "Host", rq->authority);
	g_string_append(out, "User-Agent: avmilter/" AVM_VERSION "\r\n");
	if (rq->method != ICAP_OPTIONS)
		g_string_append(out, "Allow: 204\r\n");
	if (rq->client)
		icap_field_write(out, "X-Client-IP", rq->client);
	if (rq->path)
		icap_field_write(out, "X-Filepath", rq->path);
	for (guint i = 0; rq->fields && i < rq->fields->len; i++)
		g_string_append(out, g_ptr_array_index(rq->fields, i));
	if (body && rq->preview != ICAP_NO_PREVIEW)
		g_string_append_printf(out, "Preview: %" PRIu64 "\r\n", rq->preview);
	if (!body)
		g_string_append(out, "Encapsulated: null-body=0\r\n\r\n");
	else if (rq->method == ICAP_REQMOD)
		g_string_append_printf(
		    out, "Encapsulated: req-hdr=0, req-body=%zu\r\n\r\n", request->len);
	else
		g_string_append_printf(out,
		    "Encapsulated: req-hdr=0, res-hdr=%zu, res-body=%zu\r\n\r\n", request->len,
		    request->len + response->len);
	g_string_append_len(out, request->str, (gssize)request->len);
	g_string_append_len(out, response->str, (gssize)response->len);
}
