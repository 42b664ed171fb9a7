/*
 * address - where a server of an engine's pool stands, and the ways to write that
 *
 * unix:PATH or a bare absolute path; tcp:HOST:PORT, HOST:PORT, HOST; tls:HOST:PORT; SCHEME://HOST[:PORT][/REST] for icap,
 * icaps, http and https. A literal IPv6 address stands in brackets wherever a port may follow.
 */
#ifndef AVM_BASE_ADDRESS_H
#define AVM_BASE_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

struct address {
	char	*text;		/* as the administrator wrote it: what log lines say */
	char	*path;		/* of a unix socket, else NULL */
	char	*host;		/* without brackets; NULL for a unix socket */
	char	*port;		/* decimal; NULL for a unix socket */
	char	*rest;		/* behind the slash of a URL, "" without one */
	bool	 tls;		/* the scheme asks for it */
};

/*
 * Parse text.
 *
 * port, tls_port: taken when the text names none; NULL port = the text must name one; NULL tls_port = as port
 * Returns: NULL and *err (G_FILE_ERROR_INVAL), which says what is accepted
 */
struct address *address_parse(const char *text, const char *port, const char *tls_port, GError **err);
void	 address_free(struct address **a);

/* HOST:PORT as it stands in a URL or a Host field, IPv6 in brackets; "localhost" for a unix socket. The caller frees. */
char	*address_authority(const struct address *a);
/* True for a unix socket, localhost and loopback addresses: what is sent there does not leave this machine. */
bool	 address_is_local(const struct address *a);

#endif
