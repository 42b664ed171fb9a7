/*
 * endpoint - the ways to write a socket, and what other programs call the same place
 *
 * unix:PATH, local:PATH, a bare absolute path; inet:PORT[@HOST], inet6:PORT[@HOST]; and Postfix's inet:HOST:PORT.
 */
#ifndef AVM_BASE_ENDPOINT_H
#define AVM_BASE_ENDPOINT_H

#include <glib.h>
#include <stdbool.h>

enum endpoint_family { ENDPOINT_UNIX = 1, ENDPOINT_INET, ENDPOINT_INET6 };

struct endpoint {
	enum endpoint_family family;
	char	*path;		/* ENDPOINT_UNIX */
	char	*host;		/* else; "" = every address */
	unsigned port;
};

/* Parse text. Returns NULL and *err, which says what is accepted. */
struct endpoint *endpoint_parse(const char *text, GError **err);
void	 endpoint_free(struct endpoint **e);

/* The spelling of libmilter and sendmail (S=...), of Postfix (smtpd_milters). The caller frees with g_free(). */
char	*endpoint_libmilter(const struct endpoint *e);
char	*endpoint_postfix(const struct endpoint *e);

/* Does somebody accept connections there? A connect within 1 s, closed at once. For ENDPOINT_UNIX and inet addresses. */
bool	 endpoint_alive(const struct endpoint *e);

/* Connect with a deadline-free blocking connect; close on exec. -1 and *err. */
int	 endpoint_connect(const struct endpoint *e, GError **err);

#endif
