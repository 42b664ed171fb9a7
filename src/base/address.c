/*
 * address - parsing of server addresses
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#define ACCEPTED                                                                                   \
	"write unix:/PATH, tcp:HOST:PORT, HOST:PORT, tls:HOST:PORT or SCHEME://HOST:PORT, IPv6 "   \
	"as [ADDRESS]:PORT"
#define PORT_MAX    65535
#define PORT_DIGITS 5

/* What may stand in front of the host. */
static const struct scheme {
	const char *word;
	bool tls;
	bool url;
} schemes[] = {
	{ "tcp:", false, false },
	{ "tls:", true, false },
	{ "icap://", false, true },
	{ "icaps://", true, true },
	{ "http://", false, true },
	{ "https://", true, true },
};

static void *
refuse(GError **err, const char *text, const char *what)
{
	g_set_error(
	    err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "server \"%s\": %s; " ACCEPTED, text, what);
	return NULL;
}

static bool
port_is_valid(const char *s)
{
	unsigned v = 0;

	if (!*s || strlen(s) > PORT_DIGITS)
		return false;
	for (; *s; s++) {
		if (!g_ascii_isdigit(*s))
			return false;
		v = v * 10 + (unsigned)(*s - '0');
	}
	return v >= 1 && v <= PORT_MAX;
}

static bool
host_is_valid(const char *s)
{
	static const char extra[] = "._-:%";

	if (!*s)
		return false;
	for (; *s; s++)
		if (!g_ascii_isalnum(*s) && !strchr(extra, *s))
			return false;
	return true;
}

static struct address *
parse_unix(const char *text, const char *path, GError **err)
{
	struct address *a;

	if (path[0] != '/')
		return refuse(err, text, "the path must be absolute");
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return refuse(err, text, "the path is longer than the kernel allows (107 bytes)");
	a = g_new0(struct address, 1);
	a->text = g_strdup(text);
	a->path = g_strdup(path);
	a->rest = g_strdup("");
	return a;
}

/* HOST, HOST:PORT, [V6], [V6]:PORT -> two strings; *port NULL when none is written. */
static bool
split(const char *s, char **host, char **port)
{
	const char *end, *colon;

	if (s[0] == '[') {
		end = strchr(s, ']');
		if (!end || (end[1] != '\0' && end[1] != ':'))
			return false;
		*host = g_strndup(s + 1, (gsize)(end - s - 1));
		*port = end[1] == ':' ? g_strdup(end + 2) : NULL;
		return true;
	}
	colon = strchr(s, ':');
	if (colon &&
	    strchr(colon + 1, ':')) { /* an IPv6 address without brackets cannot carry a port */
		*host = g_strdup(s);
		*port = NULL;
		return true;
	}
	*host = colon ? g_strndup(s, (gsize)(colon - s)) : g_strdup(s);
	*port = colon ? g_strdup(colon + 1) : NULL;
	return true;
}

static struct address *
parse_inet(const char *text, const char *s, const struct scheme *sc, const char *def, GError **err)
{
	const char *slash = sc && sc->url ? strchr(s, '/') : NULL;
	g_autofree char *where = slash ? g_strndup(s, (gsize)(slash - s)) : g_strdup(s);
	g_autofree char *host = NULL, *port = NULL;
	struct address *a;

	if (!split(where, &host, &port) || !host_is_valid(host))
		return refuse(err, text, "that is no host name or address");
	if (!port)
		port = g_strdup(def);
	if (!port)
		return refuse(err, text, "the port is missing");
	if (!port_is_valid(port))
		return refuse(err, text, "the port must be a number from 1 to 65535");
	a = g_new0(struct address, 1);
	a->text = g_strdup(text);
	a->host = g_steal_pointer(&host);
	a->port = g_steal_pointer(&port);
	a->rest = g_strdup(slash ? slash + 1 : "");
	a->tls = sc && sc->tls;
	return a;
}

struct address *
address_parse(const char *text, const char *port, const char *tls_port, GError **err)
{
	if (text[0] == '/')
		return parse_unix(text, text, err);
	if (g_str_has_prefix(text, "unix:"))
		return parse_unix(text, text + strlen("unix:"), err);
	for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (g_ascii_strncasecmp(text, schemes[i].word, strlen(schemes[i].word)) == 0)
			return parse_inet(text, text + strlen(schemes[i].word), &schemes[i],
			    schemes[i].tls && tls_port ? tls_port : port, err);
	if (strstr(text, "://"))
		return refuse(err, text, "no known scheme");
	return parse_inet(text, text, NULL, port, err);
}

void
address_free(struct address **a)
{
	if (!*a)
		return;
	g_free((*a)->text);
	g_free((*a)->path);
	g_free((*a)->host);
	g_free((*a)->port);
	g_free((*a)->rest);
	g_free(*a);
	*a = NULL;
}

char *
address_authority(const struct address *a)
{
	if (a->path)
		return g_strdup("localhost");
	return g_strdup_printf(strchr(a->host, ':') ? "[%s]:%s" : "%s:%s", a->host, a->port);
}

bool
address_is_local(const struct address *a)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (a->path || g_ascii_strcasecmp(a->host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, a->host, &v4) == 1)
		return (ntohl(v4.s_addr) >> IN_CLASSA_NSHIFT) == IN_LOOPBACKNET;
	return inet_pton(AF_INET6, a->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
